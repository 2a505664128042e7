"""Latency of a model on a device; this computer is one."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

import android_benchmark
from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    Outcome,
    Output,
    RunRules,
    Settings,
)
from android_benchmark.engines.tflbench import compare_outputs, noise
from mmnet_deploy.errors import MissingDependencyError, ModelFileError, UsageError
from mmnet_deploy.results.records import Benchmark, OutputDifference
from mmnet_deploy.tflite.interpreter import (
    TFLiteModel,
    describe,
    runtime_name,
    tensor_bytes,
    usable_cores,
)

_CPU = Path("/sys/devices/system/cpu")
_FAR = sys.float_info.max
"""How far an output that is not a number is from one that is: JSON has no infinity."""

HOST_DELEGATES = ("xnnpack", "none")
"""What can run a model on this computer; `none` is the built-in kernels."""


def _read(path: Path) -> str:
    """Content of a small system file; empty where there is none."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _field(path: Path, name: str) -> str:
    """The value after `name:` in a system file of such lines; empty if there is none."""
    for line in _read(path).splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


class Host:
    """This computer, as a device that measures models; see `android_benchmark.Device`."""

    def facts(self) -> DeviceFacts:
        """What this computer is; its network name is left out of results on purpose."""
        processor = _field(Path("/proc/cpuinfo"), "model name") or platform.processor()
        processor = processor or platform.machine()
        return DeviceFacts(
            serial="host",
            model=f"this computer ({processor})",
            processor=processor,
            cores=usable_cores(),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
        )

    def state(self) -> DeviceState:
        """Load, frequencies, temperatures and memory, as far as they can be read."""
        try:
            load = os.getloadavg()[0]
        except (OSError, AttributeError):
            load = None
        policies = sorted(_CPU.glob("cpu[0-9]*/cpufreq"))
        frequencies = [_read(policy / "scaling_cur_freq") for policy in policies]
        temperatures = {
            _read(zone / "type"): int(_read(zone / "temp")) / 1000
            for zone in sorted(Path("/sys/class/thermal").glob("thermal_zone*"))
            if _read(zone / "temp").lstrip("-").isdigit()
        }
        free_kib = _field(Path("/proc/meminfo"), "MemAvailable").removesuffix("kB").strip()
        return DeviceState(
            load_1min=load,
            governors=tuple(sorted({_read(policy / "scaling_governor") for policy in policies})),
            frequencies_khz=tuple(int(value) for value in frequencies if value.isdigit()),
            temperatures_c=temperatures,
            free_memory_bytes=int(free_kib) * 1024 if free_kib.isdigit() else None,
        )

    def measure(self, model: Path, settings: Settings, rules: RunRules) -> Outcome:
        """Time a model on seeded noise in this process; it is not pinned to cores.

        Raises:
            UsageError: This computer has no such delegate.
            ModelFileError: It cannot be loaded, or does not run on noise.
        """
        if settings.delegate not in HOST_DELEGATES:
            raise UsageError(
                f"`delegate` must be {' or '.join(HOST_DELEGATES)} on this computer. "
                f"Received: {settings.delegate}."
            )
        loaded = TFLiteModel(model, settings.threads, delegate=settings.delegate)
        loaded.fill_inputs()
        name, _, version = runtime_name().partition(" ")
        before = self.state()
        measurement = android_benchmark.measure(loaded.invoke, rules)
        fell_back = loaded.delegate != settings.delegate
        return Outcome(
            engine=Engine(name, version, loaded.delegate, settings.delegate),
            measurement=measurement,
            before=before,
            after=self.state(),
            flags=(
                Flag(
                    "fell_back",
                    fell_back,
                    f"{settings.delegate} was asked for, {loaded.delegate} ran it"
                    if fell_back
                    else "",
                    wanted=False,
                ),
            ),
        )

    def rest(self, rules: RunRules) -> None:
        """Nothing: its rests would only be pauses, since its sensors are rarely readable."""

    def close(self) -> None:
        """Nothing was changed."""


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
        UsageError: More threads than cores, or fewer than one.
        ModelFileError: The model cannot be loaded.
        HarnessError: The device cannot run it.
    """
    facts = device.facts()
    check_threads(settings.threads, facts)
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
