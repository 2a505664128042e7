"""Statistics of raw samples."""

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results.latency import (
    interval_ranks,
    least_runs,
    milliseconds,
    shown_interval,
    summarise,
)

durations = st.lists(st.floats(0.1, 1e9), min_size=1, max_size=60)


def _summary(samples, warmup=()):
    return summarise(Measurement(tuple(warmup), tuple(samples)))


@given(durations)
def test_median_lies_in_its_interval_whose_ends_were_measured(samples):
    """Low ≤ median ≤ high; an end that no sample bounds is infinite."""
    latency = _summary(samples)
    assert latency.low_us <= latency.quoted_us <= latency.high_us
    assert {latency.low_us, latency.high_us} <= {*samples, -math.inf, math.inf}
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


@pytest.mark.parametrize("statistic", ["median", "p90", "mean"])
def test_one_sample_has_no_interval(statistic):
    """A single run is median, percentile and mean at once, and says nothing of others."""
    latency = summarise(Measurement((), (123.5,)), statistic=statistic)
    assert (latency.quoted_us, latency.p90_us, latency.runs) == (123.5, 123.5, 1)
    assert (latency.low_us, latency.high_us) == (-math.inf, math.inf)
    assert not latency.bounded


@pytest.mark.parametrize(
    ("statistic", "runs", "low", "high"),
    [
        ("median", 5, -math.inf, math.inf),
        ("median", 6, 1, 6),
        ("median", 9, 2, 8),
        ("p90", 1, -math.inf, math.inf),
        ("p90", 2, 1, math.inf),
        ("p90", 10, 7, math.inf),
        ("p90", 35, 28, math.inf),
        ("p90", 36, 29, 36),
    ],
)
def test_few_runs_leave_the_interval_open(statistic, runs, low, high):
    """The ranks of the binomial distribution; where there is none, the end is infinite."""
    samples = tuple(map(float, range(1, runs + 1)))
    latency = summarise(Measurement((), samples), statistic=statistic)
    assert (latency.low_us, latency.high_us) == (low, high)
    assert latency.bounded == (math.isfinite(low) and math.isfinite(high))


@pytest.mark.parametrize(("statistic", "least"), [("median", 6), ("p90", 36), ("mean", 2)])
def test_an_open_interval_says_how_many_runs_close_it(statistic, least):
    """One run less leaves it open."""
    assert least_runs(statistic) == least
    samples = [10.0 + number for number in range(least)]
    closed = summarise(Measurement((), tuple(samples)), statistic=statistic)
    assert closed.bounded and closed.remedy == ""
    still = summarise(Measurement((), tuple(samples[:-1])), statistic=statistic)
    assert str(least - 1) in still.remedy and f"{least} do." in still.remedy


@given(st.integers(1, 400), st.sampled_from([0.5, 0.9]), st.sampled_from([0.95, 0.99]))
def test_ranks_are_those_of_the_binomial_distribution(count, share, confidence):
    """As far inside as each half of what is left out allows, by SciPy."""
    low, high = interval_ranks(count, share, confidence)
    half, binomial = (1 - confidence) / 2, stats.binom(count, share)
    assert binomial.cdf(low - 1) <= half < binomial.cdf(low)
    assert binomial.sf(high - 1) <= half < binomial.sf(high - 2)


def test_percentile_has_nine_tenths_of_the_runs_below():
    """The 90th percentile of 0 … 100 is 90."""
    assert _summary(range(101)).p90_us == 90


SHAPES = {
    "normal": lambda rng, size: rng.normal(100, 5, size),
    "lognormal": lambda rng, size: rng.lognormal(3, 0.7, size),
    "two modes": lambda rng, size: rng.normal(10, 1, size) + 90 * (rng.random(size) < 0.4),
    "ticks of a coarse clock": lambda rng, size: np.floor(rng.exponential(3, size)),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("statistic", ["median", "p90"])
def test_intervals_hold_the_truth_as_often_as_they_say(statistic, shape):
    """At least 95 % do, however few the runs and whatever the distribution, ties included."""
    draw = SHAPES[shape]
    rng = np.random.default_rng(12)
    share = {"median": 50, "p90": 90}[statistic]
    truth = float(np.percentile(draw(rng, 1_000_000), share))
    for runs in (2, 5, 6, 10, 20, 36, 50, 200):
        held = 0
        for samples in draw(rng, (600, runs)).tolist():
            latency = summarise(Measurement((), tuple(samples)), statistic=statistic)
            held += latency.low_us <= truth <= latency.high_us
        # What 600 draws leave open of 95 %.
        assert held / 600 >= 0.925, (runs, held / 600)


@pytest.mark.parametrize("runs", [2, 3, 5, 10, 50])
def test_intervals_of_a_mean_hold_the_truth_as_often_as_they_say(runs):
    """Of samples, and of what an engine says of them: its deviation is that of a population."""
    rng = np.random.default_rng(runs)
    held = np.zeros(2)
    for samples in rng.normal(100, 5, (1500, runs)):
        ends = (float(samples.min()), float(samples.max()))
        given_ = Statistics(runs, 1.0, *ends, float(samples.mean()), float(samples.std()))
        for number, measurement in enumerate(
            (Measurement((), tuple(samples.tolist())), Measurement((), (), given_))
        ):
            latency = summarise(measurement, statistic="mean")
            held[number] += latency.low_us <= 100 <= latency.high_us
    assert held[0] == held[1]
    assert 0.93 <= held[0] / 1500 <= 0.97


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


def test_interval_of_a_mean_is_students():
    """1.984 standard errors to both sides with 100 runs, 4.303 with 3."""
    for runs, quantile in ((100, 1.984), (3, 4.303)):
        given_ = Statistics(runs, 1000.0, 500.0, 2000.0, 1000.0, 50.0)
        latency = summarise(Measurement((), (), given_))
        margin = quantile * 50 / math.sqrt(runs - 1)
        ends = (1000 - margin, 1000 + margin)
        assert (latency.low_us, latency.high_us) == pytest.approx(ends, abs=0.01)


@pytest.mark.parametrize(
    ("low_us", "high_us", "words"),
    [
        (12_000.0, 13_400.0, "12.0…13.4"),
        (12_000.0, math.inf, "at least 12.0"),
        (-math.inf, 12_000.0, "at most 12.0"),
        (-math.inf, math.inf, "unbounded"),
    ],
)
def test_an_open_interval_is_words(low_us, high_us, words):
    """No sign of infinity has to be understood."""
    assert shown_interval(low_us, high_us) == words


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
