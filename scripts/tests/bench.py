"""`heorot bench` on real MPI ranks: the same checksums on any ranks and threads, PASSED, and a
faulty rank is named."""

import csv
import json
from importlib.machinery import SourceFileLoader
from math import inf

from harness import ROOT, check, heorot, require, scratch

SMALL = ["bench", "--bodies", "20000", "--repeat", "2"]


def bench(name, ranks, threads, *options):
    """The report of a benchmark that must pass."""
    folder = scratch(name)
    files = {"json": folder / "bench.json", "csv": folder / "bench.csv"}
    outputs = [text for option, path in files.items() for text in (f"--{option}", path)]
    outcome = heorot(*SMALL, "--threads", threads, *outputs, *options, ranks=ranks).require_success()
    require(outcome.stdout.splitlines()[-2] == "PASSED", outcome.stdout)
    report = json.loads(files["json"].read_text())
    with open(files["csv"]) as file:
        rows = list(csv.DictReader(file))
    require([row["checksum"] for row in rows] == list(checksums(report).values()), "table and report differ")
    require(report["ranks"] == (ranks or 1) and report["threads"] == threads, "another layout than wanted")
    return report


def checksums(report):
    return {(result["problem"], result["walk"]): result["checksum"] for result in report["results"]}


def whole_set():
    report = bench("one", None, 2)
    require(len(checksums(report)) == 6 and len(set(checksums(report).values())) == 6, f"{checksums(report)}")
    for result in report["results"]:
        require(result["travel_hidden"] is None and result["messages_per_step"] == 0, "one rank sends something")
        require(0 < result["share_of_peak"]["gordon-bell"] < 3, f"share of the peak {result['share_of_peak']}")
    return report


def same_on(ranks, threads, expected):
    report = bench(f"{ranks}x{threads}", ranks, threads)
    require(checksums(report) == expected, f"{checksums(report)} instead of {expected}")
    for result in report["results"]:
        per_body = result["bytes_per_body_per_step"] * result["bodies"]
        require(abs(per_body / result["bytes_per_step"] - 1) < 1e-12, "bytes of a body are not those of all")
        require(result["bytes_per_step"] > 0 and 0 <= result["travel_hidden"] <= 1, "nothing was exchanged")
        require(0.1 < result["load_balance"] <= 1, f"balance {result['load_balance']}")


def references(expected):
    """Checksums of one rank are references for more ranks; a wrong one is a failure on every
    rank."""
    file = scratch("references") / "references.toml"
    some = ["--problems", "clumps", "--walks", "fmm"]
    for ranks in [None, 2]:
        bench(f"references-{ranks}", ranks, 1, "--references", file, *some)
    require(expected["clumps", "fmm"] in file.read_text(), file.read_text())
    file.write_text(file.read_text().replace('= "', '= "0'))
    outcome = heorot(*SMALL, *some, "--references", file, ranks=3)
    fails(outcome, 3, ["clumps 1, fmm", "but that of the reference is 0"])


def fails(outcome, ranks, words):
    require(outcome.codes == [1] * ranks, f"exit codes {outcome.codes}")
    lines = [line for line in outcome.stderr.splitlines() if line.startswith("heorot:")]
    require(len(lines) == 1 and all(word in lines[0] for word in words), outcome.stderr)
    require("FAILED" in outcome.stdout.splitlines(), outcome.stdout)


def names_the_rank(rank, place, words, repeat):
    few = ["bench", "--bodies", "5000", "--repeat", repeat, "--walks", "fmm", "--problems", "plummer", "--threads", 1]
    outcome = heorot(*few, "--flip-bit", rank, "--flip-in", place, ranks=3)
    fails(outcome, 3, ["FAILED: plummer 1, fmm", f"rank {rank} (", *words])


