"""When a measurement stops, what it keeps, and what is said of it."""

import itertools
import math
import types

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import (
    PRESETS,
    Flag,
    Measurement,
    RunRules,
    Statistics,
    judge,
    measure,
    measurement,
)

MS = 1_000_000  # in nanoseconds


class Clock:
    """A clock that only work moves on."""

    def __init__(self):
        self.now_ns = 5 * MS

    def perf_counter_ns(self):
        return self.now_ns

    def work(self, durations_ms):
        """An `invoke` that takes each of `durations_ms` in turn."""
        durations = iter(durations_ms)

        def invoke():
            self.now_ns += int(next(durations) * MS)

        return invoke


@pytest.fixture
def clock(monkeypatch):
    """A `Clock` in place of the real one."""
    clock = Clock()
    monkeypatch.setattr(
        measurement, "time", types.SimpleNamespace(perf_counter_ns=clock.perf_counter_ns)
    )
    return clock


def _rules(warmup_runs=0, warmup_s=0.0, runs=0, least_s=0.0, most_s=1000.0):
    return RunRules(warmup_runs, warmup_s, runs, least_s, most_s)


def test_runs_until_the_least_number(clock):
    """With no minimum of time, the minimum of runs decides."""
    result = measure(clock.work(itertools.repeat(10)), _rules(runs=7))
    assert result == Measurement((), (10_000.0,) * 7)


def test_runs_until_the_least_duration(clock):
    """A network that is fast runs on until the minimum of time has passed."""
    result = measure(clock.work(itertools.repeat(10)), _rules(runs=1, least_s=0.25))
    assert len(result.samples_us) == 25


def test_both_minima_must_be_met(clock):
    """The later of the two minima ends the measurement."""
    result = measure(clock.work(itertools.repeat(10)), _rules(runs=30, least_s=0.25))
    assert len(result.samples_us) == 30


def test_greatest_duration_ends_the_measurement(clock):
    """The maximum of time wins over both minima; the run under way is finished and kept."""
    result = measure(clock.work(itertools.repeat(10)), _rules(runs=50, least_s=9, most_s=0.045))
    assert result.samples_us == (10_000.0,) * 5


def test_warm_up_is_kept_apart(clock):
    """Warm-up has its own minima, comes first and is not among the samples."""
    result = measure(clock.work([40, 30, 20, 1, 2, 3]), _rules(2, 0.08, runs=3))
    assert result.warmup_us == (40_000.0, 30_000.0, 20_000.0)
    assert result.samples_us == (1_000.0, 2_000.0, 3_000.0)


def test_warm_up_has_the_same_greatest_duration(clock):
    """A slow network cannot spend more than the maximum on its warm-up."""
    result = measure(clock.work(itertools.repeat(10)), _rules(100, runs=1, most_s=0.02))
    assert len(result.warmup_us) == 2


def test_samples_stay_in_order(clock):
    """Samples come in the order of the runs, in microseconds, fractions kept."""
    result = measure(clock.work([5, 0.0015, 3]), _rules(runs=3))
    assert result.samples_us == (5000.0, 1.5, 3000.0)


def test_time_between_runs_counts_towards_the_duration_only(clock, monkeypatch):
    """A duration is measured on the wall, a sample between its own two readings."""

    def slow_reading():
        clock.now_ns += MS
        return clock.now_ns

    monkeypatch.setattr(measurement.time, "perf_counter_ns", slow_reading)
    result = measure(clock.work(itertools.repeat(8)), _rules(runs=1, least_s=0.095))
    assert result.samples_us == (9_000.0,) * 10


