"""The chip: its cores, what they run at, and how warm they get.

Two things move the values: programs that run (the chip warms up towards `BUSY_RISE_C`
and cools down again, exponentially), and the faults `Throttle` and `ChangeGovernor`.
It gives a harness values to read and is no thermal model of any real phone.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable
from typing import TypeVar

from android_benchmark.emulator.device.profile import PhoneProfile
from android_benchmark.emulator.faults import ChangeGovernor, Faults, Throttle

CPU = "/sys/devices/system/cpu"
THERMAL = "/sys/class/thermal"
BUSY_RISE_C = 20.0
TIME_CONSTANT_S = 60.0
T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Core:
    """One CPU core and the frequencies that it can run at."""

    index: int
    min_khz: int
    max_khz: int
    governor: str


@dataclasses.dataclass(frozen=True)
class Zone:
    """One temperature sensor.

    Attributes:
        index: Its number in /sys.
        kind: Its name.
        idle: What it reads on an idle phone, in its own unit.
        per_degree: Units to a degree: vendors use 1, 10 and 1000, often on one phone.
    """

    index: int
    kind: str
    idle: int
    per_degree: int

    @property
    def idle_c(self) -> float:
        """What it reads on an idle phone, in degrees Celsius."""
        return self.idle / self.per_degree


class Soc:
    """The state of the chip at this moment."""

    def __init__(self, profile: PhoneProfile, faults: Faults, clock: Callable[[], float]) -> None:
        self._faults = faults
        self._clock = clock
        self.cores = _cores(profile)
        self.zones = _zones(profile)
        self._busy = 0
        self._rise_c = 0.0
        self._then_s = clock()

    def start_work(self) -> None:
        """Note that a program began to use the cores."""
        self._advance()
        self._busy += 1

    def end_work(self) -> None:
        """Note that it ended."""
        self._advance()
        self._busy -= 1

    @property
    def rise_c(self) -> float:
        """How much warmer than idle the chip is, in kelvin."""
        self._advance()
        throttle = self._faults.get(Throttle)
        if not throttle:
            return self._rise_c
        target_c = throttle.temperature_c - max(zone.idle_c for zone in self.zones)
        return self._rise_c + (target_c - self._rise_c) * self._progress(throttle)

    @property
    def hottest_c(self) -> float:
        """The highest temperature, in degrees Celsius."""
        return max(zone.idle_c for zone in self.zones) + self.rise_c

    @property
    def frequency_share(self) -> float:
        """Which share of their highest frequency the cores may run at."""
        throttle = self._faults.get(Throttle)
        if not throttle:
            return 1.0
        return 1.0 + (throttle.frequency_share - 1.0) * self._progress(throttle)

    @property
    def status(self) -> int:
        """Android's thermal status: 0 none, 1 light, 2 moderate, 3 severe, 4 critical."""
        return sum(self.frequency_share < share for share in (1.0, 0.9, 0.7, 0.4))

    def governor(self, core: Core) -> str:
        """The frequency governor in force."""
        change = self._faults.get(ChangeGovernor)
        if change and self._faults.age_s(ChangeGovernor) >= change.after_s:
            return change.governor
        return core.governor

    def max_khz(self, core: Core) -> int:
        """The highest frequency allowed now."""
        return max(core.min_khz, int(core.max_khz * self.frequency_share))

    def current_khz(self, core: Core) -> int:
        """The frequency now."""
        governor = self.governor(core)
        fast = governor == "performance" or (self._busy and governor != "powersave")
        return self.max_khz(core) if fast else core.min_khz

    def dynamic_files(self) -> dict[str, Callable[[], str]]:
        """The files under /sys whose content changes."""
        files: dict[str, Callable[[], str]] = {}
        for core in self.cores:
            folder = f"{CPU}/cpu{core.index}/cpufreq"
            files[f"{folder}/scaling_governor"] = _line(self.governor, core)
            files[f"{folder}/scaling_cur_freq"] = _line(self.current_khz, core)
            files[f"{folder}/scaling_max_freq"] = _line(self.max_khz, core)
        for zone in self.zones:
            files[f"{THERMAL}/thermal_zone{zone.index}/temp"] = _line(self.reading, zone)
        return files

    def reading(self, zone: Zone) -> int:
        """What a sensor says, in its own unit."""
        return round(zone.idle + self.rise_of(zone) * zone.per_degree)

    def rise_of(self, zone: Zone) -> float:
        """How much warmer than idle a sensor is, in kelvin; far from the chip, a third."""
        return self.rise_c if zone.kind.startswith("tsens") else self.rise_c / 3

    def battery_c(self) -> float:
        """Temperature of the battery, in degrees Celsius."""
        for zone in self.zones:
            if zone.kind == "battery":
                return zone.idle_c + self.rise_of(zone)
        return 30.0 + self.rise_c / 3

    def _progress(self, throttle: Throttle) -> float:
        age_s = self._faults.age_s(Throttle)
        return min(1.0, age_s / throttle.over_s) if throttle.over_s > 0 else 1.0

    def _advance(self) -> None:
        now_s = self._clock()
        target_c = BUSY_RISE_C if self._busy else 0.0
        decay = math.exp(-max(0.0, now_s - self._then_s) / TIME_CONSTANT_S)
        self._rise_c = target_c + (self._rise_c - target_c) * decay
        self._then_s = now_s


def _line(read: Callable[[T], object], of: T) -> Callable[[], str]:
    return lambda: f"{read(of)}\n"


def _cores(profile: PhoneProfile) -> tuple[Core, ...]:
    def number(index: int, name: str) -> int:
        return int(profile.files[f"{CPU}/cpu{index}/cpufreq/{name}"])

    found = (re.fullmatch(rf"{CPU}/cpu(\d+)/cpufreq/cpuinfo_max_freq", p) for p in profile.files)
    return tuple(
        Core(
            index,
            number(index, "cpuinfo_min_freq"),
            number(index, "cpuinfo_max_freq"),
            profile.files[f"{CPU}/cpu{index}/cpufreq/scaling_governor"].strip(),
        )
        for index in sorted(int(match[1]) for match in found if match)
    )


def _zones(profile: PhoneProfile) -> tuple[Zone, ...]:
    found = (re.fullmatch(rf"{THERMAL}/thermal_zone(\d+)/temp", path) for path in profile.files)
    zones = []
    for index in sorted(int(match[1]) for match in found if match):
        folder = f"{THERMAL}/thermal_zone{index}"
        idle = int(profile.files[f"{folder}/temp"])
        per_degree = 1000 if idle >= 10_000 else 10 if idle >= 150 else 1
        zones.append(Zone(index, profile.files[f"{folder}/type"].strip(), idle, per_degree))
    return tuple(zones)
