"""What really ran a model: an accelerator is never credited with what the CPU did."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from android_benchmark import Settings
from android_benchmark.engines import verdict
from android_benchmark.engines.benchmark_model import parse
from tests.support import FIXTURES
from tests.support.benchmark_model import recorded, run

FOLDER = FIXTURES / "benchmark_model"
GPU_LIBRARY = ("libLiteRtClGlAccelerator.so",)


def _lines(text):
    return text.splitlines(keepends=True)


def _judged(output, delegate, libraries=()):
    return verdict.judge(parse(output), Settings(delegate=delegate), libraries)


def _broken(judged):
    return {flag.name: flag.reason for flag in judged.flags if not flag.good}


@pytest.mark.parametrize(
    ("name", "delegate", "backend", "share"),
    [
        ("litert2_gpu_opencl", "gpu", "OpenCL", (395, 395, 1)),
        ("litert2_gpu_opengl", "gpu", "OpenGL", (395, 395, 1)),
        ("litert2_npu_whole", "npu", "Qualcomm HTP", (1166, 1166, 1)),
        ("tf2_20_gpu_profile", "gpu", "OpenCL", (4, 4, 1)),
        ("tf2_20_gpu_opengl", "gpu", "OpenGL", (4, 4, 1)),
        ("tf2_4_gpu", "gpu", "OpenCL", (None, None, None)),
        ("litert2_profile", "xnnpack", "", (1, 1, 1)),
    ],
)
def test_a_delegate_that_ran_all(name, delegate, backend, share):
    """It is named with what it computed with, and nothing is wrong."""
    judged = _judged(recorded(name), delegate)
    assert (judged.delegate, judged.backend) == (delegate, backend)
    assert (judged.nodes, judged.delegated_nodes, judged.partitions) == share
    assert not _broken(judged)


@pytest.mark.parametrize(
    ("name", "delegate", "share", "words"),
    [
        ("litert2_gpu_partial", "gpu", (90, 48, 2), "gpu ran 48 of 90 operators, the CPU the rest"),
        ("litert2_npu_qualcomm", "npu", (3912, 3911, 2), "npu ran 3911 of 3912 operators"),
    ],
)
def test_an_accelerator_that_ran_a_part_fell_back(name, delegate, share, words):
    """The label says how much it was; an NPU's compiler counts operators, its delegate pieces."""
    judged = _judged(recorded(name), delegate)
    assert judged.delegate == delegate
    assert (judged.nodes, judged.delegated_nodes, judged.partitions) == share
    assert words in _broken(judged)["fell_back"]


@pytest.mark.parametrize(
    ("name", "delegate", "words"),
    [
        (
            "litert2_gpu_missing",
            "gpu",
            "gpu was asked for, xnnpack ran the model (GPU accelerator could not be loaded and "
            "registered); put libLiteRtClGlAccelerator.so beside the engine",
        ),
        (
            "litert2_npu_missing",
            "npu",
            "npu was asked for, xnnpack ran the model (Failed to apply compiler plugins: No "
            "compiler plugin found); put libLiteRtDispatch_VENDOR.so",
        ),
        (
            "litert2_npu_vendor_missing",
            "npu",
            'dlopen failed: library "libQnnSystem.so" not found',
        ),
        ("tf2_20_nnapi_fallback", "nnapi", "nnapi was asked for, xnnpack ran the model"),
    ],
)
def test_an_accelerator_that_ran_nothing_is_not_in_the_label(name, delegate, words):
    """XNNPACK did the work, whatever was announced before, and the engine's words say why."""
    judged = _judged(recorded(name), delegate)
    assert (judged.delegate, judged.backend) == ("xnnpack", "")
    assert words in _broken(judged)["fell_back"]


def test_advice_goes_by_the_libraries_that_are_there():
    """One that is there already may lack one of its own."""
    judged = _judged(recorded("litert2_gpu_missing"), "gpu", GPU_LIBRARY)
    assert "one that they need may be missing" in _broken(judged)["fell_back"]


GPU = (
    "Replacing 9 out of 9 node(s) with delegate (LITERT_CL) node, yielding 1 partitions for "
    "subgraph 0 (main)."
)


