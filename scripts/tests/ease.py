"""Conveniences of the command line: numbers and types as people write them, folders in place of
their files, --quiet, --json, colours, the log, and messages that say what to do."""

import json
import os
import pty
import re
import shutil
import subprocess

import h5py
import numpy as np
from harness import PROGRAM, bodies, check, heorot, parameter_file, require, require_same_bits, scratch, write_snapshot


def same_numbers_of_bodies():
    """100000, 100_000 and 1e5 are the same number, as an option and as a key."""
    folder = scratch("numbers")
    for name, text in [("a", "2000"), ("b", "2_000"), ("c", "2e3")]:
        heorot("model", "plummer", "--bodies", text, "--seed", 4, "-o", folder / f"{name}.hdf5").require_success()
        file = folder / f"{name}.toml"
        file.write_text(f'[initial]\nmodel = "plummer"\nseed = 4\nbodies = {text}\n')
        heorot("model", "--from", file, "-o", folder / f"{name}-from.hdf5").require_success()
    for name in ["b", "c", "a-from", "b-from", "c-from"]:
        require_same_bits(bodies(folder / "a.hdf5"), bodies(folder / f"{name}.hdf5"))
    for text in ["1.5", "-3", "1e30", "many"]:
        outcome = heorot("model", "plummer", "--bodies", text, "-o", folder / "no.hdf5")
        require(outcome.codes == [2] and len(outcome.stderr.splitlines()) == 1, f"{text}: {outcome.codes} {outcome.stderr}")


def types_by_name():
    """disc,bulge is 2,3; another name is refused with the known ones."""
    folder = scratch("types")
    galaxy = folder / "galaxy.hdf5"
    heorot("model", "disc-galaxy", "--bodies", "2e3", "-o", galaxy).require_success()
    for name, types in [("number", "2,3"), ("name", "disc,Bulge")]:
        heorot("convert", galaxy, folder / f"{name}.hdf5", "--types", types).require_success()
        heorot("render", galaxy, "-o", folder / f"{name}.png", "--types", types, "--size", "160").require_success()
    require_same_bits(bodies(folder / "number.hdf5"), bodies(folder / "name.hdf5"))
    require(set(bodies(folder / "name.hdf5")["Type"]) == {2, 3}, "other types")
    require((folder / "number.png").read_bytes() == (folder / "name.png").read_bytes(), "pictures differ")
    outcome = heorot("convert", galaxy, folder / "no.hdf5", "--types", "discs")
    require(outcome.codes == [2] and "gas, halo, disc, bulge, stars, other" in outcome.stderr, outcome.stderr)
    movie = '[movie]\nevery = 0.004\nsize = [160, 160]\nformat = "none"\ntypes = ["halo"]\n'
    heorot("run", parameter_file(folder, bodies=500, more=movie)).require_success()
    outcome = heorot("run", parameter_file(folder, bodies=500, more=movie.replace("halo", "halos")), "--overwrite")
    require(outcome.codes == [1] and "movie.types" in outcome.stderr, outcome.stderr)


def combined_files():
    """The output of combine has the two files as galaxies, also in a run from it; units are not mixed in silence."""
    folder = scratch("combined")
    for name, units, count in [("n", "nbody", 100), ("a", "pc-msun-kms", 200), ("b", "pc-msun-kms", 50)]:
        heorot("model", "plummer", "--bodies", count, "--units", units, "-o", folder / f"{name}.hdf5").require_success()
    (folder / "t.txt").write_text("mass x y z vx vy vz\n1 0 0 0 0 0 0\n1 1 2 3 0 0 0\n")
    a, b, n, table, both, all = (folder / name for name in ["a.hdf5", "b.hdf5", "n.hdf5", "t.txt", "both.hdf5", "all.hdf5"])
    for pair in [(a, n), (n, a), (table, n)]:
        outcome = heorot("combine", *pair, "-o", both)
        named = all_in(outcome.stderr, [*map(str, pair), "--units", "G = 1"])
        require(outcome.codes == [1] and named and len(outcome.stderr.splitlines()) == 1 + pair.count(table), outcome.stderr)
    heorot("combine", a, n, "-o", both, "--units", "galactic").require_success()
    outcome = heorot("combine", a, table, "-o", both, "--overwrite").require_success()
    require("t.txt: states no units; its numbers count as in those of the output, pc-msun-kms" in outcome.stdout, outcome.stdout)
    heorot("combine", a, b, "-o", both, "--shift", "30,0,0", "--overwrite", ranks=2).require_success()
    heorot("combine", n, both, "-o", all, "--shift", "0,40,0", "--units", "pc-msun-kms").require_success()
    heorot("render", all, "-o", folder / "all.png", "--colour-by", "galaxy", "--size", 160).require_success()
    for snapshot in [both, all]:
        heorot("plot", "separation", snapshot, "-o", folder / f"{snapshot.stem}.svg").require_success()
    words = (folder / "all.svg").read_text()
    require(all_in(words, ["n – a", "n – b", "a – b"]), "names of galaxies are missing")
    file = folder / "run.toml"
    keys = ["[initial]", f'file = "{both}"', "[units]", 'system = "pc-msun-kms"', "[gravity]", "softening = 0.1", "[time]", "steps = 1", "step = 1e-4"]
    file.write_text("\n".join([*keys, "[output]", f'folder = "{folder}/out"']))
    heorot("run", file).require_success()
    heorot("plot", "separation", folder / "out", "-o", folder / "run.svg").require_success()
    for command, picture in [(("plot", "separation"), "no.svg"), (("render",), "no.png")]:
        outcome = heorot(*command, all, "-o", folder / picture, "--galaxies", "A=0-99,A=100-349")
        require(outcome.codes == [1] and 'have the name "A"' in outcome.stderr, outcome.stderr)


