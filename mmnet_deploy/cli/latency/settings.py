"""How models are to be run, on the command line of `bench`: threads, delegates, cores, flags."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from android_benchmark import Settings


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that `settings_of` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _listed(ctx: click.Context, parameter: click.Parameter, lists: Sequence[str]) -> str:
    """One list of those of an option that is repeated, of which click takes the last otherwise."""
    return ",".join(lists)


_OPTIONS = (
    click.option(
        "--threads",
        default=("1",),
        show_default=True,
        multiple=True,
        callback=_listed,
        metavar="N,…",
        help="Numbers of threads to try.",
    ),
    click.option(
        "--delegate",
        "delegates",
        default=("xnnpack",),
        show_default=True,
        multiple=True,
        callback=_listed,
        metavar="NAME,…",
        help="Delegates to try: xnnpack, none (built-in kernels), gpu, npu; nnapi and hexagon only "
        "with engines whose `--help` has them.",
    ),
    click.option(
        "--delegate-precision",
        "precision",
        type=click.Choice(["fp16", "fp32"]),
        help="What the delegate may compute in, where the engine has a flag for it. Default: the "
        "engine's choice.",
    ),
    click.option(
        "--engine-flag",
        "engine_flags",
        multiple=True,
        metavar="NAME=VALUE",
        help="A flag of the engine's own, such as gpu_backend=webgpu; repeatable.",
    ),
    click.option(
        "--cores",
        default="big",
        show_default=True,
        metavar="big|little|all|MASK",
        help="Cores to pin to, big and little by their highest frequency.",
    ),
    click.option("--profile", is_flag=True, help="Measure the time of every operator too."),
)


def settings_of(options: dict[str, Any]) -> list[Settings]:
    """Every combination that the options describe; they are taken out of `options`.

    Raises:
        UsageError: A number or a name is wrong.
    """
    from android_benchmark import Settings

    threads, delegates = options.pop("threads"), options.pop("delegates")
    cores, profile = options.pop("cores"), options.pop("profile")
    precision, flags = options.pop("precision"), engine_flags_of(options.pop("engine_flags"))
    return [
        Settings(count, delegate, cores, profile, precision or "", flags)
        for count in _counts(threads)
        for delegate in delegates_of(delegates)
    ]


def _counts(text: str) -> list[int]:
    words = text.split(",")
    if not all(word.strip().isdecimal() and 1 <= int(word) <= 64 for word in words):
        raise UsageError(
            f"`--threads` must be numbers from 1 to 64, as in 1,2,4. Received: {text}."
        )
    return list(dict.fromkeys(map(int, words)))


def delegates_of(text: str) -> list[str]:
    """The delegates that `--delegate` names.

    Raises:
        UsageError: There is no such delegate.
    """
    from android_benchmark import DELEGATES

    words = [word.strip() for word in text.split(",")]
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
