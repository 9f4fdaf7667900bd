"""The flat universe of the boxes: its parameters, and its growth factor computed independently of the program."""

import numpy as np

OMEGA_M, H = 0.3111, 0.6766
COSMOLOGY = f"omega_m = {OMEGA_M}, omega_lambda = {1 - OMEGA_M}, h = {H}"
MEGAPARSEC = "length_in_cm = 3.085677581491367e24, mass_in_g = 1.988409870698051e43, velocity_in_cm_per_s = 1e5"


def universe(initial, side, redshift):
    """Tables of a parameter file: a box of `side` Mpc/h that begins at a redshift. `initial` has further keys of the initial
    conditions."""
    return f"""initial = {{ model = "cosmology", {initial} }}
cosmology = {{ {COSMOLOGY}, start_redshift = {redshift} }}
units = {{ {MEGAPARSEC} }}
box = {{ side = {side / H!r} }}
"""


def hubble(a):
    """H(a) of a flat universe [h km/s/Mpc]."""
    return 100 * np.sqrt(OMEGA_M / a**3 + 1 - OMEGA_M)


def growth(a):
    """The growth factor D(a) of a flat universe, and d ln D / d ln a. D is H times the integral of da / (a H)^3
    (Heath 1977, MNRAS 179, 351), here by Gauss and Legendre."""
    x, weight = np.polynomial.legendre.leggauss(64)
    t = np.sqrt(a) * (x + 1) / 2  # in the root of a, the integrand is smooth at 0
    integral = np.sum(weight * np.sqrt(a) * t / (t**2 * hubble(t**2)) ** 3)
    slope = -1.5 * OMEGA_M / a**3 / (OMEGA_M / a**3 + 1 - OMEGA_M)  # d ln H / d ln a
    return hubble(a) * integral, slope + 1 / (a**2 * hubble(a) ** 3 * integral)
