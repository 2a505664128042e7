"""Error lines and the fault that each points to."""

import pytest

from android_benchmark.engines.benchmark_model import FailureKind, parse
from tests.support.benchmark_model import recorded, run


def test_missing_model():
    """The chain of errors is kept in order, the cause first."""
    report = parse(recorded("tf2_20_model_missing"))
    assert [it.kind for it in report.failures] == [
        FailureKind.MODEL_MISSING,
        FailureKind.MODEL_INVALID,
        FailureKind.MODEL_INVALID,
        FailureKind.RUN,
    ]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("sh: /data/local/tmp/benchmark_model: not found", FailureKind.ENGINE),
        ("/system/bin/sh: ./benchmark_model: inaccessible or not found", FailureKind.ENGINE),
        ("taskset: exec ./benchmark_model: Permission denied", FailureKind.ENGINE),
        (
            'CANNOT LINK EXECUTABLE "./benchmark_model": library "libc++_shared.so" not found',
            FailureKind.ENGINE,
        ),
        (
            "ERROR: Failed to parse flag 'num_threads' against argv '--num_threads=x'",
            FailureKind.FLAG,
        ),
        ("ERROR: usage: ./benchmark_model <flags>", FailureKind.FLAG),
        (
            "ERROR: Model provided has model identifier 'PK..', should be 'TFL3'",
            FailureKind.MODEL_INVALID,
        ),
        (
            "ERROR: Didn't find op for builtin opcode 'CONV_2D' version '9'. An older version of "
            "this builtin might be supported.",
            FailureKind.OPERATOR,
        ),
        ("ERROR: Encountered unresolved custom op: MyOp.", FailureKind.OPERATOR),
        ("ERROR: Disallowed CPU fallback detected.", FailureKind.DELEGATE),
        ("ERROR: TfLiteGpuDelegate Prepare: delegate is not initialized", FailureKind.DELEGATE),
        ("ERROR: [litert/runtime/a.cc:7] Failed to compile model.", FailureKind.RUN),
        ("E0000 00:00:1758.5 62590 kernel.cc:51] accelerator is gone", FailureKind.DELEGATE),
        ("ERROR: Error: CL_OUT_OF_RESOURCES", FailureKind.MEMORY),
        ("terminating with uncaught exception of type std::bad_alloc", FailureKind.MEMORY),
        ("Killed", FailureKind.MEMORY),
        ("Segmentation fault", FailureKind.CRASH),
        ("Aborted", FailureKind.CRASH),
        ("ERROR: Failed to allocate tensors!", FailureKind.RUN),
        ("Benchmarking failed.", FailureKind.RUN),
        ("FATAL: something new", FailureKind.OTHER),
    ],
)
def test_kinds_of_failure(line, kind):
    """Marked as an error or not, a line that tells of a known fault is classified."""
    assert [it.kind for it in parse("", f"{line}\n").failures] == [kind]


@pytest.mark.parametrize(
    "line",
    [
        "Going to apply 0 delegates one after another.",
        "INFO: Created TensorFlow Lite delegate for GPU.",
        "INFO: push: done",
        "VERBOSE: Failed to load model hints",
        "Loaded model /data/local/tmp/Benchmarking failed.tflite",
    ],
)
def test_harmless_lines(line):
    """Words of errors in other lines make no error of them."""
    report = parse(run(line))
    assert (report.failures, report.warnings, report.fallbacks) == ((), (), ())
