"""An isolated disc galaxy: rotation curve, and conservation of shape and energy."""

from math import pi, sqrt

import numpy as np

import theory
from page import Verdict, table
from plot import Plot
from snapshots import Bodies, Run, heorot

G = 43007.1  # kpc (km/s)^2 / 1e10 solar masses
HALO_TYPE, DISC = 1, 2
# The Milky Way of the program, its halo cut at three scale radii with the same density inside, and
# three quarters of the bodies in the halo. The halo bodies are then lighter, and heat the disc less.
HALO = (69.3, 3.0)
STARS, SOFTENING = 0.25, 0.1
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


def run_of(job, name, galaxy, end, more, every):
    return Run(
        job.folder / name,
        f"""initial = {{ model = "disc-galaxy", preset = "milky-way", {galaxy}, seed = 1 }}
gravity = {{ softening = {{ length = {{ halo = 0.3, disc = 0.1, bulge = 0.1 }} }} }}
time = {{ {end}, {more} }}
output = {{ folder = "@", snapshot_every = {every!r}, acceleration = true }}
""",
    )


def heating(halo_body, time, radius=1.5 * LENGTH):
    """Growth of the height of a disc by scattering on halo bodies of this mass, as a fraction: the
    second diffusion coefficient of Chandrasekhar for bodies that move through the halo at the circular
    speed, half of it in z (Binney & Tremaine 2008, equation 7.88; Lacey & Ostriker 1985), over the
    dispersion of a self-gravitating sech^2 layer."""
    x = radius / PARTS["halo"][1]
    density = HALO[0] / mass_of_nfw(HALO[1]) / (4 * pi * PARTS["halo"][1] ** 3 * x * (1 + x) ** 2)
    speed = sqrt(sum(circular2(np.array([radius])).values())[0])
    logarithm = np.log(radius / 0.3)  # from the softening of the halo to the radius
    rate = 4 * pi * G * G * density * halo_body * logarithm / speed
    surface = MASS / (2 * pi * LENGTH**2) * np.exp(-radius / LENGTH)
    return float(rate * time / (pi * G * surface * HEIGHT))


def disc(job):
    bodies = job.some(200_000, 20_000)
    turn = turn_time()
    turns = job.some(5, 0.25)
    run = run_of(job, "disc", f"bodies = {bodies}, stars = {STARS}, softening = {SOFTENING}, halo_mass = {HALO[0]}, halo_cut = {HALO[1]}", f"end = {turns * turn!r}", 'step = 0.002, timestep = "block", criterion = "acceleration"', turns * turn / 10)
    paths = run.snapshots()

    radius = np.geomspace(1.0, 30.0, 16)
    parts = circular2(radius)
    theory_ = np.sqrt(sum(parts.values()))
    measured = rotation(Bodies(paths[0]), radius)
    plot = Plot("Rotation curve at the start", "radius [kpc]", "circular velocity [km/s]")
    plot.series("measured", list(zip(radius, measured)), 0)
    plot.series("sum of the parts", list(zip(radius, theory_)), 1, dashed=True)
    for style, (name, v2) in enumerate(parts.items()):
        plot.series(name, list(zip(radius, np.sqrt(v2))), style + 2, dashed=True)
    curve = np.abs(measured / theory_ - 1).max()

    rows = []
    for path in paths:
        state = Bodies(path)
        centre = Bodies(path, [DISC]).centred()
        rows.append({"rotations": state.time / turn, **shape(centre.position)})
    energy = run.energy()
    scattered = heating(HALO[0] / ((1 - STARS) * bodies), turns * turn)
    text = f"""The Milky Way of `--preset milky-way` with {bodies:,} bodies, a quarter of them stars, its halo cut at
{HALO[1]:g} scale radii, and in equilibrium for a softening of {SOFTENING:g} kpc. Block steps by the
acceleration criterion. It runs for {turns} rotations at {AT:.2f} kpc (2.2 scale lengths),
{turn * 0.978:.3f} Gyr each. The circular velocity is computed from the mean inward acceleration of bodies
near the plane; the theory includes the thickness of the disc. The scale length is a fit to the
surface density from 1 to 4 scale lengths. The scale height is computed from the median |z| within
the same radii, which is 0.549 heights for sech^2. Bodies of the halo scatter those of the disc, which are
lighter: by the formula of Chandrasekhar for a halo at rest, the height grows by {100 * scattered:.0f} %. Energy error {np.abs(energy["energy_error"]).max():.1e}, {run.seconds():.0f} s.

{table(rows)}"""
    changes = {key: max(abs(row[key] / rows[0][key] - 1) for row in rows) for key in ("scale length [kpc]", "scale height [kpc]")}
    verdicts = [
        Verdict("rotation curve, greatest deviation from the sum of the components", curve, job.some(0.03, 0.06)),
        Verdict("scale length at the start, deviation from the model", abs(rows[0]["scale length [kpc]"] / LENGTH - 1), job.some(0.02, 0.05)),
        Verdict("scale height at the start, deviation from the model", abs(rows[0]["scale height [kpc]"] / HEIGHT - 1), job.some(0.02, 0.1)),
        *(Verdict(f"{key}, greatest change", changes[key], bound) for key, bound in zip(changes, (job.some(0.1, 0.25), job.some(0.05, 0.1)))),
    ]
    return text, {"validation-rotation": plot}, verdicts


