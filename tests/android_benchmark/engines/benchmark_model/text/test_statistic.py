"""Count lines: short forms, and those from which no number is taken."""

import pytest

from android_benchmark.engines.benchmark_model import LoggedStatistics, Missing, parse
from android_benchmark.engines.benchmark_model.summary import Summary
from tests.support.benchmark_model import MEASURED, run


def test_equal_runs():
    """`(all same)` is glued to the number; what the tool leaves out stays unknown."""
    report = parse(run(warmup="count=3 curr=69(all same)", summary=None))
    assert report.warmup == LoggedStatistics(3, curr_us=69, all_same=True)


def test_dry_run():
    """No run at all is a count of 0 and no number else."""
    summary = (
        "Inference timings in us: Init: 530, First inference: 0, "
        "Warmup (avg): nan, Inference (avg): -nan"
    )
    report = parse(run(warmup="count=0", measured="count=0", summary=summary))
    assert (report.warmup, report.measured) == (LoggedStatistics(0), LoggedStatistics(0))
    assert report.summary == Summary(530, 0, None, None)
    assert report.faults == ()


@pytest.mark.parametrize(
    "line",
    [
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=1.1.6 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=nan std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=1e999 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906 p5=1",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=19ERROR: no",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=116066 std=-1",
        "count=50 first=121183 curr=115199 min=111222 max=12132 avg=116066 std=1906",
        "count=50 first=121183 curr=115199 min=111222 max=121324 avg=16066 std=1906",
        "count=٥٠ first=121183 curr=115199 min=111222 max=121324 avg=116066 std=1906",
        "count=50 curr=115199",
        "count=1 curr=115199(all same)",
        "count=0 curr=3",
        "count=" + "9" * 5000,
        "INFO: Running benchmark.count=50 curr=1(all same)",
        "\0" + MEASURED,
        MEASURED.replace("std=1906", "std=19\r06"),
        MEASURED.replace("std=1906", "std=19\x1b[0m06"),
    ],
)
def test_malformed_count_line(line):
    """A line that is cut, garbled or impossible gives no number, keeps its place, and is told."""
    report = parse(run(measured=line))
    assert (report.warmup.count, report.measured) == (5, None)
    assert report.missing == (Missing.MEASURED,)
    assert any("count line is malformed" in doubt for doubt in report.doubts)
