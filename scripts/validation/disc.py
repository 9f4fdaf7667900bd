"""An isolated disc galaxy: rotation curve, and conservation of shape and energy."""

from itertools import pairwise
from math import pi, sqrt

import numpy as np

import theory
from page import Verdict, table
from plot import Plot
from snapshots import Bodies, Run, heorot

G = 43007.1  # kpc (km/s)^2 / 1e10 solar masses
HALO_TYPE, DISC = 1, 2
# The Milky Way of the program, its halo cut at three scale radii with the same density inside.
HALO = (69.3, 3.0)
HALO_SOFTENING, SOFTENING = 0.3, 0.1
RIGID_SOFTENING, RIGID_STEP = 0.2, 0.00125
MASS, LENGTH, HEIGHT = 4.5, 2.6, 0.6
PARTS = {"halo": (HALO[0], 19.6, "nfw", HALO[1]), "bulge": (0.92, 0.6, "hernquist-tapered", 20.0)}
HALF_MASS = 1.678 * LENGTH  # radius of half the mass of an exponential disc
AT = 2.2 * LENGTH  # where the rotation curve of the disc alone has its maximum


def circular2(radius):
    """Squares of the circular velocities of the parts, (km/s)^2."""
    parts = {"disc": theory.disc_circular2(radius, MASS, LENGTH, HEIGHT, G)}
    for name, (mass, scale, profile, cut) in PARTS.items():
        x = np.geomspace(1e-6, 30 * cut, 20_000)
        sphere = theory.Sphere(x, theory.DENSITIES[profile.removesuffix("-tapered")](x) / np.cosh(x / cut))
        parts[name] = G * mass * sphere.within(radius / scale) / radius
    return parts


def turn_time(at=AT):
    """Time of a rotation at a radius, in units of 0.978 Gyr."""
    return float(2 * pi * at / np.sqrt(sum(circular2(np.array([at])).values()))[0])


def run_of(job, name, start, end, more, every, potential=""):
    """A run of the galaxy `start`, in the units of the preset."""
    return Run(
        job.folder / name,
        f"""initial = {{ {start} }}
{potential}gravity = {{ softening = {{ length = {{ halo = {HALO_SOFTENING}, disc = {SOFTENING}, bulge = {SOFTENING} }} }} }}
time = {{ {end}, {more} }}
output = {{ folder = "@", snapshot_every = {every!r}, acceleration = true }}
""",
    )


def preset(keys):
    return f'model = "disc-galaxy", preset = "milky-way", {keys}, seed = 1'


def mass_of_nfw(cut):
    """Mass of an NFW halo with a taper sech(r / cut), in units of its scale mass; lengths in scale radii."""
    x = np.geomspace(1e-8, 40 * cut, 200_000)
    return float(np.trapezoid(x * x / (1 + x) ** 2 / np.cosh(np.minimum(x / cut, 700)), np.log(x)))


def rigid_halo(job, name, keys):
    """Disc and bulge of the preset with these keys, as a file, and its halo as a potential."""
    model, whole, start = (job.folder / f"{name}.{ending}" for ending in ("model.toml", "model.hdf5", "hdf5"))
    model.write_text("[initial]\n" + preset(keys).replace(", ", "\n") + "\n")
    heorot("model", "--from", model, "--output", whole, "--overwrite")
    heorot("convert", whole, start, "--types", "disc,bulge", "--overwrite")
    mass, scale = HALO[0] / mass_of_nfw(HALO[1]), PARTS["halo"][1]
    return f'file = "{start.resolve()}"', f'potential = [{{ kind = "nfw", mass = {mass!r}, scale = {scale} }}]\n'


