"""Which delegate ran the model, and what it gave back."""

import pytest

from android_benchmark.engines.benchmark_model import Delegate, FailureKind, parse
from android_benchmark.engines.benchmark_model.delegate import (
    Application,
    Delegation,
    Extent,
    Fallback,
    FallbackKind,
    Partition,
)
from android_benchmark.engines.benchmark_model.failure import Failure
from android_benchmark.engines.benchmark_model.report import Dialect
from tests.support.benchmark_model import recorded, run


def test_explicit_delegate():
    """A delegate that was asked for and took a part of the graph is named with its kernels."""
    report = parse(recorded("tf2_20_xnnpack"))
    assert report.applications == (Application("XNNPACK", Extent.PARTIAL, 1),)
    assert report.ran(Delegate.XNNPACK) is True
    assert report.ran(Delegate.GPU) is None


def test_gpu():
    """Delegated nodes are recorded with the total and the partitions."""
    report = parse(recorded("tf2_20_gpu_profile"))
    assert report.delegations == (Delegation("TfLiteGpuDelegateV2", 4, 4, 1, subgraph=0),)
    assert report.fallbacks == ()


def test_second_choice_of_the_gpu_delegate():
    """All nodes are delegated, yet by OpenGL; the reason is among the errors of a good run."""
    report = parse(recorded("tf2_20_gpu_opengl"))
    assert report.delegations == (Delegation("TfLiteGpuDelegateV2", 4, 4, 1, subgraph=0),)
    assert report.fallbacks == (
        Fallback(FallbackKind.BACKEND, "Falling back to OpenGL", Delegate.GPU),
    )
    assert report.failures == (Failure(FailureKind.DELEGATE, "No selector for floor_mod"),)
    assert report.faults == ()
    assert report.ran(Delegate.GPU) is True


def test_silent_fallback():
    """A delegate that took nothing is told, whatever another one took of the graph."""
    report = parse(recorded("tf2_20_nnapi_fallback"))
    assert (report.dialect, report.faults) == (Dialect.TF2_20, ())
    assert report.applications == (Application("NNAPI", Extent.NOTHING),)
    assert [it.kind for it in report.fallbacks] == [FallbackKind.NOT_RUN]
    assert report.delegations == (Delegation("TfLiteXNNPackDelegate", 539, 548, 19),)
    assert report.ran(Delegate.NNAPI) is False
    assert report.ran(Delegate.XNNPACK) is True


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Replacing 1 node(s) with delegate (TfLiteGpuDelegateV2) node, yielding 1 partitions.",
            Delegation("TfLiteGpuDelegateV2", 1, None, 1),
        ),
        (
            "VERBOSE: Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, "
            "yielding 5 partitions for the whole graph.",
            Delegation("TfLiteNnapiDelegate", 5, 64, 5),
        ),
        (
            "INFO: Replacing 7 out of 9 node(s) with delegate (LITERT_CL) node, "
            "yielding 3 partitions for subgraph 2.",
            Delegation("LITERT_CL", 7, 9, 3, 2),
        ),
        (
            "VERBOSE: Replacing 7 out of 9 node(s) with delegate (LITERT_CL) node, "
            "yielding 3 partitions for subgraph 0 (prefill_128).",
            Delegation("LITERT_CL", 7, 9, 3, 0),
        ),
        (
            "Replacing 518 out of 518 node(s) with delegate (TfLiteQnnDelegate) node",
            Delegation("TfLiteQnnDelegate", 518, 518),
        ),
    ],
)
def test_wordings_of_delegation(line, expected):
    """The line grew a total and a subgraph over time."""
    assert parse(run(line)).delegations == (expected,)


def test_delegation_that_was_cut():
    """A number of partitions without what follows it is not taken, nor the line."""
    line = "Replacing 5 out of 64 node(s) with delegate (A) node, yielding 1"
    assert parse(run(line)).delegations == ()


