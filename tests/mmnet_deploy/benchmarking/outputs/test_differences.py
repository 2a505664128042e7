"""How far two outputs are apart, and how far they may be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mmnet_deploy.benchmarking.outputs import differences

MATTE = np.linspace(0, 1, 400, dtype=np.float32)


def _compare(theirs, mine=MATTE, computes_in="float32", **options):
    allowed = differences.tolerance(mine.dtype.name, mine, computes_in, **options)
    return differences.compare(mine, theirs.astype(mine.dtype), allowed)


@pytest.mark.parametrize(
    ("computes_in", "far", "agrees"),
    [
        ("float32", 5e-5, True),
        ("float32", 1e-3, False),
        ("float16", 1e-3, True),
        ("float16", 3e-3, False),  # in the mean, though no value is far off
        ("", 1e-3, True),
        ("int8 and float32", 1e-3, True),
    ],
)
def test_a_matte_may_be_as_far_off_as_its_precision(computes_in, far, agrees):
    """float16 is allowed more than float32, and so is what computes in something unknown."""
    assert _compare(MATTE + np.float32(far), computes_in=computes_in).agrees == agrees


def test_one_edge_may_move_further_in_half_precision_than_all_of_a_matte():
    """What real ARMv8.2 kernels do to MMNet is allowed, and twice of it at one value is not."""
    for far, agrees in ((0.0174, True), (0.04, False)):
        theirs = MATTE.copy()
        theirs[200] += far
        assert _compare(theirs, computes_in="float16").agrees == agrees


def test_layers_are_measured_by_their_largest_value():
    """Tenfold values may be ten times as far off, a matte's are 0 to 1 whatever it holds."""
    for computes_in, least in (("float32", 1e-4), ("float16", 2 * 64 / 2**11)):
        layer, matte = (
            differences.tolerance("float32", MATTE / 10, computes_in, final=final)
            for final in (False, True)
        )
        assert layer.largest == pytest.approx(least / 10)
        assert matte.largest > 4 * layer.largest


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_never_agrees(value):
    """Not even with itself: it is the sign of a fault."""
    broken = MATTE.copy()
    broken[3] = value
    for mine, theirs in ((MATTE, broken), (broken, MATTE), (broken, broken)):
        found = _compare(theirs, mine, "float16")
        assert not found.agrees
        assert found.largest == differences.FAR


@pytest.mark.parametrize(
    ("steps", "final", "computes_in", "agrees"),
    [
        (1, True, "int8", True),
        (2, True, "int8", False),
        (2, False, "int8", True),
        (5, False, "int8", False),
        (8, True, "", True),
        (9, True, "", False),
    ],
)
def test_integers_may_be_off_by_few_steps(steps, final, computes_in, agrees):
    """One at an output, some within a network, and what float16 would be on an accelerator."""
    mine = np.arange(-100, 100, dtype=np.int8)
    theirs = mine.copy()
    theirs[7] += steps
    found = _compare(theirs, mine, computes_in, final=final)
    assert (found.agrees, found.largest, found.different) == (agrees, steps, 1)


def test_real_numbers_of_an_integer_network_may_be_off_by_a_step():
    """Its `--io float32` output is as coarse as its integers."""
    theirs = MATTE + np.float32(1 / 256)
    assert not _compare(theirs, computes_in="int8").agrees
    assert _compare(theirs, computes_in="int8", step=1 / 256).agrees
    assert not _compare(theirs, computes_in="int8", step=1 / 1024).agrees


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool"])
def test_a_constant_shows_nothing(dtype):
    """A comparison that could not fail is marked, one that fails is not."""
    constant = np.zeros(50, dtype)
    found = _compare(constant, constant)
    assert found.agrees and not found.conclusive
    other = np.ones(50, dtype) if dtype != "int8" else np.full(50, 9, dtype)
    assert _compare(other, constant).conclusive


@given(
    arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(-8, 8, width=32)),
    st.sampled_from(["float32", "float16", "int8"]),
)
def test_every_tensor_agrees_with_itself(values, computes_in):
    """Whatever its values are, with nothing different."""
    found = _compare(values, values, computes_in)
    assert found.agrees
    assert (found.different, found.largest, found.mean) == (0, 0, 0)


def test_large_integers_are_compared_exactly():
    """Neighbours that float64 cannot tell apart differ."""
    mine = np.array([2**62, 5], np.int64)
    assert not _compare(mine + np.array([1, 0]), mine).agrees
    assert _compare(mine, mine).agrees
