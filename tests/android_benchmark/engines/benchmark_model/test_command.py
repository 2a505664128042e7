"""The arguments of a run, from the flags that a binary has."""

import pytest

from android_benchmark.engines.benchmark_model import (
    Delegate,
    UnsupportedDelegateError,
    UnsupportedFlagError,
    arguments,
    delegates,
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
        ({"extra": {"num_threads": "3"}}, "nothing else sets; `--threads` sets `num_threads`"),
        ({"extra": {"use_gpu": "true"}}, "`--delegate` sets `use_gpu`"),
        ({"extra": {"dry_run": "true"}}, "must leave the figures as they are"),
        ({"extra": {"nnapi_accelerator_name": "a\nb"}}, "must be one line"),
        ({"precision": "bf16"}, "`precision` must be fp16 or fp32"),
    ],
)
def test_values_that_no_binary_could_use_are_refused(change, words):
    """The message names the argument and what was received."""
    with pytest.raises(ArgumentError, match=words):
        _arguments("help_tf2", **change)


def test_a_binary_offers_the_delegates_that_its_help_lists():
    """The rest is refused with the list, `nnapi` of an engine of LiteRT 2 among it."""
    assert [it.value for it in delegates(probe(recorded("help_litert2_3")))] == [
        "xnnpack",
        "gpu",
        "npu",
    ]
    assert delegates(probe(recorded("help_performance_options"))) == ()
    with pytest.raises(UnsupportedDelegateError, match="one of xnnpack, gpu, npu with this engine"):
        _arguments("help_litert2_3", delegate=Delegate.NNAPI)


@pytest.mark.parametrize(
    ("help_name", "delegate", "flag"),
    [
        ("help_tf2_20", Delegate.XNNPACK, "xnnpack_force_fp16"),
        ("help_tf2_20", Delegate.GPU, "gpu_precision_loss_allowed"),
        ("help_tf2_20", Delegate.NNAPI, "nnapi_allow_fp16"),
        ("help_litert2_3", Delegate.GPU, "allow_fp16"),
    ],
)
def test_each_tool_has_its_own_words_for_a_precision(help_name, delegate, flag):
    """A flag that allows half precision, or does not."""
    for precision, value in (("fp16", "true"), ("fp32", "false")):
        words = _arguments(help_name, delegate=delegate, precision=precision)
        assert f"--{flag}={value}" in words


@pytest.mark.parametrize(
    ("help_name", "delegate", "words"),
    [
        (
            "help_litert2_3",
            Delegate.XNNPACK,
            "for gpu only.* or leave the option out, since XNNPACK computes in half precision "
            "where the file allows it",
        ),
        ("help_litert2", Delegate.GPU, "for gpu, and this one has none at all"),
        ("help_tf2_20", Delegate.NONE, "for none, and this one has one for"),
    ],
)
def test_a_precision_that_the_binary_cannot_choose_is_refused(help_name, delegate, words):
    """The message says for which delegates it could."""
    with pytest.raises(UnsupportedFlagError, match=words):
        _arguments(help_name, delegate=delegate, precision="fp16")


def test_without_a_flag_the_file_decides_on_a_cpu():
    """Who wants single precision is not sent to a file that allows half."""
    with pytest.raises(UnsupportedFlagError, match="single precision unless the file allows half"):
        _arguments("help_litert2_3", delegate=Delegate.XNNPACK, precision="fp32")


def test_the_libraries_of_an_npu_are_looked_for_where_they_lie():
    """The flags are given where the binary has them, and a further flag goes before."""
    npu = {"delegate": Delegate.NPU, "libraries": "/data/e"}
    folders = [word for word in _arguments("help_litert2_3", **npu) if "/data/e" in word]
    assert folders == ["--dispatch_library_path=/data/e", "--compiler_plugin_library_path=/data/e"]
    assert "--dispatch_library_path=/data/e" in _arguments("help_litert2", **npu)
    own = _arguments("help_litert2_3", extra={"dispatch_library_path": "/vendor"}, **npu)
    assert "--dispatch_library_path=/vendor" in own
    gpu = _arguments("help_litert2_3", delegate=Delegate.GPU, libraries="/data/e")
    assert not any("/data/e" in word for word in gpu)


def test_a_further_flag_that_the_binary_lacks_is_refused():
    """The message names those that are spelt nearly so, and older engines."""
    with pytest.raises(UnsupportedFlagError, match=r"similar ones: gpu_backend.*an older one"):
        _arguments("help_litert2_3", delegate=Delegate.GPU, extra={"gpu_backends": "cl"})
    words = _arguments("help_litert2_3", delegate=Delegate.GPU, extra={"gpu_backend": "webgpu"})
    assert words[-1] == "--gpu_backend=webgpu"
