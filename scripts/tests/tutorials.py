"""Every tutorial runs at small size: its files are written, and its command lines run, in their order."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor

from harness import ROOT, check, require
from pages import FENCE, Place, lines_of, small_parameters


def tutorial(place, page):
    """Runs a tutorial in a folder of its own."""
    folder = place.fresh()
    done = 0
    for block in FENCE.finditer(page.read_text()):
        kind, text = block["kind"], block["text"]
        name = re.match(r"# ([\w.-]+\.(toml|py|txt))\n", text)
        if kind == "sh":
            # Lines of a block share variables that they export.
            exports = []
            for line in lines_of(text):
                if line.startswith("export "):
                    exports.append(line)
                else:
                    place.run_small(" && ".join([*exports, line]), folder)
                    done += 1
        elif name:
            (folder / name[1]).write_text(small_parameters(text) if kind == "toml" else text)
        else:
            require(kind not in ["toml", "python"], f"a block of {kind} has no file name in its first line")
    require(done >= 3, f"only {done} commands")


def main():
    place = Place("place")
    # Files that a tutorial takes for granted.
    (place.template / "hosts").write_text("localhost slots=8\n")
    pages = sorted((ROOT / "docs/tutorials").glob("*.md"))
    chosen = [page for page in pages if len(sys.argv) < 2 or page.stem in sys.argv[1:]]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda page: check(page.stem, tutorial, place, page), chosen))
    check("there are tutorials", lambda: require(len(pages) >= 6, f"only {len(pages)}"))


main()
