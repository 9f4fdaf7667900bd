"""Runs the program and reads its output."""

import csv
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
from program import HEOROT, attempt


def heorot(*arguments):
    """Runs the program, which must succeed."""
    command = [HEOROT, *map(str, arguments)]
    done = attempt(command)
    if done.returncode != 0:
        raise SystemExit(f"validate: {' '.join(command)}\n{done.stderr}")


class Run:
    """A run of a parameter file, in which @ stands for its folder. A run that the same program has
    already done is reused."""

    def __init__(self, folder, parameters):
        self.folder, file = folder, Path(f"{folder}.toml")
        folder.parent.mkdir(parents=True, exist_ok=True)
        text = parameters.replace("@", str(folder))
        program = Path(HEOROT).stat().st_mtime
        report = folder / "report.json"
        if not (report.exists() and file.exists() and file.read_text() == text and report.stat().st_mtime > program):
            shutil.rmtree(folder, ignore_errors=True)
            file.write_text(text)
            heorot("run", file, "--set", 'batch.checkpoint_every="never"')
        self.report = json.loads(report.read_text())

    def seconds(self):
        """Wall time of the steps."""
        return self.report["seconds"]["total"]

    def energy(self):
        """Columns of energy.csv by name."""
        with open(self.folder / "energy.csv") as file:
            rows = list(csv.DictReader(file))
        return {key: np.array([float(row[key]) for row in rows]) for key in rows[0]}

    def snapshots(self):
        return sorted(self.folder.glob("snapshot_*.hdf5"))


class Bodies:
    """Bodies of a snapshot, of some types or all, in the order of their ids."""

    def __init__(self, path, types=None):
        with h5py.File(path) as file:
            self.time = float(file["Header"].attrs["Time"])
            names = [f"PartType{kind}" for kind in (types or range(6)) if f"PartType{kind}" in file]
            read = lambda field: np.concatenate([file[name][field][:] for name in names])
            order = np.argsort(read("ParticleIDs"))
            self.id = read("ParticleIDs")[order]
            self.position, self.velocity, self.mass = (read(f)[order] for f in ("Coordinates", "Velocities", "Masses"))
            if "Acceleration" in file[names[0]]:
                self.acceleration = read("Acceleration")[order]
            if "Potential" in file[names[0]]:
                self.potential = read("Potential")[order]

    def centred(self):
        """Positions relative to the densest region, found by a sphere that shrinks by a tenth at a
        time to a hundredth of the bodies (Power et al. 2003). Velocities are relative to their
        mean, since the mean of so few bodies would be noise."""
        place, chosen = self.position, np.arange(len(self.mass))
        least = max(100, len(self.mass) // 100)
        while len(chosen) > least:
            centre = np.average(place[chosen], axis=0, weights=self.mass[chosen])
            distance = np.linalg.norm(place[chosen] - centre, axis=1)
            chosen = chosen[np.argsort(distance)[: max(least, int(0.9 * len(chosen)))]]
        self.position = place - np.average(place[chosen], axis=0, weights=self.mass[chosen])
        self.velocity = self.velocity - np.average(self.velocity, axis=0, weights=self.mass)
        return self

    def radius(self):
        return np.linalg.norm(self.position, axis=1)
