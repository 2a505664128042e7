"""How models are to be run: threads, delegates, cores, flags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from android_benchmark import Settings

PRECISIONS = ("fp16", "fp32")
"""What a delegate may be told to compute in."""


def settings_of(
    *,
    threads: int | str | Sequence[int],
    delegate: str | Sequence[str],
    delegate_precision: str | None,
    engine_flag: str | Sequence[str],
    cores: str,
    profile: bool,
) -> list[Settings]:
    """Every combination that the parameters describe.

    Args:
        threads: Numbers, also as `1,2`.
        delegate: Names, also as `xnnpack,none`.
        engine_flag: Flags as `NAME=VALUE`.

    Raises:
        UsageError: A number or a name is wrong.
    """
    from android_benchmark import Settings

    if delegate_precision not in (None, *PRECISIONS):
        raise UsageError(
            f"`--delegate-precision` must be {' or '.join(PRECISIONS)}. "
            f"Received: {delegate_precision}."
        )
    flags = engine_flags_of([engine_flag] if isinstance(engine_flag, str) else engine_flag)
    return [
        Settings(count, name, cores, profile, delegate_precision or "", flags)
        for count in _counts(threads)
        for name in delegates_of(delegate)
    ]


def _counts(threads: int | str | Sequence[int]) -> list[int]:
    text = threads if isinstance(threads, str) else _joined(threads)
    words = text.split(",")
    if not all(word.strip().isdecimal() and 1 <= int(word) <= 64 for word in words):
        raise UsageError(
            f"`--threads` must be numbers from 1 to 64, as in 1,2,4. Received: {text or 'none'}."
        )
    return list(dict.fromkeys(map(int, words)))


def _joined(values: int | str | Sequence[int] | Sequence[str]) -> str:
    """One value or several as one text."""
    several = [values] if isinstance(values, (int, str)) else values
    return ",".join(map(str, several))


def delegates_of(delegate: str | Sequence[str]) -> list[str]:
    """The delegates that `--delegate` names.

    Raises:
        UsageError: There is no such delegate.
    """
    from android_benchmark import DELEGATES

    words = [word.strip() for word in _joined(delegate).split(",")]
    for word in words:
        if word not in DELEGATES:
            known = ", ".join(DELEGATES)
            raise UsageError(f"`--delegate` must be of {known}. Received: {word or 'nothing'}.")
    return list(dict.fromkeys(words))


def engine_flags_of(words: Sequence[str]) -> tuple[str, ...]:
    """Flags as results hold them: without dashes, in the order of their names.

    Raises:
        UsageError: One is no `NAME=VALUE`, or is given twice.
    """
    flags: dict[str, str] = {}
    for word in words:
        name, equals, value = word.strip().removeprefix("--").partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z][\w.-]*", name, re.ASCII):
            raise UsageError(
                "`--engine-flag` must be NAME=VALUE, as in gpu_backend=webgpu. "
                f"Received: {word or 'nothing'}."
            )
        if not value.isprintable():
            raise UsageError(
                "`--engine-flag` must have a value of one line, without control characters. "
                f"Received: {name}={value!r}."
            )
        if flags.setdefault(name, value) != value:
            raise UsageError(
                f"`--engine-flag` must give a flag one value. Received: {name}={flags[name]} and "
                f"{name}={value}."
            )
    return tuple(f"{name}={flags[name]}" for name in sorted(flags))
