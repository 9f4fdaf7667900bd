"""Writes scripts/validation/hmcode.csv: the power spectra of linear theory (CAMB) and of non-linear matter (HMcode,
Mead et al. 2021, MNRAS 502, 1401) at z = 0 in the universe of inputs/lcdm-128.toml, with which the case `universe` of
scripts/validate compares. It runs alone, in an environment of its own:

    python3 -m venv target/hmcode && target/hmcode/bin/pip install -r scripts/requirements-cosmology.txt
    cd target && hmcode/bin/python ../scripts/validation/hmcode.py

EuclidEmulator2, which was fitted to simulations, is an alternative. Its package is built from source with GSL."""

from importlib.metadata import version
from pathlib import Path
import sys

# This file has the name of the package.
sys.path = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).resolve().parent]

import camb
import hmcode
import numpy as np

OMEGA_M, OMEGA_B, H, INDEX, SIGMA8 = 0.3111, 0.04897, 0.6766, 0.9665, 0.81
GREATEST = 100.0  # wave number [h/Mpc]


def power():
    """Wave numbers [h/Mpc], linear and non-linear power [(Mpc/h)^3]."""
    parameters = camb.CAMBparams(WantCls=False)
    parameters.set_cosmology(
        H0=100 * H, ombh2=OMEGA_B * H**2, omch2=(OMEGA_M - OMEGA_B) * H**2, mnu=0.0, num_massive_neutrinos=0, TCMB=2.7255
    )
    parameters.set_matter_power(redshifts=[0.0], kmax=GREATEST)
    amplitude = 2e-9
    for _ in range(2):  # sigma8 is proportional to the square root of the amplitude
        parameters.InitPower.set_params(As=amplitude, ns=INDEX)
        results = camb.get_results(parameters)
        amplitude *= (SIGMA8 / results.get_sigma8_0()) ** 2
    assert abs(results.get_sigma8_0() / SIGMA8 - 1) < 1e-4
    k = np.geomspace(1e-4, 0.9 * GREATEST, 400)
    linear = results.get_matter_power_interpolator(nonlinear=False).P(0.0, k)
    return k, linear, hmcode.power(k, [0.0], results)[0]


rows = zip(*power())
head = f"# CAMB {version('camb')}, HMcode {version('hmcode')}: k [h/Mpc],linear [(Mpc/h)^3],non-linear [(Mpc/h)^3] at z = 0"
lines = [head, *(f"{k:.6e},{linear:.6e},{whole:.6e}" for k, linear, whole in rows)]
(Path(__file__).parent / "hmcode.csv").write_text("\n".join(lines) + "\n")