@pytest.mark.parametrize(
    "line",
    [
        "Fully accelerated: no",
        "Fully accelerated:     False",
        "WARNING: no kernel for CAST: fallback to CPU",
        "WARNING: Conv2D: weights have unsupported properties. Gracefully falling back to CPU.",
        "5 operations will run on the GPU, and the remaining 4 operations will run on the CPU.",
        "Replacing 2 out of 2 node(s) with delegate (TfLiteXNNPackDelegate) node, yielding 1 "
        "partitions for subgraph 1 (other).",
        "Explicitly applied GPU delegate, and the model graph will be partially executed by the "
        "delegate w/ 1 delegate kernels.",
    ],
)
def test_any_word_of_the_cpu_beside_an_accelerator_is_a_fallback(line):
    """Even where the accelerator's own line speaks of all operators."""
    assert "fell_back" in _broken(_judged(run(GPU, line), "gpu"))
    assert not _broken(_judged(run(GPU), "gpu"))


def test_an_accelerator_of_which_nothing_is_said_is_not_confirmed():
    """Silence is no proof."""
    assert list(_broken(_judged(run(), "npu"))) == ["delegate_confirmed"]


def test_a_delegate_that_was_undone_did_not_run():
    """The runtime announces it before it knows whether it works."""
    undone = "ERROR: Restored original execution plan after delegate application failure."
    judged = _judged(run(GPU, undone), "gpu")
    assert judged.delegate == "none"
    assert "the built-in kernels ran the model" in _broken(judged)["fell_back"]


def test_several_subgraphs_count_together():
    """Each has its own line; one that is read a second time is no further subgraph."""
    second = GPU.replace("subgraph 0 (main)", "subgraph 1 (other)").replace("9 out", "7 out")
    judged = _judged(run(GPU, second, GPU), "gpu")
    assert (judged.nodes, judged.delegated_nodes, judged.partitions) == (18, 16, 2)
    assert "gpu ran 16 of 18 operators" in _broken(judged)["fell_back"]


def _took(part, whole, name):
    return (
        f"VERBOSE: Replacing {part} out of {whole} node(s) with delegate ({name}) node, yielding 1 "
        "partitions for subgraph 0 (main)."
    )


EXTERNAL = (
    "INFO: Explicitly applied EXTERNAL delegate, and the model graph will be completely executed "
    "by the delegate."
)
# The tool says so of a graph that is one delegated node already, whoever took it.
XNNPACK_TOO = EXTERNAL.replace("EXTERNAL", "XNNPACK")


@pytest.mark.parametrize("delegate", ["none", "xnnpack", "gpu"])
@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([_took(31, 31, "TfLiteQnnDelegate"), EXTERNAL, XNNPACK_TOO], "TfLiteQnnDelegate"),
        ([EXTERNAL], "EXTERNAL"),
    ],
)
def test_a_delegate_of_another_maker_is_no_cpu(lines, name, delegate):
    """`--engine-flag external_delegate_path=…` must not make an accelerator's figures a CPU's."""
    judged = _judged(run(*lines), delegate)
    assert judged.delegate == name
    assert f"{delegate} was asked for, {name} ran the model" in _broken(judged)["fell_back"]


@pytest.mark.parametrize(
    ("delegate", "own"), [("xnnpack", "TfLiteXNNPackDelegate"), ("gpu", "TfLiteGpuDelegateV2")]
)
def test_what_ran_beside_a_delegate_is_told(delegate, own):
    """Neither label is right for such figures."""
    judged = _judged(run(_took(20, 31, "TfLiteQnnDelegate"), _took(12, 12, own)), delegate)
    assert "TfLiteQnnDelegate the rest" in _broken(judged)["fell_back"]
    judged = _judged(run(_took(1, 31, "TfLiteFlexDelegate"), _took(31, 31, own)), delegate)
    assert bool(_broken(judged)) is (delegate == "gpu")  # TensorFlow's operators run on the CPU


@pytest.mark.parametrize(
    "line",
    [
        "NNAPI accelerators available: [nnapi-reference]",
        "NNAPI accelerator name: [nnapi-reference]",
    ],
)
def test_nnapi_on_the_cpu_is_a_fallback(line):
    """Android's own implementation computes on the CPU, and takes all that it is given."""
    ran = EXTERNAL.replace("EXTERNAL", "NNAPI")
    judged = _judged(run(line, ran), "nnapi")
    assert judged.delegate == "nnapi-reference"
    assert "nnapi was asked for, nnapi-reference ran" in _broken(judged)["fell_back"]
    others = "NNAPI accelerators available: [qti-dsp,nnapi-reference]"
    assert not _broken(_judged(run(others, ran), "nnapi"))


