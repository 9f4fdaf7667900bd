"""yt, pynbody and swiftsimio open snapshots with no other argument, with the right units, time,
counts and values; and we read the files of pynbody and NumPy."""

import json
import subprocess
import sys
import warnings

import h5py
import numpy as np
from harness import ROOT, bodies, check, heorot, require, require_same_bits, scratch
from pages import fences

warnings.simplefilter("ignore")

GALAXY_BODIES = 1500
TIME = 0.012
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
time_step = true
"""


def run(name, *options, ranks=2):
    """The files of the last snapshot of a short collision."""
    folder = scratch(name)
    file = folder / "run.toml"
    file.write_text(PARAMETERS.format(bodies=GALAXY_BODIES, folder=folder / "out"))
    overrides = [word for option in options for word in ("--set", option)]
    heorot("run", file, *overrides, ranks=ranks).require_success()
    return sorted((folder / "out").glob("snapshot_001*.hdf5"))


def require_close(what, found, expected, tolerance=1e-6):
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    require(found.shape == expected.shape, f"{what} has shape {found.shape} instead of {expected.shape}")
    worst = np.max(np.abs(found - expected)) / np.max(np.abs(expected))
    require(worst < tolerance, f"{what} is off by {worst:.2e}")


def our_own(path):
    """Checks the expected values of the other tests themselves."""
    found = bodies(path)
    require(len(found["Masses"]) == GALAXY_BODIES, f"{len(found['Masses'])} bodies")
    require(set(found["Type"]) == {2, 3}, f"types {set(found['Type'])}")
    require_close("the total mass", found["Masses"].sum(), 20.0)
    with h5py.File(path) as file:
        require_close("the time", file["Header"].attrs["Time"], TIME)
    require({"Acceleration", "Potential", "TimeStep"} <= found.keys(), f"datasets {sorted(found)}")
    require_close("the time step", found["TimeStep"], np.full(GALAXY_BODIES, 0.004))


def with_yt(path, expected, shift=0.0):
    import yt

    yt.set_log_level("error")
    dataset = yt.load(str(path))
    data = dataset.all_data()
    require_close("the time", dataset.current_time.to("kpc*s/km"), TIME)
    require(not dataset.cosmological_simulation, "is taken for a cosmological run")
    for kind in [2, 3]:
        chosen = expected["Type"] == kind
        name = f"PartType{kind}"
        ids = data[name, "particle_index" if (name, "particle_index") in dataset.field_list + dataset.derived_field_list else "ParticleIDs"]
        order = np.argsort(np.asarray(ids))
        for field, unit, values in [
            ("particle_mass", "1e10*Msun", expected["Masses"]),
            ("particle_position", "kpc", expected["Coordinates"] + shift),
            ("particle_velocity", "km/s", expected["Velocities"]),
        ]:
            unit_value = dataset.quan(1e10, "Msun") if "Msun" in unit else dataset.quan(1.0, unit)
            require_close(f"{name} {field}", (data[name, field] / unit_value).to("")[order], values[chosen], 1e-4)


def with_pynbody(path, expected, shift=0.0):
    import pynbody

    snapshot = pynbody.load(str(path))
    require(len(snapshot) == GALAXY_BODIES, f"{len(snapshot)} bodies")
    require_close("the time", snapshot.properties["time"].in_units("kpc s km**-1"), TIME)
    order = np.argsort(snapshot["iord"])
    for name, unit, values in [
        ("mass", "1e10 Msol", expected["Masses"]),
        ("pos", "kpc", expected["Coordinates"] + shift),
        ("vel", "km s**-1", expected["Velocities"]),
    ]:
        require_close(name, np.asarray(snapshot[name].in_units(unit))[order], values, 1e-4)


def with_swiftsimio(path, expected, shift):
    import swiftsimio

    data = swiftsimio.load(str(path))
    # swiftsimio rounds units to five digits.
    require_close("the time", data.metadata.time.to("kpc*s/km").value, TIME, 1e-4)
    require(data.metadata.cosmology is None, "is taken for a cosmological run")
    for kind, group in [(2, data.boundary), (3, data.sinks)]:
        chosen = expected["Type"] == kind
        order = np.argsort(group.particle_ids.value)
        require((group.particle_ids.value[order] == expected["ParticleIDs"][chosen]).all(), "other ids")
        for name, unit, values in [
            ("masses", "1e10*Msun", expected["Masses"]),
            ("coordinates", "kpc", expected["Coordinates"] + shift),
            ("velocities", "km/s", expected["Velocities"]),
            ("accelerations", "km**2/s**2/kpc", expected["Acceleration"]),
            ("potentials", "km**2/s**2", expected["Potential"]),
            ("time_steps", "kpc*s/km", expected["TimeStep"]),
        ]:
            found = getattr(group, name)
            found = found.to("Msun").value / 1e10 if "Msun" in unit else found.to(unit).value
            require_close(f"type {kind} {name}", found[order], values[chosen], 1e-4)


def swift_region(path, expected, shift):
    """swiftsimio finds the bodies of a region by our index of cells."""
    import swiftsimio

    mask = swiftsimio.mask(str(path))
    box = mask.metadata.boxsize
    region = [[0.3 * side, 0.48 * side] for side in box]
    mask.constrain_spatial(region)
    data = swiftsimio.load(str(path), mask=mask)
    lo, hi = 0.3 * box.to("kpc").value, 0.48 * box.to("kpc").value
    for kind, group in [(2, data.boundary), (3, data.sinks)]:
        position = expected["Coordinates"] + shift
        inside = (expected["Type"] == kind) & (position >= lo).all(axis=1) & (position <= hi).all(axis=1)
        found = set(group.particle_ids.value.tolist())
        missing = set(expected["ParticleIDs"][inside].tolist()) - found
        require(not missing, f"{len(missing)} of {inside.sum()} bodies of type {kind} are missing")
        require(inside.sum() > 0 and len(found) < (expected["Type"] == kind).sum(), "the mask chooses nothing")


def require_converted(source, folder, expected, *, tolerance=0.0, types=None):
    """`heorot convert` gives these bodies, with ids in the order of `expected`, on one rank and on
    three."""
    for ranks in [None, 3]:
        out = folder / "converted.hdf5"
        heorot("convert", source, out, "--units", "nbody", "--overwrite", ranks=ranks).require_success()
        found = bodies(out)
        for name, values in expected.items():
            if name == "ParticleIDs":
                require((found[name] == values).all(), f"{name} differ")
            else:
                require_close(name, found[name], values, max(tolerance, 1e-15))
        if types is not None:
            require((found["Type"] == types).all(), f"types {set(found['Type'])}")


def written_by_pynbody(kind, star):
    import pynbody

    folder = scratch(kind.__name__)
    random = np.random.default_rng(2)
    snapshot = pynbody.new(gas=30, dm=50, star=20, order="gas,dm,star")
    snapshot["pos"] = random.normal(size=(100, 3))
    snapshot["vel"] = random.normal(size=(100, 3))
    snapshot["mass"] = random.uniform(1, 2, size=100)
    snapshot["pos"].units, snapshot["vel"].units, snapshot["mass"].units = "kpc", "km s^-1", "Msol"
    for name in ["eps", "phi"]:
        snapshot[name] = np.full(100, 0.5)
    for name in ["rho", "temp", "metals"]:
        snapshot.gas[name] = np.ones(30)
    snapshot.star["tform"] = snapshot.star["metals"] = np.ones(20)
    snapshot["iord"] = np.arange(100)
    snapshot.properties.update(a=1.0, z=0.0, h=1.0, omegaM0=0.0, omegaL0=0.0)
    snapshot.properties["boxsize"] = pynbody.array.SimArray(0.0, "kpc")
    path = folder / "galaxy"
    snapshot.write(fmt=kind, filename=str(path))
    expected = {"Coordinates": snapshot["pos"], "Velocities": snapshot["vel"], "Masses": snapshot["mass"]}
    expected = {name: np.asarray(values) for name, values in expected.items()}
    require_converted(path, folder, expected, tolerance=1e-6, types=np.repeat([0, 1, star], [30, 50, 20]))


def pynbody_tipsy():
    import pynbody

    written_by_pynbody(pynbody.snapshot.tipsy.TipsySnap, 4)


def pynbody_gadget():
    import pynbody

    written_by_pynbody(pynbody.snapshot.gadget.GadgetSnap, 2)  # the first type of stars to pynbody


def numpy_and_text():
    folder = scratch("numpy")
    random = np.random.default_rng(3)
    mass, pos, vel = random.uniform(1, 2, size=40), random.normal(size=(40, 3)), random.normal(size=(40, 3))
    ids, types = random.permutation(1000)[:40], random.integers(0, 6, size=40)
    rows = np.column_stack([mass, pos, vel])
    order = np.argsort(ids)
    expected = {"Masses": mass, "Coordinates": pos, "Velocities": vel}
    by_id = {name: values[order] for name, values in expected.items()} | {"ParticleIDs": ids[order]}
    np.save(folder / "rows.npy", rows)
    np.save(folder / "columns.npy", np.asfortranarray(rows))
    for name in ["rows.npy", "columns.npy"]:
        require_converted(folder / name, folder, expected)
    records = np.zeros(40, [("id", "i4"), ("pos", ">f8", 3), ("vel", "f8", 3), ("mass", "f8"), ("type", "u1")])
    records["id"], records["pos"], records["vel"], records["mass"], records["type"] = ids, pos, vel, mass, types
    np.save(folder / "records.npy", records)
    np.savez(folder / "stored.npz", id=ids, pos=pos, vel=vel, mass=mass, type=types)
    np.savez_compressed(folder / "compressed.npz", id=ids, pos=pos, vel=vel, mass=mass, type=types)
    names = "vx vy vz id type x y z mass"
    table = np.column_stack([vel, ids, types, pos, mass])
    np.savetxt(folder / "table.txt", table, fmt="%.17g", header=names)
    np.savetxt(folder / "table.csv", table, fmt="%.17g", delimiter=",", header=names.replace(" ", ","), comments="")
    for name in ["records.npy", "stored.npz", "compressed.npz", "table.txt", "table.csv"]:
        require_converted(folder / name, folder, by_id, types=types[order])


def starts_a_run():
    """A run can start from every file that can be converted."""
    folder = scratch("start")
    random = np.random.default_rng(4)
    table = np.column_stack([np.full(200, 0.005), random.normal(size=(200, 6))])
    np.savetxt(folder / "table.txt", table, header="mass x y z vx vy vz")
    file = folder / "run.toml"
    file.write_text(f'[initial]\nfile = "{folder}/table.txt"\n[time]\nsteps = 1\nstep = 0.01\n[output]\nfolder = "{folder}/out"\n')
    heorot("run", file, ranks=3).require_success()
    require_close("positions", bodies(folder / "out" / "snapshot_000.hdf5")["Coordinates"], table[:, 1:4], 1e-15)


def any_ranks(expected):
    """The files are the same on any number of ranks, with bodies in the same order."""
    for ranks in [1, 3]:
        [path] = run(f"ranks-{ranks}", ranks=ranks)
        with h5py.File(path) as ours, h5py.File(expected) as theirs:
            for group in ["PartType2", "PartType3", "Cells"]:
                names = []
                theirs[group].visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
                for name in names:
                    require((ours[group][name][...] == theirs[group][name][...]).all(), f"{ranks} ranks: {group}/{name} differs")


def layouts(expected):
    """Several files, compression and single precision: other programs and we can read them."""
    files = run("several", "output.files=3", "output.compression=4", ranks=4)
    require(len(files) == 3, f"files {files}")
    with_yt(files[0], expected)
    with_pynbody(str(files[0]).removesuffix(".0.hdf5"), expected)
    out = scratch("joined") / "one.hdf5"
    heorot("convert", files[1], out, ranks=2).require_success()
    plain = {name: values for name, values in expected.items() if name in bodies(out)}
    require_same_bits(plain, bodies(out))
    [single] = run("single", 'output.precision="single"', "output.compression=1")
    with_yt(single, expected)
    with_pynbody(single, expected)


def extract(path, expected):
    folder = scratch("extract")
    inside = (np.abs(expected["Coordinates"] - [10.0, 0.0, 0.0]) <= [8.0, 5.0, 5.0]).all(axis=1)
    require(0 < inside.sum() < len(inside), "the region is no test")
    out = folder / "region.hdf5"
    outcome = heorot("extract", path, out, "--region", "box:2,18,-5,5,-5,5").require_success()
    require_same_bits({name: values[inside] for name, values in expected.items() if name != "TimeStep"}, bodies(out))
    require(f"{inside.sum()} of {len(inside)} bodies" in outcome.stdout, outcome.stdout)
    outcome = heorot("extract", path, folder / "none.hdf5", "--region", "sphere:1e6,0,0,1")
    require(outcome.codes == [1] and "lies in the region" in outcome.stderr, outcome.stderr)


PARSECS = ["length_in_cm=3.085677581491367e18", "mass_in_g=1.988409870698051e33", "velocity_in_cm_per_s=1e5"]
OPENED = """
import sys, warnings, matplotlib
warnings.simplefilter("ignore")
matplotlib.use("Agg")
import numpy as np, yt
yt.set_log_level("error")
sys.argv[1:] = []
{lines}
reach = ds.quan({reach!r}, "cm")
sphere = ds.sphere([0, 0, 0], reach)
print(float(ds.all_data()["all", "particle_mass"].sum().to("g")), float(sphere["all", "particle_mass"].sum().to("g")), float(ds.current_time.to("s")))
yt.ParticleProjectionPlot(ds, "z", ("all", "particle_mass"), center=[0, 0, 0], width=2 * reach).save("projection.png")
"""


def python(code, folder):
    """Runs Python in a folder; what it prints."""
    process = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    require(process.returncode == 0, process.stderr[-1500:])
    return process.stdout


def lines_for(path, program):
    """The lines with which `heorot info` opens a file."""
    told = json.loads(heorot("info", path, "--json").require_success().stdout)
    text = heorot("info", path).require_success().stdout
    [opener] = [opener for opener in told["open_with"] if opener["program"] == program]
    printed = f"open with {program}:\n" + "".join(f"  {line}\n" for line in opener["lines"])
    require(printed in text, f"the text lacks {printed}")
    return opener["lines"]


def in_cgs(path):
    """Masses [g], distances from the origin [cm] and time [s] of a snapshot with GADGET's units."""
    found = bodies(path)
    with h5py.File(path) as file:
        units, time = dict(file["Parameters"].attrs), file["Header"].attrs["Time"]
    length, mass = units["UnitLength_in_cm"], units["UnitMass_in_g"]
    return found["Masses"] * mass, np.linalg.norm(found["Coordinates"], axis=1) * length, time * length / units["UnitVelocity_in_cm_per_s"]


