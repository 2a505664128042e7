"""By how much something changed: no false alarms, no missed slow-downs."""

import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import Measurement, Statistics
from mmnet_deploy.results import change
from mmnet_deploy.results.change import Change


def _gate():
    """The script whose simulated noises these tests share."""
    path = Path(__file__).parents[3] / "benchmarks" / "regression_gate.py"
    spec = importlib.util.spec_from_file_location("regression_gate_for_tests", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GATE = _gate()


def run(samples):
    """A measurement of samples."""
    return Measurement((), tuple(map(float, samples)))


def noisy(seed, count=200, middle=1000.0, spread=0.02):
    """Samples with lognormal noise."""
    return middle * np.exp(np.random.default_rng(seed).normal(0, spread, count))


# --- What the gate promises --------------------------------------------------


@pytest.mark.parametrize("count", GATE.SIZES)
@pytest.mark.parametrize("noise", GATE.NOISES)
def test_noise_is_no_regression_and_five_percent_is_one(noise, count):
    """Of 1000 re-runs at most 1 % are called worse, of runs 5 % slower at least 99 % are."""
    worse, _, found = GATE.rates(noise, count, pairs=1000, seed=7)
    assert worse <= 0.01
    assert found >= 0.99


def test_independence_would_have_to_be_assumed_without_batches():
    """On drifting runs an interval that takes samples as independent cries wolf."""
    rng = np.random.default_rng(0)
    drifting = [GATE.disturbances(rng, 500, 1000) for _ in range(2)]
    error = np.sqrt(sum(side.var(-1) / 1000 for side in drifting))
    naive = np.abs(drifting[0].mean(-1) - drifting[1].mean(-1)) > 2.576 * error
    assert naive.mean() > 0.3
    base, new = (change.of_samples(np.exp(side)) for side in drifting)
    _, low, high = change.interval(base, new)
    assert np.mean((low > 0) | (high < 0)) < 0.03


def test_repeats_see_what_a_single_run_cannot():
    """Runs that differ among each other by 1.5 % fool a single pair, five repeats do not."""
    rng = np.random.default_rng(1)

    def runs(number):
        return [run(noisy(rng, 100, 1000 * math.exp(rng.normal(0, 0.015)))) for _ in range(number)]

    single, repeated = 0, 0
    for _ in range(100):
        single += change.of_latency(runs(1), runs(1)).verdict(0.01) == "worse"
        repeated += change.of_latency(runs(5), runs(5)).verdict(0.01) == "worse"
    assert single > 20
    assert repeated <= 3


def test_repeats_find_a_slow_down():
    """With five repeats on each side, 5 % stand out of runs that differ by 1 %."""
    rng = np.random.default_rng(2)
    base, slow = (
        [run(noisy(rng, 100, middle * math.exp(rng.normal(0, 0.01)))) for _ in range(5)]
        for middle in (1000, 1050)
    )
    found = change.of_latency(base, slow)
    assert found.verdict(0.01) == "worse"
    assert found.low < 0.05 < found.high


# --- One pair ----------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 2.0))
def test_the_change_is_the_ratio(seed, factor):
    """Samples multiplied by a factor change by that factor, with it in the interval."""
    samples = noisy(seed)
    found = change.of_latency([run(samples)], [run(factor * samples)])
    assert found.relative == pytest.approx(factor - 1, abs=1e-9)
    assert found.low <= found.relative <= found.high


def test_there_and_back_is_the_same_ratio():
    """With the sides exchanged, the change is the inverse, ends included."""
    base, new = run(noisy(0)), run(noisy(1, middle=1100))
    there, back = change.of_latency([base], [new]), change.of_latency([new], [base])
    assert (1 + there.relative) * (1 + back.relative) == pytest.approx(1)
    assert (1 + there.low) * (1 + back.high) == pytest.approx(1)


def test_equal_samples_did_not_change():
    """Neither by much nor by little, and without any width."""
    found = change.of_latency([run([5.0] * 50)], [run([5.0] * 50)])
    assert (found.relative, found.low, found.high) == (0, 0, 0)
    assert found.verdict(0.0) == "same"


def test_statistics_of_an_engine_are_compared():
    """Of a mean, the interval is the normal one; a median's is wider."""
    base = Statistics(400, 1000.0, 900.0, 1200.0, 1000.0, 20.0)
    slow = Statistics(400, 1050.0, 950.0, 1250.0, 1050.0, 21.0)
    found = change.of_latency([Measurement((), (), base)], [Measurement((), (), slow)])
    assert found.relative == pytest.approx(0.05)
    margin = math.exp(2.583 * math.sqrt(2) * 0.02 / 20)
    assert 1 + found.high == pytest.approx(1.05 * margin, rel=1e-4)
    medians = [
        Measurement((), (), Statistics(400, 1.0, 900.0, 1300.0, middle, 20.0, median_us=middle))
        for middle in (1000.0, 1050.0)
    ]
    wider = change.of_latency(medians[:1], medians[1:])
    assert wider.high - wider.low > 1.2 * (found.high - found.low)


@pytest.mark.parametrize(
    ("measurement", "reason"),
    [
        (run([1.0] * 1), "1 run, at least 8 wanted"),
        (run([1.0] * 7), "7 runs, at least 8 wanted"),
        (run([0.0] + [1.0] * 9), "clock did not tick"),
        (Measurement((), (), Statistics(2, 1.0, 1.0, 1.0, 1.0, 0.0)), "2 runs"),
        (Measurement((), (), Statistics(20, 0.0, 0.0, 0.0, 0.0, 0.0)), "clock did not tick"),
        (run([1.0] * 8), ""),
    ],
)
def test_what_cannot_be_estimated_says_why(measurement, reason):
    """Too few runs, or a clock that stands still."""
    found = change.lacking(measurement)
    assert reason in found and bool(found) == bool(reason)


@pytest.mark.parametrize(("count", "reason"), [(89, "90 wanted for a 90th percentile"), (90, "")])
def test_a_90th_percentile_needs_more_runs(count, reason):
    """A tenth of the run has to have one; an engine's own mean is no percentile."""
    found = change.lacking(run([1.0] * count), 90)
    assert found.endswith(reason) and bool(found) == bool(reason)
    mean = Statistics(20, 1.0, 1.0, 1.0, 1.0, 0.1)
    assert change.lacking(Measurement((), (), mean), 90) == ""


@pytest.mark.parametrize("percentile", [50, 90])
def test_the_fewest_runs_raise_no_false_alarm(percentile):
    """Of re-runs of as many runs as are wanted at least, 1 % are called different."""
    rng = np.random.default_rng(percentile)
    count = change.LEAST_RUNS[percentile]
    base, new = (
        change.of_samples(rng.lognormal(0, 0.05, (4000, count)), percentile) for _ in range(2)
    )
    _, low, high = change.interval(base, new)
    assert np.mean((low > 0) | (high < 0)) <= 0.012


def test_a_slower_tail_is_found_where_the_rules_quote_it():
    """Samples whose slowest fifth becomes 10 % slower have a 90th percentile as much greater."""
    samples = np.random.default_rng(4).lognormal(0, 0.01, 200)
    slower = np.where(np.arange(200) % 5 == 0, 1.1 * samples, samples)
    found = [change.of_latency([run(samples)], [run(slower)], share) for share in (50, 90)]
    assert abs(found[0].relative) < 0.01 < 0.07 < found[1].low < 0.1


def test_few_runs_give_a_wide_interval():
    """Eight runs are eight batches of one."""
    few = change.of_latency([run(noisy(0, 8))], [run(noisy(1, 8))])
    many = change.of_latency([run(noisy(0, 500))], [run(noisy(1, 500))])
    assert few.high - few.low > 3 * (many.high - many.low)


# --- Verdicts ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "lower", "higher"),
    [
        (Change(0.05, 0.03, 0.07), "worse", "better"),
        (Change(-0.05, -0.07, -0.03), "better", "worse"),
        (Change(0.05, -0.01, 0.11), "same", "same"),
        (Change(0.009, 0.008, 0.010), "same", "same"),
        (Change(0.05, None, None), "worse", "better"),
    ],
)
def test_a_verdict_needs_more_than_noise(found, lower, higher):
    """The interval must leave out zero, and the change must not be negligible."""
    assert found.verdict(0.01) == lower
    assert found.verdict(0.01, lower_is_better=False) == higher


