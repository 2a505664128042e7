"""The bundled networks, trained on synthetic portraits only.

Each is a run folder without what a training needs to continue, so that whatever takes a run
takes it. Nobody's picture is in the weights; `docs/results.md` says how accurate they are on
real portraits. Made by `tools/package_run.py`.
"""

from __future__ import annotations

from pathlib import Path

from mmnet_deploy.errors import UsageError

PREFIX = "pretrained:"
"""Stands before the name of one of them where a run or a file is expected."""

AUTHOR, LICENSE = "mmnet-deploy", "Apache-2.0"
"""Of these networks; the licence by its SPDX identifier."""

_FOLDER = Path(__file__).parent / "pretrained_runs"


def names() -> tuple[str, ...]:
    """Their operating points, the smallest network first."""
    folders = [path for path in _FOLDER.iterdir() if (path / "config.json").is_file()]
    return tuple(path.name for path in sorted(folders, key=_order))


def _order(folder: Path) -> tuple[int, str]:
    return int(folder.name.rsplit("-", 1)[1]), folder.name


def run_folder(name: str) -> Path:
    """The run folder of one of them.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in names():
        known = ", ".join(names())
        raise UsageError(f"`{PREFIX}` must be followed by one of {known}. Received: {name}.")
    return _FOLDER / name


def is_bundled(path: Path) -> bool:
    """Whether a file is that of one of them."""
    return path.resolve().is_relative_to(_FOLDER.resolve())
