"""The same parameter file gives the same bits on any number of MPI ranks and threads.

Runs 20 steps of a Plummer sphere, of clumps within clumps and of two bodies, with real mpirun, and
compares every dataset of the last snapshot and the energy log with those of one rank and one
thread. Also compares catalogues of haloes, byte by byte.
"""

import h5py
import numpy as np
from harness import Failed, bodies, check, clumps, heorot, require, require_same_bits, scratch, write_snapshot

BODIES = 4000
LAYOUTS = [(1, 2), (1, 4), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)]  # ranks, threads; against (1, 1)
PARAMETERS = """\
[initial]
file = "{initial}"
[units]
system = "nbody"
[gravity]
{gravity}
softening = {softening}
[time]
steps = 20
step = 0.005
{time}
[output]
folder = "{folder}"
acceleration = true
potential = true
time_step = true
"""
RELATIVE = 'criterion = "relative"\norder = 4'
ANGLE = 'criterion = "angle"\ntheta = 0.6\norder = 2'
ACCURACY = 'accuracy = 2e-4'
ABSOLUTE = 'criterion = "absolute"\ntolerance = 1e-4\norder = 3'
BLOCK = 'accuracy = 1e-3'
GLOBAL = 'walk = "tree"'
DIRECT = 'walk = "direct"'
TABLE = 'accuracy = 2e-3'
SOFTENING = {TABLE: "{ length = 0.02, pairs = [{ types = [1, 5], length = 0.05 }, { types = [5, 5], length = 0.0 }] }"}
TIME = {
    BLOCK: 'timestep = "block"\ncriterion = "both"\neta = 0.00002\nsmallest_step = 0.0003',
    GLOBAL: 'timestep = "adaptive-global"\ncriterion = "rate"\neta_rate = 0.008',
    DIRECT: 'timestep = "block"\ncriterion = "rate"\neta_rate = 0.002',
}


def run(initial, gravity, ranks, threads):
    """The output folder of a run."""
    folder = scratch(f"{initial.stem}-{ranks}x{threads}")
    file = folder / "run.toml"
    parameters = {"initial": initial, "gravity": gravity, "time": TIME.get(gravity, ""), "folder": folder / "out"}
    parameters["softening"] = SOFTENING.get(gravity, 0.02)
    file.write_text(PARAMETERS.format(**parameters))
    heorot("run", file, "--threads", threads, ranks=ranks).require_success()
    return folder / "out"


def result(folder):
    """The bodies of the last snapshot, and the energy log."""
    snapshots = sorted(folder.glob("*.hdf5"))
    require(len(snapshots) >= 2, f"only {len(snapshots)} snapshots in {folder}")
    log = (folder / "energy.csv").read_text()
    require(log.count("\n") == 22, f"the energy log has {log.count(chr(10))} lines instead of 22")
    return bodies(snapshots[-1]), log


def compare(initial, gravity, expected, ranks, threads):
    found = result(run(initial, gravity, ranks, threads))
    require_same_bits(expected[0], found[0])
    for ours, theirs in zip(found[1].splitlines(), expected[1].splitlines()):
        require(ours == theirs, f"energy log has '{ours}' instead of '{theirs}'")


def bodies_move(initial, expected):
    start = bodies(initial)["Coordinates"]
    require((start != expected["Coordinates"]).any(axis=1).mean() > 0.9, "bodies did not move")


def steps_are_divided(time, expected):
    steps = set(expected["TimeStep"])
    require(min(steps) < 0.005, f"nobody divides the step: {steps}")
    require("global" in time or len(expected["Masses"]) == 2 or len(steps) > 2, f"all bodies go in steps of {steps}")


def can_fail(initial, gravity, expected):
    """Another accuracy gives other bits, and the comparison detects it."""
    try:
        compare(initial, gravity, expected, 1, 1)
    except Failed as failure:
        require("differs" in str(failure), failure)
    else:
        raise Failed("runs of different accuracy were found equal")


def catalogue(initial, ranks, threads):
    """The bytes of a catalogue of haloes."""
    file = scratch("haloes") / "haloes.hdf5"
    arguments = ["--linking", 0.05, "--min-members", 3, "--threads", threads]
    heorot("halos", initial, "-o", file, *arguments, ranks=ranks).require_success()
    with h5py.File(file) as found:
        require(len(found["Group/GroupID"]) > 5, f"only {len(found['Group/GroupID'])} haloes")
    return file.read_bytes()


def compare_catalogues(initial, expected, ranks, threads):
    require(catalogue(initial, ranks, threads) == expected, "the catalogue has other bytes")


def main():
    shared = scratch("shared")
    plummer, pair = shared / "plummer.hdf5", shared / "pair.hdf5"
    heorot("model", "plummer", "--units", "nbody", "--bodies", BODIES, "--seed", 7, "-o", plummer).require_success()
    heorot("model", "two-body", "--units", "nbody", "-o", pair).require_success()
    clumpy = write_snapshot(shared / "clumpy.hdf5", *clumps(BODIES))
    few_of_another_type = write_snapshot(shared / "types.hdf5", *clumps(BODIES), types=np.where(np.arange(BODIES) % 100, 1, 5))
    single = write_snapshot(shared / "single.hdf5", *clumps(BODIES), dtype="f4")
    for initial, gravity in [
        (plummer, RELATIVE),
        (plummer, ANGLE),
        (plummer, ACCURACY),
        (clumpy, RELATIVE),
        (clumpy, ANGLE),
        (clumpy, ABSOLUTE),
        (clumpy, ACCURACY),
        (few_of_another_type, TABLE),
        (single, ANGLE),
        (pair, RELATIVE),
        (plummer, BLOCK),
        (clumpy, BLOCK),
        (plummer, GLOBAL),
        (pair, DIRECT),
    ]:
        label = f"{initial.stem}, {gravity.splitlines()[0]}"
        expected = result(run(initial, gravity, 1, 1))
        check(f"{label}: bodies move", bodies_move, initial, expected[0])
        if gravity in TIME:
            check(f"{label}: steps are divided", steps_are_divided, TIME[gravity], expected[0])
        for ranks, threads in LAYOUTS:
            what = f"{label}: {ranks} ranks x {threads} threads give the bits of one"
            check(what, compare, initial, gravity, expected, ranks, threads)
    haloes = catalogue(clumpy, 1, 1)
    for ranks, threads in [(1, 4), (2, 1), (4, 2), (7, 1)]:
        check(f"haloes: {ranks} ranks x {threads} threads give the bytes of one", compare_catalogues, clumpy, haloes, ranks, threads)
    other = result(run(clumpy, ANGLE, 1, 1))
    check("another accuracy gives other bits", can_fail, clumpy, RELATIVE, other)


main()