def scattered(halo_body, times):
    """Heights of the disc at times, measured as `shape` does, if bodies of the halo of this mass scatter
    those of the disc, and nothing else changes it. Impacts count from the softening of the pair to the
    length that a body moves in a radian of its vertical oscillation; slower ones are adiabatic."""
    radius = np.linspace(1.0, 4.0, 31) * LENGTH
    parts = circular2(radius)
    surface = MASS / (2 * pi * LENGTH**2) * np.exp(-radius / LENGTH)
    outer2 = (parts["halo"] + parts["bulge"]) / radius**2
    speed = np.sqrt(sum(parts.values()))
    far = speed / np.sqrt(2 * pi * G * surface / HEIGHT + outer2)

    scale = PARTS["halo"][1]
    at = np.geomspace(0.1, 1e3, 300)  # to far outside the halo
    x = at / scale
    density = HALO[0] / mass_of_nfw(HALO[1]) / (4 * pi * scale**3 * x * (1 + x) ** 2) / np.cosh(np.minimum(x / HALO[1], 700))
    dispersion = theory.dispersion_in(at, density, sum(circular2(at).values()))
    here = lambda values: np.exp(np.interp(np.log(radius), np.log(at), np.log(np.maximum(values, 1e-300))))
    logarithm = np.array([theory.coulomb_logarithm(HALO_SOFTENING, one) for one in far])
    heat = theory.vertical_heating(here(density), halo_body, speed, here(dispersion), logarithm, G)

    heights, z = [], np.linspace(0, 5 * HEIGHT, 2001)
    for time in times:
        layers = np.tanh(z[:, None] / theory.heated_height(HEIGHT, surface, outer2, heat, time, G))
        within = np.average(layers, axis=1, weights=surface * radius)
        heights.append(np.interp(0.5, within, z) / np.arctanh(0.5))
    return np.array(heights)