def all_in(text, words):
    return [word for word in words if word not in text] == []


def run_folder(name, *options):
    folder = scratch(name)
    file = parameter_file(folder, bodies=600, steps=8, output="snapshot_every = 0.016")
    return folder, heorot("run", file, *options).require_success()


def folders_of_runs():
    """The folder of a run stands for its snapshots; where one file is wanted, the message names one."""
    folder, _ = run_folder("folders")
    out, files = folder / "out", sorted((folder / "out").glob("snapshot_*.hdf5"))
    require(len(files) == 3, f"{files}")
    for name, inputs in [("files", files), ("folder", [out])]:
        heorot("plot", "lagrange", *inputs, "-o", folder / f"{name}.svg").require_success()
        heorot("poster", *inputs, "-o", folder / f"{name}.png", "--size", 160).require_success()
    for ending in ["csv", "svg", "png"]:
        pair = [(folder / f"{name}.{ending}").read_bytes() for name in ["files", "folder"]]
        require(pair[0] == pair[1], f"the {ending} of a folder differs")
    halves = ["--galaxies", "near=0-299,far=300-599"]
    for kind, more in [("separation", halves), ("tidal-radius", halves), ("bar", ["--rings", 3, *halves]), ("profile", halves), ("lagrange", halves)]:
        heorot("plot", kind, out, "-o", folder / f"{kind}.svg", *more).require_success()
        words = (folder / f"{kind}.svg").read_text() + (folder / f"{kind}.csv").read_text()
        require("near" in words and "far" in words, f"no names in plot {kind}")
    for kind, given, words in [("run", [files[0]], "give its folder"), ("phase", [out], "holds 3 snapshots"), ("bar", [out, "--rings", 900], "fewer rings")]:
        outcome = heorot("plot", kind, *given, "-o", folder / "no.svg")
        require(outcome.codes == [1] and words in outcome.stderr, outcome.stderr)
    heorot("view", out, "-o", folder / "view.html").require_success()
    for name, given in [("a", out), ("b", out / "energy.csv")]:
        heorot("plot", "run", given, "-o", folder / f"run-{name}.svg").require_success()
    require((folder / "run-a.svg").read_bytes() == (folder / "run-b.svg").read_bytes(), "energy.csv is not the folder")
    outcome = heorot("info", out)
    require(outcome.codes == [1] and f"such as {files[-1]}" in outcome.stderr, outcome.stderr)
    outcome = heorot("render", scratch("empty"), "-o", folder / "no.png")
    require(outcome.codes == [1] and "without a snapshot" in outcome.stderr, outcome.stderr)


