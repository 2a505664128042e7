"""The metrics of a matte, against formulations that share nothing with them."""

import itertools
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage
from scipy.signal import convolve2d

from mmnet_deploy.errors import UsageError
from mmnet_deploy.mattes import metrics

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
    """Separable filters in float32 give what two explicit 2-D convolutions in float64 give.

    Where the exact figure is 0, float32 leaves its rounding: 2⁻²⁴ is 6e-8, and a figure is
    quoted to 1e-6.
    """
    alpha, truth = pair
    assert metrics.gradient_error(alpha, truth) == pytest.approx(
        _gradient_error(alpha, truth), rel=1e-6, abs=2**-23
    )


def test_gradient_error_of_mattes_that_differ_by_a_constant_is_rounding():
    """Empty against full has no gradient anywhere; float32 leaves less than a quoted digit."""
    empty, full = np.zeros((9, 9), np.float32), np.ones((9, 9), np.float32)
    assert 0 <= metrics.gradient_error(empty, full) < 1e-7


@pytest.mark.parametrize("height", [9, 135, 136, 137, 264, 265, 800])
def test_gradient_error_has_no_seams(height):
    """Strips, whole ones and the rest, count every pixel of a picture once."""
    alpha, truth = np.random.default_rng(height).random((2, height, 30), np.float32)
    assert metrics.gradient_error(alpha, truth) == pytest.approx(
        _gradient_error(alpha, truth), rel=1e-6
    )


def test_gradient_error_in_float32_is_that_in_float64():
    """At the published size float32 costs less than a millionth of the figure, also a small one."""
    rng = np.random.default_rng(0)
    truth = cv2.GaussianBlur(rng.random((800, 600), np.float32), None, 3)
    for noise in (1e-4, 1e-2, 1.0):
        alpha = truth + noise * rng.standard_normal(truth.shape, np.float32)
        exact = _gradient_error(alpha, truth)
        assert metrics.gradient_error(alpha, truth) == pytest.approx(exact, rel=1e-6)


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


@given(mattes)
@settings(max_examples=40, deadline=None)
def test_rhemann_gradient_compares_lengths_of_gradients(pair):
    """Sum of squared differences of lengths, with the 2-D filter, its squares summing to 1."""
    y, x = np.mgrid[-4:5, -4:5].astype(float)
    across = -x * np.exp(-(x**2 + y**2) / (2 * 1.4**2))
    across /= np.sqrt((across**2).sum())
    lengths = [
        np.hypot(
            *(ndimage.convolve(m.astype(float), f, mode="nearest") for f in (across, across.T))
        )
        for m in pair
    ]
    expected = ((lengths[0] - lengths[1]) ** 2).sum() / 1000
    assert metrics.rhemann_gradient(*pair) == pytest.approx(expected, rel=1e-4, abs=1e-9)


def test_rhemann_gradient_does_not_see_directions():
    """Unlike to the published gradient error, a turned ramp is nearly the same ramp."""
    ramp = np.tile(np.arange(64) / 64, (64, 1))
    nothing = np.zeros_like(ramp)
    for metric, most in ((metrics.rhemann_gradient, 0.1), (metrics.gradient_error, 2.0)):
        assert 0 < metric(ramp, ramp.T) / metric(ramp, nothing) < most
    assert metrics.gradient_error(ramp, ramp.T) > metrics.gradient_error(ramp, nothing)


def _largest_region(inside):
    """Pixels of the largest 4-connected region, by a search from pixel to pixel."""
    regions, left = [], set(inside)
    while left:
        region, border = set(), deque([left.pop()])
        while border:
            y, x = border.popleft()
            region.add((y, x))
            for pixel in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):
                if pixel in left:
                    left.remove(pixel)
                    border.append(pixel)
        regions.append(region)
    regions.sort(key=len)
    # Which of two equally large ones is meant, the definition does not say.
    assume(len(regions) < 2 or len(regions[-1]) > len(regions[-2]))
    return regions[-1] if regions else set()


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_connectivity_follows_each_pixel_up_the_thresholds(seed):
    """A pixel's level is the last threshold before it first leaves the largest region."""
    noise = np.random.default_rng(seed).random((2, 9, 12), np.float32)
    alpha, truth = (np.clip(2 * cv2.blur(n, (3, 3)) - 0.5 + (n - 0.5) / 2, 0, 1) for n in noise)
    pixels = list(np.ndindex(alpha.shape))
    level = dict.fromkeys(pixels, 1.0)
    for number in range(10, 0, -1):
        bound = np.float32(number / 10)
        region = _largest_region({p for p in pixels if min(alpha[p], truth[p]) >= bound})
        level |= {p: (number - 1) / 10 for p in pixels if p not in region}

    def phi(matte, pixel):
        apart = float(matte[pixel]) - level[pixel]
        return 1 - apart * (apart >= 0.15)

    expected = sum(abs(phi(alpha, p) - phi(truth, p)) for p in pixels) / 1000
    assert metrics.connectivity(alpha, truth) == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_connectivity_sees_an_island():
    """What is cut off from the person counts in full, and is nothing to the other mattes."""
    truth = np.zeros((20, 20), np.float32)
    truth[2:10, 2:10] = 1
    island = truth.copy()
    island[15:17, 15:17] = 1
    assert metrics.connectivity(island, truth) == pytest.approx(4 / 1000)
    assert metrics.connectivity(truth, truth) == 0


