"""The page: Markdown tables and SVG plots of the measurements."""

from statistics import median

from markdown_table import markdown_table
from plot import Plot
from program import PROBLEMS, seconds
from targets import OTHER_CODES, TARGETS

BEGIN, END = "<!-- force-bench: written by the script, do not edit -->\n", "<!-- force-bench ends -->\n"
PHASES = ["sort", "migrate", "build", "moments", "exchange", "walk", "kernels"]


def write(job, docs):
    """Writes plots and tables and yields their paths. The tables are written between the marks of
    docs/performance.md, or into a new file."""
    sections = []
    for part, section in SECTIONS.items():
        measured = job.stored(part)
        if measured:
            text, plots = section(measured)
            sections.append(text)
            for name, plot in plots.items():
                path = docs / f"{name}.svg"
                path.write_text(plot.svg())
                yield path
    body = BEGIN + "\n" + "\n".join(sections) + "\n" + END
    path = docs / "performance.md"
    around = path.read_text() if path.exists() else BEGIN + END
    before, rest = around.split(BEGIN)
    path.write_text(before + body + rest.split(END)[1])
    yield path


def words(settings):
    """Settings in the format of the page."""
    names = {"order": "order", "tolerance": "tolerance", "leaf_size": "leaf", "group_size": "group"}
    return ", ".join(f"{names[key]} {value}" for key, value in settings.items() if key in names and value is not None)


def error_words(error):
    return f"{error['rms']:.1e} / {error['percentile_99']:.1e}"


def thousands(count):
    return f"{count:,}"


def curves(points):
    plots, text = {}, "### Error against time\n\n"
    first = points[0]["report"]
    text += f"{thousands(first['bodies'])} bodies, {first['threads']} threads. Each line is one order, each point a tolerance."
    text += f" Example command: `{first['command']}`.\n\n"
    for name in PROBLEMS:
        plot = Plot(f"{name}, {thousands(first['bodies'])} bodies", "seconds of one evaluation", "force error (rms)")
        for order in range(1, 7):
            for walk in ["tree", "fmm"]:
                line = [(seconds(p["report"]), p["report"]["force_error"]["rms"]) for p in points
                        if (p["problem"], p["settings"]["walk"], p["settings"]["order"]) == (name, walk, order)]
                plot.series(f"{walk}, order {order}", line, order - 1, dashed=walk == "tree")
        for rms in sorted({rms for rms, _ in TARGETS.values()}):
            plot.level(f"wanted: {rms:g}", rms)
        plots[f"force-{name}"] = plot
        text += f"![Error against time, {name}](force-{name}.svg)\n\n"
    return text, plots


def table(rows):
    others = "; ".join
    header = ["wanted error", "bodies", "walk", "settings", "rms / p99", "1 core [s]", "2 cores [s]", "others, 1 core", "others, 2 cores"]
    lines = []
    for row in rows:
        target, problem = row["target"], row["problem"]
        published = OTHER_CODES[target, problem]
        best = {n: min(map(seconds, reports)) for n, reports in row["reports"].items()}
        middle = {n: median(r["evaluation_seconds"]["median"] for r in reports) for n, reports in row["reports"].items()}
        lines.append([
            target, problem, row["settings"]["walk"], words(row["settings"]), error_words(row["reports"]["1"][0]["force_error"]),
            *(f"**{best[n]:.3f}** ({middle[n]:.3f})" for n in ("1", "2")),
            *(others(f"{code} {time:g}" for code, time in codes.items()) for codes in published),
        ])
    text = "### The fastest settings for a wanted error\n\nMinimum of all evaluations, median in brackets. The figures of"
    text += " the other codes are those of their best settings on a machine of this kind, including the"
    text += " tree build, with errors measured in the same way. Their clumps were made by another"
    text += " generator with the same parameters, so these rows compare similar problems, not the same"
    text += " bodies.\n\n"
    text += markdown_table(header, lines) + "\n" + "".join(f"`{row['reports']['2'][0]['command']}`\\\n" for row in rows)
    return text.rstrip("\\\n") + "\n\n" + shares(rows), {}


