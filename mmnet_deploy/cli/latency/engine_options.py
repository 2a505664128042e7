"""The options of `bench` that choose the engine, and when they say nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import say
from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from mmnet_deploy.benchmarking.engines import EngineChoice


class _Engine(click.Path):
    """A path; an empty one, as of a variable that is not set, is not the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            raise UsageError(
                "`--engine-binary` must be a path: leave the option out for the official engine. "
                "Received: an empty one."
            )
        return super().convert(value, param, ctx)


_OPTIONS = (
    click.option(
        "--engine-binary",
        "engine",
        type=_Engine(path_type=Path),
        metavar="PATH",
        help="Path of the benchmark_model binary for the phone, of a folder with one and its "
        "libraries, or of a tflbench folder. [MMNET_BENCHMARK_MODEL] Default: the official "
        "engine, which is downloaded once.",
    ),
    click.option(
        "--engine-version",
        metavar="VERSION",
        help="Version of the official engine, such as 2.3.0, or nightly. Default: that of the "
        "installed runtime.",
    ),
    click.option(
        # Eager: models that are named by what they are called are read after it.
        "--offline",
        is_flag=True,
        is_eager=True,
        help="Download nothing; take engines and published networks from the cache.",
    ),
)


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is taken out again by `engine_of`."""
    for add in reversed(_OPTIONS):
        command = add(command)
    return command


def engine_of(
    options: dict[str, Any],
    devices: Sequence[str],
    delegates: Sequence[str],
    *,
    outputs: bool = False,
    by_name: bool = False,
) -> EngineChoice:
    """What the options say of the engine; they are taken out of `options`.

    Args:
        devices: What `--device` names; of none, a phone is measured on.
        delegates: What `--delegate` names; none where no model is run.
        outputs: Whether outputs are needed, not only compared where the engine has them.
        by_name: Whether a model is a published one, which `--offline` keeps from coming too.

    Raises:
        UsageError: An option has no effect with these devices, or contradicts another.
    """
    from mmnet_deploy.benchmarking.engines import ENGINE_VARIABLE, EngineChoice, purposes_of
    from mmnet_deploy.benchmarking.targets import EMULATED, HOST
    from mmnet_deploy.engines.releases import checked_version

    path, version = options.pop("engine"), options.pop("engine_version")
    offline = options.pop("offline")
    others = {*devices} - {HOST, EMULATED}
    phones = bool(others or not devices or options["all_devices"])
    if not delegates and (version is not None or offline):
        name = "--offline" if offline else "--engine-version"
        raise UsageError(f"`{name}` is for measuring models. Received: {name} without a model.")
    if version is not None:
        checked_version(version)
        if path is not None:
            raise UsageError(
                "`--engine-version` chooses an official engine, and `--engine-binary` gives "
                f"another: leave one of them out. Received: {version} and {path}."
            )
        if not phones:
            raise UsageError(
                "`--engine-version` is for phones: the emulated phone runs tflbench, and this "
                f"computer its own runtime. Received: --device {', '.join(devices)}."
            )
    if version and path is None and (named := os.environ.get(ENGINE_VARIABLE)):
        say(f"`--engine-version` comes before {ENGINE_VARIABLE}: {named} is not used on phones.")
    idle = offline and not by_name
    if not phones and EMULATED not in devices and (idle or path is not None):
        name = "--offline" if idle else "--engine-binary"
        raise UsageError(
            f"`{name}` is for phones: this computer needs no engine. Received: --device "
            f"{', '.join(devices)}."
        )
    return EngineChoice(
        path, version or "", offline, purposes_of(tuple(delegates), outputs=outputs)
    )
