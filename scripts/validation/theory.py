"""Theory of the models, computed independently of the program: densities, masses, dispersions,
rotation curves. G = 1 unless given."""

from math import pi

import numpy as np
from scipy.integrate import cumulative_simpson, solve_ivp
from scipy.special import erf, j1

# Densities of spheres with scale radius 1, up to a constant factor; sources as in
# docs/parameters.md.
DENSITIES = {
    "plummer": lambda x: (1 + x**2) ** -2.5,
    "hernquist": lambda x: 1 / (x * (1 + x) ** 3),
    "jaffe": lambda x: 1 / (x * (1 + x)) ** 2,
    "isochrone": lambda x: (1 + 2 * (a := np.sqrt(1 + x**2))) / ((1 + a) ** 2 * a**3),
    "nfw": lambda x: 1 / (x * (1 + x) ** 2),
}
TAPERED = {"jaffe", "isochrone", "nfw"}


class Sphere:
    """A sphere of mass 1: enclosed mass, density and dispersion of one velocity component by
    radius."""

    def __init__(self, radius, density, cut=None, softening=None):
        """`density` up to a factor, on rising radii. With a `cut`, bodies are only inside it, with
        the velocities of the infinite sphere. With a `softening`, the field is that of bodies
        softened with the spline."""
        x = np.log(radius)
        first = 4 * pi / (3 + np.log(density[1] / density[0]) / (x[1] - x[0])) * radius[0] ** 3 * density[0]
        mass = first + cumulative_simpson(4 * pi * radius**3 * density, x=x, initial=0)
        total = np.interp(cut, radius, mass) if cut else mass[-1]
        self.radius, self.mass, self.density = radius, mass / total, density / total
        # Jeans equation for isotropic velocities (Binney & Tremaine 2008, equation 4.216), inward.
        pulling = softened(radius, self.density, self.mass, 2.8 * softening) if softening else self.mass
        pressure = cumulative_simpson((self.density * pulling)[::-1], x=1 / radius[::-1], initial=0)[::-1]
        self.dispersion = np.sqrt(np.maximum(pressure, 0) / self.density)
        inside = radius <= cut if cut else slice(None)
        self.radius, self.mass, self.density, self.dispersion = (
            values[inside] for values in (self.radius, self.mass, self.density, self.dispersion)
        )

    def within(self, radius):
        """Mass within radii."""
        return np.interp(np.log(radius), np.log(self.radius), self.mass, left=0, right=1)

    def radius_of(self, mass):
        """Radii that enclose masses."""
        return np.interp(mass, self.mass, self.radius)

    def dispersion_at(self, radius):
        return np.interp(np.log(radius), np.log(self.radius), self.dispersion)

    def dynamical_time(self):
        """For the mean density within the half-mass radius (Binney & Tremaine 2008, equation
        2.39)."""
        return np.sqrt(3 * pi / (16 * 0.5 / (4 / 3 * pi * self.radius_of(0.5) ** 3)))


def softened(radius, density, mass, support):
    """The central point mass with the same force at each radius as a sphere of spline-softened
    bodies. Their density is that of the centres, averaged over all displacements of length s, which
    is (P(r + s) - P(|r - s|)) / (2 r s) with dP/dx = x density, weighted with the spline over s."""
    part = (np.arange(400) + 0.5) / 400
    spline = np.where(part < 0.5, 1 - 6 * part**2 + 6 * part**3, 2 * (1 - part) ** 3)
    weight = part**2 * spline / (part**2 * spline).sum()
    s = support * part
    x = np.log(radius)
    p = cumulative_simpson(radius**2 * density, x=x, initial=0)
    at = lambda place: np.interp(np.log(np.maximum(place, radius[0])), x, p)
    near = radius < 100 * support
    smooth = density.copy()
    smooth[near] = [(weight * (at(r + s) - at(np.abs(r - s))) / (2 * r * s)).sum() for r in radius[near]]
    first = 4 * pi / 3 * radius[0] ** 3 * smooth[0]
    pulling = first + cumulative_simpson(4 * pi * radius**3 * smooth, x=x, initial=0)
    return pulling * mass[-1] / pulling[-1]


def dispersion_in(radius, density, circular2):
    """Dispersion of one velocity component of bodies of this density in a field with these squares of
    the circular velocity: the Jeans equation for isotropic velocities (Binney & Tremaine 2008, equation
    4.216)."""
    pressure = cumulative_simpson((density * circular2)[::-1], x=-np.log(radius)[::-1], initial=0)[::-1]
    return np.sqrt(pressure / density)


