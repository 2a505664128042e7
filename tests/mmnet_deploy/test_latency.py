"""Statistics of raw samples."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import Measurement
from mmnet_deploy.latency import summarise

durations = st.lists(st.floats(0.1, 1e9), min_size=1, max_size=60)


def _summary(samples, warmup=()):
    return summarise(Measurement(tuple(warmup), tuple(samples)))


@given(durations)
def test_median_lies_in_its_interval_and_the_interval_in_the_samples(samples):
    """Least ≤ low ≤ median ≤ high ≤ greatest, and both ends were measured."""
    latency = _summary(samples)
    assert min(samples) <= latency.low_us <= latency.median_us
    assert latency.median_us <= latency.high_us <= max(samples)
    assert {latency.low_us, latency.high_us} <= set(samples)
    assert latency.median_us == statistics.median(samples)
    assert latency.runs == len(samples)


@given(durations, st.randoms())
def test_order_of_the_samples_does_not_matter(samples, random):
    """A summary depends on what was measured, not on when."""
    shuffled = list(samples)
    random.shuffle(shuffled)
    assert _summary(shuffled) == _summary(samples)


@given(durations, durations)
def test_warm_up_does_not_count(samples, warmup):
    """Warm-up runs change no statistic."""
    assert _summary(samples, warmup) == _summary(samples)


def test_one_sample_is_its_own_summary():
    """A single run is median, percentile and both ends at once."""
    latency = _summary([123.5])
    assert (latency.median_us, latency.p90_us) == (123.5, 123.5)
    assert (latency.low_us, latency.high_us, latency.runs) == (123.5, 123.5, 1)


@pytest.mark.parametrize("runs", [2, 3, 4, 5])
def test_few_runs_give_the_widest_interval(runs):
    """With fewer than 6 runs the interval spans all samples."""
    latency = _summary(range(1, runs + 1))
    assert (latency.low_us, latency.high_us) == (1, runs)


def test_percentile_has_nine_tenths_of_the_runs_below():
    """The 90th percentile of 0 … 100 is 90."""
    assert _summary(range(101)).p90_us == 90


@pytest.mark.parametrize("runs", [6, 21, 50, 200])
def test_interval_covers_the_true_median_as_often_as_it_says(runs):
    """About 95 % of the intervals of skewed noise hold the true median."""
    rng = np.random.default_rng(runs)
    true_median = float(np.exp(3))
    covered = 0
    for samples in rng.lognormal(3, 0.7, (2000, runs)).tolist():
        latency = _summary(samples)
        covered += latency.low_us <= true_median <= latency.high_us
    assert 0.93 <= covered / 2000 <= 0.99


def test_interval_narrows_with_more_runs():
    """A hundred times the runs give about a tenth of the width."""
    noise = np.random.default_rng(0).normal(1000, 100, 10_000)
    few, many = _summary(noise[:100].tolist()), _summary(noise.tolist())
    ratio = (few.high_us - few.low_us) / (many.high_us - many.low_us)
    assert 4 < ratio < 25
