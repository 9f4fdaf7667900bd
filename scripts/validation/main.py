"""scripts/validate: runs the cases, checks the bounds, and writes docs/validation.md with its
plots."""

import argparse
import sys
from pathlib import Path

from collapse import collapse
from cosmology import cosmology
from disc import disc, height, isolation, milky_way
from few import few_bodies
from fields import fields
from merger import forces, merger
from spheres import spheres
from stream import stream
from tails import tails
from universe import large_universe, small_universe

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = {
    "spheres": ("Spheres in equilibrium", spheres),
    "disc": ("A disc galaxy over five rotations", disc),
    "height": ("A disc in a rigid halo over five rotations", height),
    "milky-way": ("The Milky Way and its sources", milky_way),
    "isolation": ("Ten thousand steps of a disc galaxy", isolation),
    "collapse": ("Cold collapse", collapse),
    "merger": ("A merger of two cuspy galaxies", merger),
    "forces": ("Force errors during a merger", forces),
    "tails": ("Tidal tails", tails),
    "stream": ("A tidal stream", stream),
    "potentials": ("External potentials", fields),
    "few": ("Few bodies", few_bodies),
    "cosmology": ("Periodic boxes and the growth of structure", cosmology),
    "universe": ("A universe to z = 0", small_universe),
    "universe-128": ("A universe of 128³ bodies to z = 0", large_universe),
}
LONG = {"universe-128"}  # run only if named
BEGIN = """# Validation

Long runs compared with theory. `scripts/validate` writes this page, which takes about an hour on
two cores, and fails if a bound does not hold. The theory is computed independently of the program,
in `scripts/validation/theory.py`. `scripts/validate CASE` runs one case, and
`scripts/validate --quick` a small form of all cases.
"""


class Job:
    """The folder of the runs, and whether they are small ones."""

    def __init__(self, quick):
        self.quick = quick
        self.folder = Path("target") / ("tests/validation" if quick else "validation")
        self.folder.mkdir(parents=True, exist_ok=True)

    def some(self, whole, quick):
        return quick if self.quick else whole

    def few(self, items):
        """All items, or the first two."""
        return list(items)[: 2 if self.quick else None]


def sections_of(page):
    """The sections of a page by title. Sections of cases that are not run are kept."""
    return {part.split("\n", 1)[0]: f"## {part.rstrip()}\n" for part in page.split("\n## ")[1:]}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", choices=[*CASES, []], help="what to run [default: all]")
    parser.add_argument("--quick", action="store_true", help="few bodies and short runs, nothing written to docs")
    arguments = parser.parse_args()
    job = Job(arguments.quick)
    docs = job.folder if job.quick else ROOT / "docs"
    failed, page = 0, docs / "validation.md"
    sections = sections_of(page.read_text()) if page.exists() else {}
    for case in arguments.cases or [case for case in CASES if case not in LONG]:
        title, run = CASES[case]
        text, plots, verdicts = run(job)
        for name, plot in plots.items():
            (docs / f"{name}.svg").write_text(plot.svg())
        lines = [f"## {title}\n", text, *(f"![{plot.title}]({name}.svg)\n" for name, plot in plots.items())]
        lines += [f"- {'holds' if verdict.holds() else '**FAILS**'}: {verdict.line()}" for verdict in verdicts]
        sections[title] = "\n".join(lines) + "\n"
        for verdict in verdicts:
            print(f"{'ok  ' if verdict.holds() else 'FAIL'} validation: {case}: {verdict.line()}", flush=True)
            failed += not verdict.holds()
        page.write_text("\n".join([BEGIN, *(sections[title] for title, _ in CASES.values() if title in sections)]))
    sys.exit(failed > 0)


main()
