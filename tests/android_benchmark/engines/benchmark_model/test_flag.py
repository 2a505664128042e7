"""Which flags a binary has, from its help text."""

import pytest

from android_benchmark.engines.benchmark_model import Tool, probe
from android_benchmark.engines.benchmark_model.flag import ToolFlag
from tests.support.benchmark_model import recorded


@pytest.mark.parametrize(
    ("name", "tool"),
    [
        ("help_tf1", Tool.BENCHMARK_MODEL),
        ("help_tf2", Tool.BENCHMARK_MODEL),
        ("help_litert2", Tool.LITERT),
        ("help_performance_options", Tool.UNKNOWN),
        ("tf2_20_short", Tool.UNKNOWN),
    ],
)
def test_the_tool_is_known_by_its_flags(name, tool):
    """A sister program, and an output that is no help text, are not taken for the engine."""
    assert probe(recorded(name)).tool is tool


def test_a_flag_is_read_with_its_default_and_type():
    """The help of TensorFlow 1 does not say whether a flag is required."""
    usage = "number of threads"
    assert probe(recorded("help_tf1")).find("num_threads") == ToolFlag(
        "num_threads", "-1", "int32", None, usage
    )
    flags = probe(recorded("help_tf2"))
    assert flags.find("num_threads") == ToolFlag("num_threads", "-1", "int32", False, usage)
    assert flags.find("hexagon_lib_path").default == "/data/local/tmp"
    assert flags.find("graph").default == ""
    assert "use_xnnpack" in flags and "use_cpu" not in flags and flags.find("use_cpu") is None


def test_a_flag_that_is_listed_twice_is_kept_once():
    """TensorFlow 2 lists `num_threads` twice."""
    assert [flag.name for flag in probe(recorded("help_tf2")).flags].count("num_threads") == 1


def test_expanded_tabs_are_read_like_tabs():
    """A terminal may have made blanks of the tabs."""
    text = recorded("help_tf2")
    assert probe(text.expandtabs(8)) == probe(text)
