"""Numbers as the tools print them, and nothing that merely resembles one.

A number is taken whole or not at all: `12e` and `1.2.3` are None. Lengths are bounded, so that no
text is too long to convert.
"""

from __future__ import annotations

import decimal
import math
import re

INTEGER = r"[0-9]{1,18}"
UNSIGNED = r"[0-9]{1,18}(?:\.[0-9]{1,18})?(?:[eE][+-]?[0-9]{1,3})?"
REAL = f"-?{UNSIGNED}"

MILLISECONDS = 1000
"""Microseconds in one."""
KIB = 1024
MIB = 1024 * 1024
MEGABYTES = 1_000_000

_INTEGER = re.compile(INTEGER)
_REAL = re.compile(REAL)


def integer(text: str | None) -> int | None:
    """The whole of `text` as a number without sign, or None."""
    return int(text) if text is not None and _INTEGER.fullmatch(text) else None


def real(text: str | None, factor: int = 1) -> float | None:
    """The whole of `text` times `factor`, or None; what no float can hold is None, too."""
    if text is None or not _REAL.fullmatch(text):
        return None
    # Decimal keeps 0.53 ms from becoming 530.0000000000001 µs.
    value = float(decimal.Decimal(text) * factor)
    return value if math.isfinite(value) else None
