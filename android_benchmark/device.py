"""What a device is, what it looks like while it measures, and what it must offer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from android_benchmark.measurement import Flag, Measurement
from android_benchmark.rules import RunRules


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """What stays the same from run to run.

    Attributes:
        serial: How the device is chosen on the command line.
        model: Its name for people, as in a chart's title.
        processor: Model of the CPU or SoC.
        cores: Number of CPU cores that a program may use.
        system: Operating system and its version.
        abi: Android's name of its instruction set, such as `arm64-v8a`.
        sdk: Android's API level; None where it is no Android.
        build: Android's build fingerprint.
        kernel: Release of the kernel.
        max_frequencies_khz: Highest frequency of each core, in the order of their numbers;
            0 for a core that is off.
        emulated: Whether it is no real phone, so that its times mean nothing.
        features: Extensions of the instruction set that every core has, by the names of
            /proc/cpuinfo, such as `asimdhp` for fp16 arithmetic; empty if unknown.
    """

    serial: str
    model: str
    processor: str
    cores: int
    system: str
    abi: str = ""
    sdk: int | None = None
    build: str = ""
    kernel: str = ""
    max_frequencies_khz: tuple[int, ...] = ()
    emulated: bool = False
    features: tuple[str, ...] = ()

    @property
    def fp16_arithmetic(self) -> bool | None:
        """Whether XNNPACK can compute in float16 on all of its cores; None if that is not known.

        It does so on ARM alone (`xnn_is_f16_supported_natively` in XNNPACK's
        `src/xnnpack/hardware-config.h`). Kernels do not tell 32-bit programs of it.
        """
        if {"fphp", "asimdhp"} <= set(self.features):
            return True
        if self.abi.startswith("armeabi"):
            return None
        return False if self.features or self.abi.startswith("x86") else None


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """What changes and moves a result; None or empty where it cannot be read.

    Attributes:
        load_1min: Mean number of runnable processes over the last minute.
        governors: Frequency governors in use, without repetition.
        frequencies_khz: Current frequency of each core, 0 for one that is off.
        frequency_limits_khz: Highest frequency that each core may take now; a device that
            throttles lowers it.
        temperatures_c: Temperature of each thermal zone, by its type.
        thermal_status: Android's own verdict, from 0 (none) to 6 (shutdown), since Android 10.
        battery_percent, battery_c: Charge and temperature of the battery.
        charging: Whether it is plugged in.
        screen_on: Whether the screen is on.
        free_memory_bytes: Memory available to a new program.
    """

    load_1min: float | None = None
    governors: tuple[str, ...] = ()
    frequencies_khz: tuple[int, ...] = ()
    frequency_limits_khz: tuple[int, ...] = ()
    temperatures_c: dict[str, float] = dataclasses.field(default_factory=dict)
    thermal_status: int | None = None
    battery_percent: float | None = None
    battery_c: float | None = None
    charging: bool | None = None
    screen_on: bool | None = None
    free_memory_bytes: int | None = None


DELEGATES = ("xnnpack", "none", "gpu", "nnapi", "hexagon", "npu")
"""What can be asked to run a model; `none` is the runtime's built-in CPU kernels."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a model is to be run.

    Attributes:
        threads: CPU threads of the engine.
        delegate: One of `DELEGATES`.
        cores: `big`, `little`, `all`, or a mask in hexadecimal digits; empty on a device that
            pins nothing.
        profile: Whether to time each operator too, which takes longer.
        precision: `fp16` or `fp32`, what the delegate is to compute in; empty leaves it to the
            engine.
        engine_flags: Further flags of the engine's own, each as `NAME=VALUE`, in order.
    """

    threads: int = 1
    delegate: str = "xnnpack"
    cores: str = "big"
    profile: bool = False
    precision: str = ""
    engine_flags: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Engine:
    """The program that ran the model, and the delegate that it ran it with.

    Attributes:
        delegate: What ran it: the delegate that was asked for, or, after a fallback, `none` or
            the one that took its place.
        requested: The delegate that was asked for; empty where nothing was.
        nodes, delegated_nodes, partitions: How much of the graph the delegate took; None
            where the engine does not tell.
        sha256: Hash of the program.
        release: The release that the program is of, such as `2.3.0`; empty if unknown.
        origin: Where the program came from: an address, or words such as `built here`.
        libraries: SHA-256 of each library that was pushed beside the program, by its name.
        backend: What an accelerator ran on, in the engine's own words, such as `OpenCL`.
    """

    name: str
    version: str
    delegate: str
    requested: str = ""
    nodes: int | None = None
    delegated_nodes: int | None = None
    partitions: int | None = None
    sha256: str = ""
    release: str = ""
    origin: str = ""
    libraries: Mapping[str, str] = dataclasses.field(default_factory=dict, hash=False)
    backend: str = ""


@dataclasses.dataclass(frozen=True)
class OperatorTime:
    """Mean time of one operator in one inference, in microseconds."""

    name: str
    kind: str
    time_us: float
    calls: int = 1


@dataclasses.dataclass(frozen=True)
class Output:
    """An output tensor that the device computed.

    Attributes:
        dtype: Numpy's name of its type.
        content: Its bytes, little-endian.
    """

    dtype: str
    content: bytes = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Everything that one run of a model on a device brought back.

    Attributes:
        engine: What ran it.
        measurement: Samples, or the engine's statistics of them.
        before, after: The device around the run.
        cores: Numbers of the cores that the program was pinned to; empty if it was not.
        flags: What the device itself can judge of the result's validity.
        init_us: Loading the model and preparing it.
        peak_memory_bytes: Greatest resident memory of the engine's process.
        profile: Time of the operators, in the order that they ran.
        outputs: What the model computed from the engine's own noise, where it hands that out.
    """

    engine: Engine
    measurement: Measurement
    before: DeviceState
    after: DeviceState
    cores: tuple[int, ...] = ()
    flags: tuple[Flag, ...] = ()
    init_us: float | None = None
    peak_memory_bytes: int | None = None
    profile: tuple[OperatorTime, ...] = ()
    outputs: tuple[Output, ...] = ()


