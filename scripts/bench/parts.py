"""The parts of the benchmark. Each measures, and returns data for the page."""

import os

from others import Pytreegrav, Rebound, bodies, error, sample_and_exact
from program import PROBLEMS, Settings, evaluate, make, seconds, walks_and_orders
from targets import TARGETS, search

# For the fmm walk a tolerance is close to the error of one cell; for the tree walk it is a bound
# far above.
TOLERANCES = {"tree": [1.0, 0.3, 0.1, 0.03, 0.01], "fmm": [0.03, 0.01, 0.003, 0.001, 3e-4]}
# Each curve ends at this error, or at evaluations slower than the first one by this factor.
FINEST, SLOWEST = 2e-5, 8.0


def curves(job):
    """Reports along each curve of error against time: every problem, walk and order, coarse to
    fine."""
    points = []
    for name in PROBLEMS:
        problem = make(name, job.bodies, job.folder)
        for walk, orders in walks_and_orders(job.tiny()).items():
            for order in job.some(orders):
                fastest = None
                for tolerance in job.some(TOLERANCES[walk]):
                    settings = Settings(walk, order, tolerance)
                    report = evaluate(problem, settings, threads=job.threads, repeat=job.repeat, check=job.check)
                    fastest = fastest or seconds(report)
                    points.append({"problem": name, "settings": vars(settings), "report": report})
                    if report["force_error"]["rms"] < FINEST or seconds(report) > SLOWEST * fastest:
                        break
    return points


def table(job):
    """The fastest settings for each wanted error on Plummer and clumps, each with 1 and 2 threads
    in turn."""
    points = {}
    for point in job.stored("curves"):
        key = (point["problem"], point["settings"]["walk"])
        points.setdefault(key, []).append((Settings(**point["settings"]), point["report"]))
    found = []
    for name in ["plummer", "clumps"]:
        problem = make(name, job.bodies, job.folder)
        for walk in walks_and_orders(job.tiny()):
            for target in TARGETS:
                settings = search(problem, walk, target, points, job.check, attempts=1 if job.quick else 4)
                if settings is not None:
                    found.append((problem, target, settings))
    rows = [{"problem": p.name, "target": t, "settings": vars(s), "reports": {"1": [], "2": []}} for p, t, s in found]
    for _ in range(job.rounds):
        for row, (problem, _, settings) in zip(rows, found):
            for threads in [1, 2]:
                report = evaluate(problem, settings, threads, repeat=job.repeat, check=job.check)
                row["reports"][str(threads)].append(report)
    return rows


def sizes(job):
    """Cost by number of bodies: the Plummer sphere, default settings of each walk."""
    counts = [n for n in (10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000) if n <= 10 * job.bodies]
    rows = []
    for bodies_ in job.some(counts):
        problem = make("plummer", bodies_, job.folder)
        for walk in walks_and_orders(job.tiny()):
            repeat = max(2, min(50, 2_000_000 // bodies_))
            report = evaluate(problem, Settings(walk), job.threads, repeat, check=min(job.check, 1000), source=True)
            rows.append({"bodies": bodies_, "walk": walk, "report": report})
        if bodies_ > 2_000_000:
            problem.path.unlink()
            problem.source.unlink()
    return rows


def ranks(job):
    """1, 2 and 4 ranks of one thread, and one rank with threads; default settings, in turn."""
    problem = make("plummer", job.bodies, job.folder)
    layouts = [(1, 1), (1, 2), (2, 1), (4, 1)]
    rows = []
    for _ in range(job.rounds):
        for walk in walks_and_orders(job.tiny()):
            for ranks_, threads in layouts:
                report = evaluate(problem, Settings(walk), threads, job.repeat, job.check, ranks=ranks_)
                rows.append({"walk": walk, "ranks": ranks_, "threads": threads, "report": report})
    return rows


def others(job):
    """pytreegrav and REBOUND in turn with Heorot, on the same bodies; errors on the same sample."""
    rows = []
    for name in ["plummer", "clumps"]:
        problem = make(name, job.bodies, job.folder)
        position, mass = bodies(problem)
        sample, exact = sample_and_exact(position, mass, job.check)
        codes = [Pytreegrav(position, mass, theta, quadrupole, threads)
                 for theta, quadrupole in [(0.7, False), (0.7, True)] for threads in (1, 2)]
        codes.append(Rebound(position, mass, 0.5))
        for code in codes:
            code.evaluate()
            row = {"problem": name, "code": code.name, "threads": code.threads, "seconds": [], "heorot": []}
            for _ in range(job.rounds):
                took, acceleration = code.evaluate()
                row["seconds"].append(took)
                row["error"] = error(acceleration[sample], exact)
                row["heorot"].append(evaluate(problem, Settings(), code.threads, job.repeat, job.check))
            rows.append(row)
    return rows


def maps(job):
    """Errors of all bodies with default settings, against an evaluation of order 4 with a small
    opening angle."""
    rows = []
    for name in [*PROBLEMS, "collapse"]:
        problem = make(name, job.bodies, job.folder)
        reference = job.folder / f"{name}-{job.bodies}-reference.hdf5"
        exact = ["--output", str(reference)]
        angle = ["--criterion", "angle", "--theta", str(job.reference_theta)]
        made = evaluate(problem, Settings(order=4), job.threads, 1, check=min(job.check, 500), more=[*angle, *exact])
        for walk in walks_and_orders(job.tiny()):
            table_ = job.folder / f"errors-{name}-{walk}.csv"
            more = ["--reference", str(reference), "--errors", str(table_)]
            report = evaluate(problem, Settings(walk), job.threads, 1, more=more)
            rows.append({"problem": name, "walk": walk, "report": report, "reference": made})
        os.unlink(reference)
    return rows


PARTS = {"curves": curves, "table": table, "sizes": sizes, "ranks": ranks, "others": others, "maps": maps}
