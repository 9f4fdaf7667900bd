"""Damaged files, and the process that reads them."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import heorot
from common import plummer


def _load_in_a_child(path, queue):
    queue.put([len(heorot.load(path)) for _ in range(3)])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_forked_process_reads_files(tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    assert len(heorot.load(path)) == 300  # the reader of this process waits for more
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_load_in_a_child, args=(path, queue)) for _ in range(3)]
    [child.start() for child in children]
    assert len(heorot.load(path)) == 300
    assert [queue.get(timeout=120) for _ in children] == [[300] * 3] * 3
    [child.join(10) for child in children]


def test_files_are_read_by_several_threads_at_once(tmp_path):
    paths = [tmp_path / f"{n}.hdf5" for n in (100, 200, 300)]
    [heorot.save(path, plummer(int(path.stem))) for path in paths]
    found = {}

    def load(path):
        found[path] = [len(heorot.load(path)) for _ in range(4)]

    threads = [threading.Thread(target=load, args=(path,)) for path in paths]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert found == {path: [int(path.stem)] * 4 for path in paths}


def test_a_reader_that_dies_is_an_error_and_not_the_end(tmp_path):
    """Whatever a file does to the HDF5 library, it does it to another process."""
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    # A reader that ends as one does in which the library crashes.
    heorot._heorot.read_in_process([sys.executable, "-c", "import os; os.read(0, 1); os.kill(os.getpid(), 11)"])
    try:
        with pytest.raises(ValueError, match=r"sphere.hdf5: is damaged: the HDF5 library crashed on it \(signal 11\)"):
            heorot.load(path)
        heorot._heorot.read_in_process(["/nonexistent"])
        assert len(heorot.load(path)) == 300  # if no process can be started, this one reads
    finally:
        script = os.path.join(os.path.dirname(heorot.__file__), "_read.py")
        heorot._heorot.read_in_process([sys.executable, "-I", "-S", script, heorot._heorot.__file__])
    assert len(heorot.load(path)) == 300


def test_hdf5_files_are_read_by_a_process_of_their_own(tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer())
    code = """
import glob, sys, heorot
heorot.load(sys.argv[1])
children = [child for path in glob.glob("/proc/self/task/*/children") for child in open(path).read().split()]
print([open(f"/proc/{child}/cmdline").read().split("\\0")[3].endswith("_read.py") for child in children])
"""
    if not os.path.exists(f"/proc/self/task/{os.getpid()}/children"):
        pytest.skip("the system does not list the children of a process")
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert done.stdout == "[True]\n", done.stderr


@pytest.mark.parametrize("share", [0.2, 0.6, 0.95])
def test_damaged_files_are_refused_or_read(share, tmp_path):
    path = tmp_path / "sphere.hdf5"
    heorot.save(path, plummer(), compression=3)
    whole = path.read_bytes()
    rng = np.random.default_rng(int(100 * share))
    cut = tmp_path / "cut.hdf5"
    cut.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match="cut.hdf5"):
        heorot.load(cut)
    torn = np.frombuffer(whole, dtype=np.uint8).copy()
    places = rng.integers(0, len(torn), 60)
    torn[places] = rng.integers(0, 256, 60)
    (tmp_path / "torn.hdf5").write_bytes(torn.tobytes())
    try:
        assert len(heorot.load(tmp_path / "torn.hdf5")) <= 300
    except ValueError as fault:
        assert "torn.hdf5" in str(fault)
