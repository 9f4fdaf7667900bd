"""Impossible numbers for every option and parameter that takes a number. Each command succeeds, or
is refused in one line. There must be no signal, panic, hang, unbounded memory, or number of 300
digits in a message.

By default, each option gets some of the values. `options.py --full` tries all values, and `--full
WORD` all values for commands that contain the word.
"""

import os
import re
import resource
import subprocess
import sys

import numpy as np
from harness import PROGRAM, check, require, scratch, write_snapshot

FULL = "--full" in sys.argv
VALUES = ["0", "-1", "nan", "inf", "-inf", "1e308", "-1e308", "1e-308", "9223372036854775808", "18446744073709551616", "", "9" * 400, "1.5"]
FEW = 2  # values of each option in the default form
LIMIT = 60  # seconds, and of processor time
MEMORY = 6 << 30  # addresses [bytes]
LONG = re.compile(r"[0-9]{40,}")  # of no number that a reader wants

# What a command is called with, and its options: a name takes the value, `name=TEXT` takes TEXT with the value for X.
RANKS = ["--threads", "--virtual-ranks", "--ranks-per-host=X --virtual-ranks 2"]
VIEW = ["--types", "--neighbours", "--width", "--centre=X,0,0", "--centre=0,X,0", "--follow", "--azimuth", "--elevation", "--roll",
        "--perspective", "--galaxies", "--galaxies=0-X", "--arrival-radius=X --colour-by arrival --galaxies 0-50", "--values=X:1 --colour-by velocity",
        "--values=0:X --colour-by velocity", "--range=X:1", "--range=1:X", "--size=XxX", "--size=64xX"]
GRAVITY = ["--accuracy", "--theta=X --criterion angle", "--tolerance", "--order", "--leaf-size", "--group-size", "--softening",
           "--softening=X --kernel plummer"]