def yt_as_info_says(path):
    """A sphere, a ParticlePlot and a projection of yt, opened as `heorot info` says, with the right masses."""
    mass, radius, time = in_cgs(path)
    reach = float(np.median(radius))
    folder = scratch("yt")
    found = [float(word) for word in python(OPENED.format(lines="\n".join(lines_for(path, "yt")), reach=reach), folder).split()]
    expected = [mass.sum(), mass[radius < reach].sum(), time]
    # The solar mass and the parsec of yt differ by 3e-6.
    require(np.allclose(found, expected, rtol=2e-5), f"{found} instead of {expected}")
    require(len(list(folder.glob("*.png"))) == 2, f"{list(folder.iterdir())}")


def pynbody_as_info_says(path):
    """pynbody, opened as `heorot info` says: disc and bulge are stars."""
    folder = scratch("pynbody")
    code = "\n".join(lines_for(path, "pynbody")) + "\nprint(len(s.dm), len(s.star), float(s['mass'].sum().in_units('g')))"
    dark, stars, mass = python(code, folder).split()
    types = bodies(path)["Type"]
    require((int(dark), int(stars)) == ((types == 1).sum(), (types >= 2).sum()), f"{dark} dark bodies and {stars} stars")
    require_close("the mass", float(mass), in_cgs(path)[0].sum(), 2e-5)