def test_two_delegates():
    """Each delegate has its line; the second finds what the first left."""
    lines = [
        "Replacing 5 out of 64 node(s) with delegate (TfLiteNnapiDelegate) node, "
        "yielding 5 partitions for the whole graph.",
        "Replacing 59 out of 62 node(s) with delegate (TfLiteXNNPackDelegate) node, "
        "yielding 5 partitions for the whole graph.",
    ]
    report = parse(run(*lines))
    assert [(it.nodes, it.total_nodes) for it in report.delegations] == [(5, 64), (59, 62)]
    assert report.ran(Delegate.NNAPI) is report.ran(Delegate.XNNPACK) is True


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("GPU acceleration is unsupported on this platform.", FallbackKind.NOT_RUN),
        ("WARN: NNAPI acceleration is unsupported on this platform.", FallbackKind.NOT_RUN),
        (
            "Could not create Hexagon delegate: platform may not support delegate or required "
            "libraries are missing",
            FallbackKind.NOT_RUN,
        ),
        (
            "ERROR: Following operations are not supported by GPU delegate:",
            FallbackKind.PARTIAL,
        ),
        (
            "130 operations will run on the GPU, and the remaining 114 operations will run on "
            "the CPU.",
            FallbackKind.PARTIAL,
        ),
    ],
)
def test_notices_of_fallback(line, kind):
    """Whatever the stream and the severity, a notice is a fallback and no mere warning."""
    report = parse(run(), f"{line}\n")
    assert [it.kind for it in report.fallbacks] == [kind]
    assert (report.warnings, report.failures) == ((), ())


def test_missing_delegate_did_not_run():
    """Of a delegate that the platform lacks, the run is not."""
    report = parse(run("GPU acceleration is unsupported on this platform."))
    assert report.ran(Delegate.GPU) is False


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "Partitioned subgraph<0>, selected 3911 ops, from a total of 3912 ops. resulted in 2 "
            "partitions.",
            Partition(3911, 3912, 2, 0),
        ),
        (
            "Partitioned subgraph<1>, selected 7 ops, from a total of 7 ops",
            Partition(7, 7, None, 1),
        ),
    ],
)
def test_what_the_compiler_of_an_npu_took(line, expected):
    """Its line came without the number of pieces once."""
    assert parse(run(f"INFO: [compiler_plugin.cc:741] {line}")).partitions == (expected,)


def test_a_compiler_that_took_more_than_there_is():
    """Such a line is damaged, and the output in doubt."""
    line = "Partitioned subgraph<0>, selected 9 ops, from a total of 8 ops"
    assert parse(run(line)).doubts


@pytest.mark.parametrize(
    ("lines", "delegate", "name"),
    [
        (["Initialized OpenCL-based API."], Delegate.GPU, "OpenCL"),
        (["Initialized OpenCL-based API from serialized data."], Delegate.GPU, "OpenCL"),
        (["Falling back to OpenGL", "Initialized OpenGL-based API."], Delegate.GPU, "OpenGL"),
        (["Initializing WebGPU-based API from graph."], Delegate.GPU, "WebGPU"),
        (["Dispatch API vendor ID: MediaTek"], Delegate.NPU, "MediaTek"),
        (["  BackendType              : Htp(2)"], Delegate.NPU, "Qualcomm HTP"),
        (["NNAPI accelerator name: [qti-gpu]"], Delegate.NNAPI, "qti-gpu"),
        (["NNAPI accelerator name: []"], Delegate.NNAPI, ""),
        (["Initialized OpenCL-based API."], Delegate.NPU, ""),
    ],
)
def test_what_an_accelerator_computes_with(lines, delegate, name):
    """The engine's own words for it; the last of several counts."""
    assert parse(run(*lines)).backend(delegate) == name


def test_words_about_one_accelerator_are_none_about_another():
    """LiteRT registers all that it knows, whichever was asked for."""
    report = parse(recorded("litert2_gpu_missing"))
    assert report.ran(Delegate.GPU) is report.ran(Delegate.NPU) is False
    assert report.ran(Delegate.XNNPACK) is True
