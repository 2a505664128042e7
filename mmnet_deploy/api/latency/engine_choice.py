"""Which engine runs models on phones, and when it may not be said."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.errors import UsageError
from mmnet_deploy.progress import Tell, quiet

if TYPE_CHECKING:
    from mmnet_deploy.benchmarking.engines import EngineChoice


def engine_of(
    path: Path | None,
    version: str | None,
    *,
    offline: bool,
    devices: Sequence[str],
    all_devices: bool,
    delegates: Sequence[str],
    outputs: bool = False,
    by_name: bool = False,
    tell: Tell = quiet,
) -> EngineChoice:
    """What the parameters say of the engine.

    Args:
        path: A program, or a folder.
        version: Of the published engine.
        devices: What `--device` names; of none, a phone is measured on.
        delegates: What `--delegate` names; none where no model is run.
        outputs: Whether outputs are needed, not only compared where the engine has them.
        by_name: Whether a model is a published one, which `--offline` keeps from coming too.
        tell: Takes a line on what is not used.

    Raises:
        UsageError: An option has no effect with these devices, or contradicts another.
    """
    from mmnet_deploy.benchmarking.engines import ENGINE_VARIABLE, EngineChoice, purposes_of
    from mmnet_deploy.benchmarking.targets import EMULATED, HOST
    from mmnet_deploy.engines.releases import checked_version

    others = {*devices} - {HOST, EMULATED}
    phones = bool(others or not devices or all_devices)
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
        tell(f"`--engine-version` comes before {ENGINE_VARIABLE}: {named} is not used on phones.")
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
