"""Numbers as float16 holds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float32]

Step = Callable[[Sequence[Any], Executor], Values]
"""From the inputs of an operator, its constants among them, to its output."""

LARGEST = 65504.0
"""The largest number of float16; what is rounded beyond it becomes infinite."""


SMALLEST = np.float32(2.0**-14)
"""What is below it becomes zero: XNNPACK switches off the numbers of float16 that have fewer digits
than the others (`PTHREADPOOL_FLAG_DISABLE_DENORMALS`, bit FZ16 of the register FPCR)."""


def rounded(values: NDArray) -> Values:
    """Values as arithmetic in float16 takes and gives them."""
    with np.errstate(over="ignore"):
        result = values.astype(np.float16).astype(np.float32)
    result[np.abs(values) < SMALLEST] = 0
    return result
