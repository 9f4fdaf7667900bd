"""Every command line in README, in the pages of `docs` and in `--help` runs at small size, or is
listed here with the reason why it does not run. A form with placeholders, such as `heorot run
FILE.toml --restart`, does not run; its command and options must be in `--help`."""

import re
from concurrent.futures import ThreadPoolExecutor

from harness import ROOT, Failed, check, require
from pages import Place, all_help, examples_of, fences, inline_of, is_form, lines_of

# A page for developers. Its commands measure revisions and machines.
LEFT_OUT = {"performance.md"}
# Patterns of commands that do not run here, and why. Each must occur.
NOT_RUN = {
    r"scripts/demo\b": "the suite demo runs it",
    r"scripts/test\b": "it is the caller",
    r"scripts/setup\b": "scripts/test begins with it",
    r"scripts/pile-of-pcs\b": "needs root and network namespaces; the suite scaling runs it with --all",
    r"cargo install\b": "the suite single_node builds this set of features",
    r"heorot study .*--gather": "needs jobs that have run; the suite study runs them",
    r"pip install\b": "the suite python builds and installs the package",
    r"python/benchmarks/(overhead|compare).py": "measures, and needs the package; the suite python tests it",
    r"heorot view .*--serve": "serves until it is interrupted; the suite viewer opens its pages",
}


def pages():
    """All pages of the user, except the tutorials."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [page for page in found if page.name not in LEFT_OUT and page.parent.name != "tutorials"]


def is_name(text, helps):
    """Whether a span is the name of a command, such as `heorot plot profile`."""
    return tuple(text.split()[1:]) in helps


def sequences(helps):
    """Pairs of a place in the documentation and the commands that stand there one after the other."""
    for page in pages():
        name = str(page.relative_to(ROOT))
        for number, block in enumerate(fences(page, "sh")):
            yield f"{name}, block {number + 1}", lines_of(block)
        for span in inline_of(page):
            if not is_name(span, helps) and not is_form(span):
                yield name, [span]
    for words, text in helps.items():
        examples = examples_of(text)
        if examples:
            yield " ".join(["heorot", *words, "--help"]), examples


def reason(command):
    """Why a command does not run here."""
    return next((pattern for pattern in NOT_RUN if re.search(pattern, command)), None)


def forms(helps):
    """Commands with placeholders, and names of commands, with their page."""
    for page in [*pages(), *sorted((ROOT / "docs/tutorials").glob("*.md"))]:
        for span in inline_of(page):
            if is_form(span) or is_name(span, helps):
                yield page.relative_to(ROOT), span


def known(form, helps):
    """Fails unless `--help` has the command and the options of a form."""
    words = form.replace("[", "").replace("]", "").split("heorot ", 1)[1].split() if "heorot " in form else []
    path = ()
    while words and (*path, words[0]) in helps:
        path = (*path, words.pop(0))
    if words and not path and re.fullmatch(r"[a-z-]+", words[0]):
        raise Failed(f"`{form}`: there is no command {words[0]}")
    text = helps[path]
    for option in (word.split("=")[0] for word in words if word.startswith("--")):
        require(re.search(rf"(^|\s){re.escape(option)}\b", text, re.MULTILINE), f"`{form}`: {' '.join(path)} has no option {option}")


def all_forms(helps):
    faults = []
    for page, form in forms(helps):
        try:
            known(form, helps)
        except Failed as fault:
            faults.append(f"{page}: {fault}")
    require(not faults, "; ".join(faults))


def run(place, commands):
    folder = place.fresh()
    for command in commands:
        if reason(command) is None:
            place.run_small(command, folder)


def main():
    helps = dict(all_help())
    place = Place("place")
    seen, todo, skipped = set(), [], set()
    for where, commands in sequences(helps):
        new = tuple(command for command in commands if command not in seen)
        seen.update(commands)
        skipped.update(pattern for pattern in map(reason, commands) if pattern)
        if any(reason(command) is None for command in new):
            todo.append((where, commands))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: check(f"{pair[0]}: {len(pair[1])} commands", run, place, pair[1]), todo))
    check("commands and options of all forms exist", all_forms, helps)
    check("every reason to leave a command out is needed", lambda: require(skipped == set(NOT_RUN), f"not needed: {set(NOT_RUN) - skipped}"))
    check("there are commands", lambda: require(len(seen) > 60, f"only {len(seen)}"))


main()
