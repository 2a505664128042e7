"""The files that a conversion writes: names, descriptions, and what they may replace."""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.quantization import PRECISIONS
from mmnet_deploy.errors import MmnetDeployError, OutputError
from mmnet_deploy.files import read_regular
from mmnet_deploy.networks import origin
from mmnet_deploy.networks.network import Network
from mmnet_deploy.runs import pretrained
from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite.card import (
    ModelCard,
    card_to_json,
    describe,
    described,
    is_tflite,
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
    if not from_file or PRECISIONS[precision].by_tensorflow:
        tools.append("tensorflow")
    if not from_file:
        tools.append("keras")
    alone = options.graph == "deploy" or network.output_channels == 1
    teacher, teacher_sha256, teacher_licence = _teacher(network)
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
        teacher=teacher,
        teacher_sha256=teacher_sha256,
        teacher_licence=teacher_licence,
        sources=_sources(network),
        versions={name: importlib.metadata.version(name) for name in tools},
    )


def with_description(content: bytes, card: ModelCard) -> bytes:
    """A file with its description."""
    return with_card(content, card_to_json(card))


def _teacher(network: Network) -> tuple[str, str, str]:
    """Name, hash and licence of the teacher of a run, or as a file of ours says them itself."""
    config = network.config
    if config is not None:
        return config.teacher_name, config.teacher_sha256, config.teacher_licence
    known = describe(network.path).card if is_tflite(network.path) else None
    if known is None:
        return "", "", ""
    return known.teacher, known.teacher_sha256, known.teacher_licence


def _sources(network: Network) -> str:
    """What a bundled network was made of, also one that a training began with.

    A file of ours says it itself.
    """
    if bundled := _bundled(network):
        return "; ".join(map(str, pretrained.sources(bundled)))
    if is_tflite(network.path) and (known := describe(network.path).card):
        return known.sources
    return ""


def _bundled(network: Network) -> Path | None:
    """The bundled network that a network is, or that it was trained from, in however many runs.

    A run between that is not there any more ends the search.
    """
    path, config = network.path, network.config
    seen: set[Path] = set()
    while not pretrained.is_bundled(path):
        if config is None or not config.initial_weights or path in seen:
            return None
        seen.add(path)
        path = Path(config.initial_weights)
        run = Run(path if path.is_dir() else path.parent)
        config = run.read_config() if run.exists else None
    return path


def origin_of(network: Network, options: Options) -> dict[str, str]:
    """Author and licence, as apps read them: what the user says, else what is known."""
    config = network.config
    known = origin.of(network.path, network.sha256, config.imported_sha256 if config else "")
    licence = known.licence
    if bundled := _bundled(network):
        licence = pretrained.licence(bundled)
    return {"author": options.author or known.author, "license": options.license or licence}
