"""Confidence intervals and paired comparisons, against SciPy's."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mmnet_deploy.evaluation import significance

SKEWED = np.random.default_rng(0).exponential(0.005, 60).tolist()

scores = st.lists(st.floats(0, 1, allow_subnormal=False), min_size=1, max_size=30)


def test_the_interval_is_that_of_scipy():
    """BCa ends agree with SciPy's on skewed scores, within what resampling leaves open."""
    ours = significance.mean_interval(SKEWED)
    theirs = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=10_000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert ours.low == pytest.approx(theirs.low, abs=0.03 * width)
    assert ours.high == pytest.approx(theirs.high, abs=0.03 * width)


def test_the_interval_leans_to_the_long_tail():
    """A few bad pictures may be rarer or more frequent: the upper end is farther away."""
    interval = significance.mean_interval(SKEWED)
    mean = np.mean(SKEWED)
    assert interval.high - mean > 1.1 * (mean - interval.low)


@given(scores)
@settings(max_examples=30, deadline=None)
def test_the_interval_holds_the_mean(values):
    """Its ends are in order; one score alone has none."""
    interval = significance.mean_interval(values, resamples=500)
    if len(values) == 1:
        assert interval is None
    else:
        near = 1e-12
        assert interval.low - near <= np.mean(values) <= interval.high + near


@pytest.mark.parametrize("count", [2, 5, 20])
def test_the_interval_of_few_scores_is_no_wish(count):
    """Of normal scores, 95 % of the intervals hold the mean; by the bootstrap alone 52 to 93 %."""
    rng = np.random.default_rng(count)
    found = [
        significance.mean_interval(rng.normal(0, 1, count).tolist(), resamples=200)
        for _ in range(600)
    ]
    assert np.mean([interval.low <= 0 <= interval.high for interval in found]) >= 0.93


def test_many_scores_have_the_bootstraps_interval():
    """Its ends are means of resampled scores, within the scores."""
    interval = significance.mean_interval(SKEWED)
    assert min(SKEWED) <= interval.low <= interval.high <= max(SKEWED)


def test_equal_scores_leave_no_doubt():
    """Without spread the interval is the mean, not a division by zero."""
    assert significance.mean_interval([0.25] * 9) == significance.Interval(0.25, 0.25)


def test_the_same_seed_gives_the_same_interval():
    """Two calls agree to the last digit; another seed draws otherwise."""
    assert significance.mean_interval(SKEWED) == significance.mean_interval(SKEWED)
    assert significance.mean_interval(SKEWED) != significance.mean_interval(SKEWED, seed=1)


def test_memory_is_bounded(monkeypatch):
    """Drawing in many small parts gives an interval as good as drawing at once."""
    monkeypatch.setattr(significance, "_CHUNK", 300)
    parts = significance.mean_interval(SKEWED)
    monkeypatch.undo()
    whole = significance.mean_interval(SKEWED)
    assert parts.low == pytest.approx(whole.low, rel=0.03)
    assert parts.high == pytest.approx(whole.high, rel=0.03)


@given(st.integers(1, 8), st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_few_pictures_are_compared_exactly(count, seed):
    """With few pictures every sign flip is counted, as SciPy's permutation test does."""
    ours, theirs = np.random.default_rng(seed).normal(0, 1, (2, count))
    found = significance.compare(ours.tolist(), theirs.tolist())
    differences = theirs - ours
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=count)]
    expected = np.mean([s >= abs(differences.sum()) * (1 - 1e-9) for s in sums])
    assert found.p_value == pytest.approx(expected)
    assert found.difference == pytest.approx(differences.mean())
    if count > 1:
        theirs_p = stats.permutation_test(
            (theirs, ours), lambda a, b: np.mean(a - b), permutation_type="samples"
        ).pvalue
        assert found.p_value == pytest.approx(theirs_p)


def test_many_pictures_are_compared_by_drawn_flips():
    """The p-value is near that of the t-test where the differences are normal."""
    ours, theirs = np.random.default_rng(3).normal(0, 1, (2, 80))
    theirs += 0.35
    found = significance.compare(ours.tolist(), theirs.tolist())
    expected = stats.ttest_rel(theirs, ours).pvalue
    assert 0.001 < expected < 0.2
    assert found.p_value == pytest.approx(expected, rel=0.3)
    assert found == significance.compare(ours.tolist(), theirs.tolist())


def test_a_p_value_is_never_zero():
    """What was observed is one of the outcomes."""
    found = significance.compare([0.0] * 50, [1.0] * 50)
    assert found.p_value == pytest.approx(1 / 10_001)


def test_equal_models_do_not_differ():
    """The same scores twice: no difference, and nothing speaks for one."""
    found = significance.compare(SKEWED, SKEWED)
    assert (found.difference, found.p_value) == (0, 1)
    assert found.interval == significance.Interval(0, 0)


def test_a_small_difference_on_the_same_pictures_is_seen():
    """Pairing finds a shift of 2 % among pictures that differ much more."""
    worse = [1.02 * value for value in SKEWED]
    found = significance.compare(SKEWED, worse)
    assert found.p_value < 0.001
    assert found.interval.low > 0
    assert stats.ttest_ind(SKEWED, worse).pvalue > 0.5


def test_scores_of_different_pictures_are_refused():
    """Lists of different lengths cannot be paired."""
    with pytest.raises(ValueError, match="same pictures"):
        significance.compare([1.0], [1.0, 2.0])


def test_the_interval_of_a_score_stays_within_what_a_score_can_be():
    """Few pictures give a wide interval, but no negative error and no mean IoU above 1."""
    few = [0.99, 0.2, 0.95]
    whole = significance.mean_interval(few)
    assert whole.low < 0 and whole.high > 1
    assert significance.score_interval("mean_iou", few) == significance.Interval(0.0, 1.0)
    assert significance.score_interval("mad", few) == significance.Interval(0.0, whole.high)
    assert significance.score_interval("mad", [0.5]) is None
