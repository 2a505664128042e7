"""The arguments of a run, from the flags that a binary has."""

import pytest

from android_benchmark.engines.benchmark_model import (
    Delegate,
    UnsupportedDelegateError,
    UnsupportedFlagError,
    arguments,
    probe,
)
from android_benchmark.engines.benchmark_model.errors import ArgumentError, UnknownToolError
from tests.support.benchmark_model import recorded


def _arguments(help_name, **changes):
    """The arguments of a run on the CPU, with some of them changed."""
    wanted = {"graph": "/data/m.tflite", "threads": 2, "delegate": Delegate.NONE} | changes
    return arguments(probe(recorded(help_name)), **wanted)


def test_only_what_was_asked_for_is_given():
    """What is None keeps the binary's default."""
    assert _arguments("help_tf2", runs=50, min_duration_s=1.0, profile=True) == [
        "--graph=/data/m.tflite",
        "--num_threads=2",
        "--num_runs=50",
        "--min_secs=1.0",
        "--enable_op_profiling=true",
        "--use_xnnpack=false",
    ]


def test_each_tool_has_its_own_words_for_a_delegate():
    """LiteRT's CPU is switched off where another delegate is asked for."""
    assert _arguments("help_tf2", delegate=Delegate.GPU)[-1] == "--use_gpu=true"
    litert = _arguments("help_litert2", delegate=Delegate.NPU, profile=True)
    assert litert[2:] == ["--use_profiler=true", "--use_npu=true", "--use_cpu=false"]


def test_a_binary_without_xnnpack_needs_no_flag_to_leave_it_out():
    """TensorFlow 1 has nothing to switch off."""
    assert _arguments("help_tf1") == ["--graph=/data/m.tflite", "--num_threads=2"]


def test_what_the_binary_cannot_do_is_refused():
    """A delegate without a flag, a flag that it does not list, and a tool that is another one."""
    with pytest.raises(UnsupportedDelegateError, match="Received: none"):
        _arguments("help_litert2")
    with pytest.raises(UnsupportedFlagError, match="max_secs") as raised:
        _arguments("help_tf1", max_duration_s=1.0)
    assert raised.value.flag == "max_secs"
    with pytest.raises(UnknownToolError, match="Received: unknown with 3 flags"):
        _arguments("help_performance_options")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"threads": 0}, "`threads` must be from 1"),
        ({"runs": 2**31}, "`runs` must be from 1"),
        ({"warmup_runs": -1}, "`warmup_runs` must be from 0"),
        ({"min_duration_s": float("nan")}, "`min_duration_s` must be 0 or more"),
        ({"graph": ""}, "`graph` must be a path"),
        ({"graph": "a\nb"}, "`graph` must be a path"),
        ({"extra": {"num_threads": "3"}}, "`extra` must hold flags that nothing else sets"),
        ({"extra": {"nnapi_accelerator_name": "a\nb"}}, "values of one line"),
    ],
)
def test_values_that_no_binary_could_use_are_refused(change, words):
    """The message names the argument and what was received."""
    with pytest.raises(ArgumentError, match=words):
        _arguments("help_tf2", **change)