@given(
    cost=st.integers(1, 50),
    runs=st.integers(1, 40),
    least=st.integers(0, 400),
    most=st.integers(1, 400),
)
def test_number_of_runs_follows_from_the_rules(cost, runs, least, most):
    """Runs = the greater minimum, cut at the maximum, for a network of constant speed."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            measurement, "time", types.SimpleNamespace(perf_counter_ns=clock.perf_counter_ns)
        )
        result = measure(
            clock.work(itertools.repeat(cost)),
            _rules(runs=runs, least_s=least / 1000, most_s=most / 1000),
        )
    assert len(result.samples_us) == min(max(runs, math.ceil(least / cost)), math.ceil(most / cost))


def test_real_clock_times_real_work():
    """With the real clock, every run is called once and takes some time."""
    calls = []
    result = measure(lambda: calls.append(sum(range(2000))), _rules(2, runs=5))
    assert (len(result.warmup_us), len(result.samples_us), len(calls)) == (2, 5, 7)
    assert all(sample > 0 for sample in result.samples_us)


def test_failure_of_a_run_is_passed_on():
    """An error of the network ends the measurement as it is."""

    def invoke():
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        measure(invoke, _rules(runs=1))


def test_default_rules_are_those_of_benchmark_model():
    """50 runs and 1 s after half a second of warm-up, at most 150 s."""
    assert RunRules() == RunRules(1, 0.5, 50, 1.0, 150.0)


# --- Flags -------------------------------------------------------------------


def _broken(samples_us, rules):
    return {
        flag.name: flag.reason
        for flag in judge(Measurement((), tuple(samples_us)), rules)
        if not flag.holds
    }


def test_result_that_keeps_the_rules_has_no_broken_flag():
    """A steady measurement of the wanted length is valid, and no flag has a reason."""
    flags = judge(Measurement((), (20_000.0,) * 50), RunRules())
    assert [flag.name for flag in flags] == ["min_runs_met", "min_duration_met", "stable"]
    assert all(flag.holds and not flag.reason for flag in flags)


def test_too_few_runs_are_flagged():
    """The reason has both numbers and the remedy."""
    assert _broken([1_000_000.0] * 49, RunRules()) == {
        "min_runs_met": "49 runs, 50 wanted; allow more time"
    }


def test_too_short_a_measurement_is_flagged():
    """The reason has both durations and the remedy."""
    assert _broken([10_000.0] * 50, RunRules()) == {
        "min_duration_met": "0.50 s, 1 s wanted; allow more time"
    }


def test_time_lost_between_runs_is_forgiven():
    """Up to a twentieth of the minimum may pass between the runs."""
    assert not _broken([19_100.0] * 50, RunRules())
    assert _broken([18_900.0] * 50, RunRules()).keys() == {"min_duration_met"}


def test_unsteady_runs_are_flagged():
    """A tail of slow runs is named with its size and a remedy."""
    broken = _broken([20_000.0] * 80 + [40_000.0] * 20, RunRules())
    assert broken.keys() == {"stable"}
    assert "2.00 times the median" in broken["stable"] and "repeat" in broken["stable"]


def test_rare_slow_runs_are_no_instability():
    """Fewer than a tenth of slow runs leave the 90th percentile, and the flag, alone."""
    assert not _broken([20_000.0] * 95 + [90_000.0] * 5, RunRules())


@pytest.mark.parametrize(("factor", "stable"), [(1.24, True), (1.26, False)])
def test_stability_has_a_limit(factor, stable):
    """A 90th percentile of 1.25 medians is the most that counts as stable."""
    broken = _broken([20_000.0] * 80 + [20_000.0 * factor] * 20, RunRules())
    assert ("stable" not in broken) is stable


def test_one_run_can_be_judged():
    """A single sample has no spread and breaks only the rule on runs."""
    assert _broken([2_000_000.0], RunRules()).keys() == {"min_runs_met"}


def test_no_run_can_be_judged():
    """A measurement without samples breaks the rules on runs and duration."""
    assert {"min_runs_met", "min_duration_met"} <= _broken([], RunRules()).keys()


@pytest.mark.parametrize("changes", [{"min_runs": 0}, {"max_duration_s": 0.0}])
def test_rules_without_a_single_run_are_refused(changes):
    """A measurement always has a sample."""
    with pytest.raises(ValueError, match="Received"):
        RunRules(**changes)


def test_stability_uses_the_percentile_that_is_shown():
    """One slow run in ten does not reach the 90th percentile that tables show."""
    rules = RunRules(min_runs=1, min_duration_s=0)
    flags = judge(Measurement((), (100.0,) * 19 + (1000.0,)), rules)
    assert all(flag.holds for flag in flags)


def test_samples_of_no_length_are_judged():
    """A clock that did not tick is no crash."""
    rules = RunRules(min_runs=1, min_duration_s=0)
    assert all(flag.holds for flag in judge(Measurement((), (0.0, 0.0)), rules))


@pytest.mark.parametrize(
    ("flag", "good", "label"),
    [
        (Flag("stable", True), True, "stable"),
        (Flag("min_runs_met", False), False, "not min runs met"),
        (Flag("throttled", True, wanted=False), False, "throttled"),
        (Flag("fell_back", False, wanted=False), True, "not fell back"),
    ],
)
def test_a_flag_is_good_if_it_is_as_wanted(flag, good, label):
    """Some are wanted to hold, others not; the label says what is the case."""
    assert (flag.good, flag.label) == (good, label)


# --- Rules -------------------------------------------------------------------


def test_presets_are_quick_default_and_mlperf():
    """A look, benchmark_model's rules with rests, and 1024 runs, a minute, 90th percentile."""
    assert list(PRESETS) == ["quick", "default", "mlperf"]
    default, mlperf = PRESETS["default"], PRESETS["mlperf"]
    assert (default.min_runs, default.min_duration_s, default.percentile) == (50, 1.0, 50)
    assert default.rest_max_s > 0
    assert (mlperf.min_runs, mlperf.min_duration_s, mlperf.percentile) == (1024, 60.0, 90)
    assert PRESETS["quick"].min_runs < default.min_runs


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"percentile": 95}, "`percentile` must be 50 or 90. Received: 95"),
        ({"rest_max_s": -1.0}, "`rest_max_s` must be at least 0"),
        ({"warmup_min_runs": -1}, "`warmup_min_runs` must be at least 0"),
        ({"min_duration_s": math.nan}, "`min_duration_s` must be at least 0"),
    ],
)
def test_rules_that_make_no_sense_are_refused(changes, rule):
    """The message names the rule and what was received."""
    with pytest.raises(ValueError, match=rule):
        RunRules(**changes)