def several_files_as_info_says():
    """The programs open all files of a snapshot, and pynbody's line keeps a configuration that is there."""
    folder = scratch("files")
    heorot("model", "disc-galaxy", "--bodies", 3000, "--files", 3, "-o", folder / "galaxy.hdf5").require_success()
    file = folder / "galaxy.1.hdf5"
    (folder / "config.ini").write_text("")
    code = {program: "\n".join(lines_for(file, program)) for program in ["yt", "pynbody", "h5py"]}
    counts = [python(code["yt"] + "\nprint(len(ds.all_data()['all', 'particle_mass']))", folder).split()[-1]]
    counts.append(python(code["pynbody"] + "\nprint(len(s))", folder))
    halo = python(code["h5py"] + "\nprint(len(positions))", folder)
    with h5py.File(file) as opened:
        expected = opened["Header"].attrs["NumPart_Total"]
    require([int(count) for count in counts] == [3000, 3000] and int(halo) == expected[1], f"{counts} and {halo} of {expected}")
    require((folder / "config.ini").read_text() == "", "a configuration was overwritten")


def h5py_as_info_says(path):
    count = int(python("\n".join(lines_for(path, "h5py")) + "\nprint(len(positions))", scratch("h5py")))
    require(count in np.bincount(bodies(path)["Type"]), f"{count} bodies of a type")


