"""The memory lines of every age, and numbers that cannot be."""

import dataclasses
import math
import re

import pytest

from android_benchmark.engines.benchmark_model import parse
from android_benchmark.engines.benchmark_model.summary import Memory
from android_benchmark.engines.benchmark_model.text import statistic
from tests.support import FIXTURES
from tests.support.benchmark_model import MIB, recorded

RECORDINGS = [path.stem for path in sorted((FIXTURES / "benchmark_model").glob("t*.txt"))]
RECORDINGS += ["litert2_profile", "litert2_wide_profile"]


def test_second_wording_of_the_memory_line():
    """From about 2.5 on the memory line says what it is: a growth."""
    report = parse(recorded("tf2_5_memory"))
    assert report.memory == Memory(8.97656 * MIB, 18.7227 * MIB)
    assert (report.warmup.avg_us, report.measured.avg_us) == (70.3736, 69.691)


def test_peak_memory():
    """The monitored peak and the resident set at the end are read, the tool's typo and all."""
    assert parse(recorded("tf2_13_peak_memory")).memory == Memory(
        init_bytes=2.43359 * MIB,
        overall_bytes=8.67578 * MIB,
        peak_bytes=13.1797 * MIB,
        resident_bytes=13 * MIB,
        anonymous_bytes=7 * MIB,
        file_and_shared_bytes=6 * MIB,
    )


def test_peak_memory_of_litert_2():
    """LiteRT's block names the peak where it was monitored."""
    assert parse(recorded("litert2_wide_profile")).memory.peak_bytes == 13.18 * MIB


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("word", ["-1", "-inf", "nan"])
def test_no_number_of_any_dialect_is_below_0_or_endless(name, word):
    """Each number of a recording in turn is made one that cannot be: none of them is taken."""
    text = recorded(name)
    for spot in list(re.finditer(r"(?<![\w.-])[0-9]+(?:\.[0-9]+)?(?![\w.])", text))[::3]:
        report = parse(text[: spot.start()] + word + text[spot.end() :])
        rows = [row for it in report.profiles for table in it.tables for row in table.rows]
        for part in (report.warmup, report.measured, report.summary, report.memory, *rows):
            values = dataclasses.asdict(part) if part else {}
            if part in rows:
                values.pop("memory_bytes")  # which may shrink
            numbers = [value for value in values.values() if isinstance(value, (int, float))]
            assert all(0 <= value < math.inf for value in numbers), (word, spot, part)


def test_a_standard_deviation_is_within_the_range():
    """More than half of the range is a digit too many."""
    line = "count=50 first=5 curr=5 min=4 max=10 avg=6 std={}"
    assert statistic.read(line.format(3)).std_us == 3
    assert statistic.read(line.format(4)) is None


def test_a_delegate_that_takes_more_than_there_is_makes_no_sense():
    """131 of 13 nodes is a digit that was lost: nothing of the run is used."""
    line = "Replacing 131 out of 13 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 2"
    text = recorded("tf2_20_xnnpack") + f"INFO: {line} partitions.\n"
    assert "took more nodes than there are" in parse(text).faults[0]
