"""Which cores the emulator plays, and the files that a program knows them by.

XNNPACK chooses its kernels by what the processor can do (the emulator's `-cpu`) and by which
core it is (/proc/cpuinfo); it does not start without the files under /sys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

from android_benchmark.emulator.device.profile import PhoneProfile
from android_benchmark.phone import features

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
_V9_0 = f"{_V8_2} i8mm bf16"


@dataclasses.dataclass(frozen=True)
class Core:
    """A core that instructions can be counted for.

    Attributes:
        title: What it can do, in words.
        phones: Where it is, in words.
        make_identity: Makes what the program is told of the chip.
        played_by: The emulator's `-cpu`, whose instructions it has.
    """

    title: str
    phones: str
    make_identity: Callable[[], Identity]
    played_by: str

    @property
    def identity(self) -> Identity:
        """What the program is told of the chip."""
        return self.make_identity()

    @property
    def fp16_arithmetic(self) -> bool:
        """Whether it computes in float16."""
        names = features.parse(self.identity.files["/proc/cpuinfo"])
        return set(features.FP16_ARITHMETIC) <= set(names)


DEFAULT_CPU = "cortex-a57"
_NEW = "ARMv8.2 with fp16 and dot products"

CPUS: Mapping[str, Core] = {
    # Kryo is a core of Qualcomm's own, which no emulator has: the Cortex-A57 has its instructions.
    "cortex-a57": Core(
        "ARMv8.0, the Snapdragon 820 of 2016", "Xiaomi Mi 5", _msm8996, "cortex-a57"
    ),
    "cortex-a53": Core(
        "ARMv8.0",
        "the small cores until 2017; all of a Snapdragon 625",
        lambda: _four_cores("Cortex-A53", 0x41, 0xD03, 0, _V8_0),
        "cortex-a53",
    ),
    "cortex-a72": Core(
        "ARMv8.0",
        "Snapdragon 650 and 652, Kirin 950 (2016)",
        lambda: _four_cores("Cortex-A72", 0x41, 0xD08, 0, _V8_0),
        "cortex-a72",
    ),
    "cortex-a73": Core(
        "ARMv8.0",
        "Snapdragon 835 (2017)",
        lambda: _four_cores("Cortex-A73", 0x41, 0xD09, 0, _V8_0),
        "cortex-a72",
    ),
    "cortex-a55": Core(
        _NEW,
        "the small cores of a Snapdragon 855; all of an Exynos 850",
        lambda: _four_cores("Cortex-A55", 0x41, 0xD05, 2, _V8_2),
        "cortex-a76",
    ),
    "cortex-a76": Core(
        _NEW,
        "the large cores of a Snapdragon 855 (2019)",
        lambda: _four_cores("Cortex-A76", 0x41, 0xD0B, 4, _V8_2),
        "cortex-a76",
    ),
    "cortex-a710": Core(
        "ARMv9.0 with fp16, dot products and i8mm",
        "Snapdragon 8 Gen 1 (2022)",
        lambda: _four_cores("Cortex-A710", 0x41, 0xD47, 2, _V9_0),
        "max,sve=off,sme=off",
    ),
    "max": Core(
        "all that qemu has, with fp16, dot products, i8mm and SVE",
        "no phone",
        lambda: _four_cores("qemu max", 0x00, 0x051, 15, f"{_V9_0} sve"),
        "max",
    ),
}
"""The cores that instructions can be counted for, by their names.

Programs choose their kernels by the instructions that the emulated core has, and by the name that
it is told. So a core that qemu lacks is played by another one with the same instructions: the
Cortex-A73 by the A72, the A55 by the A76, and the A710 by `max` without SVE, which not all phones
with that core let programs use.

What they can do is what GCC knows of them (`-mcpu`, `gcc/config/aarch64/aarch64-cores.def`); parts
are those of cpuinfo's `src/arm/uarch.c`. Chips: nanoreview.net (Snapdragon 625), techgrapple.com
(Snapdragon 650 and 652, Kirin 950), cpu-boss.com (Snapdragon 855, Exynos 850), anandtech.com
(Snapdragon 835 and 8 Gen 1).
"""
