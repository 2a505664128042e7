"""What a device is, what it looks like while it measures, and what it must offer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Protocol

from android_benchmark.measurement import Measurement, RunRules


@dataclasses.dataclass(frozen=True)
class DeviceFacts:
    """What stays the same from run to run.

    Attributes:
        serial: How the device is chosen on the command line.
        model: Its name for people, as in a chart's title.
        processor: Model of the CPU or SoC.
        cores: Number of CPU cores that a program may use.
        system: Operating system and its version.
    """

    serial: str
    model: str
    processor: str
    cores: int
    system: str


@dataclasses.dataclass(frozen=True)
class DeviceState:
    """What changes and moves a result; None or empty where it cannot be read.

    Attributes:
        load_1min: Mean number of runnable processes over the last minute.
        governors: Frequency governors in use, without repetition.
        frequencies_khz: Current frequency of each core.
        temperatures_c: Temperature of each thermal zone, by its type.
        free_memory_bytes: Memory available to a new program.
    """

    load_1min: float | None = None
    governors: tuple[str, ...] = ()
    frequencies_khz: tuple[int, ...] = ()
    temperatures_c: dict[str, float] = dataclasses.field(default_factory=dict)
    free_memory_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Engine:
    """The program that runs the model, and the delegate that it runs it with."""

    name: str
    version: str
    delegate: str


class Device(Protocol):
    """Something that can run a model file and time it."""

    def facts(self) -> DeviceFacts:
        """What the device is."""

    def state(self) -> DeviceState:
        """What it looks like now."""

    def measure(self, model: Path, *, threads: int, rules: RunRules) -> tuple[Engine, Measurement]:
        """Run `model` under `rules`; return what ran it, and raw samples."""