def page_of_programs(path, swift):
    """The blocks of docs/howto/open-snapshots.md."""
    folder = scratch("page")
    (folder / "out/galaxy").mkdir(parents=True)
    (folder / "out/galaxy/snapshot_010.hdf5").write_bytes(path.read_bytes())
    (folder / "galaxy-swift.hdf5").write_bytes(swift.read_bytes())
    page = ROOT / "docs/howto/open-snapshots.md"
    [config] = fences(page, "ini")
    (folder / "config.ini").write_text(config)
    quiet = "import warnings, matplotlib\nwarnings.simplefilter('ignore')\nmatplotlib.use('Agg')\n"
    blocks = fences(page, "python")
    require(len(blocks) == 5, f"{len(blocks)} blocks")
    python(quiet + "\n".join(blocks).replace("[[-1500, 1500]] * 3", "[[-1500000, 1500000]] * 3"), folder)
    require(len(list(folder.glob("*.png"))) == 3, f"{[path.name for path in folder.iterdir()]}")


def galaxy(name, *options):
    """A disc galaxy in parsecs, with halo, disc and bulge."""
    folder = scratch(name)
    file = folder / "galaxy.toml"
    keys = ["disc_length = 2600.0", "disc_height = 300.0", "disc_mass = 4.5e10", "halo_mass = 1.3e12", "halo_radius = 19600.0", "bulge_mass = 0.92e10", "bulge_radius = 600.0"]
    file.write_text("\n".join(['[initial]', 'model = "disc-galaxy"', "bodies = 2e3", *keys, "[units]", *PARSECS]))
    path = folder / "galaxy.hdf5"
    heorot("model", "--from", file, "-o", path, *options).require_success()
    return path


