"""The phone behind the protocol: what all its services share."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from android_benchmark.emulator.device.files import PhoneFiles
from android_benchmark.emulator.device.processes import Processes
from android_benchmark.emulator.device.profile import PhoneProfile
from android_benchmark.emulator.device.program import Runner
from android_benchmark.emulator.device.soc import Soc
from android_benchmark.emulator.faults import DumpsysOf, Fault, Faults

_FIRST_SDK = {"shell_v2": 24, "stat_v2": 26, "ls_v2": 30}
"""The first Android version that has each feature of the protocol."""

_RELEASES = {
    21: "5.0",
    22: "5.1",
    23: "6.0.1",
    24: "7.0",
    25: "7.1.1",
    26: "8.0.0",
    27: "8.1.0",
    28: "9",
    29: "10",
    30: "11",
    31: "12",
    32: "12",  # 12L
    33: "13",
    34: "14",
    35: "15",
    36: "16",
}
"""Android's version by its API level, as `ro.build.version.release` says it."""


@dataclasses.dataclass
class Screen:
    """Whether the screen is on and locked."""

    on: bool = True
    locked: bool = False


@dataclasses.dataclass
class Battery:
    """The battery as `dumpsys battery` shows it."""

    level: int = 96
    usb_powered: bool = True


class EmulatedDevice:
    """One phone: properties, files, chip, programs, and what is wrong with it.

    Attributes:
        opened: Names of all services that were opened, in order.
        settings: Values of Android's settings, by namespace and name.
        missing: Commands that this phone does not have, such as `sha256sum`.
        engines: What runs the file with each SHA-256.
        arm64: What runs arm64 programs; None if they are refused.
    """

    def __init__(
        self,
        root: Path,
        profile: PhoneProfile,
        *,
        clock: Callable[[], float],
        faults: Iterable[Fault] = (),
        sdk: int | None = None,
        missing: Iterable[str] = (),
        engines: Mapping[str, Runner] | None = None,
        arm64: Runner | None = None,
    ) -> None:
        self.clock = clock
        self.started_s = clock()
        self.faults = Faults(clock, faults)
        self.properties = dict(profile.properties)
        if sdk is not None:
            if sdk not in _RELEASES:
                raise ValueError(
                    f"`sdk` must be {min(_RELEASES)} … {max(_RELEASES)}. Received: {sdk}."
                )
            self.properties["ro.build.version.sdk"] = str(sdk)
            self.properties["ro.build.version.release"] = _RELEASES[sdk]
        self.files = PhoneFiles(root, self.faults)
        self.soc = Soc(profile, self.faults, clock)
        present = sum(1 << core.index for core in self.soc.cores)
        self.processes = Processes(self.faults, self.files, present)
        self.missing = frozenset(missing)
        self.engines = dict(engines or {})
        self.arm64 = arm64
        self.screen = Screen()
        self.battery = Battery()
        self.settings: dict[tuple[str, str], str] = {
            ("system", "screen_off_timeout"): "60000",
            ("global", "stay_on_while_plugged_in"): "0",
            ("system", "screen_brightness"): "102",
        }
        self.opened: list[str] = []
        self._write_profile(profile)

    @property
    def sdk(self) -> int:
        """Android's API level."""
        return int(self.properties["ro.build.version.sdk"])

    @property
    def dumpsys_sdk(self) -> int:
        """The API level in whose words `dumpsys` answers."""
        fault = self.faults.get(DumpsysOf)
        return fault.sdk if fault else self.sdk

    def features(self) -> tuple[str, ...]:
        """What the phone says that it knows of the protocol, beyond its first version."""
        return tuple(name for name, first in _FIRST_SDK.items() if self.sdk >= first)

    def banner(self) -> str:
        """How the phone introduces itself to adb."""
        names = ("ro.product.name", "ro.product.model", "ro.product.device")
        facts = "".join(f"{name}={self.properties[name]};" for name in names)
        return f"device::{facts}features={','.join(self.features())}"

    def write_dynamic_files(self) -> None:
        """Write the present content of /sys to files, for programs that read them directly."""
        for path, read in self.files.dynamic.items():
            if path.startswith("/sys/"):
                (self.files.root / path[1:]).write_text(read())

    def _write_profile(self, profile: PhoneProfile) -> None:
        for path, content in profile.files.items():
            host = self.files.root / path[1:]
            host.parent.mkdir(parents=True, exist_ok=True)
            host.write_text(content)
        self.files.dynamic.update(self.soc.dynamic_files())
        self.files.dynamic["/proc/uptime"] = self._uptime
        properties = "".join(f"{name}={value}\n" for name, value in self.properties.items())
        (self.files.root / "system" / "build.prop").write_text(properties)
        (self.files.root / "dev" / "null").touch()

    def _uptime(self) -> str:
        seconds = 3600 + self.clock() - self.started_s
        return f"{seconds:.2f} {4 * seconds:.2f}\n"
