"""The book of docs/: all pages are in its summary, every link has a target, the generated pages and
the list of keys agree with the program, and mdBook builds it without a warning. Also checks that
the packaging recipes name existing files."""

import ast
import os
import re
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import yaml
from harness import PROGRAM, ROOT, check, require, scratch

DOCS = ROOT / "docs"
FENCED = re.compile(r"^(```+).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
PAGES = [ROOT / name for name in ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "packaging/README.md"]]


def pages():
    return sorted(DOCS.rglob("*.md"))


def anchors(page):
    """Anchors of the headings, as GitHub and mdBook name them."""
    found = set()
    for line in FENCED.sub("", page.read_text()).splitlines():
        heading = re.match(r"#+ +(.*)", line)
        if heading:
            text = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(text.replace(" ", "-"))
    return found


def links():
    """Every relative link leads to a file, and to a heading in it if it names one."""
    faults = []
    for page in [*PAGES, *pages()]:
        for link in LINK.findall(FENCED.sub("", page.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = unquote(link).partition("#")
            target = (page.parent / path).resolve() if path else page
            where = page.relative_to(ROOT)
            if not target.exists():
                faults.append(f"{where}: {link} leads nowhere")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                faults.append(f"{where}: {link}: no such heading")
    require(not faults, "; ".join(faults))


def summary():
    """The summary lists every page once, and nothing else."""
    listed = LINK.findall((DOCS / "SUMMARY.md").read_text())
    there = {str(page.relative_to(DOCS)) for page in pages()} - {"SUMMARY.md"}
    require(len(listed) == len(set(listed)), f"listed twice: {sorted(name for name in listed if listed.count(name) > 1)}")
    require(set(listed) == there, f"not listed: {sorted(there - set(listed))}; not there: {sorted(set(listed) - there)}")


class Targets(HTMLParser):
    """Links and pictures of an HTML page, and its anchors."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == "id" or (tag == "a" and name == "name"):
                self.anchors.add(value)
            elif value and ((tag == "a" and name == "href") or (tag == "img" and name == "src")):
                self.links.append(value)


def book():
    """mdBook builds the book without a warning, and all links of the book lead to one of its files."""
    mdbook = ROOT / ".venv/bin/mdbook"
    require(mdbook.exists(), "mdbook is missing: scripts/tests/docs installs it")
    target = scratch("book")
    process = subprocess.run([mdbook, "build", DOCS, "--dest-dir", target], capture_output=True, text=True)
    said = process.stdout + process.stderr
    require(process.returncode == 0 and "WARN" not in said and "ERROR" not in said, said)
    read = {path: Targets(path.read_text()) for path in target.rglob("*.html")}
    require(len(read) > len(pages()), f"only {len(read)} pages")
    faults = []
    for path, page in read.items():
        if path.name in ["404.html", "toc.html"]:
            continue
        for link in page.links:
            name, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", name):
                continue
            other = (path.parent / name).resolve() if name else path
            # A link to a file of the repository is for readers of the repository.
            outside = target not in other.parents
            exists = other.exists() if not outside else True
            if not exists or (anchor and other in read and anchor not in read[other].anchors):
                faults.append(f"{path.relative_to(target)}: {link}")
    require(not faults, f"links that lead nowhere: {faults[:10]}")


def generated():
    """The pages of docs/reference are those that the program prints."""
    for page in ["commands", "tables"]:
        now = subprocess.run([PROGRAM, "reference", page], capture_output=True, text=True, check=True).stdout
        require((DOCS / f"reference/{page}.md").read_text() == now, f"{page}.md is not up to date: run scripts/reference")


def known_keys(table):
    """The keys of a table of a parameter file, as the program lists them after an unknown one."""
    folder = scratch("keys")
    file = folder / "run.toml"
    file.write_text('[initial]\nmodel = "plummer"\nbodies = 10\n[time]\nsteps = 1\nstep = 0.1\n[output]\nfolder = "out"\n[movie]\nevery = 1.0\n')
    outcome = subprocess.run([PROGRAM, "plan", file, "--set", f"{table}.no_such_key=1"], capture_output=True, text=True)
    found = re.search(r"\(known: (.*)\)", outcome.stderr)
    require(found, outcome.stderr)
    return found[1].split(", ")


def keys():
    """The page of parameter files has all keys of all tables."""
    text = (DOCS / "parameters.md").read_text()
    parts = re.split(r"^## `\[+(\w+)", text, flags=re.MULTILINE)
    sections = {table: part.split("\n", 1)[1] for table, part in zip(parts[1::2], parts[2::2])}
    missing = []
    sections.pop("potential")  # each kind has keys of its own
    for table, section in sections.items():
        section = re.sub(r"^```.*?^```", "", section, flags=re.MULTILINE | re.DOTALL)  # examples
        named = set(re.findall(r"\b[a-z]\w*\b", " ".join(re.findall(r"`([^`]+)`", section))))
        missing += [f"{table}.{key}" for key in known_keys(table) if key not in named]
    require(len(sections) >= 6, f"only {sorted(sections)}")
    require(not missing, f"parameters.md does not have {missing}")


def spack():
    """The package is Python, and its dependencies and features are those of Cargo.toml."""
    path = ROOT / "packaging/spack/spack_repo/heorot/packages/heorot/package.py"
    tree = ast.parse(path.read_text())
    package = next(node for node in tree.body if isinstance(node, ast.ClassDef))
    require(package.name == "Heorot" and package.bases[0].id == "CargoPackage", "no CargoPackage named Heorot")
    called = [node.func.id for node in ast.walk(package) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    require({"license", "version", "variant", "depends_on"} <= set(called), f"{called}")
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    require(f'rust@{manifest["workspace"]["package"]["rust-version"]}:' in path.read_text(), "another version of Rust than in Cargo.toml")
    require(yaml.safe_load((path.parents[2] / "repo.yaml").read_text())["repo"]["namespace"] == "heorot", "no namespace")


def conda():
    """The recipe is YAML with the version of Cargo.toml, and its script builds features that exist."""
    folder = ROOT / "packaging/conda"
    text = re.sub(r"\{\{ *(\w+)\(\"(\w+)\"\) *\}\}", r"\1-\2", (folder / "meta.yaml").read_text())
    recipe = yaml.safe_load(text)
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    require(recipe["package"]["version"] == manifest["workspace"]["package"]["version"], "another version than Cargo.toml")
    for name in recipe["about"]["license_file"]:
        require((ROOT / name).exists(), f"no {name}")
    script = (folder / "build.sh").read_text()
    for feature in re.search(r"--features (\S+)", script)[1].split(","):
        require(feature in manifest["features"], f"no feature {feature}")
    subprocess.run(["bash", "-n", folder / "build.sh"], check=True)


def container():
    """The Containerfile copies what exists, installs packages that Debian has, and uses the Rust of Cargo.toml."""
    text = (ROOT / "packaging/Containerfile").read_text().replace("\\\n", " ")
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    require(f'rust:{manifest["workspace"]["package"]["rust-version"]}-' in text, "another version of Rust than in Cargo.toml")
    for name in re.findall(r"/source/(\S+)", text):
        require((ROOT / name).exists(), f"no {name}")
    if shutil.which("apt-cache") and "bookworm" in Path("/etc/os-release").read_text():
        for line in re.findall(r"apt-get install -y --no-install-recommends ([^&\n]+)", text):
            for package in line.split():
                found = subprocess.run(["apt-cache", "show", package], capture_output=True, text=True).returncode
                require(found == 0, f"Debian has no package {package}")


def citation():
    """CITATION.cff has the fields that its schema requires, and the version of Cargo.toml."""
    data = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    require({"cff-version", "message", "title", "authors"} <= data.keys(), f"{sorted(data)}")
    manifest = tomllib.loads((ROOT / "Cargo.toml").read_text())
    require(str(data["version"]) == manifest["workspace"]["package"]["version"], "another version than Cargo.toml")
    changelog = (ROOT / "CHANGELOG.md").read_text()
    require("## [Unreleased]" in changelog and f"## [{data['version']}]" in changelog, "the changelog has no section of this version")


def completions_and_manual():
    """Completions are scripts that the shell accepts; the manual has a page for each command."""
    folder = scratch("manual")
    for shell in ["bash", "zsh", "fish"]:
        script = subprocess.run([PROGRAM, "completions", shell], capture_output=True, text=True, check=True).stdout
        require("heorot" in script and "render" in script and len(script) > 5000, f"{shell}: {script[:200]}")
        if shutil.which(shell):
            subprocess.run([shell, "-n"], input=script, text=True, check=True)
    words = subprocess.run(
        ["bash", "-c", f'source <("{PROGRAM}" completions bash); COMP_WORDS=(heorot ren); COMP_CWORD=1; _heorot heorot ren heorot; echo "${{COMPREPLY[@]}}"'],
        capture_output=True, text=True, check=True,
    ).stdout
    require(words.split() == ["render"], f"`heorot ren` is completed to {words}")
    subprocess.run([PROGRAM, "man", folder / "man1"], capture_output=True, check=True)
    made = {path.name for path in (folder / "man1").iterdir()}
    require({"heorot.1", "heorot-run.1", "heorot-plot-profile.1"} <= made, f"{sorted(made)}")
    require("heorot-reference.1" not in made, "a hidden command has a page")
    page = (folder / "man1/heorot-run.1").read_text()
    require(page.startswith(".ie") or ".TH" in page, page[:100])
    require("log\\-each\\-step" in page, "heorot-run.1 lacks an option")
    again = subprocess.run([PROGRAM, "man", folder / "man1"], capture_output=True, text=True)
    require(again.returncode == 1 and "--overwrite" in again.stderr, "pages are replaced")


os.chdir(ROOT)
check("every link leads somewhere", links)
check("the summary lists every page", summary)
check("mdBook builds the book without a warning", book)
check("the generated pages are up to date", generated)
check("all keys of parameter files are documented", keys)
check("completions and manual pages", completions_and_manual)
check("the Spack package", spack)
check("the conda recipe", conda)
check("the Containerfile", container)
check("CITATION.cff and CHANGELOG.md", citation)
