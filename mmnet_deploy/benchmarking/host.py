"""This computer, as a device that measures models."""

from __future__ import annotations

import dataclasses
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import android_benchmark
from android_benchmark import (
    DeviceFacts,
    DeviceState,
    Engine,
    Flag,
    Outcome,
    RunRules,
    Settings,
)
from android_benchmark.phone import features
from mmnet_deploy.errors import UsageError
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.runtime import runtime_name

_CPU = Path("/sys/devices/system/cpu")

_CPUINFO = Path("/proc/cpuinfo")

_X86_KERNELS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx_vnni_int8", "amx_int8")
"""Of the many flags of x86, those that XNNPACK has kernels for."""

HOST_DELEGATES = ("xnnpack", "none")
"""What can run a model on this computer; `none` is the built-in kernels."""


def without_rests(rules: RunRules) -> RunRules:
    """The rules as this computer keeps them, which does not rest between runs."""
    return dataclasses.replace(rules, rest_margin_c=None, rest_max_s=0.0)


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


def _features() -> tuple[str, ...]:
    """What the cores can compute, as `DeviceFacts.features`; empty where Linux does not tell."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return features.FP16_ARITHMETIC  # All of Apple's chips for computers have it.
    flags = _field(_CPUINFO, "flags").split()
    return features.parse(_read(_CPUINFO)) or tuple(f for f in _X86_KERNELS if f in flags)


class Host:
    """This computer, as a device that measures models; see `android_benchmark.Device`."""

    def facts(self) -> DeviceFacts:
        """What this computer is; its network name is left out of results on purpose."""
        processor = _field(_CPUINFO, "model name") or platform.processor()
        processor = processor or platform.machine()
        return DeviceFacts(
            serial="host",
            model=f"this computer ({processor})",
            processor=processor,
            cores=usable_cores(),
            system=f"{platform.system()} {platform.release()} {platform.machine()}",
            features=_features(),
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

    def check(self, settings: Sequence[Settings]) -> None:
        """Make sure that nothing is asked that is for the engines of phones.

        Raises:
            UsageError: A precision or a flag, which the interpreter used here has not.
        """
        for setting in settings:
            option = "--delegate-precision" if setting.precision else "--engine-flag"
            if setting.precision or setting.engine_flags:
                raise UsageError(
                    f"`{option}` must be left out on this computer: the interpreter that runs the "
                    f"models here has no such setting. Received: "
                    f"{setting.precision or setting.engine_flags[0]}."
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
        loaded = TFLiteModel(
            model, settings.threads, delegate=settings.delegate, half_precision=True
        )
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
