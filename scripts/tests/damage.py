"""Damaged or hostile files: each is read, or refused in one line with exit code 1. No signal, no
abort, no hang, no other file read.

`damage.py N` tries N damaged copies instead of the few of the test, with the seed in the
environment variable SEED.
"""

import os
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
from harness import PROGRAM, check, require, scratch, write_snapshot

COPIES = int(sys.argv[1]) if len(sys.argv) > 1 else 24
SEED = int(os.environ.get("SEED", 17))
TIMEOUT = 600  # seconds, beside other suites; a process that waits for nothing is ended then
WORK = 40  # seconds of processor time; more means an endless loop
MEMORY = 4 << 30  # of address space [bytes]; more could exhaust a smaller machine
BODIES = 300


def outcome(*arguments, memory=MEMORY, stdout=subprocess.DEVNULL):
    """Runs the program, and returns its exit code and the lines on stderr that are not warnings."""

    def bounds():
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        resource.setrlimit(resource.RLIMIT_CPU, (WORK, WORK))

    command = [str(PROGRAM), *map(str, arguments)]
    environment = {**os.environ, "RUST_BACKTRACE": "0", "OMPI_MCA_btl": "self"}
    process = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, errors="replace",
        timeout=TIMEOUT, env=environment, preexec_fn=bounds,
    )
    lines = [line for line in process.stderr.splitlines() if line.strip() and ": warning: " not in line]
    return process.returncode, lines


def require_sound_end(arguments, **options):
    """The command succeeds, or fails with one line."""
    code, lines = outcome(*arguments, **options)
    told = f"{' '.join(map(str, arguments))}: exit code {code}, says {lines}"
    require((code == 0 and not lines) or (code == 1 and len(lines) == 1), told)
    require("panicked" not in " ".join(lines), told)
    return code, lines


def refused(arguments, *words, **options):
    """One line with all words."""
    code, lines = outcome(*arguments, **options)
    told = f"{' '.join(map(str, arguments))}: exit code {code}, says {lines}"
    require(code == 1 and len(lines) == 1 and "panicked" not in lines[0], told)
    missing = [word for word in words if str(word) not in lines[0]]
    require(not missing, f"{told}: {missing} is missing")


def commands(path, folder):
    """Commands that read a snapshot and write to other files."""
    return [
        ["info", path],
        ["convert", path, folder / "converted.hdf5"],
        ["extract", path, folder / "extracted.hdf5", "--region", "sphere:0,0,0,1e3"],
        ["plot", "profile", path, "-o", folder / "plot.png"],
        ["view", path, "-o", folder / "view.html"],
        ["plot", "lagrange", path, "-o", folder / "lagrange.png"],
        ["plot", "phase", path, "-o", folder / "phase.png"],
        ["halos", path, "-o", folder / "halos.hdf5"],
        ["render", path, "-o", folder / "frame.png", "--size", "64x64"],
    ]


def sphere(seed=3):
    random = np.random.default_rng(seed)
    return random.normal(size=(BODIES, 3)), random.normal(size=(BODIES, 3)), np.full(BODIES, 1 / BODIES)