def disc(job):
    bodies, turn, turns = job.some(100_000, 8_000), turn_time(), job.some(5, 0.5)
    # The disc is the same in all runs: half of the bodies. Its halo has as many, a quarter of them or none.
    more, every = 'step = 0.002, timestep = "block", criterion = "acceleration"', turn * job.some(0.5, 0.05)
    keys = f"softening = {SOFTENING}, halo_mass = {HALO[0]}, halo_cut = {HALO[1]}"
    galaxy = lambda stars: f"bodies = {round(0.5 * bodies / stars)}, stars = {stars}, {keys}"
    start, halo = rigid_halo(job, "disc-rigid", galaxy(0.5))
    ends = [f"end = {part * turn!r}" for part in (turns, 0.5 * turns)]
    runs = {
        "live": (HALO[0] / (0.5 * bodies), run_of(job, "disc", preset(galaxy(0.5)), ends[0], more, every)),
        "heavy": (HALO[0] / (0.125 * bodies), run_of(job, "disc-heavy", preset(galaxy(0.8)), ends[1], more, every)),
        "rigid": (0.0, run_of(job, "disc-rigid", start, ends[0], more, every, halo)),
    }

    radius = np.geomspace(1.0, 30.0, 16)
    parts = circular2(radius)
    theory_ = np.sqrt(sum(parts.values()))
    paths = runs["live"][1].snapshots()
    measured = rotation(Bodies(paths[0]), radius)
    plot = Plot("Rotation curve at the start", "radius [kpc]", "circular velocity [km/s]")
    plot.series("measured", list(zip(radius, measured)), 0)
    plot.series("sum of the parts", list(zip(radius, theory_)), 1, dashed=True)
    for style, (name, v2) in enumerate(parts.items()):
        plot.series(name, list(zip(radius, np.sqrt(v2))), style + 2, dashed=True)
    curve = np.abs(measured / theory_ - 1).max()

    shapes = {name: [shape(Bodies(path, [DISC]).centred().position) for path in run.snapshots()] for name, (_, run) in runs.items()}
    of = lambda name, key: np.array([row[key] for row in shapes[name]])
    length, height = "scale length [kpc]", "scale height [kpc]"
    times = np.array([Bodies(path, [DISC]).time for path in paths])
    grown = {name: np.log(of(name, height) / of(name, height)[0]) for name in runs}
    rows, heights, found, expected = [], Plot("Height of a disc in three haloes", "time [rotations]", "scale height / that at the start", linear="xy"), [], []
    for style, (name, (body, _)) in enumerate(runs.items()):
        count = len(grown[name])
        heights.series(name, list(zip(times[:count] / turn, np.exp(grown[name]))), style)
        if body == 0:
            continue
        theirs = np.log(scattered(body, times[:count]) / scattered(body, [0.0]))
        heights.series(f"{name}, theory", list(zip(times[:count] / turn, np.exp(grown["rigid"][:count] + theirs))), style, dashed=True)
        found += list(grown[name] - grown["rigid"][:count])
        expected += list(theirs)
        rows.append({"halo": name, "mass of a halo body / of a disc body": body / ((MASS + PARTS["bulge"][0]) / (0.5 * bodies)), "rotations": times[count - 1] / turn,
                     "height grows by [%]": 100 * (np.exp(grown[name][-1]) - 1), "with a rigid halo [%]": 100 * (np.exp(grown["rigid"][count - 1]) - 1),
                     "scattering, theory [%]": 100 * (np.exp(theirs[-1]) - 1)})
    ratio = np.dot(found, expected) / np.dot(expected, expected)
    live = runs["live"][1]
    text = f"""The Milky Way of `--preset milky-way` with {round(0.5 * bodies):,} bodies in disc and bulge and as many in
its halo, which is cut at {HALO[1]:g} scale radii. It is in equilibrium for a softening of {SOFTENING:g} kpc; that
of the halo is {HALO_SOFTENING:g} kpc. Block steps by the acceleration criterion. It runs for {turns} rotations at {AT:.2f} kpc
(2.2 scale lengths), {turn * 0.978:.3f} Gyr each. The circular velocity is computed from the mean inward
acceleration of bodies near the plane; the theory includes the thickness of the disc. The scale length is a
fit to the surface density from 1 to 4 scale lengths. The scale height is computed from the median |z|
within the same radii, which is 0.549 heights for sech^2, with z above the plane of each of six rings.
Energy error {np.abs(live.energy()["energy_error"]).max():.1e}, {live.seconds():.0f} s.

{table([{"rotations": time / turn, **row} for time, row in zip(times, shapes["live"])])}
The bodies of the halo are heavier than those of the disc, and scatter them, so the disc grows thicker. The
theory of this is Chandrasekhar's diffusion coefficient for Maxwellian velocities (Lacey & Ostriker 1985, ApJ
299, 633; Binney & Tremaine 2008, equation 7.92), with the dispersion of the halo from the Jeans equation, and
the energy that a layer of its own gravity takes to become thicker. It is tested with two more runs of the
disc, one with a quarter of the bodies in the halo (heavy), and one whose halo is an external potential
(rigid). What is left in the rigid halo are the noise of the start, and scattering by the bodies of the
disc, which are fewer than those of the next section. The factor between measurement and theory is a fit to
all times of both live haloes, of ln(height) minus that in the rigid halo. A factor of two is what the theory
can promise: impacts range only from the softening to some kpc, so its Coulomb logarithm, 1.4 to 3.0, is uncertain
by 0.7 at either end, and the response of the disc as a whole is not in it.

{table(rows)}"""
    change = max(np.abs(of("live", length) / of("live", length)[0] - 1))
    verdicts = [
        Verdict("rotation curve, greatest deviation from the sum of the components", curve, job.some(0.03, 0.06)),
        Verdict("scale length at the start, deviation from the model", abs(of("live", length)[0] / LENGTH - 1), job.some(0.02, 0.05)),
        Verdict("scale height at the start, deviation from the model", abs(of("live", height)[0] / HEIGHT - 1), job.some(0.02, 0.1)),
        Verdict("scale length [kpc], greatest change", change, job.some(0.1, 0.25)),
    ]
    if not job.quick:  # a short run of few bodies shows their noise
        verdicts.append(Verdict("scale height in the rigid halo, greatest change", float(np.abs(np.expm1(grown["rigid"])).max()), 0.05))
        verdicts.append(Verdict("scattering by the halo, factor between measurement and theory", max(ratio, 1 / ratio) if ratio > 0 else np.inf, 2.0))
    return text, {"validation-rotation": plot, "validation-scattering": heights}, verdicts


