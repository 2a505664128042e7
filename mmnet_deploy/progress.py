"""How a stage says how far it is, without knowing who listens.

    with progress("Drawing portraits", 200) as advance:
        for ...:
            advance()                    # one step done
            advance("loss 0.3")          # one step done, and a note for the moment
            advance("epoch 3", steps=0)  # nothing done, a note worth keeping

A total of 0 means that nobody knows it. The command line passes a progress bar; the default
says nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

Advance = Callable[..., None]
Progress = Callable[[str, int], AbstractContextManager[Advance]]

Tell = Callable[[str], None]
"""Takes a line of news, such as what is downloaded."""


@contextlib.contextmanager
def silent(title: str, total: int) -> Iterator[Advance]:
    """Say nothing."""

    def advance(note: str = "", steps: int = 1) -> None:
        pass

    yield advance


def quiet(line: str) -> None:
    """Say nothing of it."""
