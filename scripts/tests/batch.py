"""Batch runs: `doctor`, `plan` and `jobscript`, and a run that would not fit into memory."""

import json
import os
import signal
import subprocess
import time

from harness import ROOT, Failed, bodies, check, heorot, parameter_file, require, require_same_bits, scratch


def doctor(ranks):
    folder = scratch("doctor")
    outcome = heorot("doctor", "--threads", 1, "--folder", folder, ranks=ranks).require_success()
    for word in ["MPI", "HDF5", "thread level" if ranks else "not started", "SIMD path", f"{ranks or 1} rank", "wrote a snapshot together", "wrote a checkpoint together", "of memory free"]:
        require(word in outcome.stdout, f"does not say '{word}': {outcome.stdout}")
    require("FAULT" not in outcome.stdout, outcome.stdout)
    require(not any(folder.iterdir()), "leaves files")


def doctor_finds(what, words, code, *options, ranks=None, environment=None):
    outcome = heorot("doctor", *options, ranks=ranks, environment=environment)
    require(set(outcome.codes) == {code}, f"exit codes {outcome.codes}: {outcome.stdout}{outcome.stderr}")
    found = [line for line in outcome.stdout.splitlines() if line.startswith(("WARN", "FAULT"))]
    require(any(all(word in line for word in words) for line in found), f"does not find {what}: {outcome.stdout}")
    require("->" in outcome.stdout, "gives no advice")


def one_core(folder):
    """Threads of a process that is bound to one core."""
    core = min(os.sched_getaffinity(0))
    line = ["taskset", "-c", str(core), str(ROOT / "target/debug/heorot"), "doctor", "--threads", "2", "--folder", str(folder)]
    found = subprocess.run(line, capture_output=True, text=True)
    require("has 2 threads, but is bound to core" in found.stdout and found.returncode == 0, found.stdout + found.stderr)


def number_after(text, word, before):
    """The number before `before` in the line that begins with `word`."""
    line = next(line for line in text.splitlines() if line.startswith(word))
    return float(line.split(before)[0].split()[-1])


def memory_of_a_million(ranks):
    """The estimate is within 15 % of the memory that the run uses."""
    folder = scratch("memory")
    file = parameter_file(folder, 1_000_000)
    # Fixed settings avoid direct sums, which take long and no memory.
    file.write_text(file.read_text().replace("[gravity]", "[gravity]\norder = 3\ntolerance = 0.003"))
    plan = heorot("plan", file, "--ranks", ranks).require_success().stdout
    estimate = number_after(plan, "memory", "GB in all") * 1e9
    heorot("run", file, "--threads", 1, "--set", "time.steps=1", ranks=ranks).require_success()
    report = json.loads((folder / "out" / "report.json").read_text())
    used = report["memory_bytes_per_body"] * 1e6
    require(abs(estimate / used - 1) < 0.15, f"estimate {estimate * 1e-6:.0f} MB, used {used * 1e-6:.0f} MB")
    checkpoint = max((folder / "out").glob("checkpoint_*")).stat().st_size
    told = float(plan.split("checkpoints of ")[1].split()[0])
    require(abs(told * 1e9 / checkpoint - 1) < 0.01, f"checkpoints of {checkpoint} bytes, told {told} GB")


def too_large(ranks):
    folder = scratch("large")
    file = parameter_file(folder, 10**13)
    outcome = heorot("run", file, ranks=ranks)
    lines = [line for line in outcome.stderr.splitlines() if line.startswith("heorot:")]
    require(set(outcome.codes) == {1} and len(lines) == 1, f"{outcome.codes}: {outcome.stderr}")
    require("10000000000000 bodies need some" in lines[0] and "GB are free" in lines[0], lines[0])
    require(not (folder / "out").exists(), "makes a folder")
    outcome = heorot("plan", file, "--ranks", 8, "--memory-per-node", 64)
    require(outcome.codes == [1] and "which has 64 GB" in outcome.stderr, outcome.stderr)


