"""Numbers as notebooks have them, such as those of `numpy.arange`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def with_plain_numbers(function: Callable[P, T]) -> Callable[P, T]:
    """The same function, given Python's own numbers where it would be given NumPy's.

    NumPy's are neither `int` nor known to JSON, and the runtimes refuse them.
    """

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> T:
        named = {name: _plain(value) for name, value in kwargs.items()}
        return function(*args, **named)

    return called


def _plain(value: Any) -> Any:
    """A number, or numbers in a list, a tuple or an array, as Python's; anything else as it is."""
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    # NumPy itself need not be loaded for this.
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 2) <= 1:
        return value.tolist()
    return value
