"""The program for a single node. It is built in an environment without MPI, HDF5 and libclang, and
must compute the same bits as the full program.

`small_build` builds it in target/small. With --build, this is all that is done. The comparison needs
the full program, target/debug/heorot.
"""

import os
import shutil
import subprocess
import sys

import harness
from harness import MPIRUN, PROGRAM, ROOT, SCRATCH, bodies, check, heorot, parameter_file, require, require_same_bits, scratch

FEATURES = ["--no-default-features", "--features", "hdf5-static"]
SMALL_BUILD = ROOT / "scripts" / "tests" / "small_build"
SINGLE = ROOT / "target" / "small" / "debug" / "heorot"
# All that the build may call: Rust, a C compiler with its tools, make, a shell. cmake comes with the Python packages.
TOOLS = "cargo rustc rustup cc gcc ar ranlib ld as nm strip objcopy objdump readelf make sh uname".split()
HIDDEN = ("HDF5", "LIBCLANG", "LLVM", "CLANG", "PKG_CONFIG", "LD_LIBRARY", "MPI", "OMPI", "PRTE", "CMAKE")
SETTINGS = "\n[gravity]\norder = 3\ntolerance = 0.003"


def bare_environment():
    """The environment without what leads to an MPI, an HDF5 or a libclang."""
    tools = scratch("tools")
    for tool in TOOLS:
        found = shutil.which(tool)
        if found:
            (tools / tool).symlink_to(found)
    packaged = [path for entry in sys.path for path in ROOT.joinpath(entry).glob("cmake/data/bin/cmake")]
    cmake = packaged[0] if packaged else shutil.which("cmake")
    require(cmake, "there is no cmake: scripts/setup --python installs it")
    (tools / "cmake").symlink_to(cmake)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    return {**kept, "PATH": str(tools), "PKG_CONFIG_LIBDIR": "/nonexistent"}


def build():
    line = [SMALL_BUILD, "cargo", "build", *FEATURES, "--bin", "heorot", "--quiet"]
    environment = bare_environment()
    require(shutil.which("mpicc", path=environment["PATH"]) is None, "mpicc is not hidden")
    built = subprocess.run(line, cwd=ROOT, env=environment, capture_output=True, text=True)
    require(built.returncode == 0, built.stderr[-3000:])
    libraries = subprocess.run(["ldd", SINGLE], capture_output=True, text=True, check=True).stdout
    for name in ["libmpi", "libopen-", "libhdf5", "libclang", "libz."]:
        require(name not in libraries, f"is linked with {name}: {libraries}")


def lean_by_default(package, *features):
    """A package and all that is compiled for it: none needs MPI, its HDF5 or libclang."""
    line = ["cargo", "tree", "--package", package, *features, "--edges", "normal,build", "--prefix", "none", "--format", "{p} {f}"]
    tree = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    names = {entry.split()[0] for entry in tree if entry}
    require(package in names and len(names) > 5, f"no tree: {tree[:5]}")
    bad = names & {"mpi", "mpi-sys", "bindgen", "clang-sys", "build-probe-mpi"}
    require(not bad, f"needs {sorted(bad)}")
    with_mpio = [entry for entry in tree if entry.startswith("hdf5-") and any("mpio" in word.split(",") for word in entry.split())]
    require(not with_mpio, f"{with_mpio}")


def single(*arguments, **options):
    """Runs the program for a single node."""
    harness.PROGRAM = SINGLE
    try:
        return heorot(*arguments, **options)
    finally:
        harness.PROGRAM = PROGRAM


def run_file(name, steps=2):
    folder = scratch(name)
    file = parameter_file(folder, bodies=2000, steps=steps)
    file.write_text(file.read_text().replace("\n[gravity]", SETTINGS) + "acceleration = true\npotential = true\n")
    return file


def last(file):
    return bodies(sorted((file.parent / "out").glob("snapshot_*.hdf5"))[-1])


def same_bits():
    full, alone, inside = (run_file(name) for name in ("full", "alone", "inside"))
    heorot("run", full, "--threads", 2).require_success()
    single("run", alone, "--threads", 2).require_success()
    single("run", inside, "--virtual-ranks", 3).require_success()
    for file in [alone, inside]:
        require_same_bits(last(full), last(file))


def restart():
    straight, stopped = run_file("straight", steps=4), run_file("stopped", steps=2)
    single("run", straight).require_success()
    single("run", stopped, "--virtual-ranks", 2).require_success()
    outcome = single("run", stopped, "--restart", "--set", "time.steps=4").require_success()
    require("goes on from step 2" in outcome.stdout, outcome.stdout)
    require_same_bits(last(straight), last(stopped))


