"""How models are to be run, on the command line of `bench`: threads, delegates, cores, flags."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click

from mmnet_deploy.api.latency.settings import PRECISIONS


def setting_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that `settings_of` of `api.latency.settings` takes."""
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
        type=click.Choice(PRECISIONS),
        help="What the delegate may compute in, where the engine has a flag for it. Default: the "
        "engine's choice.",
    ),
    click.option(
        "--engine-flag",
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