def messages():
    """One line that says what to do."""
    folder = scratch("messages")
    snapshot = write_snapshot(folder / "ic.hdf5", np.eye(3), np.zeros((3, 3)), np.ones(3))
    for arguments, words in [
        (["run", snapshot], ["is a snapshot (GADGET HDF5)", f'file = "{snapshot}"', "[initial]"]),
        (["plan", snapshot], ["is a snapshot"]),
        (["plot", "profle", snapshot], ["profile", "known: run, profile, surface-density"]),
        (["plots"], ["plot", "known: run, status"]),
        (["render", snapshot, "-o", folder / "x.png", "--range", "9e7:3e5"], ["9e7 is not below 3e5", "1e5:1e9"]),
        (["model", "--from", snapshot, "-o", folder / "y.hdf5"], ["is a snapshot (GADGET HDF5)", "heorot convert"]),
        (["status", snapshot], ["is a file, not the output folder of a run"]),
        (["run", parameter_file(folder, bodies=300), "--set", "potential.0.kind=nfw"], ["--set: potential.0.kind: there is no list potential"]),
        (["model", "plummer", "--bodies", "9", "--radius", "3 Msun", "-o", folder / "y.hdf5"], ["is a mass, where a length is needed"]),
        (["render", snapshot, "-o", folder / "x.png", "--depth", "-1"], ["--depth", "must be a length above 0"]),
        (["plot", "run", folder, "-o", folder / "x.png", "--font-size", "-3"], ["--font-size", "must be a number from 4 to 72"]),
        (["plot", "bar", snapshot, "-o", folder / "x.png", "--radius", "5:1"], ["--radius", "one length is needed"]),
    ]:
        outcome = heorot(*arguments)
        lines = outcome.stderr.splitlines()
        require(outcome.codes[0] in [1, 2] and len(lines) == 1, f"{arguments}: {outcome.codes} {lines}")
        require(all(word in lines[0] for word in words), f"{arguments}: {lines[0]}")
    # A name that means the same is understood.
    _, _ = run_folder("energy")
    heorot("plot", "energy", folder.parent / "energy/out", "-o", folder / "energy.svg").require_success()


def rivals():
    """--set time.end replaces time.steps of the file, and the other way round."""
    folder = scratch("rivals")
    file = parameter_file(folder, bodies=300, steps=5, step=0.004)
    heorot("run", file, "--set", "time.end=0.008").require_success()
    require(json.loads((folder / "out/report.json").read_text())["steps"] == 2, "time.steps of the file holds")
    file.write_text(file.read_text().replace("steps = 5", "end = 0.1"))
    heorot("run", file, "--set", "time.steps=3", "--overwrite").require_success()
    require(json.loads((folder / "out/report.json").read_text())["steps"] == 3, "time.end of the file holds")
    outcome = heorot("run", file, "--set", "time.steps=3", "--set", "time.end=1", "--overwrite")
    require(outcome.codes == [1] and "not both" in outcome.stderr, outcome.stderr)
    # The times of snapshots, and those that lie outside the run.
    file.write_text(file.read_text().replace("[output]", "[output]\nsnapshot_every = 0.05"))
    outcome = heorot("run", file, "--set", "output.at=[0.02, 0.3]", "--overwrite").require_success()
    require("output.at: 0.3 lies outside the run from t 0.000000 to t 0.100000" in outcome.stdout, outcome.stdout)
    times = sorted(float(h5py.File(path)["Header"].attrs["Time"]) for path in (folder / "out").glob("snapshot_*.hdf5"))
    require(times == [0.0, 0.02, 0.1], f"{times}")
    outcome = heorot("plan", file, "--set", "output.at=[-1, 0.02]").require_success()
    require(len(outcome.stderr.splitlines()) == 1 and "output.at: -1.0 lies outside" in outcome.stderr, outcome.stderr)


def few_bodies():
    """Two bodies, a star with planets, and tracers: pictures, logs and energies."""
    folder = scratch("few")
    heorot("model", "two-body", "-o", folder / "two.hdf5").require_success()
    heorot("model", "planetary-system", "--bodies", "500", "--belt", "2.1 AU,3.3 AU", "-o", folder / "belt.hdf5").require_success()
    for name in ["two", "belt"]:
        heorot("render", folder / f"{name}.hdf5", "-o", folder / f"{name}.png", "--size", 160).require_success()
        heorot("poster", folder / f"{name}.hdf5", "-o", folder / f"{name}.svg", "--size", 160).require_success()
    wide = heorot("render", folder / "belt.hdf5", "-o", folder / "wide.png", "--size", 160, "--width", "1e-3 pc", "--colour-by", "type")
    wide.require_success()
    heorot("extract", folder / "belt.hdf5", folder / "small.hdf5", "--types", "disc").require_success()
    require("500 bodies" in heorot("info", folder / "small.hdf5").stdout, "--types alone extracts others")
    lone = write_snapshot(folder / "lone.hdf5", np.eye(2, 3), np.zeros((2, 3)), np.array([1.0, 0.0]))
    text = f'[initial]\nfile = "{lone}"\n[gravity]\nwalk = "direct"\n[time]\nsteps = 2\nstep = 1e-9\n[output]\nfolder = "{folder / "out"}"\n'
    (folder / "run.toml").write_text(text)
    outcome = heorot("run", folder / "run.toml").require_success()
    require("2K/|W| - " in outcome.stdout and "nan" not in outcome.stdout.lower(), outcome.stdout)


