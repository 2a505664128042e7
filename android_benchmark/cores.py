"""Which cores a program is pinned to: masks from what the phone says of its cores.

A mask that is right on one chip names no core on another: `f0`, copied everywhere, names
none of the four cores of a Snapdragon 820. So it is derived from each core's
`cpuinfo_max_freq`, in kHz.
"""

from __future__ import annotations

import string
from collections.abc import Mapping

CHOICES = ("big", "little", "all")
"""Names for sets of cores; anything else is a mask in hexadecimal digits."""


class CoresError(ValueError):
    """A choice of cores that this phone does not have; the message says the rule."""


def chosen(cores: str, max_frequencies_khz: Mapping[int, int]) -> tuple[int, ...]:
    """The cores that a choice means, in ascending order.

    Args:
        cores: `big` for the fastest ones, `little` for the slowest, `all`, or a mask in
            hexadecimal digits.
        max_frequencies_khz: Highest frequency of each core that is online, by its number.

    Raises:
        CoresError: The mask is none, or names a core that is not there.
    """
    if not max_frequencies_khz:
        raise CoresError("The phone does not tell how fast its cores are: `--cores` needs a mask.")
    if cores in CHOICES:
        fastest, slowest = max(max_frequencies_khz.values()), min(max_frequencies_khz.values())
        wanted = {"big": (fastest,), "little": (slowest,)}.get(
            cores, (*max_frequencies_khz.values(),)
        )
        return tuple(sorted(core for core, khz in max_frequencies_khz.items() if khz in wanted))
    digits = cores.lower().removeprefix("0x")
    if not digits or not set(digits) <= set(string.hexdigits):
        raise CoresError(
            f"`--cores` must be big, little, all or a mask such as 0c. Received: {cores}."
        )
    number = int(digits, 16)
    named = tuple(core for core in range(number.bit_length()) if number >> core & 1)
    absent = [core for core in named if core not in max_frequencies_khz]
    if absent or not named:
        there = ", ".join(map(str, sorted(max_frequencies_khz)))
        raise CoresError(
            f"`--cores` must name cores of this phone, which has {there}. "
            f"Received: {cores}, cores {', '.join(map(str, named)) or 'none'}."
        )
    return named


def mask(cores: tuple[int, ...]) -> str:
    """The mask of some cores, as `taskset` takes it: hexadecimal digits without 0x."""
    return f"{sum(1 << core for core in cores):x}"