def height(job):
    """A disc whose halo is an external potential, so that no heavy halo bodies heat it."""
    discs, turn, turns = job.some(200_000, 20_000), turn_time(), job.some(5, 0.5)
    # The model's halo has a taper so far out that it is the NFW halo of the potential where the disc is,
    # which has the density of the tapered halo of the case `disc` in its centre.
    scale_mass, far, stars = HALO[0] / mass_of_nfw(HALO[1]), 1e3, 0.9
    bodies = round(discs / stars * (1 + PARTS["bulge"][0] / MASS))
    keys = f"bodies = {bodies}, stars = {stars}, softening = {RIGID_SOFTENING}, halo_mass = {scale_mass * mass_of_nfw(far)!r}, halo_cut = {far}"
    start, halo = rigid_halo(job, "height", keys)
    every = 0.25
    run = Run(
        job.folder / "height",
        f"""initial = {{ {start} }}
{halo}gravity = {{ softening = {RIGID_SOFTENING}, accuracy = 2e-3 }}
time = {{ end = {turns * turn!r}, step = {RIGID_STEP} }}
output = {{ folder = "@", snapshot_every = {every * turn!r} }}
""",
    )
    rows = [{"rotations": state.time / turn, **shape(state.centred().position)} for state in (Bodies(path, [DISC]) for path in run.snapshots())]
    energy = np.abs(run.energy()["energy_error"]).max()
    text = f"""The galaxy above with {discs:,} bodies in its disc and bulge bodies of the same mass, but its halo
is an external NFW potential of the mass {scale_mass:.2f}e10 solar masses and the scale {PARTS["halo"][1]} kpc. Above, bodies
of the halo scatter those of the disc (Lacey & Ostriker 1985, ApJ 299, 633); here only bodies of disc
and bulge do. They are softened over {RIGID_SOFTENING:g} kpc, and the model is in equilibrium for this length. Equal
steps of {RIGID_STEP:g} (0.978 Gyr). A rotation is one at {AT:.2f} kpc, in {turn * 0.978:.3f} Gyr. At the
half-mass radius of the disc, {HALF_MASS:.2f} kpc, these are {turns * turn / turn_time(HALF_MASS):.1f} rotations. Greatest energy error {energy:.1e},
{run.seconds():.0f} s.

{table(rows[:: job.some(2, 1)])}"""
    plot = Plot("Height of a disc in a rigid halo", "time [rotations]", "scale height / that at the start", linear="xy")
    start = rows[0]["scale height [kpc]"]
    plot.series("disc", [(row["rotations"], row["scale height [kpc]"] / start) for row in rows], 0)
    plot.level("bound", 1.05)
    plot.level("bound", 0.95)
    change = max(abs(row["scale height [kpc]"] / rows[0]["scale height [kpc]"] - 1) for row in rows)
    verdicts = [
        Verdict("scale height at the start, deviation from the model", abs(rows[0]["scale height [kpc]"] / HEIGHT - 1), job.some(0.02, 0.1)),
        Verdict("scale height, greatest change", change, job.some(0.05, 0.08)),
        Verdict("energy error", energy, job.some(2e-3, 5e-3)),
    ]
    return text, {"validation-height": plot}, verdicts


def rotation(bodies, radius):
    """Circular velocities at radii, from the accelerations of the bodies near the plane."""
    x, y, z = bodies.position.T
    across = np.hypot(x, y)
    inward = -(x * bodies.acceleration[:, 0] + y * bodies.acceleration[:, 1]) / across
    found = []
    for r in radius:
        near = (np.abs(np.log(across / r)) < 0.12) & (np.abs(z) < 0.15 * r)
        found.append(sqrt(np.average(inward[near] * across[near])))
    return np.array(found)


def shape(position):
    """Scale length and height of a disc, from positions about its centre. Heights are those above the plane
    of the bodies in a ring, since a halo of few bodies tilts and warps the disc."""
    x, y, z = position.T
    across = np.hypot(x, y)
    edges = np.linspace(1.0, 4.0, 13) * LENGTH
    count = np.histogram(across, edges)[0]
    middle = 0.5 * (edges[1:] + edges[:-1])
    surface = count / (edges[1:] ** 2 - edges[:-1] ** 2)
    slope = np.polyfit(middle, np.log(surface), 1, w=np.sqrt(count))[0]
    above = []
    for inner, outer in pairwise(edges[::2]):
        ring = (across > inner) & (across < outer)
        plane = np.column_stack([np.ones(ring.sum()), x[ring], y[ring]])
        above.append(z[ring] - plane @ np.linalg.lstsq(plane, z[ring])[0])
    height = np.median(np.abs(np.concatenate(above))) / np.arctanh(0.5)
    return {"scale length [kpc]": -1 / slope, "scale height [kpc]": height}


