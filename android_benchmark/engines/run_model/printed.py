"""What run_model prints: its flags, its log, and tensors as text."""

from __future__ import annotations

import array
import math
import re
import sys
from collections.abc import Iterator

_FLAG = re.compile(r"^\s+--([A-Za-z][A-Za-z0-9_]*) \(", re.MULTILINE)
_LOGGED = re.compile(r"^([IWEF])[0-9]{4} [^\]\n]*\] ?(.*)$")
"""A line of Abseil's log: severity, date, time, thread and place, then the text."""

_OUTPUT = re.compile(r"Output buffer ([0-9]+):")
_COUNT = re.compile(r"\s*Total logical elements: ([0-9]+)")
_VALUE = re.compile(r"\s+([0-9]+): (\S+)")

_FLOATS = {"float32": "f"}
_INTEGERS = {"int32": ("i", 2**32), "int8": ("B", 2**8), "uint8": ("B", 2**8), "bool": ("B", 2**8)}
"""Code of the type for `array`, and how many values it has. Every type but float32 and int32 is
printed as unsigned bytes, as many as it has elements: whole for types of one byte only."""

PRINTABLE = (*_FLOATS, *_INTEGERS)
"""Types, by numpy's names, whose values can be read from what it prints."""


def flags(help_text: str) -> frozenset[str]:
    """Names of the flags that Abseil's `--helpfull` lists, each as `    --name (what it is); …`."""
    return frozenset(_FLAG.findall(help_text))


def split(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The lines of the program's own log, as severity and text, and all other lines."""
    own, others = [], []
    for line in text.splitlines():
        if match := _LOGGED.match(line):
            own.append((match[1], match[2]))
        else:
            others.append(line)
    return own, others


def output(log: list[tuple[str, str]], number: int, dtype: str, elements: int) -> bytes:
    """The values of an output tensor, as it was printed with all of its elements.

    Args:
        log: The program's own log, as `split` gives it.
        number: Which output.
        dtype: One of `PRINTABLE`.
        elements: How many values there must be.

    Returns:
        The values, little-endian. Numbers have the six digits that are printed.

    Raises:
        ValueError: It is not there, has another number of values, or one of them is no such number.
    """
    texts: dict[int, str] = {}
    count = -1
    for line in _lines_of(log, number):
        if match := _COUNT.fullmatch(line):
            count = int(match[1])
        elif (match := _VALUE.fullmatch(line)) and int(match[1]) < elements:
            # Short tensors are printed from both ends, so that values may come twice.
            texts[int(match[1])] = match[2]
    if count != elements or len(texts) != elements:
        raise ValueError(f"{len(texts)} of {max(count, elements)} values of output {number}")
    ordered = [texts[index] for index in range(elements)]
    code = _FLOATS.get(dtype) or _INTEGERS[dtype][0]
    values = array.array(code, [_number(text, dtype) for text in ordered])
    if sys.byteorder == "big":
        values.byteswap()
    return values.tobytes()


def _lines_of(log: list[tuple[str, str]], number: int) -> Iterator[str]:
    """The lines that describe one output tensor."""
    within = False
    for _, text in log:
        if match := _OUTPUT.fullmatch(text):
            within = int(match[1]) == number
        elif text and not text.startswith(" "):
            within = False
        elif within:
            yield text


def _number(text: str, dtype: str) -> float | int:
    if dtype in _FLOATS:
        value = float(text)
        if abs(value) > 3.5e38 and math.isfinite(value):
            raise ValueError(f"{text} is no float32")
        return value
    code, values = _INTEGERS[dtype]
    number = int(text)
    low = -values // 2 if code == "i" else 0
    if not low <= number < low + values:
        raise ValueError(f"{text} is no {dtype}")
    return number
