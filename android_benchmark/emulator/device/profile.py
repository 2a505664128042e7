"""A phone as captured: what its `getprop`, its /sys and its /proc say.

A profile is a folder that three commands on a real phone can fill:

    adb shell getprop > getprop.txt
    adb shell "grep -r '' /sys/devices/system/cpu /sys/class/thermal" > sys.txt
    adb pull /proc/cpuinfo proc/        # also meminfo, loadavg, version, uptime

The bundled profile `msm8996` was written, not captured: it is what a Xiaomi Mi 5 with
Android 8.0 would say, except that `ro.kernel.qemu` and `ro.boot.qemu` are 1.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from android_benchmark.emulator.errors import ProfileError

PROFILES = Path(__file__).parents[1] / "profiles"
_PROPERTY = re.compile(r"\[(.*?)\]: \[(.*)\]")


@dataclasses.dataclass(frozen=True)
class PhoneProfile:
    """What a kind of phone says of itself.

    Attributes:
        properties: Android's system properties.
        files: Content of the files under /proc and /sys, by absolute path.
    """

    properties: dict[str, str]
    files: dict[str, str]

    @classmethod
    def load(cls, name: str | Path) -> PhoneProfile:
        """Read a bundled profile, by its name, or a folder.

        Raises:
            ProfileError: There is no such folder, or one of its lines cannot be read.
        """
        folder = PROFILES / name  # an absolute path stays what it is
        if not folder.is_dir():
            known = ", ".join(sorted(path.name for path in PROFILES.iterdir()))
            raise ProfileError(f"A profile is one of {known}, or a folder. Received: {name}.")
        properties = {}
        for line in _lines(folder / "getprop.txt"):
            match = _PROPERTY.fullmatch(line)
            if not match:
                raise ProfileError(f"Not a line of `getprop`: {line!r}.")
            properties[match[1]] = match[2]
        files: dict[str, str] = {}
        for line in _lines(folder / "sys.txt"):
            path, colon, value = line.partition(":")
            if not colon or not path.startswith("/sys/") or ".." in path:
                raise ProfileError(f"Not a line `/sys/PATH:VALUE`: {line!r}.")
            files[path] = files.get(path, "") + value + "\n"
        for file in sorted((folder / "proc").glob("*")):
            files[f"/proc/{file.name}"] = file.read_text()
        return cls(properties, files)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError as error:
        raise ProfileError(f"A profile needs {path.name}: {error.strerror}.") from error
