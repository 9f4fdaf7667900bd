"""User mistakes: one clear line, a non-zero exit code on every rank, no hang, nothing half-written.

Each case runs without mpirun and on three ranks.
"""

import os
import subprocess
import sys

import h5py
import numpy as np
from harness import MPIRUN, PROGRAM, check, heorot, require, scratch, write_snapshot

BODIES = 600
PARAMETERS = {
    "initial": ['file = "{shared}/good.hdf5"'],
    "gravity": ['criterion = "angle"', "theta = 0.7"],
    "time": ["steps = 2", "step = 0.001"],
    "output": ['folder = "{folder}/out"'],
}


def sphere(path, **changes):
    """A snapshot of a ball of bodies, with some arrays changed."""
    random = np.random.default_rng(5)
    arrays = {
        "position": random.normal(size=(BODIES, 3)),
        "velocity": np.zeros((BODIES, 3)),
        "mass": np.full(BODIES, 1 / BODIES),
    }
    for name, (index, value) in changes.items():
        arrays[name][index] = value
    return write_snapshot(path, **arrays)


def far(shared, place):
    """A snapshot in which one body is far away from all others."""
    folder = shared / f"{place:.0e}"
    folder.mkdir(exist_ok=True)
    return sphere(folder / "far.hdf5", position=((17, 1), place))


def close(shared):
    """A snapshot in which one body is very close to another one."""
    folder = shared / "close"
    folder.mkdir(exist_ok=True)
    path = sphere(folder / "close.hdf5")
    with h5py.File(path, "a") as file:
        positions = file["PartType1/Coordinates"]
        positions[17] = positions[23] + [0.0, 0.0, 1e-15]
    return path


