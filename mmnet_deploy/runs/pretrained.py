"""The bundled networks.

Each is a run folder without what a training needs to continue, so that whatever takes a run
takes it. Made by `tools/compose_portraits.py` and `tools/package_run.py`; `docs/results.md` says
how accurate they are on real portraits. `sources.json` beside a network names what its weights
were made of, and under which licence.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from mmnet_deploy.errors import UsageError

PREFIX = "pretrained:"
"""Stands before the name of one of them where a run or a file is expected."""

AUTHOR, LICENSE = "mmnet-deploy", "Apache-2.0"
"""Of what was added to the sources; the licence by its SPDX identifier."""

SOURCES = "sources.json"

_FOLDER = Path(__file__).parent / "pretrained_runs"


@dataclasses.dataclass(frozen=True)
class Source:
    """What the weights of a bundled network were made of.

    Attributes:
        name: Of a data set or a network.
        use: What was taken from it.
        licence: By its SPDX identifier.
        citation: Whom its authors ask to name; empty if nobody.
    """

    name: str
    use: str
    licence: str
    citation: str = ""

    def __str__(self) -> str:
        details = "; ".join(filter(None, (self.licence, self.use, self.citation)))
        return f"{self.name} ({details})"


def names() -> tuple[str, ...]:
    """Their names, those with the smallest input first."""
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
    """Whether a file or a run folder is that of one of them."""
    return path.resolve().is_relative_to(_FOLDER.resolve())


def sources(path: Path) -> tuple[Source, ...]:
    """What a bundled network was made of, by its run folder or a file in it."""
    folder = _FOLDER / path.resolve().relative_to(_FOLDER.resolve()).parts[0]
    listed = json.loads((folder / SOURCES).read_text(encoding="utf-8"))
    return tuple(Source(**source) for source in listed)


def licence(path: Path) -> str:
    """The licences of a bundled network and its sources, as an SPDX expression."""
    return " AND ".join(sorted({LICENSE, *(source.licence for source in sources(path))}))
