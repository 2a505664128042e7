"""What a phone says of itself: one shell command for what stays, one for what changes.

`read_facts` and `read_state` ask; the parsers below them take any text, since vendors leave
out files, lock them, or put strange values into them: what cannot be read is None or absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from android_benchmark.device import DeviceFacts, DeviceState
from android_benchmark.phone import features
from android_benchmark.phone.adb import AdbDevice
from android_benchmark.phone.adb.device import properties

_CPU = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq"
_ZONES = "/sys/class/thermal/thermal_zone*"
_CORE = "/cpu([0-9]{1,3})/cpufreq"
_MARK = "@mmnet:"
# `grep -H .` prints many small files in one process, each line after its file's name.
_FACTS = (
    f"echo {_MARK}properties; getprop 2>/dev/null; "
    f"echo {_MARK}kernel; uname -r 2>/dev/null; "
    f"echo {_MARK}online; cat /sys/devices/system/cpu/online 2>/dev/null; "
    f"echo {_MARK}cpuinfo; cat /proc/cpuinfo 2>/dev/null; "
    f"echo {_MARK}files; grep -H . {_CPU}/cpuinfo_max_freq 2>/dev/null; true"
)
_STATE = (
    f"echo {_MARK}load; cat /proc/loadavg 2>/dev/null; "
    f"echo {_MARK}memory; cat /proc/meminfo 2>/dev/null; "
    f"echo {_MARK}battery; dumpsys battery 2>/dev/null; "
    f"echo {_MARK}power; dumpsys power 2>/dev/null | grep mWakefulness= 2>/dev/null; "
    f"echo {_MARK}thermal; dumpsys thermalservice 2>/dev/null | grep 'Thermal Status' 2>/dev/null; "
    f"echo {_MARK}files; grep -H . {_CPU}/scaling_cur_freq {_CPU}/scaling_max_freq "
    f"{_CPU}/scaling_governor {_ZONES}/type {_ZONES}/temp 2>/dev/null; true"
)

_CHIPS = ("ro.soc.model", "ro.board.platform", "ro.product.board", "ro.hardware")
"""Properties that may name the chip, the most telling first."""

PLAUSIBLE_C = (-20.0, 150.0)
"""A sensor that reads outside is broken, or measures something else."""

_MOST_KHZ = 100_000_000
_NO_TEMPERATURE = re.compile(r"[iv]bat|vph|bcl|^soc$", re.IGNORECASE)
"""Thermal zones that Qualcomm's phones use for currents, voltages and the charge."""


def read_facts(device: AdbDevice) -> DeviceFacts:
    """What the phone is.

    Raises:
        TransientError, DeviceNotReadyError: The phone is not there.
    """
    return parse_facts(device.serial, device.shell(_FACTS).stdout)


def read_state(device: AdbDevice) -> DeviceState:
    """What the phone looks like now.

    Raises:
        TransientError, DeviceNotReadyError: The phone is not there.
    """
    return parse_state(device.shell(_STATE).stdout)


def _sections(text: str) -> dict[str, list[str]]:
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith(_MARK):
            lines = sections.setdefault(line.removeprefix(_MARK).strip(), [])
        else:
            lines.append(line)
    return sections


_Key = TypeVar("_Key")


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII) else None


def _files(lines: list[str], pattern: str) -> dict[int, str]:
    """Content of the files whose name fits, by the number that `pattern` captures."""
    found: dict[int, str] = {}
    for line in lines:
        name, colon, content = line.partition(":")
        match = re.search(pattern, name, re.ASCII)
        if colon and match:
            found.setdefault(int(match[1]), content.strip())
    return dict(sorted(found.items()))


def _numbers(contents: Mapping[_Key, str]) -> dict[_Key, int]:
    parsed = {key: _number(content) for key, content in contents.items()}
    return {key: value for key, value in parsed.items() if value is not None}


def _only(lines: list[str], pattern: str) -> str:
    """The one line of a section that is what was asked for, among warnings; empty if none is."""
    found = (line.strip() for line in lines)
    return next((line for line in found if re.fullmatch(pattern, line, re.ASCII)), "")


def _online(lines: list[str]) -> set[int]:
    """Core numbers in the kernel's notation, such as `0-3,6`; empty where it is none."""
    cores: set[int] = set()
    span = r"[0-9]{1,3}(?:-[0-9]{1,3})?"
    for part in filter(None, _only(lines, rf"{span}(?:,{span})*").split(",")):
        first, _, last = part.partition("-")
        cores |= set(range(int(first), int(last or first) + 1))
    return cores


