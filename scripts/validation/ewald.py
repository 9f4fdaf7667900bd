"""Forces in a periodic box by Ewald's sum, written for this page from the formulas of Hernquist, Bouchet & Suto (1991,
ApJS 75, 231), equations 2.14a and following. Newtonian, G = 1, in double precision."""

import os
from concurrent.futures import ProcessPoolExecutor
from itertools import product, repeat

import numpy as np
from scipy.special import erfc

ALPHA = 4.0  # splits the sum, in units of one over the side
WAVES = 64  # greatest |h|^2: terms of exp(-pi^2 |h|^2 / 16) below 1e-17 are left out
NEAR = np.array(list(product([-1, 0, 1], repeat=3)), float)


def waves():
    """One of each pair of opposite wave vectors."""
    every = np.array(list(product(range(-8, 9), repeat=3)))
    square = (every**2).sum(axis=1)
    first = np.array([tuple(wave) > (0, 0, 0) for wave in every])
    return every[(square <= WAVES) & first]


def accelerations(position, mass, sinks, side):
    """Accelerations of the bodies with the indices `sinks` by all bodies and their images, and by a uniform background
    of the opposite mass. Each processor sums over a part of the sources."""
    parts = np.array_split(np.arange(len(mass)), os.cpu_count())
    with ProcessPoolExecutor() as processes:
        return sum(processes.map(by_some, repeat(position / side), repeat(mass), repeat(sinks), parts)) / side**2


def by_some(place, mass, sinks, sources, chunk=4096):
    """The accelerations by these sources, consecutive indices, in a box of side 1. The sums over wave vectors go over
    structure factors, so the cost is that of the pairs."""
    first, at = sources[0], place[sinks]
    place, mass = place[sources], mass[sources]
    total = np.zeros((len(sinks), 3))
    for begin in range(0, len(place), chunk):
        sources, weight = place[begin : begin + chunk], mass[begin : begin + chunk]
        apart = at[:, None] - sources[None]
        apart -= np.round(apart)
        itself = sinks[:, None] == first + np.arange(begin, begin + len(sources))[None]
        for image in NEAR:
            offset = apart - image
            distance = np.sqrt((offset**2).sum(axis=2))
            alone = itself if not image.any() else np.zeros_like(itself)
            distance[alone] = 1.0
            # Beyond 1.6 sides erfc(4 r) is below 1e-19.
            pull = erfc(ALPHA * distance) + 2 * ALPHA * distance / np.sqrt(np.pi) * np.exp(-((ALPHA * distance) ** 2))
            pull = np.where(alone, 0.0, pull / distance**3) * weight
            total -= np.einsum("ij,ijk->ik", pull, offset)
    vectors = waves()
    square = (vectors**2).sum(axis=1)
    strength = 2.0 * np.exp(-(np.pi**2) * square / ALPHA**2) / square  # of a vector and its opposite: twice a sine
    for part in np.array_split(np.arange(len(vectors)), max(1, len(vectors) // 64)):
        some = vectors[part]
        factor = np.zeros(len(some), complex)
        for begin in range(0, len(place), chunk):
            factor += mass[begin : begin + chunk] @ np.exp(-2j * np.pi * place[begin : begin + chunk] @ some.T)
        waves_at = np.exp(2j * np.pi * at @ some.T) * factor
        total -= 2.0 * (waves_at.imag * strength[part]) @ some
    return total