def surroundings(folder):
    """The environment of a script outside a scheduler."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("SLURM_", "PBS_"))}
    return {**clean, "SLURM_SUBMIT_DIR": str(folder), "PBS_O_WORKDIR": str(folder), "RANKS_PER_NODE": "2"}


def job_script(scheduler):
    """The script is valid, and without a scheduler it runs the parameter file to its end."""
    folder = scratch(f"job-{scheduler}")
    file = parameter_file(folder)
    script = folder / "job.sh"
    heorot("jobscript", "--scheduler", scheduler, "--time", "0:10:00", "--threads", 1, "-o", script, file).require_success()
    syntax = subprocess.run(["bash", "-n", script], capture_output=True, text=True)
    require(syntax.returncode == 0, syntax.stderr)
    found = subprocess.run(["bash", script], capture_output=True, text=True, env=surroundings(folder), timeout=600)
    require(found.returncode == 0, f"exit code {found.returncode}: {found.stdout[-500:]}{found.stderr[-1000:]}")
    require((folder / "out" / "report.json").exists(), "no report")
    outcome = heorot("jobscript", "--scheduler", scheduler, "--time", "0:10:00", folder / "none.toml")
    require(outcome.codes == [1] and "none.toml" in outcome.stderr, outcome.stderr)


def signal_to_a_job():
    """A signal of the scheduler to the script reaches the ranks: they stop with a checkpoint."""
    folder = scratch("job-signal")
    file, script = parameter_file(folder), folder / "job.sh"
    options = ["--scheduler", "slurm", "--time", "0:10:00", "--threads", 1, "--set", "time.steps=100000"]
    heorot("jobscript", *options, "-o", script, file).require_success()
    log = open(folder / "log", "wb")
    process = subprocess.Popen(["bash", script], stdout=log, stderr=log, env=surroundings(folder))
    rows, end = folder / "out" / "energy.csv", time.monotonic() + 300
    while not rows.exists() or rows.read_text().count("\n") < 3:
        require(time.monotonic() < end and process.poll() is None, (folder / "log").read_text()[-500:])
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    code, text = process.wait(timeout=600), (folder / "log").read_text()
    require(code == 75 and "stopped with a checkpoint" in text, f"exit code {code}: {text[-500:]}")
    require(list((folder / "out").glob("checkpoint_*.heorot")), "no checkpoint")


# A substitute for PBS: a job gets a number and a file of nodes, waits for the job it depends on,
# and runs the script in a shell.
QSUB = """\
#!/usr/bin/env bash
folder=$(dirname "$0")
while [[ ${1:-} == -* ]]; do [ "$1" = -W ] && depend=${2#depend=afterany:}; shift 2; done
number=$(($(wc -l <"$folder/jobs") + 1))
echo "$number ${depend:-}" >>"$folder/jobs"
cp "$1" "$folder/$number.SC"
(
    while [ -n "${depend:-}" ] && [ ! -e "$folder/$depend.done" ]; do sleep 0.1; done
    # From the third job on the time is sufficient on any machine.
    if [ "$number" -gt 2 ]; then export HEOROT_JOB_END=$(($(date +%s) + 1000)); fi
    PBS_JOBID=$number PBS_NODEFILE=$folder/nodes NCPUS=2 bash "$folder/$number.SC" >"$folder/$number.log" 2>&1
    echo $? >"$folder/$number.done"
) >/dev/null 2>&1 &
echo "$number"
"""


def pbs_chain():
    """A PBS job with too short a walltime is submitted again until the run is done, with the bits
    of a run without limits."""
    folder = scratch("pbs")
    (folder / "bin").mkdir()
    (folder / "bin" / "qsub").write_text(QSUB)
    (folder / "bin" / "qsub").chmod(0o755)
    (folder / "bin" / "jobs").touch()
    (folder / "bin" / "nodes").write_text("localhost\nlocalhost\n")
    file, script = parameter_file(folder), folder / "job.sh"
    steps = ["--set", "time.steps=1000", "--set", 'output.folder="out"']
    heorot("jobscript", "--scheduler", "pbs", "--time", "0:00:01", "--threads", 1, "-o", script, file, *steps).require_success()
    environment = surroundings(folder) | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "RANKS_PER_NODE": ""}
    subprocess.run(["qsub", script], env=environment, check=True, capture_output=True, cwd=folder)
    jobs = lambda: (folder / "bin" / "jobs").read_text().split("\n")[:-1]
    logs = lambda: "".join(path.read_text() for path in sorted((folder / "bin").glob("*.log")))
    end = time.monotonic() + 200
    while not all((folder / "bin" / f"{job.split()[0]}.done").exists() for job in jobs()):
        if time.monotonic() > end:
            (folder / "out" / "stop").touch()  # ends the chain
            raise Failed(logs()[-1000:])
        time.sleep(0.2)
    require((folder / "out" / "report.json").exists(), logs()[-1000:])
    require(len(jobs()) >= 2, f"only {len(jobs())} job: {logs()[-500:]}")
    require([job.split()[1:] for job in jobs()] == [[]] + [[str(k)] for k in range(1, len(jobs()))], f"jobs {jobs()}")
    straight = folder / "straight"
    heorot("run", file, *steps[:3], f'output.folder="{straight}"').require_success()
    last = lambda place: bodies(sorted(place.glob("snapshot_*.hdf5"))[-1])
    require_same_bits(last(straight), last(folder / "out"))


def scripts_are_sound():
    for path in sorted((ROOT / "scripts" / "jobs").iterdir()):
        syntax = subprocess.run(["bash", "-n", path], capture_output=True, text=True)
        require(syntax.returncode == 0, syntax.stderr)


def study():
    """The array index selects a line of a list; comments do not count."""
    folder = scratch("study")
    (folder / "list").write_text("# a study\n\nfirst.toml --set a=1\nsecond.toml --set 'b=\"x y\"'\n")
    line = 'source scripts/jobs/launch; eval "set -- $(line_of_study "$1")"; printf "%s|" "$@"'
    for index, expected in [("1", "first.toml|--set|a=1|"), ("2", 'second.toml|--set|b="x y"|'), ("3", "|")]:
        environment = {**os.environ, "SLURM_ARRAY_TASK_ID": index}
        found = subprocess.run(["bash", "-c", line, "x", folder / "list"], capture_output=True, text=True, cwd=ROOT, env=environment)
        require(found.stdout == expected, f"{index}: {found.stdout}{found.stderr}")


def main():
    for ranks in [None, 3]:
        check(f"doctor on {ranks or 1} ranks", doctor, ranks)
    place = scratch("place")
    for what, words, code, options, ranks, environment in [
        ("ranks that do not see each other", ["4 processes were started"], 1, [], None, {"PMI_SIZE": "4"}),
        ("a folder that cannot be written", ["/proc/heorot-doctor"], 1, ["--folder", "/proc"], 2, None),
        ("too many threads", ["share"], 0, ["--threads", len(os.sched_getaffinity(0)), "--folder", place], 3, None),
    ]:
        find = lambda: doctor_finds(what, words, code, *options, ranks=ranks, environment=environment)
        check(f"doctor finds {what}", find)
    check("doctor finds threads on one core", one_core, place)
    for ranks in [1, 4]:
        check(f"memory of a million bodies on {ranks} ranks", memory_of_a_million, ranks)
    for ranks in [None, 2]:
        check(f"a run that does not fit ({ranks or 1} ranks)", too_large, ranks)
    for scheduler in ["slurm", "pbs"]:
        check(f"a job script for {scheduler}", job_script, scheduler)
    check("a signal to a job", signal_to_a_job)
    check("a chain of PBS jobs", pbs_chain)
    check("the scripts of scripts/jobs", scripts_are_sound)
    check("a line of a study", study)


main()
