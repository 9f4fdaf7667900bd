"""Writes scripts/validation/nonlinear.csv: power spectra at z = 0 of the universe of inputs/lcdm-128.toml, of linear theory
(CAMB) and of non-linear matter by EuclidEmulator2 (Euclid Collaboration: Knabenhans et al. 2021, MNRAS 505, 2840), which
was fitted to simulations, and by HMcode (Mead et al. 2021, MNRAS 502, 1401). The case `universe` of scripts/validate reads
the table. This script runs alone, in an environment of its own; the emulator is compiled and needs GSL (libgsl-dev):

    python3 -m venv target/nonlinear && target/nonlinear/bin/pip install -r scripts/requirements-cosmology.txt
    cd target && nonlinear/bin/python ../scripts/validation/nonlinear.py
"""

from importlib.metadata import version
from pathlib import Path

import camb
import euclidemu2
import hmcode
import numpy as np

OMEGA_M, OMEGA_B, H, INDEX, SIGMA8 = 0.3111, 0.04897, 0.6766, 0.9665, 0.81
GREATEST = 100.0  # wave number [h/Mpc]
EMULATED = 0.0095, 9.0  # range of the emulator [h/Mpc]; longer waves are linear


def emulated(k, amplitude):
    """Non-linear over linear power. Not a number beyond the range of the emulator."""
    universe = {"As": amplitude, "ns": INDEX, "Omb": OMEGA_B, "Omm": OMEGA_M, "h": H, "mnu": 0.0, "w": -1.0, "wa": 0.0}
    _, boost = euclidemu2.PyEuclidEmulator().get_boost(universe, [0.0], np.clip(k, *EMULATED))
    return np.where(k < EMULATED[0], 1.0, np.where(k > EMULATED[1], np.nan, np.ravel(boost[0])))


def power():
    """Wave numbers [h/Mpc]; linear power, and non-linear power of the emulator and of HMcode [(Mpc/h)^3]."""
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
    return k, linear, linear * emulated(k, amplitude), hmcode.power(k, [0.0], results)[0]


names = ["camb", "euclidemu2", "hmcode"]
head = f"# k [h/Mpc], then P [(Mpc/h)^3] at z = 0 of {', '.join(f'{name} {version(name)}' for name in names)}"
lines = [head, *(",".join(f"{x:.6e}" for x in row) for row in zip(*power()))]
(Path(__file__).parent / "nonlinear.csv").write_text("\n".join(lines) + "\n")