def files():
    """What it writes is read by the full program, and the other way round; with compression too."""
    folder = scratch("files")
    source = next((SCRATCH / "full" / "out").glob("snapshot_*.hdf5"))
    single("convert", source, folder / "a.hdf5", "--compression", 4).require_success()
    heorot("convert", folder / "a.hdf5", folder / "b.hdf5", "--compression", 4).require_success()
    single("convert", folder / "b.hdf5", folder / "c.hdf5", "--files", 2).require_success()
    heorot("convert", folder / "c.0.hdf5", folder / "d.hdf5").require_success()
    heorot("convert", source, folder / "full.hdf5").require_success()
    for name in "abd":
        require_same_bits(bodies(folder / "full.hdf5"), bodies(folder / f"{name}.hdf5"))
    told = single("info", folder / "a.hdf5").require_success().stdout
    require("2000" in told and told == heorot("info", folder / "a.hdf5").require_success().stdout, told)


def render():
    folder = scratch("render")
    source = next((SCRATCH / "full" / "out").glob("snapshot_*.hdf5"))
    pictures = []
    for program, name in [(single, "single.png"), (heorot, "full.png")]:
        program("render", source, "-o", folder / name, "--size", "320x240").require_success()
        pictures.append((folder / name).read_bytes())
    require(pictures[0].startswith(b"\x89PNG") and pictures[0] == pictures[1], "pictures differ")


def refused(environment, speaks):
    """One line from the process that speaks, none from the others; nothing is done."""
    file = run_file("refused")
    for arguments in [["run", file], ["run", file, "--virtual-ranks", 2], ["info", file], ["run", "--no-such-option"]]:
        line = [str(word) for word in [SINGLE, *arguments]]
        outcome = subprocess.run(line, env={**os.environ, **environment}, capture_output=True, text=True)
        require(outcome.returncode in [1, 2], f"exit code {outcome.returncode}: {outcome.stdout}")
        lines = outcome.stderr.splitlines()
        require(len(lines) == int(speaks), f"says {lines}")
        require(all("processes were started, but this build has no MPI" in line for line in lines), f"says {lines}")
    require(not (file.parent / "out").exists(), "makes a folder")


def refused_under_mpirun():
    file = run_file("mpirun")
    outcome = single("run", file, ranks=3)
    ours = [line for line in outcome.stderr.splitlines() if line.startswith("heorot:")]
    require(set(outcome.codes) <= {1, None} and len(ours) == 1 and "3 processes were started" in ours[0], f"{outcome.codes}: {outcome.stderr}")
    require(not (file.parent / "out").exists(), "makes a folder")
    single("run", file, ranks=1).require_success()


def what_needs_mpi():
    file = run_file("needs")
    for arguments, word in [
        (["network", "measure", "--name", "x", "--file", file.parent / "x.toml"], "measurement of the network needs MPI"),
        (["study", "strong", file, "--ranks", "1,2", "--output", file.parent / "study"], "--ranks 2: this build has no MPI"),
    ]:
        outcome = single(*arguments)
        lines = outcome.stderr.splitlines()
        require(outcome.codes == [1] and len(lines) == 1 and word in lines[0], f"{outcome.codes}: {lines}")
    require(sorted(path.name for path in file.parent.iterdir()) == ["run.toml"], "leaves files")


def names_its_features():
    for program, features in [(single, "hdf5-static"), (heorot, "mpi, hdf5-mpio")]:
        told = program("--version").require_success().stdout.splitlines()
        require(told[0].startswith("heorot ") and told[0].endswith(f" (features: {features})"), f"{told}")
        require(any(line.startswith("MPI ") for line in told), f"{told}")
        require(program("-V").require_success().stdout.splitlines() == told[:1], "-V is not the first line")
    told = single("doctor", "--folder", scratch("doctor")).require_success().stdout
    for word in ["(features: hdf5-static)", "no MPI in this build", "without MPI-IO", "SIMD path"]:
        require(word in told, f"does not say '{word}': {told}")


if "--build" in sys.argv:
    build()
    sys.exit()
scratch()
for library in ["heorot-treecode", "heorot-decomposition", "heorot-nbody", "heorot-io", "heorot-viz"]:
    check(f"{library} by default needs no MPI, HDF5 with MPI-IO or libclang", lean_by_default, library)
check("nor does the program for a single node", lean_by_default, "heorot", *FEATURES)
check("is built with Rust, a C compiler and cmake alone", build)
check("a run has the bits of the full program, on one rank and on ranks inside it", same_bits)
check("a continued run has the bits of one that was never stopped", restart)
check("files go from one program to the other", files)
check("a picture has the bytes of the full program", render)
for launcher, [rank, size] in {
    "Open MPI": ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"],
    "MPICH": ["PMI_RANK", "PMI_SIZE"],
    "Slurm": ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS"],
}.items():
    check(f"several processes of {launcher} are refused in one line", refused, {rank: "0", size: "2"}, True)
    check(f"the second process of {launcher} is silent", refused, {rank: "1", size: "2"}, False)
if shutil.which(MPIRUN):
    check("mpirun with several processes is refused, with one it runs", refused_under_mpirun)
check("what needs MPI says so in one line", what_needs_mpi)
check("--version and doctor name the features", names_its_features)