COMMANDS = [
    ("info {ic}", []),
    ("convert {ic} {out}.hdf5", ["--types", "--compression", "--files", *RANKS]),
    ("combine {ic} {later} -o {out}.hdf5", ["--shift=X,0,0", "--boost=0,X,0", "--rotate=X,0,1,30", "--rotate=0,0,1,X", "--euler=X,0,0", "--compression", "--files", *RANKS]),
    ("extract {ic} {out}.hdf5 --region box:0,0,0,1,1,1", ["--types", "--compression", "--files"]),
    ("extract {ic} {out}.hdf5", ["--region=sphere:0,0,0,X", "--region=sphere:X,0,0,1", "--region=box:X,0,0,1,1,1", "--region=box:0,0,0,1,X,1",
                                 "--region"]),
    ("force {ic} --threads 1", ["--repeat", "--check", *GRAVITY, *RANKS[1:]]),
    ("model plummer --bodies 100 --output {out}.hdf5", ["--bodies", "--seed", "--mass", "--radius", "--cut", "--softening", "--compression", "--files"]),
    ("model king --bodies 100 --output {out}.hdf5", ["--w0"]),
    ("model star-cluster --bodies 100 --output {out}.hdf5", ["--radius", "--w0", "--least-mass", "--greatest-mass", "--solar-mass", "--binaries",
                                                      "--binary-axis=X,1 --binaries 0.2", "--binary-axis=1e-9,X --binaries 0.2"]),
    ("model planetary-system --bodies 100 --belt 2,3 --output {out}.hdf5", ["--belt-mass", "--belt-slope", "--belt-eccentricity", "--belt-inclination",
                                                                     "--belt=X,3", "--belt=2,X"]),
    ("model two-body --output {out}.hdf5", ["--mass-ratio", "--semi-major-axis", "--eccentricity"]),
    ("model collision --bodies 100 --output {out}.hdf5", ["--mass-ratio", "--pericentre", "--distance", "--eccentricity", "--inclination=X,0", "--azimuth=0,X"]),
    ("model disc-galaxy --bodies 400 --output {out}.hdf5", ["--stars", "--disc-mass", "--disc-length", "--disc-height", "--toomre-q", "--halo-mass", "--halo-radius",
                                                     "--halo-cut", "--bulge-mass", "--bulge-radius"]),
    ("model disc-galaxy --bodies 400 --massless disc --output {out}.hdf5", ["--massless"]),
    ("model uniform --bodies 100 --output {out}.hdf5", ["--side", "--virial-ratio", "--spin"]),
    ("model clumps --bodies 100 --output {out}.hdf5", ["--clumps", "--background", "--slope"]),
    ("render {ic} -o {out}.png --size 48x48", [*VIEW, "--frames", "--frames-per-second", "--orbit", "--zoom", *RANKS]),
    ("render {ic} -o {out}.gif --size 48x48 --frames 3", ["--frames", "--frames-per-second", "--orbit", "--zoom"]),
    ("poster {ic} {later} -o {out}.png --size 48x48", ["--panels", "--columns", *VIEW]),
    ("view {ic} -o {out}.html", ["--bodies", "--types"]),
    ("view {ic}", ["--port=X -o {out}.html"]),
    ("halos {ic} -o {out}.hdf5", ["--linking", "--linking-length", "--min-members", "--types", *RANKS]),
    ("plot profile {ic} -o {out}.png", ["--shells", "--radius=X:1", "--radius=0.1:X", "--types", "--centre=X,0,0"]),
    ("plot surface-density {ic} -o {out}.png", ["--rings", "--radius", "--types", "--centre=X,0,0"]),
    ("plot bar {ic} {later} -o {out}.png", ["--rings", "--radius", "--types", "--centre=0,X,0"]),
    ("plot separation {ic} {later} -o {out}.png --galaxies 0-9,10-19", ["--types", "--galaxies=0-X,10-19"]),
    ("plot lagrange {ic} {later} -o {out}.png", ["--fractions", "--fractions=0.1,X", "--types", "--centre=0,0,X"]),
    ("plot phase {ic} -o {out}.png", ["--cells", "--types", "--centre=0,X,0"]),
    ("plot force-error {ic} -o {out}.png --sample 20 --orders 2 --thetas 0.7 --tolerances 0.01",
     ["--sample", "--orders", "--thetas", "--tolerances", "--softening"]),
    ("plan {run}", ["--ranks", "--threads", "--ranks-per-node", "--memory-per-node"]),
    ("jobscript {run} --scheduler slurm --time 1:00:00",
     ["--nodes", "--cores-per-node", "--ranks-per-node", "--threads", "--array", "--time", "--time=X:00:00", "--time=0:X"]),
    ("jobscript {run} --scheduler pbs --time 1:00:00", ["--nodes", "--array"]),
    ("study virtual {run} --ranks 2 -o {out}", ["--ranks", "--ranks=2,X", "--bodies-per-rank", "--ranks-per-host", "--threads"]),
    ("study strong {run} -o {out} --submit slurm --time 1:00:00", ["--ranks", "--threads", "--ranks-per-node", "--time"]),
    ("network replay {ic} --network all", ["--node-price", "--link-price"]),
    ("bench --problems plummer --walks tree --bodies 500 --steps 1 --repeat 1 --threads 1",
     ["--bodies", "--memory-per-rank", "--accuracy", "--steps", "--repeat", "--price", "--power", "--burn-in=X --bodies 200"]),
    ("run {run}", ["--walltime", "--walltime=X:00", *RANKS]),
]
# Parameters of a run, given by --set.
PARAMETERS = [
    "time.steps", "time.step", "time.end", "time.energy_bound", "gravity.softening", "gravity.accuracy", "gravity.order", "gravity.leaf_size",
    "gravity.group_size", "output.snapshot_every", "output.compression", "output.files", "batch.checkpoint_steps", "batch.checkpoint_every",
    "batch.walltime", "movie.every", "movie.frames_per_second", "movie.width", "movie.neighbours", "movie.azimuth", "movie.perspective",
    "initial.bodies", "initial.seed", "initial.radius", "initial.mass", "initial.cut", "units.length_in_cm", "units.mass_in_g",
]
COMMANDS.append(("run {run} --overwrite --threads 1", [*(f"--set={key}=X" for key in PARAMETERS), "--set=movie.size=[X,64]", "--set=movie.centre=[0,X,0]",
                                                                "--set=movie.every=0.01 --set=movie.frames_per_second=X"]))