def bad_snapshots(shared):
    """Name of a snapshot -> words of its error. The error must also contain its path."""
    good = sphere(shared / "good.hdf5").read_bytes()
    (shared / "half.hdf5").write_bytes(good[: len(good) // 2])
    (shared / "stub.hdf5").write_bytes(good[:100])
    (shared / "empty.hdf5").write_bytes(b"")
    (shared / "text.hdf5").write_text("not HDF5 at all\n" * 100)
    sphere(shared / "nan.hdf5", position=(17, np.nan))
    sphere(shared / "infinite.hdf5", velocity=((17, 1), np.inf))
    sphere(shared / "negative.hdf5", mass=(17, -1.0))
    write_snapshot(shared / "none.hdf5", np.empty((0, 3)), np.empty((0, 3)), np.empty(0))
    for name, dataset in [("no-positions", "Coordinates"), ("no-masses", "Masses")]:
        with h5py.File(sphere(shared / f"{name}.hdf5"), "a") as file:
            del file["PartType1"][dataset]
    with h5py.File(sphere(shared / "too-few.hdf5"), "a") as file:
        file["Header"].attrs["NumPart_ThisFile"] = np.array([0, BODIES + 1, 0, 0, 0, 0], np.uint32)
    with h5py.File(sphere(shared / "headless.hdf5"), "a") as file:
        del file["Header"]
    return {
        "missing": [],
        "half": [],
        "stub": [],
        "empty": [],
        "text": [],
        "nan": ["17", "position"],
        "infinite": ["17", "velocity"],
        "negative": ["17", "mass", "-1"],
        "none": ["no bodies"],
        "no-positions": ["Coordinates"],
        "no-masses": ["Mass"],
        "too-few": [],
        "headless": ["Header"],
    }


def unlike_ranks(shared):
    """Ranks that were not started alike: name, arguments, ranks, the odd rank and its first
    command, words of the error."""
    other = scratch("other")
    with h5py.File(sphere(other / "good.hdf5"), "a") as file:
        file["Header"].attrs["Time"] = 1.5
    sphere(shared / "bodies.hdf5")
    with h5py.File(sphere(other / "bodies.hdf5"), "a") as file:
        file["PartType1/Coordinates"][17, 0] += 1e-3
    (other / "run.toml").write_text(parameter_file(shared, shared).read_text().replace("theta = 0.7", "theta = 0.6"))
    build = other / "heorot"
    build.write_bytes(PROGRAM.read_bytes() + b"another build")
    build.chmod(0o755)
    force, add, wrong = ["force", shared / "good.hdf5"], 'set -- "$@" --theta', "set -- force --no-such-option"
    relative = [["run", "run.toml"], ["force", "good.hdf5"]]
    return [
        ("SIMD paths", force, 3, (1, "export HEOROT_SIMD=scalar"), ["rank 1 differs from ranks 0, 2", "scalar"]),
        ("SIMD paths, one unknown", force, 2, (0, "export HEOROT_SIMD=wide"), ["rank 1 differs from rank 0", "wide"]),
        ("builds", force, 2, (1, f"program={build}"), ["rank 1 differs from rank 0 in the build"]),
        ("options", force, 3, (2, f"{add} 0.5"), ["rank 2 differs from ranks 0, 1 in the command line", "--theta"]),
        ("commands", force, 2, (1, f"set -- run {shared}/run.toml"), ["rank 1", "run instead of force"]),
        ("wrong options on rank 1", force, 2, (1, wrong), ["rank 1", "--no-such-option instead of"]),
        ("wrong options on rank 0", force, 2, (0, wrong), ["rank 1", "instead of --no-such-option"]),
        ("commands, one that asks for help", force, 3, (2, "set -- --help"), ["rank 2", "--help instead of force"]),
        ("commands, one that asks for the version", force, 2, (0, "set -- --version"), ["rank 1", "force instead of --version"]),
        ("parameters", relative[0], 2, (1, f"cd {other}"), ["rank 1", "theta = 0.6 instead of gravity.theta = 0.7"]),
        ("headers", relative[1], 2, (1, f"cd {other}"), ["rank 1", "good.hdf5 says", "time: 1.5"]),
        ("bodies", ["force", "bodies.hdf5"], 3, (2, f"cd {other}"), ["rank 2 differs from ranks 0, 1", "content of bodies.hdf5"]),
    ]


def unlike(shared, arguments, ranks, odd, words):
    here = os.getcwd()
    os.chdir(shared)
    try:
        outcome = heorot(*arguments, ranks=ranks, odd=odd)
    finally:
        os.chdir(here)
    require_refusal(outcome, words)
    require(not (shared / "out").exists(), "a folder was made")


def parameter_file(shared, folder, table=None, line=None):
    """A parameter file in which `line` replaces the line of the same key in `table`, or is
    added."""
    tables = {name: list(lines) for name, lines in PARAMETERS.items()}
    if table:
        key_of = lambda line: line.split("=")[0].strip()
        others = [other for other in tables.get(table, []) if key_of(other) != key_of(line)]
        tables[table] = [*others, line]
    text = "\n".join("\n".join([f"[{name}]", *lines]) for name, lines in tables.items())
    file = folder / "run.toml"
    file.write_text(text.replace("{shared}", str(shared)).replace("{folder}", str(folder)))
    return file


def leftovers(folder):
    """Files that a failed run must not leave, without its inputs."""
    files = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return sorted(set(files) - {"run.toml"})


def require_refusal(outcome, words):
    """One line with all `words`, and failure on every rank."""
    require(0 not in outcome.codes and None not in outcome.codes, f"exit codes are {outcome.codes}")
    lines = [line for line in outcome.stderr.splitlines() if line.strip()]
    lines = [line for line in lines if "For more information, try" not in line]
    require(len(lines) == 1, f"says {len(lines)} lines: {outcome.stderr.strip()}")
    require("panicked" not in lines[0], lines[0])
    missing = [word for word in words if word.lower() not in lines[0].lower()]
    require(not missing, f"'{lines[0]}' does not name {missing}")


def refused(arguments, words, folder, ranks, limit=None, environment=None):
    outcome = heorot(*arguments, ranks=ranks, limit=limit, environment=environment)
    require_refusal(outcome, words)
    require(not leftovers(folder), f"leaves {leftovers(folder)}")


def on_one_and_three(what, test, *arguments):
    for ranks, place in [(None, "alone"), (3, "3 ranks")]:
        check(f"{what} ({place})", test, ranks, *arguments)


def bad_snapshot(ranks, shared, name, words):
    folder = scratch("case")
    path = shared / f"{name}.hdf5"
    refused(["force", path, "--output", folder / "f.hdf5"], [str(path), *words], folder, ranks)
    file = parameter_file(shared, folder, "initial", f'file = "{path}"')
    refused(["run", file], [str(path), *words], folder, ranks)


def bad_parameter(ranks, shared, table, line, words):
    folder = scratch("case")
    refused(["run", parameter_file(shared, folder, table, line)], words, folder, ranks)


def bad_arguments(ranks, shared, arguments, words):
    folder = scratch("case")
    file = parameter_file(shared, folder)
    places = {"RUN": file, "GOOD": shared / "good.hdf5", "OUT": folder / "f.hdf5"}
    refused([places.get(argument, argument) for argument in arguments], words, folder, ranks)


def unwritable_folder(ranks, shared):
    folder = scratch("case")
    (folder / "run.toml").touch()
    for place in [f"{folder}/run.toml/out", "/proc/heorot"]:
        file = parameter_file(shared, folder, "output", f'folder = "{place}"')
        refused(["run", file], [place], folder, ranks)
        refused(["force", shared / "good.hdf5", "--output", f"{place}/f.hdf5"], [f"{place}/f.hdf5"], folder, ranks)


def forbidden_folder(ranks, shared):
    folder = scratch("case")
    (folder / "out").mkdir(mode=0o555)
    refused(["run", parameter_file(shared, folder)], ["out"], folder, ranks)


def file_too_large(ranks, shared):
    """Files are limited to 16 KiB, which has the same effect as a full disk."""
    folder = scratch("case")
    # Open MPI also keeps shared memory in files, so shared memory is disabled here.
    quiet = {"OMPI_MCA_btl": "self,tcp", "PMIX_MCA_gds": "hash"}
    arguments = ["force", shared / "good.hdf5", "--output", folder / "f.hdf5"]
    refused(arguments, ["f.hdf5"], folder, ranks, limit=16 << 10, environment=quiet)
    arguments = ["run", parameter_file(shared, folder)]
    outcome = heorot(*arguments, ranks=ranks, limit=16 << 10, environment=quiet)
    require_refusal(outcome, ["snapshot_000.hdf5"])
    left = [name for name in leftovers(folder) if not name.endswith(("energy.csv", "steps.csv", "status.json", "heorot.begun"))]
    require(not left, f"leaves {left}")


def full_disk(ranks, shared):
    folder = scratch("disk")
    mounted = os.system(f"mount -t tmpfs -o size=64k none '{folder}'") == 0
    require(mounted, "cannot mount a small disk")
    try:
        refused(["force", shared / "good.hdf5", "--output", folder / "f.hdf5"], ["f.hdf5"], folder, ranks)
    finally:
        os.system(f"umount '{folder}'")


def earlier_results_stay(ranks, shared):
    folder = scratch("case")
    file = parameter_file(shared, folder)
    heorot("run", file, ranks=ranks).require_success()
    state = lambda: {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in (folder / "out").iterdir()}
    before = state()
    require(len(before) >= 4, f"a run leaves only {sorted(before)}")
    require_refusal(heorot("run", file, ranks=ranks), ["--overwrite"])
    require(state() == before, "earlier results were changed")


def own_inputs_stay(ranks, shared):
    """A run never replaces what it reads, whatever it reads and however its folder is named."""
    folder = scratch("case")
    heorot("run", parameter_file(shared, folder)).require_success()
    file = folder / "again.toml"
    rest = f'[gravity]\nsoftening = 0.1\n[time]\nsteps = 1\nstep = 0.001\n[output]\nfolder = "{folder}/out"\n'
    snapshot, table = folder / "out/snapshot_000.hdf5", folder / "out/energy.csv"
    (folder / "track.csv").write_text("time,x,y,z\n0,0,0,0\n1,1,0,0\n2,2,0,0\n3,3,0,0\n")
    track = 'potential = [{ kind = "point-mass", mass = 1.0, softening = 1.0, track = "%s" }]\n' % table
    for text, source in [
        (f'[initial]\nfile = "{snapshot}"\n', snapshot),
        (f'[[initial.galaxies]]\nfile = "{snapshot}"\nposition = [1.0, 0.0, 0.0]\n', snapshot),
        (f'{track}[initial]\nfile = "{shared}/good.hdf5"\n', table),
    ]:
        if source == table:
            table.write_text((folder / "track.csv").read_text())
        before = source.read_bytes()
        file.write_text(text + rest)
        require_refusal(heorot("run", file, "--overwrite", ranks=ranks), [source.name, "must not be removed"])
        require(source.read_bytes() == before, f"{source} was changed")


def bad_model(arguments, words):
    folder = scratch("case")
    refused(["model", *arguments, "-o", folder / "ic.hdf5"], words, folder, None)


def main():
    shared = scratch("shared")
    snapshots = bad_snapshots(shared)

    on_one_and_three("a good input passes, and earlier results are refused", earlier_results_stay, shared)
    on_one_and_three("a run that would replace its own input", own_inputs_stay, shared)
    for name, words in snapshots.items():
        on_one_and_three(f"snapshot: {name}", bad_snapshot, shared, name, words)
    for table, line, words in [
        ("time", "stepp = 0.1", ["stepp", "step"]),
        ("gravity", "opening = 0.1", ["opening"]),
        ("tiem", "end = 1.0", ["tiem", "time"]),
        ("time", 'step = "fast"', ["step", "fast"]),
        ("time", "step = -0.5", ["step", "-0.5"]),
        ("time", "step = nan", ["step", "nan"]),
        ("gravity", "theta = 0.0", ["theta", "0"]),
        ("gravity", "accuracy = 1e-3", ["accuracy", "theta"]),
        ("gravity", 'criterion = "angel"', ["angel", "angle"]),
        ("gravity", "order = 9", ["order", "9"]),
        ("gravity", 'accuracy_of = "totl"', ["totl", "total"]),
        ("gravity", 'accuracy_of = "total"', ["accuracy_of", "accuracy"]),
        ("time", "step = = 1", ["run.toml"]),
    ]:
        on_one_and_three(f"parameter: [{table}] {line}", bad_parameter, shared, table, line, words)
    for arguments, words in [
        (["run", "nowhere.toml"], ["nowhere.toml"]),
        (["run", "RUN", "--set", "time.stepp=1"], ["stepp"]),
        (["run", "RUN", "--set", "time.step"], ["time.step"]),
        (["run", "RUN", "--threads", "0"], ["threads", "0"]),
        (["force", "GOOD", "--output", "OUT", "--threads", "many"], ["threads", "many"]),
        (["force", "GOOD", "--output", "OUT", "--theta", "-1"], ["theta", "-1"]),
        (["force", "GOOD", "--output", "OUT", "--accuracy", "1e-9"], ["accuracy", "1e-6"]),
        (["force", "GOOD", "--output", "OUT", "--accuracy", "1e-4", "--tolerance", "0.1"], ["accuracy", "tolerance"]),
        (["bench", "--bodies", "100", "--accuracy", "0.5"], ["accuracy", "0.5"]),
        (["bench", "--bodies", "100", "--walks", "direct"], ["walks", "direct"]),
        (["bench", "--bodies", "1"], ["bodies", "1"]),
        (["bench", "--bodies", "100", "--flip-bit", "7"], ["--flip-bit 7", "ranks"]),
        (["bench", "--bodies", "100", "--json", "/proc/heorot/bench.json"], ["/proc/heorot/bench.json"]),
        (["bench", "--bodies", "100", "--references", "RUN"], ["run.toml"]),
        (["force", "GOOD", "--output", "OUT", "--order", "0"], ["order", "0"]),
        (["run", "RUN", "--set", "output.compression=11"], ["compression", "11"]),
        (["run", "RUN", "--set", "output.files=0"], ["files", "0"]),
        (["run", "RUN", "--set", "output.files=1024"], ["files", "1024", "600 bodies"]),
        (["run", "RUN", "--set", 'output.mpi_hints={cb_nodes="0"}'], ["cb_nodes", "0"]),
        (["run", "RUN", "--set", 'output.mpi_hints={cb_nodes=""}'], ["cb_nodes"]),
        (["run", "RUN", "--set", "output.snapshot_every=1e-15", "--set", "time.steps=9000000"], ["snapshot_every", "1e-15"]),
        (["run", "RUN", "--set", "movie={every=1e-300}"], ["movie.every", "1e-300"]),
        (["run", "RUN", "--set", 'output.folder=""'], ["output.folder", "empty"]),
        (["run", "RUN", "--set", "movie={every=0.01,size=[8192,8192]}"], ["movie.size", "8192"]),
        (["run", "RUN", "--set", 'time.timestep="block"', "--set", "time.eta=1e-300"], ["eta", "1e-300"]),
        (["run", "RUN", "--walltime", "9223372036854775807s"], ["walltime"]),
        (["run", "RUN", "--set", "box.side=0"], ["box.side", "0", "above 0"]),
        (["run", "RUN", "--set", "box.side=nan"], ["box.side"]),
        (["run", "RUN", "--set", "box.side=20", "--set", 'potential=[{kind="point-mass",mass=1.0}]'], ["box", "[[potential]]"]),
        (["run", "RUN", "--set", "box={boundary=\"periodic\"}"], ["box", "side"]),
        (["run", "RUN", "--set", "box={side=20,boundary=\"open\"}"], ["open", "periodic"]),
        (["run", "RUN", "--set", "box.side=20", "--set", "gravity.softening=4"], ["softening", "0.17"]),
        (["run", "RUN", "--set", 'gravity.softening.pairs=[{types=["stars","moons"],length=1}]'], ["moons", "no particle type"]),
        (["run", "RUN", "--set", "gravity.softening.pairs=[{types=[1,2],length=-1}]"], ["softening.pairs", "-1"]),
        (["run", "RUN", "--set", "gravity.softening.pairs=[{types=[1,2],length=1},{types=[2,1],length=2}]"], ["softening.pairs", "disc and halo"]),
        (["run", "RUN", "--set", "gravity.softening.pairs=[{types=[1,2]}]"], ["softening.pairs", "length"]),
        (["extract", "GOOD", "OUT", "--region", "sphere:0,0,0,3 Msun"], ["region", "a length is needed"]),
        (["halos", "GOOD", "-o", "OUT", "--linking-length", "0.1 parrots"], ["linking-length", "parrots"]),
        (["force", "GOOD", "--output", "OUT", "--box", "-1"], ["side", "-1"]),
        (["force", "GOOD", "--output", "OUT", "--box", "20", "--softening", "0.1", "--kernel", "plummer"], ["plummer", "spline"]),
        (["force", str(far(shared, 1e14)), "--output", "OUT", "--criterion", "angle"], ["far.hdf5: the extent of the bodies", "id 17"]),
        (["force", str(far(shared, 1e16)), "--output", "OUT", "--softening", "0.01"], ["far.hdf5: the extent of the bodies", "id 17"]),
        (["run", "RUN", "--set", f'initial.file="{far(shared, -1e14)}"'], ["far.hdf5: the extent of the bodies", "id 17"]),
        (["force", str(close(shared)), "--output", "OUT", "--tolerance", "0.003"], ["close.hdf5: the bodies with ids", "17 ", "23 ", "too close"]),
        (["run", "RUN", "--set", f'initial.file="{close(shared)}"'], ["close.hdf5: the bodies with ids", "17 ", "23 ", "too close"]),
        (["convert", str(far(shared, 1.5e300)), "OUT"], ["far.hdf5", "id 17", "1e300"]),
        (["model", "two-body", "--semi-major-axis", "1e308", "-o", "OUT"], ["semi_major_axis", "1e60"]),
        (["info", "nowhere.hdf5"], ["nowhere.hdf5"]),
        (["run", "RUN", "--set", "output.format=\"swfit\""], ["swfit", "swift"]),
        (["convert", "RUN", "OUT"], ["run.toml", "no rows of numbers"]),
        (["convert", "GOOD", "/proc/heorot/out.hdf5"], ["/proc/heorot/out.hdf5"]),
        (["halos", "GOOD", "-o", "/proc/heorot/out.hdf5"], ["/proc/heorot/out.hdf5"]),
        (["halos", "GOOD", "-o", "OUT", "--types", "4"], ["good.hdf5", "types"]),
        (["halos", "GOOD", "-o", "OUT", "--linking", "0"], ["linking", "0"]),
    ]:
        on_one_and_three(f"arguments: {' '.join(arguments)}", bad_arguments, shared, arguments, words)
    for what, arguments, ranks, odd, words in unlike_ranks(shared):
        check(f"ranks with other {what} ({ranks} ranks)", unlike, shared, arguments, ranks, odd, words)
    for arguments, words in [
        (["plummer", "--bodies", "0"], ["bodies", "0"]),
        (["plummer", "--bodies", "-3"], ["-3"]),
        (["plummer"], ["bodies"]),
        (["galaxy", "--bodies", "10"], ["galaxy"]),
        (["two-body", "--eccentricity", "1.5"], ["eccentricity", "1.5"]),
        (["king", "--bodies", "10", "--w0", "99"], ["w0", "99"]),
        (["jaffe", "--bodies", "10", "--softening", "1.5"], ["softening", "1.5", "scale radius"]),
        (["king", "--bodies", "10", "--softening", "0.1"], ["softening", "this model"]),
        (["encounter"], ["galaxies"]),
        (["--from", "nowhere.toml"], ["nowhere.toml"]),
        (["--from", "inputs/galaxy.toml", "--bodies", "10"], ["--from", "bodies"]),
    ]:
        check(f"model: {' '.join(arguments)}", bad_model, arguments, words)
    on_one_and_three("unwritable output folder", unwritable_folder, shared)
    if os.geteuid() != 0:
        on_one_and_three("forbidden output folder", forbidden_folder, shared)
    if "Open MPI" in subprocess.run([MPIRUN, "--version"], capture_output=True, text=True).stdout:
        on_one_and_three("disk full (limit on file size)", file_too_large, shared)
    else:
        print("Left out: a limit on file sizes, which this MPI cannot bear itself.")
    if "--disk" in sys.argv:
        on_one_and_three("disk full (small file system)", full_disk, shared)


main()
