"""Snapshots open in yt and pynbody with no other argument, with right units, time, counts and values."""

import warnings

import h5py
import numpy as np
from harness import bodies, check, heorot, require, scratch

GALAXY_BODIES = 1500
PARAMETERS = """\
[initial]
model = "collision"
bodies = {bodies}
seed = 3
mass = 20.0
radius = 3.0
pericentre = 6.0
distance = 60.0
[time]
steps = 3
step = 0.004
[output]
folder = "{folder}"
potential = true
acceleration = true
"""


def run():
    """The last snapshot of a short collision, written by two ranks."""
    folder = scratch()
    file = folder / "run.toml"
    file.write_text(PARAMETERS.format(bodies=GALAXY_BODIES, folder=folder / "out"))
    heorot("run", file, ranks=2).require_success()
    return sorted((folder / "out").glob("*.hdf5"))[-1]


def require_close(what, found, expected, tolerance=1e-6):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    require(found.shape == expected.shape, f"{what} has shape {found.shape} instead of {expected.shape}")
    worst = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    require(worst < tolerance, f"{what} is off by {worst:.2e}")


def our_own(path):
    """Guards the others: what they must find is what was asked for."""
    found = bodies(path)
    require(len(found["Masses"]) == GALAXY_BODIES, f"{len(found['Masses'])} bodies")
    require(set(found["Type"]) == {2, 3}, f"types {set(found['Type'])}")
    require_close("the total mass", found["Masses"].sum(), 20.0)
    with h5py.File(path) as file:
        require_close("the time", file["Header"].attrs["Time"], 0.012)
    require({"Acceleration", "Potential"} <= found.keys(), f"datasets {sorted(found)}")


def with_yt(path):
    import yt

    yt.set_log_level("error")
    dataset = yt.load(str(path))
    data = dataset.all_data()
    require_close("the time", dataset.current_time.to("kpc*s/km"), 0.012)
    require(not dataset.cosmological_simulation, "is taken for a cosmological run")
    expected = bodies(path)
    for kind in [2, 3]:
        chosen = expected["Type"] == kind
        name = f"PartType{kind}"
        order = np.argsort(np.asarray(data[name, "particle_index"]))
        for field, unit, values in [
            ("particle_mass", "1e10*Msun", expected["Masses"]),
            ("particle_position", "kpc", expected["Coordinates"]),
            ("particle_velocity", "km/s", expected["Velocities"]),
        ]:
            unit_value = dataset.quan(1e10, "Msun") if "Msun" in unit else dataset.quan(1.0, unit)
            require_close(f"{name} {field}", (data[name, field] / unit_value).to("")[order], values[chosen], 1e-4)


def with_pynbody(path):
    import pynbody

    warnings.simplefilter("ignore")
    snapshot = pynbody.load(str(path))
    require(len(snapshot) == GALAXY_BODIES, f"{len(snapshot)} bodies")
    require_close("the time", snapshot.properties["time"].in_units("kpc s km**-1"), 0.012)
    expected = bodies(path)
    order = np.argsort(snapshot["iord"])
    for name, unit, values in [
        ("mass", "1e10 Msol", expected["Masses"]),
        ("pos", "kpc", expected["Coordinates"]),
        ("vel", "km s**-1", expected["Velocities"]),
    ]:
        require_close(name, np.asarray(snapshot[name].in_units(unit))[order], values, 1e-4)


def main():
    path = run()
    check("h5py", our_own, path)
    check("yt.load(file)", with_yt, path)
    check("pynbody.load(file)", with_pynbody, path)


main()
