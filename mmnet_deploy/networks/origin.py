"""Whose a network is: what it is called, its author and its licence, as far as they are known."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path

from mmnet_deploy.downloads import published
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite import app_metadata
from mmnet_deploy.tflite.card import is_tflite, read_model


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where a network comes from; a text is empty if it is not known.

    Attributes:
        name: How commands take it, or the name of its file or run.
        licence: By its SPDX identifier.
    """

    name: str
    author: str = ""
    licence: str = ""


def of(path: Path, sha256: str, imported_sha256: str = "") -> Origin:
    """Origin of a network file.

    Of others' networks author and licence are known for published ones and what was trained
    from them, and for `.tflite` files whose metadata says them.

    Args:
        sha256: Of the file.
        imported_sha256: Of the file that it was trained from, if there was one.
    """
    if pretrained.is_bundled(path):
        name = f"{pretrained.PREFIX}{path.resolve().parent.name}"
        return Origin(name, pretrained.AUTHOR, pretrained.licence(path))
    itself = published.by_sha256(sha256)
    if itself is not None:
        return Origin(itself.argument, licence=itself.licence)
    in_run = Run(path.parent).exists and not is_tflite(path)
    name = path.resolve().parent.name if in_run else path.name
    known = published.by_sha256(imported_sha256) if imported_sha256 else None
    if known is not None:
        return Origin(name, licence=known.licence)
    said = app_metadata.Metadata()
    if is_tflite(path):
        with contextlib.suppress(ModelFileError):  # A damaged entry says nothing.
            said = app_metadata.read(read_model(path)) or said
    return Origin(name, said.author, said.license)
