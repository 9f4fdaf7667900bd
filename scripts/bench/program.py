"""Runs heorot: problems from seeds, force evaluations and their reports."""

import json
import os
import shlex
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

HEOROT = os.environ["HEOROT"]
MPIRUN = os.environ.get("MPIRUN", "mpirun")
# Without mpirun a process needs no network and no helper process, which take most of a second at
# each start.
ALONE = {"OMPI_MCA_ess_singleton_isolated": "1", "OMPI_MCA_pml": "ob1", "OMPI_MCA_btl": "self"}
# The options of `heorot model` for each problem.
PROBLEMS = {"plummer": ["--cut", "30"], "clumps": [], "uniform": []}


def run(command):
    """Runs a command that must succeed."""
    done = attempt(command)
    if done.returncode != 0:
        raise SystemExit(f"force-bench: {shlex.join(command)}\n{done.stderr}")


def attempt(command):
    environment = os.environ | ({} if command[0] == MPIRUN else ALONE)
    return subprocess.run(command, capture_output=True, text=True, env=environment)


@dataclass(frozen=True)
class Settings:
    """Settings that determine speed and error of an evaluation. None is the default; if only the
    walk is given, the program controls the error."""

    walk: str = "fmm"
    order: int | None = None
    tolerance: float | None = None
    leaf_size: int | None = None
    group_size: int | None = None

    def options(self):
        """The options of `heorot force`."""
        pairs = {key.replace("_", "-"): value for key, value in vars(self).items() if value is not None}
        return [text for key, value in pairs.items() for text in (f"--{key}", str(value))]

    def but(self, **changes):
        return replace(self, **changes)


@dataclass(frozen=True)
class Problem:
    """A snapshot with accelerations, for the relative criterion."""

    name: str
    bodies: int
    path: Path
    source: Path


def make_collapse(bodies, folder):
    """A cold ball at its greatest density, after the free-fall time pi / sqrt(8). The snapshot
    contains the forces of the run."""
    end = folder / f"collapse-{bodies}"
    path = end / "snapshot_001.hdf5"
    if not path.exists():
        file = folder / "collapse.toml"
        file.write_text(f"""
            initial = {{ model = "uniform", shape = "ball", side = 2.0, bodies = {bodies}, seed = 1 }}
            units = {{ system = "nbody" }}
            gravity = {{ softening = 0.005 }}
            time = {{ end = 1.11, step = 0.03 }}
            output = {{ folder = "{end}", snapshot_every = 1.11, acceleration = true }}
        """)
        run([HEOROT, "run", str(file), "--overwrite"])
    return Problem("collapse", bodies, path, path)


def make(name, bodies, folder):
    """Writes a problem, unless it exists: `source` in the order of the ids, and `path` with
    accelerations in the order of the tree."""
    if name == "collapse":
        return make_collapse(bodies, folder)
    source = folder / f"{name}-{bodies}.hdf5"
    path = folder / f"{name}-{bodies}-forces.hdf5"
    if not path.exists():
        options = ["--bodies", str(bodies), "--seed", "1", "--units", "nbody", *PROBLEMS[name]]
        run([HEOROT, "model", name, *options, "-o", str(source), "--overwrite"])
        run([HEOROT, "force", str(source), "--output", str(path)])
    return Problem(name, bodies, path, source)


def evaluate(problem, settings, threads, repeat, check=0, ranks=1, more=(), source=False):
    """The report of `repeat` evaluations after a warm-up, with the `command` that made it."""
    report = problem.path.with_suffix(f".{os.getpid()}.json")
    file = problem.source if source else problem.path
    command = [HEOROT, "force", str(file), *settings.options(), "--threads", str(threads), "--repeat", str(repeat)]
    if check:
        command += ["--check", str(check)]
    if ranks > 1:
        command = [MPIRUN, "-n", str(ranks), *command]
    command += more
    run([*command, "--report", str(report)])
    found = json.loads(report.read_text())
    report.unlink()
    found["command"] = shlex.join(command)
    return found


def walks_and_orders(problem):
    """The orders of each walk in this program, found by tests on few bodies."""
    found = {}
    for walk in ["tree", "fmm"]:
        for order in range(1, 7):
            settings = Settings(walk, order)
            command = [HEOROT, "force", str(problem.path), *settings.options()]
            if attempt(command).returncode == 0:
                found.setdefault(walk, []).append(order)
    return found


def seconds(report):
    """The minimum of the measured evaluations, since other load can only increase a time."""
    return report["evaluation_seconds"]["minimum"]