def milky_way(job):
    """The preset against the sources of its mass and of its circular speed."""
    bodies, sun, far = job.some(200_000, 20_000), 8.2, 228.0
    run = run_of(job, "milky-way", preset(f"bodies = {bodies}"), "steps = 1", "step = 1e-6", 1)
    start = Bodies(run.snapshots()[0])
    halo = Bodies(run.snapshots()[0], [HALO_TYPE])
    within = halo.mass[np.linalg.norm(halo.position - start.position.mean(axis=0), axis=1) < far].sum()
    radius = np.geomspace(2.0, 25.0, 16)
    speed = rotation(start, [sun])[0]
    plot = Plot("Circular speed of the Milky Way", "radius [kpc]", "circular velocity [km/s]")
    plot.series("preset", list(zip(radius, rotation(start, radius))), 0)
    outer = np.geomspace(5.0, 25.0, 16)
    plot.series("Eilers et al. 2019", list(zip(outer, 229.0 - 1.7 * (outer - 8.122))), 1, dashed=True)
    row = {"bodies": bodies, f"circular speed at {sun} kpc [km/s]": speed, "source [km/s]": 229.0,
           f"halo within {far:g} kpc [1e10 Msun]": within, "source [1e10 Msun]": 130.0}
    text = f"""The preset with its whole halo, at its start. The circular velocity is computed from the mean inward
acceleration of bodies near the plane. Eilers et al. (2019, ApJ 871, 120) find 229.0 - 1.7 (R - 8.122)
km/s from 5 to 25 kpc. The halo of McMillan (2017) has 130 +- 30 within {far:g} kpc.

{table([row])}"""
    verdicts = [
        Verdict(f"circular speed at {sun} kpc, deviation from 229 km/s", abs(speed - 229), job.some(5, 15)),
        Verdict(f"halo within {far:g} kpc, deviation from its source", abs(within / 130 - 1), job.some(0.02, 0.1)),
    ]
    return text, {"validation-milky-way": plot}, verdicts


def isolation(job):
    bodies, steps = job.some(100_000, 2_000), job.some(10_000, 100)
    step = 1e-4
    run = run_of(job, "isolation", preset(f"bodies = {bodies}"), f"steps = {steps}", f"step = {step}", steps * step)
    energy = run.energy()
    turn = turn_time()
    time, error = energy["time"], energy["energy_error"]
    drift = np.polyfit(time, error, 1)[0] * turn
    momentum = np.sqrt(sum(energy[f"momentum_{axis}"] ** 2 for axis in "xyz"))
    spin = np.sqrt(sum((energy[f"angular_momentum_{axis}"] - energy[f"angular_momentum_{axis}"][0]) ** 2 for axis in "xyz"))
    whole = np.sqrt(sum(energy[f"angular_momentum_{axis}"][0] ** 2 for axis in "xyz"))
    scale = np.sqrt(2 * energy["kinetic"][0] * 197.42)  # scale of momenta: sqrt(2 K M)
    rows = [{
        "bodies": bodies, "steps": steps, "rotations": time[-1] / turn, "energy drift a rotation": abs(drift),
        "energy error, greatest": np.abs(error).max(), "momentum / sqrt(2 K M), greatest change": np.abs(momentum - momentum[0]).max() / scale,
        "angular momentum, greatest change": spin.max() / whole, "seconds": run.seconds(),
    }]
    plot = Plot("Ten thousand steps", "time [rotations]", "energy error", linear="x")
    points = [(t / turn, abs(e)) for t, e in zip(time, error) if e != 0]
    plot.series("disc galaxy", points[:: max(1, len(points) // 150)], 0)
    text = f"""The preset with its whole halo and {bodies:,} bodies, {steps:,} equal steps of {step:g} (0.978 Gyr),
default accuracy. The dynamical time is the period of a rotation.

{table(rows)}"""
    verdicts = [
        Verdict("energy drift a rotation", abs(drift), job.some(1e-4, 1e-3)),
        Verdict("energy error, greatest", np.abs(error).max(), 1e-3),
        Verdict("change of the angular momentum", spin.max() / whole, 1e-3),
    ]
    return text, {"validation-isolation": plot}, verdicts