@pytest.mark.parametrize(
    ("adapter", "software"),
    [
        ("llvmpipe (LLVM 19.1.1, 256 bits), arch=, vendor=mesa, adapterType=CPU / Software", True),
        ("SwiftShader Device (Subzero), arch=, vendor=google, adapterType=Integrated GPU", True),
        ("Mali-G715, arch=valhall, vendor=arm, backend=Vulkan, adapterType=Integrated GPU", False),
    ],
)
def test_a_gpu_that_is_played_by_the_cpu_is_none(adapter, software):
    """Android's emulator has such a one, which takes every operator."""
    judged = _judged(run(f"Selected adapter: {adapter}", _took(9, 9, "LITERT_WEBGPU")), "gpu")
    assert (judged.delegate, judged.backend) == ("software-gpu" if software else "gpu", "WebGPU")
    assert ("fell_back" in _broken(judged)) is software


def test_on_the_cpu_litert_has_xnnpack_alone():
    """So no built-in kernels ran, even where XNNPACK's own line is missing."""
    output = recorded("litert2_gpu_missing")
    silent = "".join(line for line in _lines(output) if "Replacing" not in line)
    assert _judged(silent, "gpu").delegate == "xnnpack"


@pytest.mark.parametrize(
    ("line", "delegate", "whole"),
    [
        (
            "Applied GPU delegate, and the model graph will be completely executed w/ the "
            "delegate.",
            "gpu",
            True,
        ),
        (
            "Applied NNAPI delegate, and the model graph will be partially executed w/ the "
            "delegate.",
            "nnapi",
            False,
        ),
        (_took(3409, 3409, "ML_DRIFT_CL"), "gpu", True),
        (GPU.replace("(main)", "(while(body))"), "gpu", True),
        (
            "INFO: Replacing 20 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 3 "
            "partitions.",
            "gpu",
            False,
        ),
    ],
)
def test_words_of_other_versions(line, delegate, whole):
    """TensorFlow 2.0 to 2.2, 2.3 without a total, and LiteRT of 2025."""
    judged = _judged(run(line), delegate)
    assert judged.delegate == delegate
    assert ("fell_back" not in _broken(judged)) is whole
    assert "delegate_confirmed" not in _broken(judged)


LITERT = [recorded(path.stem) for path in sorted(FOLDER.glob("litert2_[gn]pu_*.txt"))]
LINES = sorted({line for text in LITERT for line in text.splitlines(keepends=True)})


@given(
    lines=st.lists(st.sampled_from(LINES), max_size=60) | st.sampled_from(LITERT).map(_lines),
    cut=st.integers(0, 60),
    delegate=st.sampled_from(["gpu", "npu"]),
)
@example(
    lines=[
        "\n",
        "INFO: [compiler_plugin.cc:741] Partitioned subgraph<0>, selected 1166 ops, from a total "
        "of 1166 ops. resulted in 1 partitions.\n",
        "VERBOSE: Replacing 2 out of 3 node(s) with delegate (DispatchDelegate) node, yielding 3 "
        "partitions for subgraph 0 (main).\n",
    ],
    cut=0,
    delegate="npu",
)
@settings(max_examples=200, deadline=None)
def test_no_text_makes_an_accelerator_run_that_took_nothing(lines, cut, delegate):
    """In a verdict without a fault stands a line in which it took all, and none of the CPU's."""
    text = "".join(lines[:cut] + lines[cut + 1 :])
    judged = _judged(text, delegate)
    assert judged.delegated_nodes is None or judged.delegated_nodes <= judged.nodes
    if judged.delegate == delegate and not _broken(judged):
        name = {"gpu": "LITERT_", "npu": "DispatchDelegate"}[delegate]
        taken = re.findall(rf"Replacing (\d+) out of (\d+) .*\({name}", text)
        assert taken and all(part == whole for part, whole in taken[:1])
        assert "(TfLiteXNNPackDelegate)" not in text