def samples(folder):
    """One valid file of each format."""
    position, velocity, mass = sphere()
    plain = write_snapshot(folder / "plain.hdf5", position, velocity, mass, types=[1, 2, 4] * (BODIES // 3))
    own = folder / "own.hdf5"
    packed = folder / "packed.hdf5"
    for arguments in [[plain, own], [plain, packed, "--compression", "4", "--format", "swift"]]:
        require(outcome("convert", *arguments)[0] == 0, f"cannot convert {arguments}")
    latest = folder / "latest.hdf5"
    with h5py.File(plain) as old, h5py.File(latest, "w", libver="latest") as new:
        for name in old:
            old.copy(name, new)
    rows = np.column_stack([mass, position, velocity])
    np.save(folder / "rows.npy", rows)
    np.savez_compressed(folder / "arrays.npz", mass=mass, pos=position, vel=velocity, id=np.arange(BODIES))
    np.savetxt(folder / "table.txt", rows, header="mass x y z vx vy vz")
    with open(folder / "body.std", "wb") as file:
        file.write(struct.pack(">d6i", 0.5, BODIES, 3, 0, BODIES, 0, 0))
        numbers = np.column_stack([mass, position, velocity, np.full(BODIES, 0.1), np.zeros(BODIES)])
        file.write(numbers.astype(">f4").tobytes())
    with open(folder / "body.dat", "wb") as file:
        header = struct.pack("<6i6d2d2i6i2i4d", 0, BODIES, 0, 0, 0, 0, *[0.0] * 6, 0.0, 0.0, 0, 0,
                             0, BODIES, 0, 0, 0, 0, 0, 1, 0.0, 0.0, 0.0, 0.7).ljust(256, b"\0")
        ids = np.arange(BODIES, dtype="<u4")
        for record in [header, position.astype("<f4"), velocity.astype("<f4"), ids, mass.astype("<f4")]:
            data = record if isinstance(record, bytes) else record.tobytes()
            file.write(struct.pack("<i", len(data)) + data + struct.pack("<i", len(data)))
    return sorted(folder.iterdir())


def damaged(data, random):
    """A copy with changed bytes, or with a missing or overwritten section. Most faults are near the
    start, where the structures are."""
    data = bytearray(data)
    place = lambda: int(random.integers(len(data)) if random.random() < 0.4 else random.integers(min(len(data), 4096)))
    match int(random.integers(5)):
        case 0:
            for _ in range(int(random.integers(1, 9))):
                data[place()] = int(random.integers(256))
        case 1:
            data[place()] ^= 1 << int(random.integers(8))
        case 2:
            del data[place() :]
        case 3:
            start, length = place(), int(random.integers(1, 600))
            data[start : start + length] = random.bytes(min(length, len(data) - start))
        case 4:
            start = place() // 8 * 8
            numbers = [0, 1, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1, 10**16]
            number = numbers[int(random.integers(len(numbers)))]
            data[start : start + 8] = number.to_bytes(8, "little")[: len(data) - start]
    return bytes(data)


def campaign(folder, files, copies):
    random = np.random.default_rng(SEED)
    faults = []
    for copy in range(copies):
        file = files[copy % len(files)]
        bad = folder / f"bad-{copy}{file.suffix}"
        bad.write_bytes(damaged(file.read_bytes(), random))
        choice = commands(bad, folder)
        # With few copies one command is tried on each, with many the first four.
        for arguments in [choice[copy // len(files) % 4]] if copies < 100 else choice[:4]:
            try:
                require_sound_end(arguments)
            except Exception as fault:
                faults.append(f"{fault}")
                if len(sys.argv) > 1:
                    print("FOUND", fault, flush=True)
            for left in ["converted.hdf5", "extracted.hdf5", "plot.png", "plot.csv"]:
                (folder / left).unlink(missing_ok=True)
        if not faults or not str(bad) in faults[-1]:
            bad.unlink()
    require(not faults, f"{len(faults)} of {copies}: {faults[:3]}")


def known(folder):
    """Files on which the HDF5 library crashes, or takes unlimited memory."""
    with zipfile.ZipFile(Path(__file__).parent / "cases" / "damaged.zip") as archive:
        archive.extractall(folder)
    for path in sorted(folder.glob("damaged-*.hdf5")):
        for arguments in commands(path, folder)[:3]:
            require_sound_end(arguments)


def huge_numbers(folder):
    """Coordinates near the limits of floating point numbers."""
    position, velocity, mass = sphere()
    rows = np.column_stack([mass, position, velocity])
    for row, column, value in [(3, 1, -7e298), (9, 4, 1e127), (7, 0, 1e253), (3, 1, -1.7e308), (5, 1, 1.7e308)]:
        rows[row, column] = value
        np.save(folder / "huge.npy", rows)
        for arguments in commands(folder / "huge.npy", folder)[:7]:
            code, _ = require_sound_end(arguments)
            require(code == 1 or arguments[0] != "plot", f"{arguments} makes a plot of {value}")
            for left in folder.iterdir():
                if left.name != "huge.npy":
                    left.unlink()


def no_files(folder):
    """A pipe without a writer, and an endless device, for every kind of input."""
    good = write_snapshot(folder / "good.hdf5", *sphere())
    run = folder / "run.toml"
    run.write_text(f'[initial]\nfile = "{good}"\n[time]\nsteps = 1\nstep = 0.01\n[output]\nfolder = "{folder}/out"\n')
    for suffix in ["hdf5", "npy", "txt"]:
        os.mkfifo(folder / f"pipe.{suffix}")
    for path, what, count in [
        (folder / "pipe.hdf5", "a pipe", 2),
        (folder / "pipe.npy", "a pipe", 9),
        ("/dev/zero", "a device", 2),
        (folder, "a folder", 1),
    ]:
        for arguments in commands(path, folder)[:count]:
            refused(arguments, path, what)
        refused(["run", run, "--set", f'initial.file="{path}"'], path, what)
        refused(["run", path], path, what)
    for path, what in [(folder / "pipe.txt", "a pipe"), ("/dev/zero", "a device")]:
        refused(["plan", path], path, what)
        refused(["jobscript", run, "--scheduler", "slurm", "--time", "1:00:00", "--machine", path], path, what)
        refused(["model", "--from", path, "-o", folder / "ic.hdf5"], path, what)
        refused(["plot", "mass-function", path, "-o", folder / "f.png"], path, what)
        refused(["bench", "--bodies", "100", "--references", path], path, what)
    (folder / "out").mkdir(exist_ok=True)
    os.mkfifo(folder / "out" / "energy.csv")
    refused(["plot", "run", folder / "out", "-o", folder / "run.png"], "energy.csv", "a pipe")


def long_files(folder):
    """Long files without content: no memory is allocated for them."""
    for name in ["long.toml", "energy.csv"]:
        with open(folder / name, "wb") as file:
            file.truncate(1 << 40)
    refused(["run", folder / "long.toml"], "long.toml", "too many")
    refused(["plot", "run", folder, "-o", folder / "run.png"], "energy.csv", "bytes")


def links_and_storage(folder):
    """References out of a file are followed only on request, and never to anything but regular
    files."""
    position, velocity, mass = sphere()
    other = scratch("elsewhere")
    whole = write_snapshot(other / "whole.hdf5", position, velocity, mass)
    os.mkfifo(other / "pipe.hdf5")
    (other / "raw.bin").write_bytes(position.astype(np.float64).tobytes())

    def spoilt(name, spoil):
        path = write_snapshot(folder / f"{name}.hdf5", position, velocity, mass)
        with h5py.File(path, "a") as file:
            spoil(file)
        return path

    def link(place, target, source):
        def spoil(file):
            del file[place]
            file[place] = h5py.ExternalLink(str(target), source)
        return spoil

    def soft(file):
        del file["PartType1/Masses"]
        file["way"] = h5py.ExternalLink(str(whole), "/PartType1")
        file["PartType1/Masses"] = h5py.SoftLink("/way/Masses")

    def raw(file):
        del file["PartType1/Coordinates"]
        storage = [(str(other / "raw.bin"), 0, h5py.h5f.UNLIMITED)]
        file["PartType1"].create_dataset("Coordinates", (BODIES, 3), "f8", external=storage)

    def virtual(target):
        def spoil(file):
            del file["PartType1/Coordinates"]
            layout = h5py.VirtualLayout((BODIES, 3), "f8")
            layout[:] = h5py.VirtualSource(str(target), "PartType1/Coordinates", (BODIES, 3))
            file["PartType1"].create_virtual_dataset("Coordinates", layout)
        return spoil

    for name, spoil in [
        ("group", link("PartType1", whole, "/PartType1")),
        ("header", link("Header", whole, "/Header")),
        ("column", link("PartType1/Velocities", whole, "/PartType1/Velocities")),
        ("raw", raw),
        ("virtual", virtual(whole)),
    ]:
        path = spoilt(name, spoil)
        for arguments in commands(path, folder)[:3]:
            refused(arguments, path, "--follow-external")
        require(outcome("info", path, "--follow-external")[0] == 0, f"{name} is not followed")
    path = spoilt("soft", soft)
    refused(["info", path], path)
    require(outcome("--follow-external", "info", path)[0] == 0, "a soft link to an external one is not followed")
    for name, spoil in [
        ("pipe-group", link("PartType1", other / "pipe.hdf5", "/PartType1")),
        ("pipe-virtual", virtual(other / "pipe.hdf5")),
        ("pipe-device", virtual("/dev/zero")),
        ("pipe-raw", lambda file: (file["PartType1"].pop("Masses"), file["PartType1"].create_dataset(
            "Masses", (BODIES,), "f8", external=[(str(other / "pipe.hdf5"), 0, h5py.h5f.UNLIMITED)]))),
    ]:
        path = spoilt(name, spoil)
        for flags in [[], ["--follow-external"]]:
            refused(["info", path, *flags], path)
    # Files in the folder of the file, or below it, belong to the file.
    (folder / "parts").mkdir()
    write_snapshot(folder / "parts" / "part.hdf5", position, velocity, mass)
    path = spoilt("own", virtual("parts/part.hdf5"))
    require(outcome("info", path)[0] == 0, "a virtual dataset of the own folder is refused")
    path = spoilt("lost", virtual("parts/none.hdf5"))
    refused(["info", path], path, "none.hdf5", "No such file")


def more_than_memory(folder):
    """A small file that represents more bodies than fit into memory."""
    count = 4_000_000
    path = folder / "many.hdf5"
    with h5py.File(path, "w") as file:
        header = file.create_group("Header").attrs
        header["NumPart_ThisFile"] = header["NumPart_Total"] = np.array([0, count, 0, 0, 0, 0], np.uint64)
        header["MassTable"] = np.array([0, 1.0, 0, 0, 0, 0])
        for name, shape in [("Coordinates", (count, 3)), ("Velocities", (count, 3))]:
            chunk = (1 << 17, *shape[1:])
            data = np.ones(shape, np.float32)
            file.create_dataset(f"PartType1/{name}", data=data, chunks=chunk, compression=1)
    require(path.stat().st_size < 2 << 20, "the file is not small")
    for arguments in commands(path, folder)[:4]:
        refused(arguments, path, "memory", memory=400 << 20)


def main():
    check("files on which the library crashes or takes memory without end", known, scratch("known"))
    check("numbers near the end of what numbers reach", huge_numbers, scratch("huge"))
    check("pipes, devices and folders as inputs", no_files, scratch("none"))
    check("files that are long and empty", long_files, scratch("long"))
    check("links, raw storage and virtual datasets", links_and_storage, scratch("links"))
    check("more bodies than memory", more_than_memory, scratch("many"))
    files = samples(scratch("samples"))
    check(f"{COPIES} damaged copies of {len(files)} files", campaign, scratch("copies"), files, COPIES)


main()
