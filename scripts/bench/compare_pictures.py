"""Disc and bulge of one snapshot, drawn by heorot, yt and pynbody with their default methods, in
the same frame and range."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pynbody
import yt

WIDTH, SIZE = 40.0, 600  # kpc, pixels
LOW, HIGH = 1e5, 3e9  # solar masses / kpc^2
snapshot, out = sys.argv[1:3]
yt.set_log_level("error")


def by_heorot():
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        options = f"--types 2,3 --width {WIDTH} --size {SIZE} --plain --range {LOW}:{HIGH} --centre=0,0,0".split()
        subprocess.run([os.environ["HEOROT"], "render", snapshot, "-o", picture, *options], check=True, capture_output=True)
        return plt.imread(picture)


def by_yt():
    """Adds every body to one pixel. This is how yt draws bodies that are not gas."""
    data = yt.load(snapshot, bounding_box=[[-1000.0, 1000.0]] * 3)
    data.index  # loads its units
    centre = data.arr([0.0, 0.0, 0.0], "kpc")
    total = 0.0
    for kind in (2, 3):
        field = (f"PartType{kind}", "particle_mass")
        plot = yt.ParticleProjectionPlot(data, "z", field, center=centre, width=(WIDTH, "kpc"), density=True, weight_field=None)
        plot.set_buff_size(SIZE)
        total = total + np.nan_to_num(np.asarray(plot.frb[field].to("Msun/kpc**2")))
    return total


def by_pynbody():
    """Spreads every body over the distance to its 32nd neighbour, with an SPH kernel."""
    data = pynbody.load(snapshot)
    data.physical_units()
    mass = data.dm["mass"]  # pynbody puts all types into one family; halo bodies are heavier
    light = data.dm[np.asarray(mass) < 2 * np.asarray(mass).min()]
    return np.asarray(
        pynbody.plot.image(light, qty="rho", units="Msol kpc^-2", width=WIDTH, resolution=SIZE, ret_im=False, noplot=True)
    )


figure, panels = plt.subplots(1, 3, figsize=(18, 6.4), facecolor="black")
for panel, (name, draw) in zip(panels, {"heorot": by_heorot, "yt": by_yt, "pynbody": by_pynbody}.items()):
    begun = time.perf_counter()
    image = draw()
    seconds = time.perf_counter() - begun
    if image.ndim == 2:
        panel.imshow(np.log10(np.maximum(image, LOW)), origin="lower", cmap="inferno", vmin=np.log10(LOW), vmax=np.log10(HIGH))
    else:
        panel.imshow(image)
    panel.set_title(f"{name}, {seconds:.1f} s", color="white")
    panel.axis("off")
    print(f"{name}: {seconds:.1f} s")
figure.tight_layout()
figure.savefig(out, dpi=60)
