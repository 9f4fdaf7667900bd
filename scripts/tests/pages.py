"""The command lines and files of the documentation, and small runs of them.

The first functions extract command lines from Markdown pages and from `--help`. `Place` is a folder
in which they run. It holds small files with all names that the pages use as inputs. A command runs
unchanged, except that `small` reduces its numbers of bodies, ranks and frames.
"""

import os
import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
from harness import MPIRUN, PROGRAM, ROOT, SCRATCH, ended, require, write_snapshot

FENCE = re.compile(r"^(?P<mark>```+)(?P<kind>\w*)[^\n]*\n(?P<text>.*?)^(?P=mark)[ \t]*$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
STARTS = ("heorot ", "mpirun ", "sbatch ", "scripts/", "cargo ", "pip ", "spack ", "conda ", "docker ", "apptainer ")


def fences(page, kind):
    """Text of the fenced blocks of a kind, in order."""
    return [found["text"] for found in FENCE.finditer(page.read_text()) if found["kind"] == kind]


def lines_of(block):
    """Command lines of a shell block: continued lines are joined, comments removed."""
    joined = block.replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#\s.*$", "", line).strip() for line in joined.splitlines())
    return [re.sub(r"\s+", " ", line) for line in lines if line]


def is_form(text):
    """Whether a command is a form with placeholders, such as FILE.toml or `...`, and not a command that could run."""
    words = text.split()
    return "..." in text or "…" in text or any(re.fullmatch(r"\[?-*[A-Z][A-Z_.:,]*(\.\w+)?\]?", word) for word in words)


def inline_of(page):
    """Commands in the running text of a page, with placeholders or without."""
    text = FENCE.sub("", page.read_text())
    found = (re.sub(r"\s+", " ", span).strip() for span in INLINE.findall(text))
    return [span for span in found if span.startswith(("heorot ", "mpirun "))]


def help_of(*words):
    """The `--help` of a command."""
    environment = {**os.environ, "COLUMNS": "1000"}
    process = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, env=environment)
    require(process.returncode == 0, f"{words}: {process.stderr}")
    return process.stdout


