"""Latency on this computer."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

import android_benchmark
from android_benchmark import DeviceFacts, DeviceState, Engine, Measurement, RunRules
from mmnet_deploy.errors import UsageError
from mmnet_deploy.records import Benchmark
from mmnet_deploy.runtime import TFLiteModel, describe, runtime_name, usable_cores

_CPU = Path("/sys/devices/system/cpu")


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

    def measure(self, model: Path, *, threads: int, rules: RunRules) -> tuple[Engine, Measurement]:
        """Time a model on seeded noise in this process.

        Raises:
            ModelFileError: It cannot be loaded, or does not run on noise.
        """
        loaded = TFLiteModel(model, threads)
        loaded.fill_inputs()
        name, _, version = runtime_name().partition(" ")
        engine = Engine(name, version, loaded.delegate)
        return engine, android_benchmark.measure(loaded.invoke, rules)


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
    model: Path, device: android_benchmark.Device, *, threads: int, rules: RunRules
) -> Benchmark:
    """Measure one model on one device.

    Raises:
        UsageError: More threads than cores, or fewer than one.
        ModelFileError: The model cannot be loaded.
    """
    facts = device.facts()
    check_threads(threads, facts)
    described = describe(model)
    before = device.state()
    engine, measurement = device.measure(model, threads=threads, rules=rules)
    return Benchmark(
        model=described,
        device=facts,
        engine=engine,
        threads=threads,
        rules=rules,
        measurement=measurement,
        flags=android_benchmark.judge(measurement, rules),
        before=before,
        after=device.state(),
        versions={
            "mmnet-deploy": importlib.metadata.version("mmnet-deploy"),
            "python": platform.python_version(),
        },
        created_at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds"),
    )