def the_dead():
    """The status of a killed run says so, also as JSON."""
    folder, _ = run_folder("dead")
    file = folder / "out/status.json"
    status = json.loads(file.read_text())
    status.update(phase="running", pid=2**22 + 1)
    file.write_text(json.dumps(status))
    outcome = heorot("status", folder / "out", "--json")
    found = json.loads(outcome.stdout)
    require(outcome.codes == [1] and found["state"] == "dead" and "is gone" in found["cause_of_death"], f"{outcome.codes} {found}")


def rungs():
    """plan finds the rungs of the initial state, and says where perfect scaling is impossible."""
    folder = scratch("rungs")
    file = parameter_file(folder, bodies=3000, steps=2, step=0.25)
    block = ["--set", "time.timestep=block", "--set", "time.criterion=rate"]
    plan = json.loads(heorot("plan", file, "--ranks", 64, "--json", *block).require_success().stdout)
    found = plan["rungs"]
    require(sum(found["bodies"]) == 3000 and not found["sampled"] and not plan["scaling_is_known"], f"{plan}")
    body_steps = sum(count * 2**rung for rung, count in enumerate(found["bodies"]))
    require(abs(found["steps_of_a_body"] * 3000 / body_steps - 1) < 1e-9 and len(found["bodies"]) > 2, f"{found}")
    text = heorot("plan", file, "--ranks", 64, *block).require_success().stdout
    require("substeps in a full step" in text and "perfect scaling is impossible here" in text, text)
    # About as many as a run of it takes.
    heorot("run", file, *block, "--set", "time.steps=1").require_success()
    taken = float((folder / "out/energy.csv").read_text().splitlines()[-1].split(",")[-1])
    require(0.3 < found["steps_of_a_body"] / taken < 3, f"{found['steps_of_a_body']} of {taken}")


def quiet():
    """--quiet leaves out all but warnings and errors; a command that answers still does."""
    folder, outcome = run_folder("quiet", "--quiet")
    require(outcome.stdout == "" and outcome.stderr == "", f"{outcome.stdout}{outcome.stderr}")
    require((folder / "out/report.json").exists(), "does nothing")
    snapshot = folder / "out/snapshot_000.hdf5"
    outcome = heorot("--quiet", "render", snapshot, "-o", folder / "a.png", "--size", 160).require_success()
    require(outcome.stdout == "" and (folder / "a.png").exists(), outcome.stdout)
    require("600 bodies" in heorot("info", snapshot, "-q").require_success().stdout, "info is silent")
    table = folder / "table.txt"
    table.write_text("mass x y z vx vy vz\n1 0 0 0 0 0 0\n")
    outcome = heorot("convert", table, folder / "t.hdf5", "-q").require_success()
    require(outcome.stdout == "" and "warning: " in outcome.stderr, f"{outcome.stdout}{outcome.stderr}")
    outcome = heorot("run", folder / "run.toml", "-q")
    require(outcome.codes == [1] and len(outcome.stderr.splitlines()) == 1, outcome.stderr)


def log_lines():
    """The log has the first and the last step, and all of them if asked."""
    steps = lambda outcome: [int(number) for number in re.findall(r"^step (\d+)/8 ", outcome.stdout, re.MULTILINE)]
    _, outcome = run_folder("log")
    found = steps(outcome)
    require(found[0] == 1 and found[-1] == 8 and len(found) < 8, f"steps {found}")
    folder, outcome = run_folder("each", "--log-each-step")
    require(steps(outcome) == list(range(1, 9)), outcome.stdout)
    require(len((folder / "out/steps.csv").read_text().splitlines()) == 9, "steps.csv lacks rows")