def subcommands(text):
    """Names of the subcommands that a `--help` lists."""
    part = re.search(r"^Commands:\n(.*?)(^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    names = re.findall(r"^  ([a-z][\w-]*)", part[1], re.MULTILINE) if part else []
    return [name for name in names if name != "help"]


def all_help(words=()):
    """Pairs of the words of a command and its `--help`, for all commands."""
    text = help_of(*words)
    yield words, text
    for name in subcommands(text):
        yield from all_help((*words, name))


def examples_of(text):
    """Command lines among the examples of a `--help`."""
    return [line.strip() for line in text.splitlines() if line.startswith("  ") and line.strip().startswith(STARTS)]


# What a command is made smaller by.
SMALLER = [
    (r"\bmpirun -n \d+", "mpirun -n 2"),
    (r"--map-by node ", ""),
    (r"--hostfile hosts ", ""),
    (r"--bodies [\d_.e]+", "--bodies 600"),
    (r"initial\.bodies=[\d_.e]+", "initial.bodies=600"),
    (r"--bodies-per-rank [\d_.e]+", "--bodies-per-rank 200"),
    (r"--ranks \d+(,\d+)+", "--ranks 1,2"),
    (r"--frames \d+", "--frames 3"),
    (r"--grid \d+", "--grid 64"),
    (r"--memory-per-rank [\d.]+", "--bodies 2000"),
    (r"--burn-in [\d.]+", "--burn-in 0.0003"),
    (r"heorot bench(?! --problems)(?!.*--problems)", "heorot bench --problems plummer"),
    (r"heorot bench(?!.*--bodies)", "heorot bench --bodies 2000"),
    (r"heorot bench", "heorot bench --steps 1 --repeat 2"),
    (r"heorot render(?!.*--size)", "heorot render --size 160x160"),
    (r"heorot poster(?!.*--size)", "heorot poster --size 160"),
    (r"--folder /\S+", "--folder ."),
    *([] if shutil.which("ffmpeg") else [(r"\.mp4\b", ".gif")]),
    (r"heorot study (strong|weak)(?!.*time\.(steps|end))", r"heorot study \1 --set time.steps=2"),
    (r"time\.end=[\d.]+", "time.end=0.008"),
    (r"--set time\.steps=\d+", "--set time.steps=2"),
]
# Commands that write a file whose name is an argument without an option.
WRITERS = {"convert", "extract"}


def small(command):
    """The same command with fewer bodies, ranks and frames."""
    for pattern, instead in SMALLER:
        command = re.sub(pattern, instead, command)
    return command


def small_parameters(text):
    """A parameter file with few bodies, and four steps with two snapshots."""
    step = re.search(r"^step *= *([\d.e-]+)", text, re.MULTILINE)
    text = re.sub(r"^(bodies *= *)[\d_.e]+", r"\g<1>600", text, flags=re.MULTILINE)
    if step:
        length = float(step[1])
        text = re.sub(r"^(end *= *)[\d.e-]+", rf"\g<1>{4 * length!r}", text, flags=re.MULTILINE)
        text = re.sub(r"^((snapshot_)?every *= *)[\d.e-]+", rf"\g<1>{2 * length!r}", text, flags=re.MULTILINE)
        text = re.sub(r"^at *= *\[.*?\]", f"at = [{length!r}, {2 * length!r}]", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(per_side *= *)\d+", r"\g<1>12", text, flags=re.MULTILINE)
    text = re.sub(r"^(size *= *)\[\d+, *\d+\]", r"\g<1>[160, 160]", text, flags=re.MULTILINE)
    return text


def write_tipsy(path, position, velocity, mass):
    """Dark matter in Tipsy's native byte order."""
    count = len(mass)
    with open(path, "wb") as file:
        file.write(struct.pack("<diiiiii", 0.0, count, 3, 0, count, 0, 0))
        rows = np.column_stack([mass, position, velocity, np.zeros((count, 2))])
        file.write(rows.astype("<f4").tobytes())


def write_gadget_binary(path, position, velocity, mass, number, files):
    """One of several files of a snapshot in GADGET's binary format 1: all bodies of type 1."""
    count = len(mass)
    header = struct.pack("<6I6dddii6IiiddddIi", 0, count, 0, 0, 0, 0, *[0.0] * 6, 0.0, 0.0, 0, 0, 0, files * count, 0, 0, 0, 0, 0, files, 0.0, 0.0, 0.0, 1.0, 0, 0)
    ids = np.arange(number * count, (number + 1) * count, dtype="<u4")
    blocks = [header.ljust(256, b"\0"), *(array.astype("<f4").tobytes() for array in (position, velocity)), ids.tobytes(), mass.astype("<f4").tobytes()]
    with open(path, "wb") as file:
        for block in blocks:
            file.write(struct.pack("<I", len(block)) + block + struct.pack("<I", len(block)))


RUN = """\
[initial]
model = "{model}"
bodies = 600
seed = 1
[gravity]
softening = 0.5
[time]
end = 0.02
step = 0.001
[output]
folder = "{folder}"
snapshot_every = 0.002
"""


class Place:
    """A folder with small inputs of the names that the pages use, and `heorot`, `mpirun` and `sbatch` on the path."""

    def __init__(self, name):
        self.template = SCRATCH / name / "template"
        self.bin = SCRATCH / name / "bin"
        shutil.rmtree(SCRATCH / name, ignore_errors=True)
        self.template.mkdir(parents=True)
        self.bin.mkdir()
        (self.bin / "heorot").symlink_to(PROGRAM)
        self.script("python", f'exec "{ROOT}/.venv/bin/python" "$@"')
        if MPIRUN != "mpirun":
            self.script("mpirun", f'exec {MPIRUN} "$@"')
        # A job is checked and not run: the suites study and slurm run jobs.
        self.script("sbatch", 'script=/dev/stdin; for word; do case $word in *.slurm | *.job) script=$word ;; esac; done; bash -n "$script" && echo "Submitted batch job 1"')
        self.fill()
        self.count = 0

    def script(self, name, text):
        (self.bin / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
        (self.bin / name).chmod(0o755)

    def fill(self):
        """Writes the inputs."""
        here = self.template
        (here / "scripts").symlink_to(ROOT / "scripts")
        (here / "inputs").mkdir()
        for file in (ROOT / "inputs").glob("*.toml"):
            (here / "inputs" / file.name).write_text(small_parameters(file.read_text()))
        (here / "big.toml").write_text(RUN.format(model="plummer", folder="out/big"))
        (here / "run.toml").write_text(RUN.format(model="plummer", folder="out/run"))
        (here / "collision.toml").write_text(RUN.format(model="collision", folder="out"))
        (here / "study.txt").write_text("run.toml --set output.folder=out/study\n" * 8)
        self.run("heorot run collision.toml", here)
        for number, name in enumerate(["ic", "a", "b", "c", "big_000", "big_001"]):
            shutil.copy(here / f"out/snapshot_00{number}.hdf5", here / f"{name}.hdf5")
        random = np.random.default_rng(7)
        position, velocity, mass = random.normal(size=(400, 3)), 0.1 * random.normal(size=(400, 3)), np.full(400, 0.0025)
        types = np.where(np.arange(400) < 200, 1, 4)
        position[200:300] *= 0.01
        for name in ["galaxy", "box", "snap_005"]:
            side = 10.0 if name == "box" else 0.0
            write_snapshot(here / f"{name}.hdf5", position % side if side else position, velocity, mass, types, side=side)
        self.run("heorot halos box.hdf5 -o haloes.hdf5", here)
        write_tipsy(here / "galaxy.std", position, velocity, mass)
        (here / "snapdir_005").mkdir()
        for number in range(2):
            write_gadget_binary(here / f"snapdir_005/snap_005.{number}", position, velocity, mass, number, 2)
        rows = np.column_stack([mass, position, velocity])
        np.savetxt(here / "table.txt", rows, header="mass x y z vx vy vz", comments="")

    def fresh(self):
        """A copy of the inputs, in which a sequence of commands runs."""
        self.count += 1
        folder = self.template.parent / f"{self.count:03}"
        shutil.copytree(self.template, folder, symlinks=True)
        return folder

    def run(self, command, folder):
        """Runs a command line in a shell. It must succeed."""
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", "RUST_BACKTRACE": "0", "COLUMNS": "100"}
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
        )
        stdout, stderr = ended(process, f"`{command}`")
        require(process.returncode == 0, f"`{command}` ends with code {process.returncode}: {stderr.strip()[-600:]}")
        return stdout

    def run_small(self, command, folder):
        """Runs a command of a page at small size. A file that it is to write, and that the inputs have under the same name, is removed before."""
        command = small(command)
        for part in re.split(r"\s*[|;&]+\s*", command):
            for target in targets(part.split()):
                path = folder / target
                if path.is_file():
                    path.unlink()
        return self.run(command, folder)


def targets(words):
    """Names of the files that a command is to write, if it may not replace them."""
    found = [words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-o", "--output", "--report", "--json", "--csv", "--plot", "--file")]
    if len(words) > 3 and words[0] == "heorot" and words[1] in WRITERS:
        found.append(words[3])
    return [] if "--overwrite" in words or "replay" in words else found
