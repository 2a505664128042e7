"""What the cores of a device can compute, as /proc/cpuinfo of Linux tells it.

The engines ask the library cpuinfo, which corrects what some kernels say; the same corrections are
made here (`src/arm/linux/aarch64-isa.c` of github.com/pytorch/cpuinfo).
"""

from __future__ import annotations

import re

FP16_ARITHMETIC = ("fphp", "asimdhp")
"""Arithmetic with 16-bit floating point, in single numbers and in vectors: ARMv8.2's option."""

_HALF_PARTS = frozenset(
    {
        # Arm: Cortex-A55, A65, A75, A76, A77, A76AE.
        (0x41, 0xD05), (0x41, 0xD06), (0x41, 0xD0A), (0x41, 0xD0B), (0x41, 0xD0D), (0x41, 0xD0E),
        # HiSilicon's A76; Qualcomm's Kryo 385 and 485, both kinds of cores; Samsung's M4 and M5.
        (0x48, 0xD40),
        (0x51, 0x802), (0x51, 0x803), (0x51, 0x804), (0x51, 0x805),
        (0x53, 0x003), (0x53, 0x004),
    }
)  # fmt: skip
"""Implementer and part of cores with that arithmetic whose kernels may be too old to say so."""

_UNEQUAL = re.compile(r"(?:exynos|universal|s5e) ?9810", re.IGNORECASE)
"""Samsung's Exynos 9810: the kernel says that all cores have it, but only the small ones do."""


def _values(text: str, name: str) -> list[str]:
    """What stands after `name:`, once for each core that says it."""
    return [value.strip() for value in re.findall(rf"(?m)^{name}[ \t]*:(.*)$", text)]


def _numbers(text: str, name: str) -> list[int]:
    return [
        int(value, 16)
        for value in _values(text, name)
        if re.fullmatch(r"0x[0-9a-f]{1,8}", value, re.ASCII | re.IGNORECASE)
    ]


def parse(text: str, chips: str = "") -> tuple[str, ...]:
    """Features that every core has, in the order of the first one's list; empty if unknown.

    Args:
        text: Content of /proc/cpuinfo of an ARM processor.
        chips: What the device calls its chip, in any words.
    """
    words = r"[a-z0-9_]+(?:[ \t]+[a-z0-9_]+)*"
    lists = [line.split() for line in _values(text, "Features") if re.fullmatch(words, line)]
    shared = [name for name in (lists[0] if lists else []) if all(name in own for own in lists)]
    if any(map(_UNEQUAL.search, (chips, *_values(text, "Hardware")))):
        return tuple(name for name in shared if name not in FP16_ARITHMETIC)
    implementers, parts = _numbers(text, "CPU implementer"), _numbers(text, "CPU part")
    cores = set(zip(implementers, parts, strict=False))
    if shared and cores and len(implementers) == len(parts) and cores <= _HALF_PARTS:
        shared += [name for name in FP16_ARITHMETIC if name not in shared]
    return tuple(dict.fromkeys(shared))