def as_json():
    """info, plan, doctor and status print JSON, and nothing else, with the numbers of their text."""
    folder, _ = run_folder("json")
    snapshot = folder / "out/snapshot_002.hdf5"
    read = lambda *arguments: json.loads(heorot(*arguments, "--json").require_success().stdout)
    info = read("info", snapshot)
    with h5py.File(snapshot) as file:
        require(info["time"] == file["Header"].attrs["Time"], f"time {info['time']}")
    require(info["bodies"] == 600 and info["types"] == [{"type": 1, "name": "halo", "bodies": 600, "mass": info["mass"]}], f"{info['types']}")
    require(all(test["violated_by"] == 0 for test in info["checks"]) and info["gravitational_constant"] == 1.0, f"{info}")
    plan = read("plan", folder / "run.toml", "--ranks", 2)
    text = heorot("plan", folder / "run.toml", "--ranks", 2).require_success().stdout
    require(plan["steps"] == 8 and plan["bodies"] == 600 and plan["ranks"] == 2, f"{plan}")
    require(f"{plan['memory']['rank_bytes'] * 1e-9:.3f} GB a rank" in text and plan["seconds"] > 0, text)
    doctor = read("doctor", "--folder", folder)
    require(doctor["build"]["version"] and {"ok"} <= {finding["status"] for finding in doctor["findings"]}, f"{doctor}")
    require(all("advice" in finding for finding in doctor["findings"] if finding["status"] != "ok"), "a fault has no advice")
    status = read("status", folder / "out")
    require(status["phase"] == "done" and status["step"] == 8 and status["part"] == 0.0, f"{status}")


def on_a_terminal(arguments, **environment):
    """What a command prints on a terminal."""
    leader, follower = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [str(PROGRAM), *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=follower, stderr=follower, env={**clean, "TERM": "xterm", **environment}
    )
    os.close(follower)
    told = b""
    while True:
        try:
            part = os.read(leader, 1 << 16)
        except OSError:
            break
        if not part:
            break
        told += part
    process.wait()
    os.close(leader)
    return told.decode()


def colours():
    """Errors are red and findings green on a terminal; never without one, with NO_COLOR, or on a dumb terminal."""
    folder = scratch("colours")
    snapshot = write_snapshot(folder / "ic.hdf5", np.eye(3), np.zeros((3, 3)), np.ones(3))
    wrong, right = ["info", folder / "none.hdf5"], ["info", snapshot]
    require("\x1b[1;31mheorot:\x1b[0m " in on_a_terminal(wrong), on_a_terminal(wrong))
    require("\x1b[1;32mok  \x1b[0m " in on_a_terminal(right), on_a_terminal(right))
    for environment in [{"NO_COLOR": "1"}, {"TERM": "dumb"}]:
        require("\x1b" not in on_a_terminal(wrong, **environment) + on_a_terminal(right, **environment), f"colours with {environment}")
    outcome = heorot(*right)
    require("\x1b" not in outcome.stdout + heorot(*wrong).stderr, "colours in a file")


def builds():
    """--version, the report and the snapshots name the same build, on any number of ranks in the same bytes."""
    folder = scratch("builds")
    told = heorot("--version").require_success().stdout
    require(all(word in told for word in ["revision ", "MPI ", "HDF5 ", "SIMD path "]), told)
    attributes = []
    for ranks in [1, 2]:
        place = scratch(f"builds-{ranks}")
        heorot("run", parameter_file(place, bodies=400), ranks=ranks).require_success()
        report = json.loads((place / "out/report.json").read_text())["build"]
        require(report["revision"] in told and report["hdf5"] in told and report["simd"] in told, f"{report}: {told}")
        with h5py.File(place / "out/snapshot_001.hdf5") as file:
            attributes.append(str(file["Parameters"].attrs["heorot.build"]))
    require(attributes[0] == attributes[1] and report["revision"] in attributes[0], f"{attributes}")
    shutil.rmtree(folder)


check("1e5 and 100_000 are numbers of bodies", same_numbers_of_bodies)
check("types by name", types_by_name)
check("combined files are galaxies, in known units", combined_files)
check("the folder of a run in place of its files", folders_of_runs)
check("messages say what to do", messages)
check("end and steps replace each other in --set", rivals)
check("pictures, logs and energies of few bodies", few_bodies)
check("a killed run is dead in its status", the_dead)
check("rungs in plan", rungs)
check("--quiet", quiet)
check("the log has a line every few seconds, or each step", log_lines)
check("--json", as_json)
check("colours on a terminal", colours)
check("the build is named", builds)
