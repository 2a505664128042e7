"""Latency of a model on a device; this computer is one."""

from __future__ import annotations

import datetime
import importlib.metadata
import platform
from pathlib import Path

import android_benchmark
from android_benchmark import DeviceFacts, Flag, RunRules, Settings
from mmnet_deploy.benchmarking.arithmetic import computes_in, require_precision
from mmnet_deploy.benchmarking.outputs import comparison
from mmnet_deploy.benchmarking.outputs.words import how_far
from mmnet_deploy.errors import UsageError
from mmnet_deploy.results.records import Benchmark, OutputDifference
from mmnet_deploy.tflite.card import describe


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
    computed_in = computes_in(model, facts, outcome.engine, settings)
    compared = comparison.compare(model, device, outcome, settings, computed_in)
    difference = _stored(compared)
    flags = [*android_benchmark.judge(outcome.measurement, rules), *outcome.flags]
    if difference and difference.conclusive:
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
        computes_in=computed_in,
        output_difference=difference,
        outputs_not_compared=compared.reason,
        versions={
            "mmnet-deploy": importlib.metadata.version("mmnet-deploy"),
            "python": platform.python_version(),
        },
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
    )


def _stored(compared: comparison.Comparison) -> OutputDifference | None:
    """A comparison as results keep it."""
    found = compared.difference
    if found is None:
        return None
    return OutputDifference(
        found.dtype,
        found.elements,
        found.different,
        found.largest,
        found.agrees,
        mean=found.mean,
        allowed=found.allowed.largest,
        allowed_mean=found.allowed.mean,
        input=compared.input,
        conclusive=found.conclusive,
    )


def _differing(difference: OutputDifference) -> str:
    """How far apart two outputs are, for people."""
    return (
        f"{difference.different} of {difference.elements} output values differ from this "
        f"computer's, {how_far(difference)}"
    )