def height(job):
    """A disc whose halo is an external potential, so that no heavy halo bodies heat it."""
    discs, turn, turns = job.some(200_000, 20_000), turn_time(), job.some(5, 0.5)
    # The model's halo has a taper so far out that it is the NFW halo of the potential where the disc is,
    # which has the density of the tapered halo of the case `disc` in its centre.
    scale_mass, far = HALO[0] / mass_of_nfw(HALO[1]), 1e3
    stars = 0.9
    bodies = round(discs / stars * (1 + PARTS["bulge"][0] / MASS))
    model = job.folder / "height.model.toml"
    model.write_text(
        f"""[initial]
model = "disc-galaxy"
preset = "milky-way"
bodies = {bodies}
stars = {stars}
softening = {RIGID_SOFTENING}
halo_mass = {scale_mass * mass_of_nfw(far)!r}
halo_cut = {far}
seed = 1
"""
    )
    whole, start = job.folder / "height.model.hdf5", job.folder / "height.hdf5"
    heorot("model", "--from", model, "--output", whole, "--overwrite")
    heorot("convert", whole, start, "--types", "disc,bulge", "--overwrite")
    every = 0.25
    run = Run(
        job.folder / "height",
        f"""initial = {{ file = "{start.resolve()}" }}
potential = [{{ kind = "nfw", mass = {scale_mass!r}, scale = {PARTS["halo"][1]} }}]
gravity = {{ softening = {RIGID_SOFTENING}, accuracy = 2e-3 }}
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


def mass_of_nfw(cut):
    """Mass of an NFW halo with a taper sech(r / cut), in units of its scale mass; lengths in scale radii."""
    x = np.geomspace(1e-8, 40 * cut, 200_000)
    return float(np.trapezoid(x * x / (1 + x) ** 2 / np.cosh(np.minimum(x / cut, 700)), np.log(x)))


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
    """Scale length and height of a disc, from positions about its centre."""
    x, y, z = position.T
    across = np.hypot(x, y)
    edges = np.linspace(1.0, 4.0, 13) * LENGTH
    count = np.histogram(across, edges)[0]
    middle = 0.5 * (edges[1:] + edges[:-1])
    surface = count / (edges[1:] ** 2 - edges[:-1] ** 2)
    slope = np.polyfit(middle, np.log(surface), 1, w=np.sqrt(count))[0]
    inside = (across > edges[0]) & (across < edges[-1])
    return {"scale length [kpc]": -1 / slope, "scale height [kpc]": np.median(np.abs(z[inside])) / np.arctanh(0.5)}


def milky_way(job):
    """The preset against the sources of its mass and of its circular speed."""
    bodies, sun, far = job.some(200_000, 20_000), 8.2, 228.0
    run = run_of(job, "milky-way", f"bodies = {bodies}", "steps = 1", "step = 1e-6", 1)
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
    run = run_of(job, "isolation", f"bodies = {bodies}", f"steps = {steps}", f"step = {step}", steps * step)
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