for block in ["time.eta", "time.eta_rate", "time.smallest_step"]:
    COMMANDS.append(('run {run} --overwrite --threads 1 --set time.timestep="block"', [f"--set={block}=X"]))
RUN = """\
[initial]
model = "plummer"
bodies = 200
[units]
system = "nbody"
[gravity]
softening = 0.05
[time]
steps = 2
step = 0.01
[output]
folder = "{folder}/run"
"""


def outcome(arguments):
    def bounds():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))

    process = subprocess.run(
        [str(PROGRAM), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        timeout=10 * LIMIT, env={**os.environ, "RUST_BACKTRACE": "0", "OMPI_MCA_btl": "self"}, preexec_fn=bounds,
    )
    lines = [line for line in process.stderr.splitlines() if line.strip() and ": warning: " not in line]
    return process.returncode, lines, process.stdout + process.stderr


def fault(arguments):
    """What is wrong with how it ends."""
    try:
        code, lines, said = outcome(arguments)
    except subprocess.TimeoutExpired:
        return "hangs"
    if code not in [0, 1, 2, 75]:
        return f"exit code {code}: {lines[-3:]}"
    if any("panicked" in line for line in lines):
        return f"panics: {lines}"
    long = LONG.search(said)
    if long and long[0].strip("0") not in " ".join(arguments):
        return f"says a number of {len(long[0])} digits"
    # A study calls others, whose lines are its own.
    if code in [1, 2] and len(lines) != 1 and arguments[0] != "study":
        return f"exit code {code} and {len(lines)} lines: {lines[:3]}"
    return None


def words_of(command, option, value, names):
    """The command line with the value; an option without a template takes the value alone."""
    name, _, text = option.partition("=")
    if name == "--set":
        return [*command.format(**names).split(), *option.replace("X", value).split(" ")]
    first, *more = (text or "X").format(**names).split(" ")
    return [*command.format(**names).split(), f"{name}={first.replace('X', value)}", *more]


def swept(command, options, turn):
    folder = scratch("files")
    random = np.random.default_rng(2)
    position, velocity = random.normal(size=(200, 3)), random.normal(size=(200, 3))
    names = {"ic": folder / "ic.hdf5", "later": folder / "later.hdf5", "run": folder / "run.toml", "out": folder / "out"}
    for name in ["ic", "later"]:
        write_snapshot(names[name], position, velocity, np.full(200, 0.005))
    names["run"].write_text(RUN.format(folder=folder))
    faults = []
    for place, option in enumerate(options):
        tried = VALUES if FULL else [VALUES[(FEW * (turn + place) + i) % len(VALUES)] for i in range(FEW)]
        for value in tried:
            for left in folder.glob("out*"):
                if left.is_file():
                    left.unlink()
                else:
                    subprocess.run(["rm", "-r", left], check=True)
            words = words_of(command, option, value, names)
            found = fault(words)
            if found:
                shown = " ".join(word[:60] for word in words)
                print(f"FOUND {shown}: {found[:500]}", flush=True)
                faults.append(f"{option} with {value[:30]!r}: {found[:300]}")
    require(not faults, "; ".join(faults[:10]))


def main():
    for turn, (command, options) in enumerate(COMMANDS):
        if not options or (len(sys.argv) > 2 and sys.argv[-1] not in command):
            continue
        what = command.split(" {")[0]
        check(f"impossible numbers for {what} ({len(options)} options)", swept, command, options, 3 * turn)


main()
