"""The same parameter file gives the same bits on any number of MPI ranks and threads.

Runs 20 steps of a Plummer sphere and of clumps within clumps, with real mpirun, and compares every dataset of the last
snapshot and the whole numbers and physics of the energy log.
"""

import csv

from harness import bodies, check, clumps, heorot, require, require_same_bits, scratch, write_snapshot

BODIES = 4000
LAYOUTS = [(1, 2), (1, 4), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)]  # ranks, threads; against (1, 1)
PARAMETERS = """\
[initial]
file = "{file}"
[gravity]
walk = "tree"
criterion = "{criterion}"
softening = 0.02
[time]
steps = 20
step = 0.005
[output]
folder = "{folder}"
"""


def run(initial, criterion, ranks, threads):
    """Folder of a run."""
    folder = scratch(f"{initial.stem}-{criterion}-{ranks}x{threads}")
    file = folder / "run.toml"
    file.write_text(PARAMETERS.format(file=initial, criterion=criterion, folder=folder / "out"))
    heorot("run", file, "--threads", threads, ranks=ranks).require_success()
    return folder / "out"


def last_snapshot(folder):
    snapshots = sorted(folder.glob("*.hdf5"))
    require(snapshots, f"no snapshot in {folder}")
    return bodies(snapshots[-1])


def compare(initial, criterion, reference, ranks, threads):
    found = run(initial, criterion, ranks, threads)
    require_same_bits(last_snapshot(reference), last_snapshot(found))


def moved(initial, folder):
    """The comparison means something: the bodies have moved."""
    before, after = bodies(initial), last_snapshot(folder)
    require((before["Coordinates"] != after["Coordinates"]).any(axis=1).mean() > 0.9, "bodies did not move")


def main():
    shared = scratch()
    plummer = shared / "plummer.hdf5"
    heorot("model", "plummer", "--bodies", BODIES, "--seed", 7, "-o", plummer).require_success()
    clumpy = write_snapshot(shared / "clumpy.hdf5", *clumps(BODIES))
    for initial, criteria in [(plummer, ["relative"]), (clumpy, ["relative", "angle"])]:
        for criterion in criteria:
            label = f"{initial.stem}, {criterion}"
            reference = run(initial, criterion, 1, 1)
            check(f"{label}: bodies move", moved, initial, reference)
            for ranks, threads in LAYOUTS:
                what = f"{label}: {ranks} ranks x {threads} threads give the bits of one"
                check(what, compare, initial, criterion, reference, ranks, threads)


main()