def parse_facts(serial: str, text: str) -> DeviceFacts:
    """The phone that printed `text`; what it does not say is empty."""
    sections = _sections(text)
    said = properties("\n".join(sections.get("properties", [])))
    files = sections.get("files", [])
    frequencies = _frequencies(files, "cpuinfo_max_freq")
    online = _online(sections.get("online", []))
    release = said.get("ro.build.version.release", "")
    maker, model = said.get("ro.product.manufacturer", ""), said.get("ro.product.model", "")
    named = model if model.lower().startswith(maker.lower()) else f"{maker} {model}"
    chips = [said.get(name, "") for name in _CHIPS]
    emulated = "1" in (said.get("ro.kernel.qemu"), said.get("ro.boot.qemu"))
    sdk = _number(said.get("ro.build.version.sdk", ""))
    return DeviceFacts(
        serial=serial,
        model=named.strip() or serial,
        processor=next(filter(None, chips), ""),
        cores=len(online) or len(frequencies) or 1,
        system=f"Android {release}".strip(),
        abi=said.get("ro.product.cpu.abi", ""),
        sdk=sdk if sdk is not None and 0 < sdk < 10_000 else None,
        build=said.get("ro.build.fingerprint", ""),
        kernel=_only(sections.get("kernel", []), r"[0-9]+\.[0-9]+\S*"),
        max_frequencies_khz=frequencies,
        emulated=emulated,
        features=features.parse("\n".join(sections.get("cpuinfo", [])), " ".join(chips)),
    )


def _frequencies(files: list[str], name: str) -> tuple[int, ...]:
    """A frequency of each core in the order of their numbers, 0 for a core that shows none."""
    shown = _numbers(_files(files, f"{_CORE}/{name}$"))
    values = {core: khz for core, khz in shown.items() if 0 < khz <= _MOST_KHZ}
    return tuple(values.get(core, 0) for core in range(max(values, default=-1) + 1))


def parse_state(text: str) -> DeviceState:
    """The state that `text` describes; what it does not say is None or empty."""
    sections = _sections(text)
    files = sections.get("files", [])
    battery = _fields(sections.get("battery", []), ":")
    memory = _fields(sections.get("memory", []), ":")
    load = _only(sections.get("load", []), r"[0-9]{1,6}\.[0-9]{1,4}(?: .*)?")
    amounts = (memory.get(name, "") for name in ("MemAvailable", "MemFree"))
    free = next(filter(None, (re.fullmatch(r"([0-9]{1,12}) kB", it) for it in amounts)), None)
    wakefulness = _fields(sections.get("power", []), "=").get("mWakefulness", "")
    status = _number(_fields(sections.get("thermal", []), ":").get("Thermal Status", ""))
    tenths = _number(battery.get("temperature", ""))
    battery_c = tenths / 10 if tenths is not None else None
    governors = _files(files, f"{_CORE}/scaling_governor$")
    powered = [value for name, value in battery.items() if name.endswith("powered")]
    percent = _number(battery.get("level", ""))
    return DeviceState(
        load_1min=float(load.partition(" ")[0]) if load else None,
        governors=tuple(sorted(set(governors.values()))),
        frequencies_khz=_frequencies(files, "scaling_cur_freq"),
        frequency_limits_khz=_frequencies(files, "scaling_max_freq"),
        temperatures_c=_temperatures(files),
        thermal_status=status if status is None or 0 <= status <= 6 else None,
        battery_percent=float(percent) if percent is not None and 0 <= percent <= 100 else None,
        battery_c=battery_c if battery_c is not None and _plausible(battery_c) else None,
        charging=any(value == "true" for value in powered) if powered else None,
        screen_on={"Awake": True, "Asleep": False, "Dozing": False}.get(wakefulness),
        free_memory_bytes=int(free[1]) * 1024 if free else None,
    )


def _fields(lines: list[str], separator: str) -> dict[str, str]:
    """Values by name; of several the first, since vendors append sections of their own."""
    fields: dict[str, str] = {}
    for line in lines:
        name, found, value = line.partition(separator)
        if found:
            fields.setdefault(name.strip(), value.strip())
    return fields


def _plausible(value_c: float) -> bool:
    return PLAUSIBLE_C[0] <= value_c <= PLAUSIBLE_C[1] and value_c != 0


def _temperatures(files: list[str]) -> dict[str, float]:
    """Temperature of each zone by its type, numbered where a type occurs again.

    A zone has the same name at any time, whatever the others read.
    """
    kinds = _files(files, r"/thermal_zone([0-9]{1,3})/type$")
    names: dict[int, str] = {}
    for zone, kind in kinds.items():
        names[zone] = kind if kind not in names.values() else f"{kind} {zone}"
    found: dict[str, float] = {}
    for zone, reading in _numbers(_files(files, r"/thermal_zone([0-9]{1,3})/temp$")).items():
        # Vendors write degrees, tenths or thousandths, often all three on one phone.
        value_c = next((reading / unit for unit in (1, 10, 1000) if abs(reading / unit) < 150), 0)
        if _plausible(value_c) and not _NO_TEMPERATURE.search(kinds.get(zone, "")):
            found[names.get(zone, f"zone {zone}")] = value_c
    return found
