"""What becomes of faults: of one of several models, and of phones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from mmnet_deploy.errors import (
    DeviceError,
    IncompleteError,
    MissingDependencyError,
    ModelFileError,
)

OnError = Callable[[str, Exception], None]
"""Takes the name of a model that gives no result, and why."""

T = TypeVar("T")


def each_usable(
    models: Sequence[Path], use: Callable[[Path], T], on_error: OnError | None = None
) -> list[tuple[Path, T]]:
    """The models that can be used, each with what `use` made of it.

    Args:
        use: Raises ModelFileError where a model cannot be used, or MissingDependencyError where
            it needs what is not installed.
        on_error: Takes each other one; without it, the first fault is raised.

    Raises:
        ModelFileError, MissingDependencyError: See `on_error`.
    """
    done: list[tuple[Path, T]] = []
    for path in models:
        try:
            done.append((path, use(path)))
        except (ModelFileError, MissingDependencyError) as error:
            if on_error is None:
                raise
            on_error(path.name, error)
    return done


class Faults:
    """What went wrong with some of several models, where nobody is told at once."""

    def __init__(self) -> None:
        self._noted: list[tuple[str, Exception]] = []

    def note(self, name: str, error: Exception) -> None:
        """Keep a fault; see `OnError`."""
        self._noted.append((name, error))

    def raise_any(self, results: Sequence[object]) -> None:
        """Raise what was noted, if anything was.

        Args:
            results: What there is all the same.

        Raises:
            IncompleteError: Something was noted.
        """
        if self._noted:
            raise IncompleteError.of(self._noted, results) from self._noted[0][1]


# --- Phones ------------------------------------------------------------------


@contextlib.contextmanager
def device_errors() -> Iterator[None]:
    """What the phone harness raises within is raised as an error of this package.

    Raises:
        DeviceError: The harness raised one of its errors, which is the cause.
    """
    from android_benchmark.errors import HarnessError

    try:
        yield
    except HarnessError as error:
        raise of_package(error) from error


def of_package(error: Exception) -> Exception:
    """An error of the phone harness as one of this package; any other as it is."""
    from android_benchmark.errors import DeviceChoiceError, HarnessError
    from android_benchmark.phone import CoresError

    if not isinstance(error, HarnessError):
        return error
    found = DeviceError(str(error))
    found.__cause__ = error
    if isinstance(error, (CoresError, DeviceChoiceError)):
        found.exit_code = 2
    return found