def shares(rows):
    """Phases, interactions and speed of the fastest settings, on two threads."""
    header = ["", *(f"{row['problem']}, {row['settings']['walk']}, {row['target']}" for row in rows)]
    reports = [min(row["reports"]["2"], key=seconds) for row in rows]
    total = lambda report: report["seconds"]["total"]
    lines = [[f"{phase} [%]", *(f"{100 * r['seconds'][phase] / total(r):.1f}" for r in reports)] for phase in PHASES]
    for kind in ["body_body", "body_cell", "cell_cell"]:
        lines.append([f"{kind.replace('_', '-')} a body", *(f"{r['interactions_per_body'][kind]:.1f}" for r in reports)])
    for convention in ["gordon-bell", "arithmetic"]:
        lines.append([f"Gflop/s, {convention}", *(f"{r['gflops'][convention]:.1f}" for r in reports)])
    lines.append(["FMA peak [Gflop/s]", *(f"{r['fma_peak']['gflops']:.0f}" for r in reports)])
    lines.append(["arithmetic / peak [%]", *(f"{100 * r['fma_peak']['sustained']['arithmetic']:.1f}" for r in reports)])
    lines.append(["99.9 % below, greatest", *("{percentile_99_9:.1e}, {greatest:.1e}".format(**r["force_error"]) for r in reports)])
    lines.append(["mean outward error / rms", *(f"{r['force_error']['bias'] / r['force_error']['rms']:+.3f}" for r in reports)])
    lines.append(["sum of forces", *(f"{r['balance']['force_sum']:.1e}" for r in reports)])
    lines.append(["memory a body [bytes]", *(f"{r['memory_bytes_per_body']:.0f}" for r in reports)])
    return "Time by phase, two threads:\n\n" + markdown_table(header, lines)


def sizes(rows):
    header = ["bodies", "walk", "seconds", "ns a body", "first, from the order of the file [s]", "rms / p99", "bytes a body"]
    lines, plot = [], Plot("Cost of a body", "bodies", "nanoseconds a body")
    for row in rows:
        report, bodies = row["report"], row["bodies"]
        times = report["evaluation_seconds"]
        lines.append([
            thousands(bodies), row["walk"], f"{times['minimum']:.4f}", f"{1e9 * times['minimum'] / bodies:.0f}",
            f"{times['first']:.3f}", error_words(report["force_error"]), f"{report['memory_bytes_per_body']:.0f}",
        ])
    for style, walk in enumerate(["tree", "fmm"]):
        line = [(row["bodies"], 1e9 * seconds(row["report"]) / row["bodies"]) for row in rows if row["walk"] == walk]
        plot.series(walk, line, style, dashed=walk == "tree")
    text = "### Cost by number of bodies\n\nPlummer sphere, default settings, two threads. The first evaluation also computes the initial accelerations."
    text += f" `{rows[-1]['report']['command']}`\n\n{markdown_table(header, lines)}\n![Cost of a body](force-sizes.svg)\n"
    return text, {"force-sizes": plot}


def ranks(rows):
    header = ["walk", "ranks x threads", "minimum [s]", "median [s]", *PHASES]
    lines = []
    for key in dict.fromkeys((row["walk"], row["ranks"], row["threads"]) for row in rows):
        reports = [row["report"] for row in rows if (row["walk"], row["ranks"], row["threads"]) == key]
        best = min(reports, key=seconds)
        share = [f"{best['seconds'][phase] / best['evaluations']:.3f}" for phase in PHASES]
        middle = median(r["evaluation_seconds"]["median"] for r in reports)
        lines.append([key[0], f"{key[1]} x {key[2]}", f"{seconds(best):.3f}", f"{middle:.3f}", *share])
    text = "### Ranks and threads\n\nDefault settings, Plummer sphere, runs in turn. Phases in seconds of one evaluation."
    return text + f" `{rows[-1]['report']['command']}`\n\n{markdown_table(header, lines)}", {}


def others(rows):
    header = ["bodies", "code", "threads", "seconds", "rms / p99", "Heorot [s]", "rms / p99", "Heorot is faster by"]
    lines = []
    for row in rows:
        own = min(map(seconds, row["heorot"]))
        took = min(row["seconds"])
        lines.append([
            row["problem"], row["code"], row["threads"], f"{took:.3f}", error_words(row["error"]), f"{own:.3f}",
            error_words(row["heorot"][0]["force_error"]), f"{took / own:.1f}",
        ])
    text = "### Comparison with other installable codes\n\nSame bodies, runs in turn, minimum time including the tree build; Heorot with its default"
    text += " settings. `scripts/force-bench others`\n\n"
    return text + markdown_table(header, lines), {}


def maps(rows):
    header = ["bodies", "walk", "rms", "99 % below", "99.9 % below", "greatest", "mean outward / rms"]
    lines = []
    for row in rows:
        error = row["report"]["reference_error"]
        lines.append([
            row["problem"], row["walk"], *(f"{error[key]:.1e}" for key in ("rms", "percentile_99", "percentile_99_9", "greatest")),
            f"{error['bias'] / error['rms']:+.3f}",
        ])
    made = rows[0]["reference"]
    text = f"### Errors of all {thousands(made['bodies'])} bodies\n\nDefault settings, against `{made['command']}`, whose own error is"
    text += f" {made['force_error']['rms']:.0e} (rms). `{rows[0]['report']['command']}`\n\n"
    return text + markdown_table(header, lines), {}


SECTIONS = {"table": table, "curves": curves, "sizes": sizes, "ranks": ranks, "others": others, "maps": maps}
