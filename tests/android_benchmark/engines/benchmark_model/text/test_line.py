"""Lines without what terminals and transports put around them."""

import pytest

from android_benchmark.engines.benchmark_model import parse
from tests.support.benchmark_model import recorded, run


@pytest.mark.parametrize("end", ["\r\n", "\r\r\n"])
def test_carriage_returns(end):
    """Old adb ends lines in CR LF, or adds one more."""
    text = recorded("tf2_4_cpu_profile")
    assert parse(text.replace("\n", end)) == parse(text)


def test_colours():
    """Colour codes around words and numbers are dropped."""
    text = recorded("tf2_13_info")
    coloured = text.replace("INFO:", "\x1b[32mINFO:\x1b[0m").replace(
        "count=50", "\x1b[1mcount=50\x1b[m"
    )
    assert parse(coloured) == parse(text)


def test_overlong_line():
    """A line longer than any tool prints is not read for numbers, and the rest is."""
    report = parse(run("x" * 300_000))
    assert report.measured.count == 50
    assert "longer than any tool prints" in report.doubts[0]
