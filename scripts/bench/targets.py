"""The wanted errors, the times of other codes for them, and the search for the fastest settings of
Heorot."""

from math import log

from program import Settings, evaluate, seconds

# Upper bounds of rms and 99th percentile; None is no condition.
TARGETS = {
    "rms <= 3e-3 and p99 <= 1e-2": (3e-3, 1e-2),
    "rms <= 1e-3": (1e-3, None),
    "rms <= 1.6e-4": (1.6e-4, None),
}
# Seconds of one evaluation of a million bodies with the best settings of each code, including the
# tree build, measured on a machine of the kind in docs/performance.md: {(target, problem): ({code:
# on 1 core}, {code: on 2 cores})}. The clumps were made with another seed and generator, so these
# columns compare similar problems, not the same bodies.
OTHER_CODES = {
    ("rms <= 3e-3 and p99 <= 1e-2", "plummer"): ({"FDPS": 0.98, "falcON": 2.4}, {"FDPS": 0.47}),
    ("rms <= 3e-3 and p99 <= 1e-2", "clumps"): ({"FDPS": 1.44}, {"FDPS": 0.86, "PKDGRAV3": 0.89, "GADGET-4": 2.3}),
    ("rms <= 1e-3", "plummer"): (
        {"FDPS": 1.73, "PKDGRAV3": 2.19, "falcON": 3.5, "exaFMM-t": 4.1, "GADGET-4": 5.3},
        {"FDPS": 0.90, "PKDGRAV3": 1.21, "exaFMM-t": 2.3, "GADGET-4": 3.1, "SWIFT": 4.9},
    ),
    ("rms <= 1e-3", "clumps"): (
        {"PKDGRAV3": 2.05, "FDPS": 2.16, "exaFMM-t": 3.9, "GADGET-4": 5.6},
        {"PKDGRAV3": 1.00, "FDPS": 1.25, "exaFMM-t": 2.5, "GADGET-4": 3.1, "SWIFT": 11},
    ),
    ("rms <= 1.6e-4", "plummer"): ({"PKDGRAV3": 4.8}, {"exaFMM-t": 2.5, "PKDGRAV3": 2.8}),
    ("rms <= 1.6e-4", "clumps"): ({"PKDGRAV3": 3.8}, {"PKDGRAV3": 1.8, "exaFMM-t": 2.9}),
}


# An error between NEAR and 1 of the wanted one is accepted. Errors scale about as tolerance^SLOPE.
NEAR, SLOPE = 0.88, 0.6
# Sizes of leaves and groups to try after an order is chosen.
SIZES = {"tree": [(32, 64), (48, 192), (64, 128)], "fmm": [(40, None), (56, None), (64, None)]}


def ratio(report, target):
    """The ratio of the error to the wanted one."""
    rms, percentile_99 = TARGETS[target]
    error = report["force_error"]
    return max(error["rms"] / rms, error["percentile_99"] / percentile_99 if percentile_99 else 0.0)


def search(problem, walk, target, curves, check, attempts):
    """The fastest settings that meet the target, or None. Tries the fastest orders by the curves,
    which may be for another number of bodies, then other sizes of leaves and groups, each with the
    largest tolerance that meets the target."""

    def tuned(settings):
        """The settings with the largest tolerance that meets the target, and their report; None if
        all attempts fail."""
        best, slope, before = None, SLOPE, None
        for _ in range(attempts):
            report = evaluate(problem, settings, threads=2, repeat=2, check=check)
            found = ratio(report, target)
            if found <= 1 and (best is None or settings.tolerance > best[0].tolerance):
                best = (settings, report)
            if NEAR <= found <= 1:
                break
            if before and before[0] != settings.tolerance:
                measured = log(found / before[1]) / log(settings.tolerance / before[0])
                slope = min(max(measured, 0.5 * SLOPE), 2 * SLOPE)
            before = (settings.tolerance, found)
            settings = settings.but(tolerance=float(f"{settings.tolerance * (0.96 / found) ** (1 / slope):.2g}"))
        return best

    by_order = {}
    for settings, report in curves.get((problem.name, walk), []):
        by_order.setdefault(settings.order, []).append((ratio(report, target), seconds(report), settings.tolerance))
    starts = {}
    for order, points in by_order.items():
        found, took, tolerance = min(points, key=lambda point: abs(log(point[0])))
        if 0.1 < found < 10:  # from the nearest point: the time scales about as error^-0.3
            starts[order] = (took * found**0.3, tolerance * found ** (-1 / SLOPE))
    orders = sorted(starts, key=lambda order: starts[order][0])[:3]
    tried = [tuned(Settings(walk, order, tolerance=float(f"{starts[order][1]:.2g}"))) for order in orders]
    fastest = lambda: min(filter(None, tried), key=lambda pair: seconds(pair[1]), default=(None, None))[0]
    base = fastest()
    if base is not None:
        tried += [tuned(base.but(leaf_size=leaf, group_size=group)) for leaf, group in SIZES[walk]]
    return fastest()