def names_its_build(path):
    """/Parameters names the build, in the same words as --version; ranks do not change it."""
    with h5py.File(path) as file:
        build = file["Parameters"].attrs["heorot.build"]
    build = build if isinstance(build, str) else build.decode()
    told = heorot("--version").require_success().stdout
    revision, hdf5 = (next(line for line in told.splitlines() if line.startswith(word)).split(None, 1)[1] for word in ["revision", "HDF5"])
    require(f"revision {revision}" in build and f"HDF5 {hdf5}" in build, f"{build} instead of {told}")


def with_further_columns(path, count=600):
    """A snapshot as another program writes it, with datasets that the engine does not read. Its
    columns by id: energy of gas [km^2/s^2], metals, tags of gas and halo."""
    random = np.random.default_rng(5)
    ids = random.permutation(10 * count)[:count]
    columns = {
        "InternalEnergy": random.uniform(1, 9, count).astype("f4"),
        "Metallicity": random.uniform(0, 1, (count, 3)),
        "Tag": random.integers(-9, 9, count).astype("i2"),
    }
    with h5py.File(path, "w") as file:
        header = file.create_group("Header").attrs
        header["NumPart_ThisFile"] = header["NumPart_Total"] = [count // 2, count - count // 2, 0, 0, 0, 0]
        header["MassTable"], header["Time"], header["NumFilesPerSnapshot"] = np.full(6, 0.5), 0.0, 1
        for name, value in [("Length_in_cm", 3.0856775814913673e21), ("Mass_in_g", 1.988409870698051e43), ("Velocity_in_cm_per_s", 1e5)]:
            file.require_group("Parameters").attrs[f"Unit{name}"] = value
        for kind, rows in [(0, slice(None, count // 2)), (1, slice(count // 2, None))]:
            group, n = file.create_group(f"PartType{kind}"), len(ids[rows])
            group["ParticleIDs"] = ids[rows]
            group["Coordinates"], group["Velocities"] = random.normal(size=(n, 3)), random.normal(size=(n, 3))
            group["Tag"] = columns["Tag"][rows]
            if kind == 0:
                group["InternalEnergy"], group["Metallicity"] = columns["InternalEnergy"][rows], columns["Metallicity"][rows]
                group["Name"] = np.full(n, b"a gas cell")
    return {name: dict(zip(ids[: count // 2 if name != "Tag" else count].tolist(), values)) for name, values in columns.items()}


def require_columns(path, expected, factor=1.0):
    """The columns of a snapshot are the expected ones, body by body, with their types."""
    with h5py.File(path) as file:
        for name, values in expected.items():
            kinds = [0, 1] if name == "Tag" else [0]
            require(all((name in file[f"PartType{kind}"]) == (kind in kinds) for kind in [0, 1]), f"{path}: types with {name}")
            for kind in kinds:
                group = file[f"PartType{kind}"]
                wanted = np.array([values[i] for i in group["ParticleIDs"][:].tolist()])
                wanted = (wanted * wanted.dtype.type(factor)) if name == "InternalEnergy" else wanted
                require(group[name].dtype == wanted.dtype and group[name].shape == wanted.shape, f"{path}: {name} is {group[name].dtype} {group[name].shape}")
                exact = name != "InternalEnergy" or factor == 1.0
                require(np.array_equal(group[name][:], wanted) if exact else np.allclose(group[name][:], wanted, rtol=1e-6), f"{path}: {name} differs")


def further_columns():
    """Columns that the engine does not read follow their bodies through conversions, regions, runs,
    checkpoints and ranks, with the same bytes on any number of ranks."""
    folder = scratch("columns")
    source = folder / "source.hdf5"
    expected = with_further_columns(source)
    first = {}
    for ranks in [None, 2, 3, 4]:
        for name, options in [("plain", []), ("files", ["--files", "2"]), ("swift", ["--format", "swift", "--single"])]:
            out = folder / f"{name}-{ranks}.hdf5"
            outcome = heorot("convert", source, out, *options, ranks=ranks).require_success()
            require("what is not read: PartType0/Name (has other data than numbers)" in outcome.stderr, outcome.stderr)
            require("Tag" not in outcome.stderr, outcome.stderr)
            parts = sorted(folder.glob(f"{name}-{ranks}*"))
            content = [part.read_bytes() for part in parts]
            require(first.setdefault(name, content) == content, f"{name}: {ranks} ranks write other bytes")
            for part in parts:
                require_columns(part, expected)
        file = folder / f"run-{ranks}.toml"
        out = folder / f"out-{ranks}"
        file.write_text(f'[initial]\nfile = "{source}"\n[gravity]\nsoftening = 0.05\n[time]\nsteps = 4\nstep = 1e-5\ntimestep = "block"\n'
                        f'[output]\nfolder = "{out}"\nsnapshot_every = 2e-5\n[batch]\ncheckpoint_steps = 2\n')
        heorot("run", file, "--set", "time.steps=2", ranks=ranks).require_success()
        heorot("run", file, "--restart=auto", ranks=ranks and ranks % 3 + 1).require_success()
        require_columns(out / "snapshot_000.hdf5", expected)
        last = out / "snapshot_002.hdf5"
        require_columns(last, expected)
        require(first.setdefault("run", bodies(last)["Coordinates"].tobytes()) == bodies(last)["Coordinates"].tobytes(), f"{ranks} ranks: other positions")
    # In N-body units the energy changes, and the numbers of unknown units do not.
    out = folder / "nbody.hdf5"
    outcome = heorot("convert", source, out, "--units", "nbody", ranks=2).require_success()
    require("the units of Metallicity, Tag are not known; the numbers are kept" in outcome.stderr, outcome.stderr)
    require_columns(out, expected, factor=(1e5 / 20_738_652.969844206) ** 2)
    with h5py.File(out) as file:
        attributes = file["PartType0/InternalEnergy"].attrs
        require(attributes["velocity_scaling"] == 2 and np.isclose(attributes["to_cgs"], 20_738_652.969844206**2), dict(attributes))
    out = folder / "region.hdf5"
    heorot("extract", folder / "files-None.0.hdf5", out, "--region", "box:-1,1,-1,1,-9,9").require_success()
    require_columns(out, expected)
    described = heorot("info", out).require_success().stdout
    require("InternalEnergy f32, type 0, [L^2 T^-2]" in described and "Tag i16, type 0, 1, unit unknown" in described, described)
    import swiftsimio

    data = swiftsimio.load(str(folder / "swift-None.hdf5"))
    energy = data.gas.internal_energy.to("km**2/s**2").value
    require_close("the energy", energy, [expected["InternalEnergy"][i] for i in data.gas.particle_ids.value.tolist()], 1e-4)
    # From NumPy and from a table.
    ids = np.arange(30)
    columns = {"mass": np.ones(30), "pos": np.random.default_rng(6).normal(size=(30, 3)), "vel": np.zeros((30, 3)), "id": ids}
    extra = {"colour": ids.astype("u1"), "flux": np.linspace(0, 1, 60).reshape(30, 2).astype("f4")}
    np.savez(folder / "bodies.npz", **columns, **extra)
    table = np.column_stack([columns["mass"], columns["pos"], columns["vel"], ids, ids - 7, ids / 7])
    np.savetxt(folder / "bodies.txt", table, fmt="%.17g", header="mass x y z vx vy vz id tag age[Myr]")
    for name, expected in [("bodies.npz", extra), ("bodies.txt", {"tag": ids - 7, "age": ids / 7})]:
        out = folder / f"{name}.hdf5"
        heorot("convert", folder / name, out, ranks=2).require_success()
        found = bodies(out)
        for name, values in expected.items():
            require(found[name].dtype == values.dtype and (found[name] == values).all(), f"{name}: {found[name]}")


def main():
    parsecs, swift_galaxy = galaxy("parsecs"), galaxy("swift-galaxy", "--format", "swift")
    nbody = scratch("nbody") / "plummer.hdf5"
    heorot("model", "plummer", "--bodies", "1_000", "--units", "nbody", "-o", nbody).require_success()
    [path] = run("gadget")
    for name, file in [("kpc", path), ("parsecs", parsecs), ("G = 1", nbody)]:
        check(f"yt as heorot info says: {name}", yt_as_info_says, file)
        check(f"pynbody as heorot info says: {name}", pynbody_as_info_says, file)
    check("h5py as heorot info says", h5py_as_info_says, parsecs)
    check("several files as heorot info says", several_files_as_info_says)
    check("the lines of docs/howto/open-snapshots.md", page_of_programs, parsecs, swift_galaxy)
    check("a snapshot names its build", names_its_build, path)
    expected = bodies(path)
    check("h5py", our_own, path)
    check("yt.load(file)", with_yt, path, expected)
    check("pynbody.load(file)", with_pynbody, path, expected)
    [swift] = run("swift", 'output.format="swift"')
    with h5py.File(swift) as file:
        shift = -file["Parameters"].attrs["Origin"]
    check("SWIFT flavour: yt.load(file)", with_yt, swift, expected, shift)
    check("SWIFT flavour: pynbody.load(file)", with_pynbody, swift, expected, shift)
    check("SWIFT flavour: swiftsimio.load(file)", with_swiftsimio, swift, expected, shift)
    check("SWIFT flavour: swiftsimio.mask(file)", swift_region, swift, expected, shift)
    check("several files, compressed, single precision", layouts, expected)
    check("one order on any number of ranks", any_ranks, path)
    check("heorot extract", extract, path, expected)
    check("Tipsy of pynbody", pynbody_tipsy)
    check("GADGET binary of pynbody", pynbody_gadget)
    check("arrays and tables of NumPy", numpy_and_text)
    check("a run from a table", starts_a_run)
    check("further columns follow their bodies", further_columns)


main()
