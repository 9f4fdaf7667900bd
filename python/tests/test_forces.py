"""Forces against direct sums in numpy, for arrays of any dtype and order."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import heorot
from common import cloud


def exact(pos, mass, length=0.0):
    """Plummer-softened field of all pairs, G = 1."""
    acc, pot = np.empty((len(pos), 3)), np.empty(len(pos))
    for i in range(0, len(pos), 200):  # all pairs at once would take hundreds of megabytes
        rows = slice(i, i + 200)
        offset = pos[None] - pos[rows, None]
        square = (offset**2).sum(-1) + length**2
        own = np.arange(len(square)), np.arange(i, i + len(square))
        square[own] = 1.0
        inverse = 1.0 / np.sqrt(square)
        inverse[own] = 0.0
        acc[rows] = np.einsum("ij,ijk->ik", mass * inverse**3, offset)
        pot[rows] = -(mass * inverse).sum(1)
    return acc, pot


@functools.cache
def field_of_cloud(n):
    """The exact field of :func:`cloud`."""
    return exact(*cloud(n))


def rms(found, wanted):
    error = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    return np.sqrt((error**2).mean())


@given(
    n=st.integers(1, 40),
    dtype=st.sampled_from([np.float64, np.float32, np.int32]),
    layout=st.sampled_from(["C", "F", "strided", "swapped"]),
    seed=st.integers(0, 1000),
)
def test_arrays_of_any_dtype_and_order_give_the_direct_sum(n, dtype, layout, seed):
    rng = np.random.default_rng(seed)
    # Distinct places, also as whole numbers.
    pos = rng.permutation(1000)[: 3 * n].reshape(n, 3).astype(dtype)
    mass = rng.integers(1, 5, n).astype(dtype)
    wanted = exact(pos.astype(np.float64), mass.astype(np.float64))
    if layout == "F":
        pos = np.asfortranarray(pos)
    elif layout == "strided":
        pos, mass = np.repeat(pos, 2, axis=0)[::2], np.repeat(mass, 3)[::3]
    elif layout == "swapped":
        pos = pos.astype(pos.dtype.newbyteorder())
    acc, pot = heorot.direct(pos, mass)
    single = dtype == np.float32 and layout != "swapped"
    assert acc.dtype == pot.dtype == (np.float32 if single else np.float64)
    close = {"rtol": 1e-5 if single else 1e-12, "atol": 1e-7 if single else 1e-15}
    np.testing.assert_allclose(acc, wanted[0], **close)
    np.testing.assert_allclose(pot, wanted[1], **close)


@given(shape=hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))
def test_wrong_shapes_are_named(shape):
    if len(shape) == 2 and shape[1] == 3 and shape[0] > 0:
        shape = (*shape, 1)
    with pytest.raises(ValueError, match="pos|bodies"):
        heorot.accelerations(np.zeros(shape), np.ones(shape[0] if shape else 1))


@pytest.mark.parametrize("walk", ["fmm", "tree"])
@pytest.mark.parametrize("accuracy", [1e-2, 1e-3])
def test_the_wanted_accuracy_is_reached(walk, accuracy):
    pos, mass = cloud(3000)
    acc, pot = heorot.accelerations(pos, mass, accuracy=accuracy, walk=walk)
    wanted, potential = field_of_cloud(3000)
    assert rms(acc, wanted) < 1.1 * accuracy
    np.testing.assert_allclose(pot, potential, rtol=accuracy)


def test_settings_change_the_error_as_they_should():
    pos, mass = cloud(2000)
    wanted = field_of_cloud(2000)[0]
    errors = [rms(heorot.accelerations(pos, mass, theta=theta)[0], wanted) for theta in (0.8, 0.5, 0.3)]
    assert errors[0] > errors[1] > errors[2] > 0
    low, high = (rms(heorot.accelerations(pos, mass, theta=0.5, order=order)[0], wanted) for order in (1, 4))
    assert high < low


def test_direct_sums_of_many_bodies_are_those_of_all_pairs():
    """They are computed in blocks."""
    pos, mass = cloud(8300)
    acc, pot = heorot.direct(pos, mass, softening=0.1, kernel="plummer")
    for i in range(0, 8300, 83):
        offset = pos - pos[i]
        inverse = 1.0 / np.sqrt((offset**2).sum(-1) + 0.01)
        np.testing.assert_allclose(acc[i], (mass * inverse**3) @ offset, rtol=1e-10, atol=1e-13)
        assert pot[i] == pytest.approx(-(mass @ inverse - 10.0 * mass[i]), rel=1e-12)


def test_softening_is_that_of_plummer():
    pos, mass = cloud(200)
    acc, pot = heorot.direct(pos, mass, softening=0.3, kernel="plummer", G=2.0)
    wanted, potential = exact(pos, mass, 0.3)
    np.testing.assert_allclose(acc, 2 * wanted, rtol=1e-12)
    # A body has no potential of its own.
    np.testing.assert_allclose(pot, 2 * potential, rtol=1e-12)
    np.testing.assert_array_equal(heorot.potential(pos, mass, softening=0.3, kernel="plummer", walk="direct"), pot / 2)


def test_threads_change_no_bit():
    pos, mass = cloud(3000)
    one = heorot.accelerations(pos, mass, threads=1)
    for threads in (2, 3):
        several = heorot.accelerations(pos, mass, threads=threads)
        np.testing.assert_array_equal(one[0], several[0])
        np.testing.assert_array_equal(one[1], several[1])


def test_the_order_is_that_of_the_caller():
    pos, mass = cloud(1500)
    acc, pot = heorot.accelerations(pos, mass, theta=0.5)
    order = np.random.default_rng(3).permutation(1500)
    again, potential = heorot.accelerations(pos[order], mass[order], theta=0.5)
    np.testing.assert_array_equal(again, acc[order])
    np.testing.assert_array_equal(potential, pot[order])


BAD = {
    "a position that is not finite": ({"pos": [[0, 0, np.nan], [1, 0, 0]]}, "position is NaN"),
    "an infinite position": ({"pos": [[0, 0, np.inf], [1, 0, 0]]}, "position is inf"),
    "a negative mass": ({"mass": [1, -2]}, "body with id 1: mass is -2, must be 0 or above"),
    "a mass that is not finite": ({"mass": [np.nan, 1]}, "mass is NaN"),
    "lengths that differ": ({"mass": [1, 2, 3]}, "mass has 3 rows for 2 bodies"),
    "complex numbers": ({"mass": [1j, 2]}, "mass has the dtype complex128"),
    "text": ({"pos": [["a", "b", "c"]] * 2}, "pos has the dtype"),
    "an accuracy out of range": ({"accuracy": 1e-9}, "accuracy = 1e-9: must be from"),
    "an angle out of range": ({"theta": 2.0}, "theta = 2: must be above 0 and at most 1"),
    "an order out of range": ({"order": 9}, "order = 9"),
    "a negative softening": ({"softening": -1.0}, "softening"),
    "an unknown walk": ({"walk": "hash"}, "walk = \"hash\": must be one of fmm, tree, direct"),
    "an unknown kernel": ({"kernel": "top-hat"}, "kernel"),
    "two ways of an error": ({"theta": 0.5, "accuracy": 1e-3}, "either accuracy or theta"),
    "an order of direct sums": ({"walk": "direct", "order": 2}, "order has no meaning"),
    "a constant that is not above 0": ({"G": 0.0}, "G = 0"),
    "unknown units": ({"units": "imperial"}, "must be Units, 'galactic' or 'nbody'"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_arguments_are_named(what):
    changed, message = BAD[what]
    arguments = {"pos": [[0, 0, 0], [1, 0, 0]], "mass": [1, 2], **changed}
    with pytest.raises(ValueError) as error:
        heorot.accelerations(**arguments)
    assert message in str(error.value)


@pytest.mark.parametrize("bodies", [2, 1000])
def test_threads_out_of_range_are_refused(bodies):
    pos, mass = cloud(bodies)
    with pytest.raises(ValueError, match="threads = 0"):
        heorot.accelerations(pos, mass, threads=0)


@pytest.mark.parametrize("bodies", [1, 1000])
def test_a_panic_is_an_exception(bodies):
    with pytest.raises(heorot.InternalError, match="as asked"):
        heorot._heorot.panic_for_tests(bodies)
    heorot.direct([[0, 0, 0], [1, 0, 0]], [1, 1])  # and all goes on


def test_arguments_are_not_changed():
    pos, mass = cloud(500)
    before = pos.copy(), mass.copy()
    heorot.accelerations(pos, mass)
    np.testing.assert_array_equal(pos, before[0])
    np.testing.assert_array_equal(mass, before[1])
