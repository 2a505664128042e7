"""The files that a conversion writes: names, descriptions, and what they may replace."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.quantization import PRECISIONS
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import MmnetDeployError, ModelFileError, OutputError
from mmnet_deploy.files import read_regular
from mmnet_deploy.networks.network import Network
from mmnet_deploy.runs import pretrained
from mmnet_deploy.tflite import app_metadata
from mmnet_deploy.tflite.card import (
    ModelCard,
    card_to_json,
    described,
    is_tflite,
    read_model,
    with_card,
)

SHOWN_DIGITS = 12
"""Digits of a hash in messages."""

LONGEST_NAME = 255
"""Bytes of a file's name, in the usual file systems."""


def target(folder: Path, card: ModelCard, options: Options) -> Path:
    """The path of a converted file: name of the network, input size, precision and options.

    Raises:
        OutputError: The name is longer than file systems take.
    """
    parts = [options.name or card.family]
    if options.name is None and card.width_multiplier is not None:
        parts.append(str(card.width_multiplier))
    parts += [card.size_label, card.precision]
    if card.precision == "int8" and options.io != "uint8":
        parts.append(f"{options.io}-io")
    if card.graph == "stock":
        parts.append("stock")
    name = "-".join(parts) + ".tflite"
    length = len(os.fsencode(name))
    if length > LONGEST_NAME:
        raise OutputError(
            f"A file's name has at most {LONGEST_NAME} bytes. Received: {length} bytes, in {name}. "
            "`--name` gives the file a shorter one."
        )
    return folder / name


def require_kept(source: Path, paths: Sequence[Path]) -> None:
    """Make sure that no file is written over the one that it is made from.

    Raises:
        OutputError: One would be.
    """
    for path in paths:
        if path.exists() and path.samefile(source):
            raise OutputError(
                f"{path} is the file that is converted: `--name` gives the new file another name, "
                "`-o` another folder."
            )


def require_replaceable(path: Path, card: ModelCard) -> None:
    """Make sure that a path is free, or holds a file that was converted from the same weights.

    Names come from the family and the size, which many networks share.

    Args:
        card: The description that the new file will have.

    Raises:
        OutputError: It holds something else.
    """
    way_out = (
        "`--name` gives the new file another name, `-o` another folder, and `--replace` "
        "overwrites it"
    )
    if path.is_dir():
        raise OutputError(f"Cannot write {path}: it is a folder.")
    try:
        found = described(path, read_regular(path))
    except FileNotFoundError:
        return
    except (OSError, MmnetDeployError):
        found = None
    if found is None:
        raise OutputError(f"{path} is there, and `convert` did not make it: {way_out}.")
    if found.weights_sha256 != card.weights_sha256:
        raise OutputError(
            f"{path} is there, made from other weights (SHA-256 "
            f"{_short(found.weights_sha256)}, these have {_short(card.weights_sha256)}): {way_out}."
        )


def _short(digest: str) -> str:
    return re.sub(r"[^0-9a-f]", "?", digest[:SHOWN_DIGITS])


# --- Descriptions -------------------------------------------------------------


def card_of(network: Network, precision: str, options: Options) -> ModelCard:
    """The description of a file, before it is converted."""
    height, width = network.input_size
    low, high = network.input_range
    config = network.config
    from_file = is_tflite(network.path)
    tools = ["mmnet-deploy"]
    if not from_file or PRECISIONS[precision].calibrated:
        tools.append("tensorflow")
    if not from_file:
        tools.append("keras")
    alone = options.graph == "deploy" or network.output_channels == 1
    return ModelCard(
        family=config.family if config else network.name,
        title=network.title,
        width_multiplier=network.width_multiplier,
        height_px=height,
        width_px=width,
        precision=precision,
        graph=options.graph,
        parameters=network.parameters,
        input_meaning=f"RGB picture, {low:g} … {high:g}",
        input_low=low,
        input_high=high,
        output_meaning="alpha" if alone else f"alpha in channel {network.alpha_channel}",
        alpha_channel=0 if alone else network.alpha_channel,
        source_channel=network.alpha_channel,
        source_output=network.output.kind,
        weights_sha256=network.sha256,
        source_file=network.path.name if from_file else "",
        versions={name: importlib.metadata.version(name) for name in tools},
    )


def with_description(content: bytes, card: ModelCard) -> bytes:
    """A file with its description."""
    return with_card(content, card_to_json(card))


def origin_of(network: Network, options: Options) -> dict[str, str]:
    """Author and licence, as apps read them.

    Of others' networks they are only what the user says, but for published ones and what was
    trained from them, whose licence is known, and for `.tflite` files whose metadata says them.
    """
    author = licence = ""
    source = network.config.imported_sha256 if network.config else ""
    if pretrained.is_bundled(network.path):
        author, licence = pretrained.AUTHOR, pretrained.LICENSE
    elif known := published.by_sha256(source or network.sha256):
        licence = known.licence
    elif is_tflite(network.path):
        with contextlib.suppress(ModelFileError):  # A damaged entry says nothing.
            said = app_metadata.read(read_model(network.path)) or app_metadata.Metadata()
            author, licence = said.author, said.license
    return {"author": options.author or author, "license": options.license or licence}
