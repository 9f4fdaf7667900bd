"""Scaling without a cluster: virtual ranks, replay on networks, measurement of a network. With
--hosts (as root) also a comparison of predicted and measured steps on hosts behind real slow
links."""

import csv
import json
import os
import subprocess
import sys

from harness import PROGRAM, ROOT, bodies, check, heorot, parameter_file, require, require_same_bits, scratch

PROBLEM = ["inputs/plummer.toml", "--set", "initial.bodies=3000"]


def virtual_ranks(folder):
    heorot("study", "virtual", *PROBLEM, "--ranks", "1,2,5", "--output", folder).require_success()
    rows = list(csv.DictReader(open(folder / "virtual.csv")))
    require([row["ranks"] for row in rows] == ["1", "2", "5"], f"rows {rows}")
    require("<svg" in (folder / "virtual.svg").read_text(), "no plot")
    for ranks, row in zip([1, 2, 5], rows):
        trace = json.loads((folder / f"trace-{ranks:05}.json").read_text())
        require(trace["ranks"] == ranks and sum(trace["bodies_of_ranks"]) == 3000, "bodies are lost")
        calls = [call["call"] for call in trace["calls"] if isinstance(call["call"], dict)]
        exchanged = [message for call in calls for message in call.get("exchange", [])]
        sent = exchanged + [message for call in calls for message in call.get("send_receive", [])]
        require(all(a != b for a, b, _ in sent), "a message to oneself")
        require(all(size > 0 for *_, size in exchanged), "an empty message in an exchange")
        require((ranks == 1) == (len(sent) == len(exchanged)), "no rank tells the other half of its group of its branches")
        require(abs(len(sent) / ranks - float(row["messages_mean"])) < 1e-6, "the table counts other messages")
        require((ranks == 1) == (not sent), f"{len(sent)} messages of {ranks} ranks")