def coulomb_logarithm(softening, far):
    """Integral of w(b)^2 db / b over impact parameters up to `far`. A body that passes a spline-softened
    one at b gets the impulse of a point mass times w, the mass of the spline inside a cylinder of radius
    b."""
    support = 2.8 * softening
    r = support * (np.arange(4000) + 0.5) / 4000
    part = r / support
    spline = np.where(part < 0.5, 1 - 6 * part**2 + 6 * part**3, 2 * (1 - part) ** 3)
    shell = r**2 * spline / (r**2 * spline).sum()
    b = np.geomspace(1e-3 * support, support, 400)
    w = 1 - np.array([(shell * np.sqrt(np.maximum(1 - (one / r) ** 2, 0))).sum() for one in b])
    return np.trapezoid(w**2, np.log(b)) + np.log(far / support)


def vertical_heating(density, body, speed, dispersion, logarithm, constant):
    """Growth of <v_z^2> in a unit of time of bodies that move in the plane with a speed through bodies of
    this mass and density, with Maxwellian velocities: half of the second diffusion coefficient at right
    angles to the motion (Binney & Tremaine 2008, equation 7.92)."""
    x = speed / (np.sqrt(2) * dispersion)
    g = (erf(x) - 2 * x / np.sqrt(pi) * np.exp(-(x**2))) / (2 * x**2)
    return 4 * pi * constant**2 * density * body * logarithm / speed * (erf(x) - g)


def heated_height(height, surface, outer2, heating, times, constant):
    """Heights of a layer sech^2(z / height) of its own surface density at times, if <v_z^2> gains
    `heating` in a unit of time. `outer2` is the square of the vertical frequency in the field of other
    bodies. The layer stays in equilibrium: <v_z^2> = <z dPhi/dz> = s h + q h^2, with s = pi G surface and
    q = pi^2 / 12 outer2. Its energy is 3/2 s h + q h^2, because the potential energy of the layer itself
    counts once, so of the heat it takes, a third becomes <v_z^2> without an outer field."""
    s, q = pi * constant * surface, pi**2 / 12 * outer2
    energy = 1.5 * s * height + q * height**2 + 0.5 * heating * np.asarray(times)
    return (np.sqrt((1.5 * s) ** 2 + 4 * q * energy) - 1.5 * s) / (2 * q)


def sphere(name, cut, softening=None):
    """A sphere by name, cut or tapered as by `heorot model`. With a softening it is tapered."""
    tapered = softening or name in TAPERED
    radius = np.geomspace(1e-6, (30 if tapered else 100) * cut, 20_000)
    density = DENSITIES[name](radius)
    if tapered:
        density = density / np.cosh(radius / cut)
        return Sphere(radius, density, softening=softening)
    return Sphere(radius, density, cut)


def king(w0):
    """The sphere of King (1966) with core radius 1, from Poisson's equation, with a finite
    radius."""

    def density(w):
        w = np.maximum(w, 0)
        return np.exp(w) * erf(np.sqrt(w)) - np.sqrt(4 * w / pi) * (1 + 2 * w / 3)

    def slope(r, state):
        w, u = state  # u = r^2 dW/dr
        return [u / r**2, -9 * r**2 * density(w) / density(w0)]

    def edge(r, state):
        return state[0]

    edge.terminal = True
    start = 1e-6
    found = solve_ivp(slope, (start, 1e4), [w0, -3 * start**3], method="LSODA", events=edge, rtol=1e-10, atol=1e-14, dense_output=True)
    radius = np.geomspace(1e-5, found.t_events[0][0] * (1 - 1e-6), 20_000)
    depth = found.sol(radius)[0]
    return Sphere(radius, density(depth))


def disc_circular2(radius, mass, length, height, constant):
    """Square of the circular velocity in the plane of a disc exp(-R / length) sech^2(z / height):
    the Hankel transform of Binney & Tremaine (2008), equation 2.155. The contribution of a layer at
    height z to the plane has the factor exp(-k |z|)."""
    k = np.geomspace(1e-4, 4e3, 40_000) / length
    z = np.linspace(0, 15 * height, 3_000)
    layers = 1 / (height * np.cosh(z / height) ** 2)
    # The mean of exp(-k |z|) over the layers, at fewer k because it is smooth.
    few = np.geomspace(k[0], k[-1], 400)
    mean = np.array([np.trapezoid(layers * np.exp(-one * z), z) for one in few])
    weight = np.interp(np.log(k), np.log(few), mean) * k / (1 + (k * length) ** 2) ** 1.5
    return np.array([constant * mass * r * np.trapezoid(weight * j1(k * r), k) for r in radius])