@dataclasses.dataclass(frozen=True)
class Port:
    """An output that a model is asked for.

    Attributes:
        name: As the model's signature calls it.
        dtype: Numpy's name of its type.
        size_bytes: Size of all its values.
    """

    name: str
    dtype: str
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Ports:
    """What a model is given, and what it is asked for.

    Attributes:
        inputs: Bytes, little-endian, of every input, by the name that the model's signature has
            for it, in the model's own order.
        outputs: In the model's own order.
    """

    inputs: Mapping[str, bytes]
    outputs: tuple[Port, ...]


@dataclasses.dataclass(frozen=True)
class Computed:
    """What a device computed from given inputs.

    Attributes:
        outputs: In the order of `Ports.outputs`.
        delegated: Whether the delegate that was asked for ran any of the model; None where the
            engine does not say.
    """

    outputs: tuple[Output, ...]
    delegated: bool | None = None


@runtime_checkable
class ComputingDevice(Protocol):
    """A device that hands out what a model computes from given inputs."""

    def compute(
        self, model: Path, settings: Settings, ports: Ports, *, keep: bool = True
    ) -> Computed:
        """Run `model` once, untimed.

        Args:
            model: The file.
            settings: Delegate, its precision, and flags of the engine's own.
            ports: What goes in, and what comes out.
            keep: Whether the file may stay on the device for later runs.

        Raises:
            NoOutputsError: The engine cannot hand out outputs, or not with these settings.
            HarnessError: The device cannot run the model.
        """


class Device(Protocol):
    """Something that can run a model file and time it."""

    def facts(self) -> DeviceFacts:
        """What the device is."""

    def check(self, settings: Sequence[Settings]) -> None:
        """Make sure that it can do what is asked, before anything is measured."""

    def measure(self, model: Path, settings: Settings, rules: RunRules) -> Outcome:
        """Run `model` under `rules` and return what it brought back."""

    def rest(self, rules: RunRules) -> None:
        """Let the device cool down before the next run, as `rules` say."""

    def close(self) -> None:
        """Put back whatever was changed on the device."""
