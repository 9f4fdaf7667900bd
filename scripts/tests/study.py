"""`heorot study strong` and `weak` with real mpirun: the page has every run, finished runs are not
repeated, failures are one line."""

import csv
import os

from harness import ROOT, check, heorot, parameter_file, require, scratch


def table(study):
    with open(study / "study.csv") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def page_of(kind, bodies):
    """Three runs, then one more: only the new one is done."""
    folder = scratch(kind)
    file, study = parameter_file(folder, steps=4), folder / "study"
    command = lambda ranks: ["study", kind, file, "--ranks", ranks, "-o", study]
    call = lambda ranks: heorot(*command(ranks), "--overwrite").require_success()
    call("2,1")
    times = lambda: {path.parent.name: path.stat().st_mtime_ns for path in study.glob("ranks-*/report.json")}
    before = times()
    require(sorted(before) == ["ranks-00001", "ranks-00002"], f"runs {sorted(before)}")
    refuses(command("1,2,3"), ["index.html", "exists already", "--overwrite"])
    outcome = call("1,2,3")
    require({name: time for name, time in times().items() if name in before} == before, "a run was done again")
    require(outcome.stdout.count("log in") == 1, outcome.stdout)
    rows = table(study)
    require([row["ranks"] for row in rows] == [1, 2, 3], f"{rows}")
    require([row["bodies"] for row in rows] == bodies, f"{rows}")
    for row in rows:
        growth = row["ranks"]
        work = growth if kind == "weak" else 1
        require(abs(row["speed_up"] / (work * rows[0]["seconds"] / row["seconds"]) - 1) < 1e-12, f"speed-up {row}")
        require(abs(row["efficiency"] * growth / row["speed_up"] - 1) < 1e-12, f"efficiency {row}")
        require(row["memory_per_rank"] > 1e6, f"memory {row}")
        require((row["messages_per_rank"] > 0) == (growth > 1), f"messages {row}")
    markdown, html = (study / "study.md").read_text(), (study / "index.html").read_text()
    require(markdown.count("\n| 3 |") == 3 and "](scaling.svg)" in markdown, markdown)
    require(html.count("<table>") == 3 and "<svg" in html and "serial fraction" in html, "the page lacks something")
    require((study / "scaling.svg").stat().st_size > 3000, "no plots")
    require((study / "scaling.pdf").read_bytes().startswith(b"%PDF"), "no plots as PDF")
    require(not (folder / "out").exists(), "a run went elsewhere")
    refuses(["study", kind, file, "--ranks", "1", "-o", study, "--set", "time.steps=5"], ["ranks-00001", "[time]"])


def refuses(arguments, words, code=1):
    outcome = heorot(*arguments)
    require(outcome.codes == [code], f"exit code {outcome.codes}: {outcome.stderr}")
    lines = [line for line in outcome.stderr.splitlines() if line.startswith("heorot:")]
    require(len(lines) == 1 and all(word in lines[0] for word in words), outcome.stderr)


def bad_input():
    folder = scratch("bad")
    file = parameter_file(folder, steps=4)
    refuses(["study", "strong", "nowhere.toml"], ["nowhere.toml"])
    refuses(["study", "strong", file, "--ranks", "0"], ["--ranks", "0"], code=2)
    refuses(["study", "strong", file, "--submit", "slurm"], ["--time"], code=2)
    refuses(["study", "strong", file, "--gather", "-o", folder / "none"], ["none", "no run has left a report"])
    refuses(["study", "strong", file, "--set", "time.step=-1"], ["time.step"])
    refuses(["study", "weak", file, "--ranks", "1", "-o", "/proc/heorot"], ["/proc/heorot"])


def broken_runs():
    """The error of a run is repeated; a missing mpirun is named."""
    folder = scratch("broken")
    file = parameter_file(folder, bodies=10**13, steps=4)
    refuses(["study", "strong", file, "--ranks", "1", "-o", folder / "study"], ["the run on 1 rank x", "bodies need some"])
    outcome = heorot("study", "strong", parameter_file(folder, steps=4), "--ranks", "1", "-o", folder / "other", environment={"MPIRUN": "nowhere/mpirun"})
    require(outcome.codes == [1] and "nowhere/mpirun: cannot be started" in outcome.stderr, outcome.stderr)


SBATCH = """\
#!/usr/bin/env bash
# As Slurm would: every element of the array in turn, in this folder.
script=${*: -1}
range=$(sed -n 's/^#SBATCH --array=1-//p' "$script")
nodes=$(sed -n 's/^#SBATCH --nodes=//p' "$script")
for element in $(seq "$range"); do
    SLURM_JOB_ID=7 SLURM_JOB_NUM_NODES=$nodes SLURM_CPUS_ON_NODE=2 SLURM_SUBMIT_DIR=$PWD SLURM_ARRAY_TASK_ID=$element \\
        HEOROT_JOB_END=4102444800 bash "$script" || exit 1
done
echo "$(basename "$script") $range" >>"$STUDY_LOG"
"""


def submitted():
    """Runs with the same number of nodes are one array; each element uses its ranks. (The suite
    slurm uses a real Slurm.)"""
    folder = scratch("submitted")
    file, study, log = parameter_file(folder, steps=4), folder / "study", folder / "arrays"
    (folder / "bin").mkdir()
    (folder / "bin" / "sbatch").write_text(SBATCH)
    (folder / "bin" / "sbatch").chmod(0o755)
    machine = folder / "machine"
    settings = (ROOT / "scripts/jobs/machine").read_text().split("launch()")[0]
    machine.write_text(settings + 'launch() { exec "${MPIRUN:-mpirun}" -n "$RANKS" "$@"; }\n')
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "STUDY_LOG": str(log)}
    call = lambda *more: heorot("study", "weak", file, "--ranks", "1,2,3", "-o", study, *more, environment=environment).require_success()
    call("--submit", "slurm", "--ranks-per-node", "2", "--time", "0:10:00", "--machine", machine)
    require(log.read_text().splitlines() == ["nodes-00001.job 2", "nodes-00002.job 1"], log.read_text())
    call("--gather")
    require([row["ranks"] for row in table(study)] == [1, 2, 3], f"{table(study)}")
    outcome = call("--submit", "slurm", "--ranks-per-node", "2", "--time", "0:10:00", "--machine", machine)
    require("all runs are there" in outcome.stdout and len(log.read_text().splitlines()) == 2, outcome.stdout)


def main():
    check("strong: a page of every run, none done twice", page_of, "strong", [3000, 3000, 3000])
    check("weak: a page of every run, none done twice", page_of, "weak", [3000, 6000, 9000])
    check("bad input is one line", bad_input)
    check("runs that fail", broken_runs)
    check("runs that are submitted", submitted)


main()
