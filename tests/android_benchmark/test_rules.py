"""Rules state when a measurement may stop; impossible ones are refused."""

import math

import pytest

from android_benchmark import PRESETS, RunRules


def test_the_defaults_are_those_of_the_official_tool():
    """50 runs and a second, at most 150 s, after one warm-up run and half a second."""
    assert RunRules() == RunRules(1, 0.5, 50, 1.0, 150.0, percentile=50)


def test_presets_by_name():
    """The default rests between runs but measures as the official tool does."""
    assert set(PRESETS) == {"quick", "default", "mlperf"}
    default = PRESETS["default"]
    assert (default.min_runs, default.min_duration_s, default.max_duration_s) == (50, 1.0, 150.0)
    assert default.rest_margin_c is not None and default.rest_max_s > 0


def test_single_stream_of_mlperf():
    """1024 samples and a minute, ten at most; five minutes of rest; the 90th percentile."""
    rules = PRESETS["mlperf"]
    assert (rules.min_runs, rules.min_duration_s, rules.max_duration_s) == (1024, 60, 600)
    assert (rules.percentile, rules.rest_max_s, rules.rest_margin_c) == (90, 300, None)


def test_presets_are_nobodys_to_change():
    """Rules of one name are the same for everybody."""
    with pytest.raises(TypeError):
        PRESETS["quick"] = RunRules()


@pytest.mark.parametrize(
    "changes",
    [
        {"min_runs": 0},
        {"min_runs": -1},
        {"max_duration_s": 0},
        {"max_duration_s": math.nan},
        {"max_duration_s": math.inf},
        {"warmup_min_runs": -1},
        {"warmup_min_s": -0.1},
        {"min_duration_s": math.nan},
        {"min_duration_s": math.inf},
        {"rest_max_s": -1},
        {"rest_max_s": math.inf},
        {"rest_margin_c": -2},
        {"rest_margin_c": math.nan},
        {"percentile": 95},
    ],
)
def test_impossible_rules_are_refused(changes):
    """What could never be kept, never end, or never be stored."""
    (name, value), *_ = changes.items()
    with pytest.raises(ValueError, match=rf"`{name}` .*Received: .*{value}"):
        RunRules(**changes)


def test_least_rules_are_possible():
    """One run, without warm-up, without a least duration, without rest."""
    assert RunRules(0, 0, 1, 0, 0.001, rest_margin_c=0).min_runs == 1
