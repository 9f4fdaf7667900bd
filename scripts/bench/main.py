"""scripts/force-bench: makes the requested measurements, stores them, and writes page and plots from
all stored measurements."""

import argparse
import json
from pathlib import Path

import page
from parts import PARTS
from program import make

ROOT = Path(__file__).resolve().parent.parent.parent


class Job:
    """The amount of measurements, and the folder where they are stored."""

    def __init__(self, arguments):
        quick = arguments.quick
        default = ROOT / "target" / ("tests/force-bench" if quick else "force-bench")
        self.folder = arguments.out or default.relative_to(ROOT)  # short commands on the page
        self.folder.mkdir(parents=True, exist_ok=True)
        self.bodies = arguments.bodies or (2_000 if quick else 1_000_000)
        self.check, self.repeat, self.rounds = (200, 1, 1) if quick else (1000, 3, 2)
        self.threads, self.quick = 2, quick
        self.reference_theta = 0.3

    def some(self, values):
        """All values, or two of them in a quick job."""
        return values[:2] if self.quick else values

    def tiny(self):
        return make("plummer", 100, self.folder)

    def file(self, part):
        return self.folder / f"{part}.json"

    def stored(self, part):
        """The measurements of a part, from now or earlier, or nothing."""
        return json.loads(self.file(part).read_text()) if self.file(part).exists() else []


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="what to measure [default: all]")
    parser.add_argument("--quick", action="store_true", help="few bodies, and no other codes: does the script work?")
    parser.add_argument("--page-only", action="store_true", help="measure nothing, put the page together")
    parser.add_argument("--bodies", type=int)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    job = Job(arguments)
    wanted = arguments.parts or [part for part in PARTS if not (arguments.quick and part == "others")]
    for part in [] if arguments.page_only else wanted:
        print(f"force-bench: {part}", flush=True)
        measured = PARTS[part](job)
        job.file(part).write_text(json.dumps(measured))
    docs = job.folder if arguments.quick or arguments.out else ROOT / "docs"
    for file in page.write(job, docs):
        print(f"force-bench: {file}")


main()
