"""The memory lines of every age."""

from android_benchmark.engines.benchmark_model import parse
from android_benchmark.engines.benchmark_model.summary import Memory
from tests.support.benchmark_model import MIB, recorded


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
