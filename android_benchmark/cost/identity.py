"""Which core the emulator plays, and the files that a program knows it by.

XNNPACK chooses its kernels by what the processor can do (the emulator's `-cpu`) and by which
core it is (/proc/cpuinfo); it does not start without the files under /sys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from android_benchmark.emulator.device.profile import PhoneProfile

_CORES = "/sys/devices/system/cpu"


@dataclasses.dataclass(frozen=True)
class Identity:
    """What a chip says of itself.

    Attributes:
        name: The chip or the core.
        files: Content of the files under /proc and /sys, by absolute path.
    """

    name: str
    files: Mapping[str, str]

    def write(self, root: Path) -> None:
        """Write the files under `root`, the folder that the emulator lays over the system's."""
        for path, content in self.files.items():
            file = root / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8")


def _msm8996() -> Identity:
    """The Snapdragon 820 of the emulated phone: two clusters of Kryo, which is ARMv8.0."""
    files = PhoneProfile.load("msm8996").files
    chosen = {
        path: content
        for path, content in files.items()
        if path == "/proc/cpuinfo" or path.startswith(_CORES)
    }
    return Identity("MSM8996", chosen)


def _four_cores(name: str, implementer: int, part: int, variant: int, features: str) -> Identity:
    """Four equal cores of one cluster; implementer and part are those of the core's MIDR_EL1."""
    lines = (
        f"Features\t: {features}",
        f"CPU implementer\t: 0x{implementer:02x}",
        "CPU architecture: 8",
        f"CPU variant\t: 0x{variant:x}",
        f"CPU part\t: 0x{part:03x}",
        "CPU revision\t: 0",
    )
    blocks = ["\n".join((f"processor\t: {core}", *lines, "")) for core in range(4)]
    files = {"/proc/cpuinfo": "\n".join(blocks)}
    files |= {f"{_CORES}/{state}": "0-3\n" for state in ("online", "possible", "present")}
    for core in range(4):
        files[f"{_CORES}/cpu{core}/topology/physical_package_id"] = "0\n"
        files[f"{_CORES}/cpu{core}/topology/core_id"] = f"{core}\n"
        # Only their order matters, and they are equal.
        files[f"{_CORES}/cpu{core}/cpufreq/cpuinfo_min_freq"] = "500000\n"
        files[f"{_CORES}/cpu{core}/cpufreq/cpuinfo_max_freq"] = "2000000\n"
    return Identity(name, files)


_V8_0 = "fp asimd evtstrm aes pmull sha1 sha2 crc32"
_V8_2 = f"{_V8_0} atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"

CPUS: Mapping[str, Callable[[], Identity]] = {
    "cortex-a57": _msm8996,
    "cortex-a53": lambda: _four_cores("Cortex-A53", 0x41, 0xD03, 0, _V8_0),
    "cortex-a76": lambda: _four_cores("Cortex-A76", 0x41, 0xD0B, 4, _V8_2),
    "max": lambda: _four_cores("qemu max", 0x00, 0x051, 15, f"{_V8_2} sve i8mm bf16"),
}
"""The cores that the emulator can play, and the chip that a program takes each for.

Kryo is a core of Qualcomm's own, which no emulator has: the Cortex-A57 has its instructions.
"""
