"""How far two outputs are apart, and how far they may be in the precision that made them.

Two runtimes round differently, so equal networks differ a little:

* float32: 1e-4 of the largest value, which is what kernels in other orders of sums stay within.
* float16 has 11 significant bits, so that a value is rounded by up to u = 2⁻¹¹ of it, and a network
  adds up the roundings of its layers and of its float16 sums. Measured on MMNet 1.0/256 with real
  ARMv8.2 kernels, a matte moves by up to 0.0174 = 36 u, by 2.8e-4 = 0.6 u in the mean. Allowed are
  64 u at one value, as an edge that moves by a fraction of a pixel needs, and 4 u in the mean,
  which no edge needs: a fault that touches much of a picture exceeds it. Layers within a network
  are allowed twice that of their largest value: emulated, those of MMNet 0.5/128 use 0.65 of it.
* Integers: one quantization step at an output. Within a network, a step at one layer can become
  more at the next, so inner layers may be 4 steps apart, and 1/8 of a step in the mean. An
  accelerator that computes integers in floating point is allowed what float16 is, in steps.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np
from numpy.typing import NDArray

FAR = sys.float_info.max
"""How far an output that is not a number is from one that is: JSON has no infinity."""

_FLOAT32 = 1e-4
_HALF_UNIT = 2.0**-11
_HALF_LARGEST, _HALF_MEAN = 64 * _HALF_UNIT, 4 * _HALF_UNIT
_INNER_HALF = 2
_INNER_STEPS, _INNER_MEAN_STEPS = 4.0, 1 / 8
_SLACK = 1.01
"""A step of real numbers is one up to their own rounding."""

_QUANTIZED = ("int8", "uint8", "int16")
_COMPARABLE = ("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
_REAL = ("float16", "float32", "float64")


@dataclasses.dataclass(frozen=True)
class Tolerance:
    """How far two outputs may be apart: at one value, and in the mean of all."""

    largest: float
    mean: float


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far a tensor is from this computer's.

    Attributes:
        elements, different: Number of values, and of those that differ at all.
        largest, mean: In quantization steps for integers; `FAR` where a value is no number.
        allowed: How far it may be.
        conclusive: Whether the comparison could fail: the tensor varies by more than what is
            allowed. A constant output shows nothing.
    """

    dtype: str
    elements: int
    different: int
    largest: float
    mean: float
    allowed: Tolerance
    conclusive: bool

    @property
    def agrees(self) -> bool:
        """Whether it is within what is allowed."""
        return self.share <= 1

    @property
    def share(self) -> float:
        """How much of what is allowed is used up, by the worse of the two measures."""
        shares = [
            (self.largest, self.allowed.largest),
            (self.mean, self.allowed.mean),
        ]
        return max(far / most if most else (FAR if far else 0.0) for far, most in shares)


def is_comparable(dtype: str) -> bool:
    """Whether values of a type, by numpy's name, can be compared."""
    return dtype in (*_COMPARABLE, *_REAL)


def tolerance(
    dtype: str, values: NDArray, computes_in: str, *, step: float = 0.0, final: bool = True
) -> Tolerance:
    """How far a tensor may be from this computer's.

    Args:
        dtype: Its type, by numpy's name.
        values: This computer's values.
        computes_in: As `half_precision.computes_in` gives it: a type, two of them, or nothing where
            it is unknown, as on accelerators, which are allowed float16.
        step: Real size of a quantization step, where an integer graph gives real numbers.
        final: Whether it is an output of the model, rather than of one of its layers.
    """
    in_integers = computes_in in ("int8", "int16")
    if dtype in _QUANTIZED:
        if in_integers or computes_in.startswith("float32"):
            return Tolerance(1.0, 1.0) if final else Tolerance(_INNER_STEPS, _INNER_MEAN_STEPS)
        steps = 2.0 ** (16 if dtype == "int16" else 8)
        return Tolerance(_HALF_LARGEST * steps, _HALF_MEAN * steps)
    if dtype not in _REAL:
        return Tolerance(0.0, 0.0)
    finite = np.abs(values[np.isfinite(values)])
    # A matte is 0 … 1 whatever the largest value in this one.
    size = max(float(finite.max(initial=0.0)), 1.0 if final else 0.0)
    if in_integers:
        most, mean = (1.0, 1.0) if final else (_INNER_STEPS, _INNER_MEAN_STEPS)
        least = _FLOAT32 * size
        return Tolerance(max(_SLACK * most * step, least), max(_SLACK * mean * step, least))
    if computes_in == "float32":
        return Tolerance(_FLOAT32 * size, _FLOAT32 * size)
    size *= 1 if final else _INNER_HALF
    return Tolerance(_HALF_LARGEST * size, _HALF_MEAN * size)


def array_of(dtype: str, content: bytes) -> NDArray:
    """The values of a tensor from its bytes, little-endian.

    Raises:
        ValueError: The size does not fit the type.
    """
    return np.frombuffer(content, np.dtype(dtype).newbyteorder("<"))


def varies(values: NDArray, allowed: Tolerance) -> bool:
    """Whether a tensor varies by more than a comparison allows, so that it could fail."""
    if not values.size:
        return False
    finite = values[np.isfinite(values)].astype(np.float64)
    spread = float(np.ptp(finite)) if finite.size else 0.0
    return spread > 2 * allowed.largest


def compare(mine: NDArray, theirs: NDArray, allowed: Tolerance) -> Difference:
    """Compare this computer's values with a device's, of the same type and size.

    What is not a finite number, here or there, never agrees.
    """
    dtype = mine.dtype.name
    if dtype in ("int64", "uint64"):
        far = np.where(mine == theirs, 0.0, np.abs(mine.astype(float) - theirs.astype(float)))
        far = np.where((mine != theirs) & (far == 0), 1.0, far)
    else:
        with np.errstate(invalid="ignore"):  # infinity less infinity is no number
            far = np.abs(mine.astype(np.float64) - theirs.astype(np.float64))
    far = np.where(np.isfinite(far), far, np.inf)
    largest = min(float(far.max(initial=0.0)), FAR)
    mean = min(float(far.mean()) if far.size else 0.0, FAR)
    found = Difference(
        dtype, int(far.size), int(np.count_nonzero(far)), largest, mean, allowed, True
    )
    if found.agrees:
        return dataclasses.replace(found, conclusive=varies(mine, allowed))
    return found


def beyond_measure(mine: NDArray) -> Difference:
    """The difference from an output of another type or size: every value differs."""
    size = int(mine.size)
    return Difference(mine.dtype.name, size, size, FAR, FAR, Tolerance(0.0, 0.0), True)