# --- Statistics of an engine's own -------------------------------------------


def _statistics(count=50, mean_us=20_000.0, std_us=100.0, **more):
    given_ = Statistics(count, 21_000.0, 19_000.0, 30_000.0, mean_us, std_us, **more)
    return Measurement((), (), given_)


def test_statistics_tell_runs_and_duration():
    """Their number, and their number times their mean."""
    found = _statistics(50, 20_000.0)
    assert (found.runs, found.duration_s) == (50, pytest.approx(1.0))


def test_statistics_are_judged_like_samples():
    """Enough steady runs keep all rules; too few, too short ones break two."""
    assert all(flag.good for flag in judge(_statistics(), RunRules()))
    few = {flag.name for flag in judge(_statistics(10), RunRules()) if not flag.good}
    assert few == {"min_runs_met", "min_duration_met"}


@pytest.mark.parametrize(
    ("more", "stable"),
    [
        ({"std_us": 3_000.0}, True),
        ({"std_us": 5_000.0}, False),
        ({"median_us": 20_000.0, "p95_us": 24_000.0}, True),
        ({"median_us": 20_000.0, "p95_us": 26_000.0}, False),
    ],
)
def test_stability_of_statistics(more, stable):
    """By their 95th percentile, or as if they were of a normal distribution."""
    flags = {flag.name: flag for flag in judge(_statistics(**more), RunRules())}
    assert flags["stable"].good is stable


def test_a_percentile_that_an_engine_does_not_give_is_flagged():
    """Rules that quote the 90th percentile need samples; only then is there a flag of it."""
    mlperf = PRESETS["mlperf"]
    flags = {flag.name: flag for flag in judge(_statistics(3000, 20_000.0), mlperf)}
    assert not flags["percentile_known"].good
    assert "90th percentile" in flags["percentile_known"].reason
    assert flags["percentile_known"].label == "not percentile known"
    others = (
        judge(Measurement((), (20_000.0,) * 3000), mlperf),
        judge(_statistics(3000, 20_000.0), RunRules()),
    )
    for found in others:
        assert "percentile_known" not in {flag.name for flag in found}
        assert all(flag.good for flag in found)
