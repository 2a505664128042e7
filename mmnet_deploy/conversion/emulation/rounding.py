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


def rounded(values: NDArray) -> Values:
    """Values as float16 holds them."""
    with np.errstate(over="ignore"):
        return values.astype(np.float16).astype(np.float32)