def burn_in():
    outcome = heorot(*SMALL, "--problems", "plummer", "--walks", "fmm", "--burn-in", "0.002", "--threads", 1, ranks=2)
    outcome.require_success()
    rounds = [line for line in outcome.stdout.splitlines() if line.startswith("round ")]
    require(rounds and all("as in the first" in line for line in rounds), outcome.stdout)


def by_memory():
    file = scratch("memory") / "bench.json"
    options = ["--memory-per-rank", "0.1", "--repeat", "1", "--problems", "plummer", "--walks", "fmm", "--threads", 1]
    heorot("bench", *options, "--json", file, ranks=2).require_success()
    result = json.loads(file.read_text())["results"][0]
    require(result["bodies"] > 50_000, f"only {result['bodies']} bodies")
    used = result["memory_per_rank"]
    require(0.06e9 < used < 0.12e9, f"{result['bodies']} bodies took {used:.3g} bytes a rank of 0.1 GB")


def compares():
    """scripts/bench-compare finds real differences only, and reads the files of criterion."""
    script = SourceFileLoader("bench_compare", str(ROOT / "scripts/bench-compare")).load_module()
    noise = [1.01, 0.98, 1.02, 0.99, 1.0]
    mean, low, high = script.ratio([(2.0 * a, b) for a, b in zip(noise, reversed(noise))])
    require(abs(mean - 0.5) < 1e-3 and 0.45 < low < mean < high < 0.55, f"{low} {mean} {high}")
    require(script.verdict(low, high) == "faster", "half the time is not faster")
    mean, low, high = script.ratio([(a, b) for a, b in zip(noise, noise[1:] + noise[:1])])
    require(low < 1 < high and script.verdict(low, high) == "", f"noise counts: {low} {high}")
    # Student's interval of three values 1, 2, 3 is 2 +- 4.303 / sqrt(3); here of logarithms.
    e = 2.718281828459045
    mean, low, high = script.ratio([(1.0, e**k) for k in (1, 2, 3)])
    require(abs(high / mean / e ** (4.303 / 3**0.5) - 1) < 1e-9, f"{mean} {high}")
    require(script.ratio([(1.0, 2.0)])[2] == inf, "one round has no interval")
    folder = scratch("compare")
    program, home = folder / "program", folder / "home"
    program.write_text("""#!/usr/bin/env bash
mkdir -p "$CRITERION_HOME/a/new" && cd "$CRITERION_HOME/a/new"
echo '{"full_id": "a/b"}' >benchmark.json
echo '{"median": {"point_estimate": 2500.0}}' >estimates.json
""")
    program.chmod(0o755)
    require(script.measure(str(program), home, folder) == {"a/b": 2.5e-6}, "criterion's files are read otherwise")
    require(not list(home.glob("**/estimates.json")), "an estimate stays for the next round")


def main():
    report = {}
    check("the whole set on one rank", lambda: report.update(whole_set()))
    expected = checksums(report)
    for ranks, threads in [(2, 1), (3, 2), (4, 1)]:
        check(f"the same states on {ranks} ranks x {threads} threads", same_on, ranks, threads, expected)
    check("references", references, expected)
    for rank, place, words, repeat in [
        (0, "second", ["repetition 2", "first on rank 0 ("], 2),
        (2, "first", ["repetition 2", "first on rank 2 ("], 2),
        (2, "first", ["step 1 of the repetition", "computed again by rank 0 ("], 1),
        (1, "initial", ["the initial state has other bits", "computed again by rank 2 ("], 1),
        (2, "warm-up", ["step 2 of the warm-up has other bits", "computed again by rank 0 ("], 2),
        (0, "kept", ["the state after the warm-up", "has changed in the memory of rank 0 ("], 2),
    ]:
        what = f"a bit that flips on rank {rank} ({place}, {repeat} repetitions) is found there"
        check(what, names_the_rank, rank, place, words, repeat)
    check("a burn-in", burn_in)
    check("as many bodies as fit into memory", by_memory)
    check("two revisions of a bench are compared", compares)


main()