clips = st.tuples(st.integers(2, 5), st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(*[arrays(np.float32, shape, elements=st.floats(0, 1, width=32))] * 2)
)


@given(clips)
@settings(max_examples=40, deadline=None)
def test_dtssd_is_the_difference_of_the_changes(clip):
    """Root mean square of the difference of the two clips' differences along time."""
    alpha, truth = (frames.astype(float) for frames in clip)
    expected = np.sqrt(np.mean((np.diff(alpha, axis=0) - np.diff(truth, axis=0)) ** 2, axis=(1, 2)))
    for number, value in enumerate(expected, start=1):
        frames = [side[n] for n in (number, number - 1) for side in clip]
        assert metrics.dtssd(*frames) == pytest.approx(value, rel=1e-5, abs=1e-7)


def test_dtssd_does_not_see_a_steady_error():
    """An error that stays from frame to frame does not flicker."""
    truth = np.random.default_rng(0).random((2, 9, 9))
    assert metrics.dtssd(truth[1] + 0.1, truth[1], truth[0] + 0.1, truth[0]) < 1e-7


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
    default = ["gradient_error", "mad", "sad", "mse", "mean_iou"]
    assert [metric.name for metric in metrics.named()] == default
    assert list(metrics.METRICS) == [*default, "rhemann_gradient", "connectivity"]
    assert list(metrics.CLIP_METRICS) == ["dtssd"]


def test_metrics_are_chosen_by_name():
    """In the order of the registry, each once; an unknown name is refused with the known ones."""
    chosen = metrics.named(["dtssd", "mad", "mad"])
    assert [metric.name for metric in chosen] == ["mad", "dtssd"]
    with pytest.raises(UsageError, match=r"must be one of gradient_error, .*dtssd. Received: psnr"):
        metrics.named(["mad", "psnr"])


@pytest.mark.parametrize("metric", [*metrics.METRICS.values(), *metrics.CLIP_METRICS.values()])
def test_every_metric_says_what_it_is(metric):
    """Definition, unit and source stand in its docstring, and a unit with its figure."""
    text = metric.function.__doc__
    assert "Unit: " in text
    assert "Definition: " in text
    assert (metric.unit == "") == (metric.factor == 1 and "housands" not in text)


def test_figures_are_shown_in_the_unit_of_their_heading():
    """The gradient error in thousandths, as papers quote it; an IoU is better if it is larger."""
    shown = metrics.METRICS["gradient_error"]
    assert (shown.heading, shown.shown(0.0050394)) == ("gradient error (×10⁻³)", "5.039")
    assert shown.better(0.004, 0.005) > 0 > metrics.METRICS["mean_iou"].better(0.7, 0.8)


@pytest.mark.parametrize("shape", [s for s in itertools.product((1, 8, 9), repeat=2) if min(s) < 9])
def test_gradient_error_needs_room_for_its_filter(shape):
    """A picture without one whole 9×9 window is refused, and the message has its size."""
    with pytest.raises(ValueError, match=rf"larger than 8 pixels: \({shape[0]}, {shape[1]}\)"):
        metrics.gradient_error(np.zeros(shape), np.zeros(shape))


def test_equal_mattes_have_equal_scores_wherever_they_lie_in_memory():
    """To the last digit, in any thread, so that evaluations can be compared and repeated."""
    rng = np.random.default_rng(0)
    truth = cv2.resize((rng.random((12, 12)) > 0.5).astype(np.float32), (47, 47))
    kept = []

    def scores(length):
        kept.append(np.zeros(length, np.uint8))
        return tuple(metric(np.zeros_like(truth), truth) for metric in metrics.METRICS.values())

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(scores, rng.integers(1, 5000, 200).tolist()))) == 1
