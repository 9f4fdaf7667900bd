"""Files that cannot be written, and places that are no files."""

import subprocess
import sys

import pytest

import heorot
from common import plummer


FULL_DISK = """
import resource, sys
import heorot
folder, kind = sys.argv[1:]
sphere = heorot.model("plummer", bodies=3000, seed=1, units="nbody")
picture, page = heorot.render(sphere, size=300), heorot.view(sphere)
sim = heorot.Simulation(sphere, softening=0.1, step=0.1, theta=0.9)
save = {
    "npz": lambda path: heorot.save(path, sphere, overwrite=True),
    "hdf5": lambda path: heorot.save(path, sphere, overwrite=True),
    "png": lambda path: picture.save(path),
    "html": lambda path: page.save(path),
    "checkpoint": lambda path: sim.checkpoint(path),
}[kind]
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    save(f"{folder}/file.{kind}")
except (OSError, ValueError) as fault:
    print(type(fault).__name__, fault)
"""


@pytest.mark.parametrize("kind", ["npz", "hdf5", "png", "html", "checkpoint"])
def test_a_file_that_cannot_be_written_leaves_the_one_before(kind, tmp_path):
    path = tmp_path / f"file.{kind}"
    path.write_bytes(b"before")
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path), kind], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Error" in done.stdout and path.name in done.stdout and "\n" not in done.stdout.strip()
    assert path.read_bytes() == b"before" and [file.name for file in tmp_path.iterdir()] == [path.name]


def test_a_link_is_followed_and_a_folder_refused(tmp_path):
    picture = heorot.render(plummer(), size=160)
    (tmp_path / "real.png").write_bytes(b"before")
    (tmp_path / "link.png").symlink_to("real.png")
    picture.save(tmp_path / "link.png")
    assert (tmp_path / "link.png").is_symlink() and (tmp_path / "real.png").read_bytes() == picture.png
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(IsADirectoryError, match="folder.png"):
        picture.save(tmp_path / "folder.png")
    with pytest.raises(FileNotFoundError, match="missing/a.png"):
        picture.save(tmp_path / "missing" / "a.png")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["folder.png", "link.png", "real.png"]
