"""Statistics of raw samples."""

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results.latency import milliseconds, summarise

durations = st.lists(st.floats(0.1, 1e9), min_size=1, max_size=60)


def _summary(samples, warmup=()):
    return summarise(Measurement(tuple(warmup), tuple(samples)))


@given(durations)
def test_median_lies_in_its_interval_and_the_interval_in_the_samples(samples):
    """Least ≤ low ≤ median ≤ high ≤ greatest, and both ends were measured."""
    latency = _summary(samples)
    assert min(samples) <= latency.low_us <= latency.quoted_us
    assert latency.quoted_us <= latency.high_us <= max(samples)
    assert {latency.low_us, latency.high_us} <= set(samples)
    assert latency.quoted_us == statistics.median(samples)
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
    assert (latency.quoted_us, latency.p90_us) == (123.5, 123.5)
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


# --- What is quoted ----------------------------------------------------------


def test_rules_choose_what_is_quoted():
    """The 90th percentile where the rules say so, with an interval of its own."""
    measurement = Measurement((), tuple(map(float, range(1001))))
    median, p90 = summarise(measurement), summarise(measurement, 90)
    assert (median.quoted_us, median.statistic) == (500, "median")
    assert (p90.quoted_us, p90.statistic, p90.p90_us) == (900, "p90", 900)
    assert 870 < p90.low_us < 900 < p90.high_us < 930


@given(durations, st.sampled_from([50, 90]))
def test_what_is_quoted_lies_in_its_interval(samples, percentile):
    """Whatever the percentile and however few the samples."""
    latency = summarise(Measurement((), tuple(samples)), percentile)
    assert latency.low_us <= latency.quoted_us <= latency.high_us


@pytest.mark.parametrize("percentile", [50, 90])
@pytest.mark.parametrize(("median_us", "statistic"), [(None, "mean"), (990.0, "median")])
def test_statistics_are_quoted_as_what_they_are(percentile, median_us, statistic):
    """An engine's median where it prints one, else its mean; never a percentile it lacks."""
    given_ = Statistics(100, 1000.0, 900.0, 1200.0, 1000.0, 50.0, median_us=median_us)
    latency = summarise(Measurement((), (), given_), percentile)
    assert (latency.quoted_us, latency.statistic) == (median_us or 1000.0, statistic)
    assert (latency.p90_us, latency.runs) == (None, 100)
    assert 900 <= latency.low_us < latency.quoted_us < latency.high_us <= 1200


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    """1.96 standard errors to both sides."""
    given_ = Statistics(100, 1000.0, 500.0, 2000.0, 1000.0, 50.0)
    latency = summarise(Measurement((), (), given_))
    assert (latency.low_us, latency.high_us) == pytest.approx((990.2, 1009.8))


def test_a_rounded_mean_stays_in_its_interval():
    """benchmark_model prints 1.23457e+06 for runs of 1234567 µs each."""
    given_ = Statistics(50, 1234567.0, 1234567.0, 1234567.0, 1234570.0, 0.0)
    latency = summarise(Measurement((), (), given_))
    assert latency.low_us <= latency.quoted_us <= latency.high_us


@pytest.mark.parametrize(
    ("us", "words"),
    [(0.0, "0.00"), (12.3, "0.01"), (9994.0, "9.99"), (9996.0, "10.0"), (99_949.0, "99.9"),
     (99_951.0, "100"), (1_234_567.0, "1235")],
)  # fmt: skip
def test_milliseconds_have_three_digits(us, words):
    """Also where a number is rounded up to one with a digit more."""
    assert milliseconds(us) == words