def packed_by_hosts(folder):
    """Nine ranks on hosts of four: three hosts. A packed exchange has one message for each pair of
    hosts; without packing there are more."""
    heorot("study", "virtual", *PROBLEM, "--ranks", "4,9", "--ranks-per-host", "4", "--output", folder).require_success()
    one, three = csv.DictReader(open(folder / "virtual.csv"))
    require(one["hosts"] == "1" and float(one["messages_of_host"]) == 0, f"one host sends others something: {one}")
    require(not (folder / "packed-00004.json").exists(), "one host packs for others")
    direct, packed = (json.loads((folder / f"{name}-00009.json").read_text()) for name in ["trace", "packed"])
    require(not direct["layout"]["packed"] and packed["layout"]["packed"], "traces say otherwise")
    crossing = lambda messages: [(a // 4, b // 4) for a, b, _ in messages if a // 4 != b // 4]
    sent = lambda trace: [message for call in trace["calls"] if isinstance(call["call"], dict)
                          for kind in ["exchange", "send_receive"] for message in call["call"].get(kind, [])]
    for trace, column in [(direct, "messages_of_host"), (packed, "messages_of_host_packed")]:
        require(abs(len(crossing(sent(trace))) / 3 - float(three[column])) < 1e-6, f"{column}: {three}")
    require(float(three["messages_of_host_packed"]) < float(three["messages_of_host"]), f"packing makes more messages: {three}")
    require(not any("exchange" in call["call"] for call in packed["calls"]), "lengths are still told")
    exchanges = sum("exchange" in call["call"] for call in direct["calls"])
    # Messages to pack inside a host, long messages, one message for each pair of hosts, messages
    # from packing inside a host.
    trees = [call["call"]["send_receive"] for call in packed["calls"]
             if call["stage"] == "essential trees" and isinstance(call["call"], dict)]
    inside, long, between, outside = trees
    require(exchanges > 0 and not crossing(inside + outside), f"{inside} {outside}")
    require(all(size > 8192 for *_, size in long) and len(crossing(long)) == len(long), f"{long}")
    require(sorted(crossing(between)) == [(a, b) for a in range(3) for b in range(3) if a != b], f"{between}")
    said = heorot("network", "replay", *folder.glob("*-00009.json"), "--network", "1-gbe").require_success().stdout
    require(sum(line.split()[:1] == ["3"] for line in said.splitlines()) == 2, said)


def same_bits(folder):
    """With and without packing, and on one rank: the same bodies and energies. The report contains
    the layout."""
    def run(name, *options):
        place = folder / name
        place.mkdir()
        heorot("run", parameter_file(place), "--threads", 1, *options).require_success()
        layout = json.loads((place / "out" / "report.json").read_text())["layout"]
        return bodies(sorted((place / "out").glob("*.hdf5"))[-1]), (place / "out" / "energy.csv").read_bytes(), layout

    expected, energy, _ = run("one")
    ranks = ["--virtual-ranks", 7, "--ranks-per-host", 3]
    for name, options, packed in [
        ("auto", ["--virtual-ranks", 12, "--ranks-per-host", 4], True),
        ("too-few", ranks, False),
        ("always", [*ranks, "--pack", "always"], True),
        ("never", [*ranks, "--pack", "never"], False),
        ("one-host", [*ranks[:2], "--ranks-per-host", 7], False),
        ("one-each", [*ranks[:2], "--ranks-per-host", 1, "--pack", "always"], True),
    ]:
        found, log, layout = run(name, *options)
        hosts = {"one-host": 1, "one-each": 7}.get(name, 3)
        require(layout == {"hosts": hosts, "packed": packed}, f"{name}: {layout}")
        require_same_bits(expected, found)
        require(log == energy, f"{name}: other energies")


def same_trace(folder):
    """Messages do not depend on how many ranks compute at a time; only times differ."""
    def calls(threads):
        place = folder / f"threads-{threads}"
        heorot("study", "virtual", *PROBLEM, "--ranks", "7", "--threads", threads, "--output", place).require_success()
        return [(call["stage"], call["call"]) for call in json.loads((place / "trace-00007.json").read_text())["calls"]]

    require(calls(1) == calls(3), "the calls differ")


def replay(folder):
    traces = sorted(folder.glob("trace-*.json"))
    plot = folder / "networks.svg"
    said = heorot("network", "replay", *traces, "--network", "all", "--output", plot).require_success().stdout
    require("worth their price" in said and "<svg" in plot.read_text(), said)
    rows = list(csv.DictReader(open(plot.with_suffix(".csv"))))
    time = {(row["network"], int(row["nodes"])): float(row["seconds [s]"]) for row in rows}
    require(time["slip", 2] > time["ethernet", 2] > time["fast-ethernet", 2] > time["myrinet", 2], "a faster network is slower")
    require(time["fast-ethernet-hub", 5] > time["fast-ethernet", 5], "a hub is as good as a switch")
    require(("plip", 5) not in time, "five nodes on a cable for two")


def measure(folder):
    table = folder / "networks.toml"
    command = ["network", "measure", "--name", "ours", "--file", table]
    heorot(*command, ranks=2).require_success()
    said = heorot("network", "list", "--file", table).require_success().stdout
    require("ours" in said and "infiniband-ndr" in said, said)
    trace = folder.parent / "virtual" / "trace-00002.json"
    heorot("network", "replay", trace, "--network", "ours", "--file", table).require_success()
    again = heorot(*command, ranks=2)
    require(set(again.codes) == {1} and "has a network \"ours\" already" in again.stderr, again.stderr)


def refused(what, words, *arguments, ranks=None):
    outcome = heorot(*arguments, ranks=ranks)
    require(set(outcome.codes) <= {1, 2} and 0 not in outcome.codes, f"exit codes {outcome.codes}")
    lines = outcome.stderr.strip().splitlines()
    require(sum(line.startswith("heorot:") for line in lines) == 1, f"{len(lines)} lines: {outcome.stderr}")
    require(all(word in outcome.stderr for word in words), outcome.stderr)


def pile_of_pcs(command, first, start="| 100 Mbit/s"):
    """The numbers of the single row of a quick measurement, from column `first` on; none if hosts
    cannot be made. The row begins with `start`."""
    result = subprocess.run(
        [ROOT / "scripts" / "pile-of-pcs", command, "--quick"],
        capture_output=True, text=True, timeout=1200, env={**os.environ, "HEOROT": str(PROGRAM)},
    )
    if result.returncode == 3:
        print(f"Left out: {result.stderr.strip()}")
        return None
    require(result.returncode == 0, result.stderr)
    row = next(line for line in result.stdout.splitlines() if line.startswith(start))
    print(row)
    left = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout
    require("heorot-" not in left, f"hosts are left: {left}")
    # Times are printed but not checked, because the machine may be busy.
    return [float(cell.split()[0]) for cell in row.replace(",", " ").split("|")[first : first + 3]]


def predicted_steps():
    numbers = pile_of_pcs("compare", 4)
    require(numbers is None or numbers[1] > numbers[0] > 0 and numbers[2] > 0, numbers)


def packed_steps():
    """`pack` itself fails if the two runs differ in a bit, or the program finds other hosts."""
    numbers = pile_of_pcs("pack", 4)
    require(numbers is None or min(numbers[:2]) > 0, numbers)


def hosts_of_different_speed():
    """`balance` itself fails if runs differ in a bit."""
    numbers = pile_of_pcs("balance", 3, "| 20,000 ")
    require(numbers is None or min(numbers) > 0, numbers)


def main():
    folder = scratch("virtual")
    check("virtual ranks", virtual_ranks, folder)
    check("the same trace however many ranks compute at a time", same_trace, scratch("threads"))
    check("exchanges packed by hosts", packed_by_hosts, scratch("packed"))
    check("the same bits whether or not exchanges are packed", same_bits, scratch("bits"))
    check("replay on all networks", replay, folder)
    check("measurement of a network", measure, scratch("measure"))
    damaged = scratch("damaged") / "trace.json"
    damaged.write_text('{"format": "heorot trace 1"}')
    trace = folder / "trace-00002.json"
    for what, words, *arguments in [
        ("a network that is not known", ["fast-ethernot", "network list"], "network", "replay", trace, "--network", "fast-ethernot"),
        ("a file that is no trace", ["trace.json", "is no trace"], "network", "replay", damaged, "--network", "all"),
        ("bodies per rank of a file", ["--bodies-per-rank"], "study", "virtual", *PROBLEM[:1], "--set", "initial={file='x.hdf5'}",
         "--ranks", "2", "--bodies-per-rank", "9"),
        ("direct summation", ["gravity.walk"], "study", "virtual", *PROBLEM, "--set", "gravity.walk='direct'", "--ranks", "2"),
        ("too many ranks", ["4096"], "study", "virtual", *PROBLEM, "--ranks", "5000"),
        ("hosts of ranks that are processes", ["--virtual-ranks"], "run", PROBLEM[0], "--ranks-per-host", "2"),
        ("another way of packing", ["pack", "never"], "run", PROBLEM[0], "--pack", "sometimes"),
        ("one rank that measures", ["several ranks"], "network", "measure", "--name", "x", "--file", scratch("one") / "x.toml"),
    ]:
        check(f"{what} is refused", refused, what, words, *arguments)
    if "--hosts" in sys.argv:
        check("hosts behind real links", predicted_steps)
        check("hosts of several ranks behind real links", packed_steps)
        check("hosts of different speed", hosts_of_different_speed)


main()
