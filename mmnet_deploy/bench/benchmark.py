"""Latency of a model on a device; this computer is one."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import android_benchmark
from android_benchmark import (
    DeviceFacts,
    Flag,
    Outcome,
    Output,
    RunRules,
    Settings,
)
from android_benchmark.engines.tflbench import compare_outputs, noise
from mmnet_deploy.bench.arithmetic import computes_in, require_precision
from mmnet_deploy.bench.host import HOST_DELEGATES
from mmnet_deploy.errors import MissingDependencyError, ModelFileError, UsageError
from mmnet_deploy.results.records import Benchmark, OutputDifference
from mmnet_deploy.tflite.card import describe
from mmnet_deploy.tflite.interpreter import TFLiteModel, tensor_bytes

_FAR = sys.float_info.max
"""How far an output that is not a number is from one that is: JSON has no infinity."""


def check_threads(threads: int, facts: DeviceFacts) -> None:
    """Refuse more threads than a device has cores.

    Raises:
        UsageError: Or fewer than one.
    """
    if not 1 <= threads <= facts.cores:
        raise UsageError(
            f"`threads` must be 1 … {facts.cores}, the cores of {facts.model}. Received: {threads}."
        )


def benchmark(
    model: Path, device: android_benchmark.Device, *, settings: Settings, rules: RunRules
) -> Benchmark:
    """Measure one model on one device.

    Raises:
        UsageError: More threads than cores, or fewer than one, or a precision that this file does
            not leave to choose.
        ModelFileError: The model cannot be loaded.
        HarnessError: The device cannot run it.
    """
    facts = device.facts()
    check_threads(settings.threads, facts)
    require_precision(model, settings)
    described = describe(model)
    outcome = device.measure(model, settings, rules)
    difference = output_difference(model, outcome)
    flags = [*android_benchmark.judge(outcome.measurement, rules), *outcome.flags]
    if difference:
        reason = "" if difference.agrees else _differing(difference)
        flags.append(Flag("output_agrees", difference.agrees, reason))
    return Benchmark(
        model=described,
        device=facts,
        engine=outcome.engine,
        threads=settings.threads,
        rules=rules,
        measurement=outcome.measurement,
        flags=tuple(flags),
        before=outcome.before,
        after=outcome.after,
        cores=outcome.cores,
        cores_wanted=settings.cores,
        init_us=outcome.init_us,
        peak_memory_bytes=outcome.peak_memory_bytes,
        profile=outcome.profile,
        profiling=settings.profile,
        delegate_precision=settings.precision,
        engine_flags=settings.engine_flags,
        computes_in=computes_in(model, facts, outcome.engine, settings),
        output_difference=difference,
        versions={
            "mmnet-deploy": importlib.metadata.version("mmnet-deploy"),
            "python": platform.python_version(),
        },
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
    )


def _differing(difference: OutputDifference) -> str:
    """How far apart two outputs are, for people."""
    unit = "" if difference.dtype.startswith("float") else " quantization steps"
    far = (
        f"by up to {difference.largest:.3g}{unit}"
        if difference.largest < _FAR
        else "some beyond measure: they are no numbers, or of another type or size"
    )
    return (
        f"{difference.different} of {difference.elements} output values differ from this "
        f"computer's, {far}"
    )


def output_difference(model: Path, outcome: Outcome) -> OutputDifference | None:
    """How far what a device computed is from what this computer computes, on equal noise.

    None where the engine hands out nothing, or where there is nothing to compare with: no
    runtime on this computer that runs the model, or a type that cannot be compared. Both use
    the same delegate, since the built-in kernels round otherwise than XNNPACK's.
    """
    if not outcome.outputs:
        return None
    delegate = outcome.engine.delegate if outcome.engine.delegate in HOST_DELEGATES else "xnnpack"
    try:
        loaded = TFLiteModel(model, delegate=delegate)
        loaded.set_inputs(
            [noise(tensor["dtype"].__name__, tensor_bytes(tensor)) for tensor in loaded.inputs]
        )
        loaded.invoke()
    except (ModelFileError, MissingDependencyError, ValueError):
        return None  # the measurement stands without it
    mine = [Output(tensor["dtype"].__name__, data) for tensor, data in loaded.raw_outputs()]
    return _worst(mine, outcome.outputs)


def _worst(mine: Sequence[Output], theirs: Sequence[Output]) -> OutputDifference | None:
    """The largest difference of all output tensors; counts are sums over them.

    Outputs of other types or sizes than this computer's differ in every value.
    """
    if [(o.dtype, len(o.content)) for o in mine] != [(o.dtype, len(o.content)) for o in theirs]:
        values = sum(len(output.content) // np.dtype(output.dtype).itemsize for output in mine)
        return OutputDifference(mine[0].dtype, values, values, _FAR, False)
    try:
        found = [
            compare_outputs(left.content, right.content, left.dtype)
            for left, right in zip(mine, theirs, strict=True)
        ]
    except ValueError:
        return None
    worst = max(found, key=lambda difference: (not difference.agrees, difference.largest))
    return OutputDifference(
        worst.dtype,
        sum(difference.elements for difference in found),
        sum(difference.different for difference in found),
        min(worst.largest, _FAR),
        worst.agrees,
    )
