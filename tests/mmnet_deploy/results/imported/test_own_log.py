"""Saved output of tflbench."""

import random

import pytest

from android_benchmark import RunRules
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.imported import own_log, recognition
from tests.fuzz.engine_logs import own_log as printed


def test_its_samples_are_kept():
    """So the interval is that of order statistics, as of our own results."""
    (run,) = recognition.read(printed(random.Random(3)).encode()).runs
    assert run.form == "tflbench output"
    assert run.measurement.samples_us and not run.measurement.statistics
    assert run.rules == RunRules(1, 0.5, 3, 1.0, 150.0)
    assert (run.threads, run.model_name) == (1, "m")
    assert (run.engine.delegate, run.engine.delegated_nodes) == ("xnnpack", 7)
    assert run.profiling


def test_several_runs_of_one_file_are_several_results():
    """`>>` appends them."""
    texts = [printed(random.Random(seed)) for seed in (1, 2)]
    found = own_log.read("".join(texts))
    assert [run.measurement for run in found] == [
        own_log.read(text)[0].measurement for text in texts
    ]


@pytest.mark.parametrize("lines", [1, 3, 5, 8])
def test_an_output_without_its_end_is_refused(lines):
    """Its samples may be a part of those that were made."""
    whole = printed(random.Random(4)).rstrip("\n").split("\n")
    (error,) = own_log.read("\n".join(whole[:-lines]) + "\n")
    assert isinstance(error, ResultError)
