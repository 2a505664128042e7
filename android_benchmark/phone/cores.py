"""Which cores a program is pinned to: masks from what the phone says of its cores.

A mask that is right on one chip names no core on another: `f0`, copied everywhere, names
none of the four cores of a Snapdragon 820. So it is derived from each core's
`cpuinfo_max_freq`, in kHz.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

from android_benchmark.errors import HarnessError

CHOICES = ("big", "little", "all")
"""Names for sets of cores; anything else is a mask in hexadecimal digits."""


class CoresError(HarnessError):
    """A choice of cores that this phone does not have; the message says the rule."""


def chosen(cores: str, max_frequencies_khz: Mapping[int, int], threads: int = 1) -> tuple[int, ...]:
    """The cores that a choice means, in ascending order.

    Args:
        cores: `big` for the fastest ones, `little` for the slowest, `all`, or a mask in
            hexadecimal digits. Where there are fewer of one speed than threads, the next
            speed joins them.
        max_frequencies_khz: Highest frequency of each core, by its number; 0 if it is off. Empty
            if the phone does not tell: then a mask is taken as it is.
        threads: How many run at once.

    Raises:
        CoresError: `cores` is no mask, or names a core that is not there.
    """
    max_frequencies_khz = {core: khz for core, khz in max_frequencies_khz.items() if khz > 0}
    if not max_frequencies_khz and cores in CHOICES:
        raise CoresError(
            "The phone does not tell how fast its cores are: `--cores` needs a mask such as 0c."
        )
    if cores == "all":
        return tuple(sorted(max_frequencies_khz))
    if cores in CHOICES:
        found: list[int] = []
        for speed in sorted(set(max_frequencies_khz.values()), reverse=cores == "big"):
            if len(found) < threads:
                found += [core for core, khz in max_frequencies_khz.items() if khz == speed]
        return tuple(sorted(found))
    digits = cores.lower().removeprefix("0x")
    if not digits or not set(digits) <= set(string.hexdigits):
        raise CoresError(
            f"`--cores` must be big, little, all or a mask such as 0c. Received: {cores}."
        )
    number = int(digits, 16)
    named = tuple(core for core in range(number.bit_length()) if number >> core & 1)
    absent = [core for core in named if max_frequencies_khz and core not in max_frequencies_khz]
    if absent or not named:
        there = ", ".join(map(str, sorted(max_frequencies_khz))) or "cores that it does not list"
        raise CoresError(
            f"`--cores` must name cores of this phone, which has {there}. "
            f"Received: {cores}, cores {', '.join(map(str, named)) or 'none'}."
        )
    return named


def mask(cores: tuple[int, ...]) -> str:
    """The mask of some cores, as `taskset` takes it: hexadecimal digits without 0x."""
    return f"{sum(1 << core for core in cores):x}"