def test_a_limit_is_exceeded_by_the_whole_interval():
    """A change that may be within the limit does not break it."""
    assert not Change(0.06, 0.04, 0.08).exceeds(0.05)
    assert Change(0.06, 0.051, 0.07).exceeds(0.05)
    assert Change(0.06, None, None).exceeds(0.05)
    assert Change(-0.06, -0.07, -0.051).exceeds(0.05, lower_is_better=False)
    assert not Change(-0.06, -0.07, -0.051).exceeds(0.05)


# --- Pictures and counts -----------------------------------------------------


def test_paired_scores_see_a_small_change_of_pictures_that_differ_much():
    """2 % on every picture stand out though pictures differ by a factor of ten."""
    rng = np.random.default_rng(3)
    before = np.exp(rng.normal(-5, 0.7, 100))
    after = before * 1.02 * np.exp(rng.normal(0, 0.02, 100))
    found = change.of_paired(before, after)
    assert found.verdict(0.001) == "worse"
    assert 0.01 < found.low < found.relative < found.high < 0.04


@pytest.mark.parametrize("count", [20, 100])
def test_paired_intervals_cover_as_often_as_they_say(count):
    """Skewed scores of like quality are called different in about 1 % of the cases."""
    rng = np.random.default_rng(count)
    called = 0
    for _ in range(1000):
        pictures = np.exp(rng.normal(-5, 0.7, count))
        pair = [pictures * np.exp(rng.normal(0, 0.05, count)) for _ in range(2)]
        called += change.of_paired(*pair).verdict(0.0) != "same"
    assert called <= 25


def test_one_picture_proves_nothing():
    """There is no telling what another one would give."""
    with pytest.raises(ValueError, match="1 picture, at least 2 wanted"):
        change.of_paired([0.02], [0.03])


def test_nothing_is_no_baseline():
    """A share of zero is no share."""
    with pytest.raises(ValueError, match="is 0"):
        change.of_paired([0.0, 0.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="is 0"):
        change.of_exact(0.0, 1.0)
