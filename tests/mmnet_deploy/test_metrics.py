"""The metrics of a matte, against formulations that share nothing with them."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.signal import convolve2d

from mmnet_deploy import metrics

mattes = st.tuples(st.integers(9, 14), st.integers(9, 14)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=st.floats(0, 1, width=32))] * 2)
)


def _gradient(matte):
    """Both components of the 9×9 Gaussian first derivative, as full 2-D convolutions."""
    y, x = np.mgrid[-4:5, -4:5].astype(float)
    gaussian = np.exp(-(x**2 + y**2) / (2 * 1.4**2))
    gaussian /= gaussian.sum()
    return np.stack([convolve2d(matte, -axis * gaussian / 1.4**2, mode="valid") for axis in (x, y)])


def _gradient_error(alpha, truth):
    difference = _gradient(alpha.astype(float)) - _gradient(truth.astype(float))
    return np.linalg.norm(difference, axis=0).mean()


@given(mattes)
@settings(max_examples=40, deadline=None)
def test_gradient_error_is_the_mean_length_of_the_vector_difference(pair):
    """The separable filter gives what two explicit 2-D convolutions give."""
    alpha, truth = pair
    assert metrics.gradient_error(alpha, truth) == pytest.approx(
        _gradient_error(alpha, truth), rel=1e-9, abs=1e-12
    )


def test_gradient_error_of_a_ramp_is_nearly_its_slope():
    """The filter is a derivative: a ramp against nothing has the error of its slope."""
    ramp = np.tile(np.arange(64) / 100, (40, 1))
    assert metrics.gradient_error(ramp, np.zeros_like(ramp)) == pytest.approx(0.01, rel=0.02)


def test_gradient_error_compares_directions_and_not_only_magnitudes():
    """Two ramps of the same slope in different directions are not alike."""
    ramp = np.tile(np.arange(32) / 32, (32, 1))
    expected = np.sqrt(2) * metrics.gradient_error(ramp, np.zeros_like(ramp))
    assert metrics.gradient_error(ramp, ramp.T) == pytest.approx(expected)


@given(mattes)
@settings(max_examples=40, deadline=None)
def test_differences_follow_their_definitions(pair):
    """MAD, SAD and MSE are the plain sums and means over the pixels."""
    alpha, truth = pair
    differences = [abs(float(a) - float(t)) for a, t in zip(alpha.flat, truth.flat, strict=True)]
    near = {"rel": 1e-5, "abs": 1e-9}
    assert metrics.mad(alpha, truth) == pytest.approx(sum(differences) / alpha.size, **near)
    assert metrics.sad(alpha, truth) == pytest.approx(sum(differences) / 1000, **near)
    assert metrics.mse(alpha, truth) == pytest.approx(
        sum(d * d for d in differences) / alpha.size, **near
    )


def _set_iou(one, other):
    return len(one & other) / len(one | other) if one | other else 1.0


@given(mattes)
@settings(max_examples=40, deadline=None)
def test_mean_iou_is_that_of_the_pixel_sets(pair):
    """Intersection over union, counted on sets of pixels, mean of both classes."""
    alpha, truth = pair
    pixels = set(np.ndindex(alpha.shape))
    predicted = {p for p in pixels if alpha[p] >= 0.5}
    actual = {p for p in pixels if truth[p] >= 0.5}
    expected = (_set_iou(predicted, actual) + _set_iou(pixels - predicted, pixels - actual)) / 2
    assert metrics.mean_iou(alpha, truth) == pytest.approx(expected)


def test_mean_iou_of_mattes_without_a_class():
    """A class that neither matte has is a perfect match; one that only one has is a miss."""
    nothing, everything = np.zeros((12, 12)), np.ones((12, 12))
    assert metrics.mean_iou(nothing, nothing) == metrics.mean_iou(everything, everything) == 1
    assert metrics.mean_iou(nothing, everything) == 0


def test_mean_iou_counts_one_half_as_foreground():
    """The threshold itself belongs to the foreground."""
    assert metrics.mean_iou(np.full((4, 4), 0.5), np.ones((4, 4))) == 1
    assert metrics.mean_iou(np.full((4, 4), 0.499), np.ones((4, 4))) == 0


@pytest.mark.parametrize("name", metrics.METRICS)
def test_metrics_are_symmetric(name):
    """No metric cares which matte is the truth."""
    alpha, truth = np.random.default_rng(0).random((2, 20, 30))
    assert metrics.METRICS[name](alpha, truth) == metrics.METRICS[name](truth, alpha)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_equal_mattes_are_perfect(name):
    """A matte against itself has no error, and all of the intersection."""
    alpha = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    assert metrics.METRICS[name](alpha, alpha) == (1 if name == "mean_iou" else 0)


@pytest.mark.parametrize("name", metrics.METRICS)
def test_metrics_are_plain_numbers(name):
    """Scores are Python floats, whatever the type of the mattes, so that JSON takes them."""
    for kind in (np.float32, np.float64):
        score = metrics.METRICS[name](np.zeros((9, 9), kind), np.ones((9, 9), kind))
        assert type(score) is float


def test_names_of_the_metrics():
    """The names in results are fixed: other tools read them."""
    assert list(metrics.METRICS) == ["gradient_error", "mad", "sad", "mse", "mean_iou"]


@pytest.mark.parametrize("shape", [s for s in itertools.product((1, 8, 9), repeat=2) if min(s) < 9])
def test_gradient_error_needs_room_for_its_filter(shape):
    """A picture without one whole 9×9 window is refused, and the message has its size."""
    with pytest.raises(ValueError, match=rf"larger than 8 pixels: \({shape[0]}, {shape[1]}\)"):
        metrics.gradient_error(np.zeros(shape), np.zeros(shape))
