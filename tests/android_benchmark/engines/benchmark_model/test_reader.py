"""What single lines of a run say, and what is kept of messages."""

import pytest

from android_benchmark.engines.benchmark_model import FailureKind, parse
from android_benchmark.engines.benchmark_model.failure import Failure
from tests.support.benchmark_model import recorded, run


@pytest.mark.parametrize(
    "line",
    [
        "Timings (microseconds): count=50 curr=1(all same)",
        "Memory (bytes): count=0",
        "Subgraph (index: 1) Timings (microseconds): count=1 curr=29",
        "Unconsumed cmdline flags: --warmup_count=5",
        "Graph: [/data/count=5/m.tflite]",
    ],
)
def test_other_counts_are_no_count_lines(line):
    """Only a count at the beginning of a word is one of the series."""
    report = parse(run(line))
    assert (report.warmup.count, report.measured.count) == (5, 50)


def test_two_values():
    """The first of two values stays, and is doubted."""
    report = parse(
        run("The input model file size (MB): 4.5", "The input model file size (MB): 5.5")
    )
    assert report.model_size_bytes == 4_500_000
    assert report.doubts == ("there are two values of model_size_bytes",)


def test_last_line_without_its_end_is_read_for_messages():
    """What went wrong is told by the half of a line as well."""
    report = parse("STARTING!\n", "ERROR: Failed to load model /data/lo")
    assert report.failures == (Failure(FailureKind.MODEL_INVALID, "Failed to load model /data/lo"),)


def test_long_message_is_shortened():
    """A message is kept in part, so that a report stays small."""
    report = parse("", "ERROR: Failed to apply " + "x" * 10_000 + "\n")
    assert len(report.failures[0].text) < 1000


@pytest.mark.parametrize("prefix", ["", "WARN: ", "WARNING: "])
def test_unconsumed_flags(prefix):
    """The tool only warns of flags it does not know; their names are kept, as a fault."""
    text = recorded("tf2_5_unconsumed").replace("Unconsumed", f"{prefix}Unconsumed")
    report = parse(text)
    assert report.unconsumed_flags == ("allow_fp16", "use_foo", "stray")
    assert report.faults == ("the binary does not know the flags allow_fp16, use_foo, stray",)
    assert report.warnings == ()
