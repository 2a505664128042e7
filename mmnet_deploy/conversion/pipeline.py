"""From a network to `.tflite` files that are proved to compute it.

The network is traced, frozen and converted once; its float32 graph is rewritten for
inference; each precision is a recipe on that graph. Every file is run on held-out
pictures and compared with the network before it gets its name.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

from mmnet_deploy.conversion import passes, selection
from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.conversion.quantization import IO_TYPES, PRECISIONS, Source
from mmnet_deploy.errors import ConversionError, ModelFileError, UsageError
from mmnet_deploy.files import make_folder, written_aside
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.pictures import preprocess, read_image
from mmnet_deploy.portraits.representative import TRAIN, draw, portraits_in
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite.card import ModelCard, card_to_json, with_card
from mmnet_deploy.tflite.graph import Graph

GRAPHS = ("deploy", "stock")
"""The graph rewritten for inference, and the one that TensorFlow's converter gives."""

NOTABLE_INCREASE = 0.02
"""An int8 file whose gradient error grows by more than this share deserves a warning."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to convert.

    Attributes:
        graph: A name in `GRAPHS`.
        io: Type of the ends of an int8 file, in `quantization.IO_TYPES`.
        calibration_samples: Pictures that set the quantization ranges.
        checked_pictures: Held-out pictures that every file is compared on.
        seed: Chooses the pictures.
        float_layers: Regular expressions of the names of layers that int8 leaves in float.
        max_error_increase: Largest relative increase of the gradient error by int8; layers
            are left in float until it is kept. None for no limit.
        max_difference, max_mean_difference: Limits of |Δα| in place of the precision's own.
    """

    graph: str = "deploy"
    io: str = "uint8"
    calibration_samples: int = 100
    checked_pictures: int = 16
    seed: int = 0
    float_layers: tuple[str, ...] = ()
    max_error_increase: float | None = None
    max_difference: float | None = None
    max_mean_difference: float | None = None

    def check(self, precisions: Sequence[str]) -> None:
        """Make sure that every value is possible.

        Raises:
            UsageError: One is not.
        """
        unknown = [name for name in precisions if name not in PRECISIONS]
        if unknown or not precisions:
            raise UsageError(
                f"`precision` must be one of {', '.join(PRECISIONS)}. "
                f"Received: {', '.join(unknown) or 'none'}."
            )
        for name, value, allowed in (("graph", self.graph, GRAPHS), ("io", self.io, IO_TYPES)):
            if value not in allowed:
                raise UsageError(
                    f"`{name}` must be one of {', '.join(allowed)}. Received: {value}."
                )
        for name in ("calibration_samples", "checked_pictures"):
            if getattr(self, name) < 1:
                raise UsageError(f"`{name}` must be at least 1. Received: {getattr(self, name)}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"`seed` must be 0 … 4294967295. Received: {self.seed}.")
        for name in ("max_error_increase", "max_difference", "max_mean_difference"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise UsageError(f"`{name}` must be 0 or more. Received: {value}.")
        if (self.float_layers or self.max_error_increase is not None) and "int8" not in precisions:
            raise UsageError(
                "`float_layers` and `max_error_increase` say what int8 leaves in float: "
                f"`precision` must have int8. Received: {', '.join(precisions)}."
            )


@dataclasses.dataclass(frozen=True)
class Converted:
    """A converted file and what it says of itself."""

    path: Path
    card: ModelCard


# --- The float32 graph -------------------------------------------------------


def stock_graph(network: Network) -> bytes:
    """The network at batch 1 as TensorFlow's converter gives it, in float32.

    The variables are frozen into constants first: left in the graph, they become
    READ_VARIABLE operators that cut it into pieces for a delegate.

    Raises:
        ConversionError: The network cannot be traced, or the converter failed.
    """
    height, width = network.input_size
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="image")]
    try:
        function = tf.function(network.call, input_signature=signature)
        frozen = convert_to_constants.convert_variables_to_constants_v2(
            function.get_concrete_function()
        )
        # The weights are constants now, so there is nothing for a module to track.
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return converter.convert()
    except Exception as error:  # The converter raises whatever its C++ parts give it.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConversionError(f"TensorFlow's converter failed: {lines[0]}") from error


def float_graph(network: Network, graph: str) -> tuple[bytes, Mapping[str, int]]:
    """The float32 graph before precisions, and what the passes did to it."""
    content = stock_graph(network)
    if graph == "stock":
        return content, MappingProxyType({})
    rewritten = Graph.from_bytes(content)
    if rewritten.subgraphs > 1:
        raise ConversionError(
            f"{network.path} has loops or branches, which cannot be rewritten: convert it with "
            "`--graph stock`, in float32 or int8."
        )
    done = passes.deploy(rewritten, network.alpha_channel)
    return rewritten.to_bytes(), MappingProxyType(dict(done))


def float_reference(network: Network, card: ModelCard | None) -> bytes:
    """The float32 file whose layers a quantized file with this card has the names of.

    Raises:
        ConversionError: The converter failed.
    """
    graph = card.graph if card else "stock"
    content, _ = float_graph(network, graph)
    phases = graph == "deploy" and not (card and card.precision == "int16x8")
    return Source(content, [], phases=phases).graph().to_bytes()


# --- Cards -------------------------------------------------------------------


def _card(network: Network, precision: str, options: Options, macs: int) -> ModelCard:
    height, width = network.input_size
    low, high = network.input_range
    config = network.config
    alone = options.graph == "deploy" or network.output_channels == 1
    return ModelCard(
        family=config.family if config else network.name,
        title=network.title,
        width_multiplier=config.width_multiplier if config else None,
        height_px=height,
        width_px=width,
        precision=precision,
        graph=options.graph,
        parameters=network.parameters,
        macs=macs,
        input_meaning=f"RGB picture, {low:g} … {high:g}",
        input_low=low,
        input_high=high,
        output_meaning="alpha" if alone else f"alpha in channel {network.alpha_channel}",
        alpha_channel=0 if alone else network.alpha_channel,
        source_channel=network.alpha_channel,
        weights_sha256=network.sha256,
        versions={
            name: importlib.metadata.version(name)
            for name in ("mmnet-deploy", "tensorflow", "keras")
        },
    )


def _name(card: ModelCard, options: Options) -> str:
    parts = [card.family]
    if card.width_multiplier is not None:
        parts.append(str(card.width_multiplier))
    parts += [card.size_label, card.precision]
    if card.precision == "int8" and options.io != "uint8":
        parts.append(f"{options.io}-io")
    if card.graph == "stock":
        parts.append("stock")
    return "-".join(parts) + ".tflite"


# --- Conversion --------------------------------------------------------------


def convert(
    network: Network,
    precisions: Sequence[str],
    pictures: Path,
    folder: Path,
    options: Options = Options(),  # It is frozen.
    *,
    split: str = TRAIN,
    progress: Progress = silent,
) -> list[Converted]:
    """Convert a network to each precision, and compare each file with the network.

    Args:
        precisions: Names in `quantization.PRECISIONS`.
        pictures: Data set or folder that representative and held-out pictures come from.
        split: Of the data set; see `representative.portraits_in`.
        folder: Where the files go, their names made of family, width multiplier, input
            size and precision.

    Returns:
        The files, in the order of `precisions`.

    Raises:
        UsageError: An option is impossible.
        DataError: There are no pictures, or one cannot be read.
        ModelFileError: The network's output is no alpha.
        ConversionError: The converter failed, or a file is outside its limits; that
            file is not left under its final name.
        OutputError: The folder cannot be written.
    """
    options.check(precisions)
    drawn = draw(
        portraits_in(pictures, split),
        options.calibration_samples,
        options.checked_pictures,
        options.seed,
    )
    # Read before anything is converted, so that a bad picture is found at once.
    images = [read_image(portrait.image) for portrait in drawn.held_out]
    calibrated = any(PRECISIONS[name].calibrated for name in precisions)
    calibration = drawn.calibration if calibrated else ()
    samples = [
        preprocess(read_image(portrait.image), *network.input_size, network.input_range)
        for portrait in calibration
    ]
    make_folder(folder)
    with progress("Converting", len(precisions) + 2) as advance:
        mattes = [network.matte(image) for image in images]
        _require_alpha(network, mattes)
        judge = Judge(drawn.held_out, images, [np.clip(matte, 0, 1) for matte in mattes])
        advance("network run")
        content, _ = float_graph(network, options.graph)
        source = Source(content, samples, phases=options.graph == "deploy", io=options.io)
        macs = counts.total_macs(source.graph())
        advance("traced")
        results = []
        for name in precisions:
            card = _card(network, name, options, macs)
            if PRECISIONS[name].calibrated:
                names = tuple(portrait.image.name for portrait in calibration)
                card = dataclasses.replace(
                    card, calibration_files=names, calibration_seed=options.seed
                )
            path = folder / _name(card, options)
            if name == "int8":
                card = _choose_float_layers(source, judge, card, options, path, progress)
            results.append(_prove(PRECISIONS[name].recipe(source), card, path, judge, options))
            advance(name)
    return results


def _require_alpha(network: Network, mattes: Sequence[Any]) -> None:
    """Make sure that the network gives alpha, before anything is calibrated on it."""
    low = min(float(np.min(matte)) for matte in mattes)
    high = max(float(np.max(matte)) for matte in mattes)
    if not (low >= -0.01 and high <= 1.01):
        raise ModelFileError(
            f"{network.path} gives values from {low:.3g} to {high:.3g}: alpha must be 0 … 1. "
            "It may lack a sigmoid or softmax at its end, or take pictures of another range "
            "(`--input-range`)."
        )


def _choose_float_layers(
    source: Source,
    judge: Judge,
    card: ModelCard,
    options: Options,
    path: Path,
    progress: Progress,
) -> ModelCard:
    """Let the source leave layers in float as the options say; the card tells which."""
    if options.float_layers:
        source.float_layers = selection.by_pattern(source, options.float_layers)
    ranking: Sequence[Any] = ()
    if options.max_error_increase is not None:
        ranking = selection.within(
            source,
            judge,
            options.max_error_increase,
            path,
            near=lambda found: _is_near(found, _limits("int8", options)),
            progress=progress,
        )
    return dataclasses.replace(
        card, float_layers=tuple(source.float_layers), layer_errors=tuple(ranking)
    )


def _prove(
    content: bytes, card: ModelCard, path: Path, judge: Judge, options: Options
) -> Converted:
    """Compare a converted model with the network, and write it if it is near enough."""
    described = with_card(content, card_to_json(card))
    found = judge.difference(judge.mattes(described, path))
    _require_near(found, card.precision, options, path)
    card = dataclasses.replace(
        card,
        largest_difference=found.largest,
        mean_difference=found.mean,
        gradient_error_change=found.gradient_error_change,
        checked_pictures=found.pictures,
    )
    with written_aside(path) as aside:
        aside.write_bytes(with_card(content, card_to_json(card)))
    return Converted(path, card)


def _limits(precision: str, options: Options) -> tuple[float, float]:
    """The largest |Δα| that a file may have, at most and on average."""
    usual = PRECISIONS[precision]
    largest = usual.largest if options.max_difference is None else options.max_difference
    mean = usual.mean if options.max_mean_difference is None else options.max_mean_difference
    return largest, mean


def _is_near(found: MatteDifference, limits: tuple[float, float]) -> bool:
    largest, mean = limits
    return found.largest <= largest and found.mean <= mean


def _require_near(found: MatteDifference, precision: str, options: Options, path: Path) -> None:
    limits = largest, mean = _limits(precision, options)
    if not _is_near(found, limits):
        way_out = ""
        if precision == "int8" and options.max_error_increase is None and not options.float_layers:
            way_out = (
                f" `--max-error-increase {100 * NOTABLE_INCREASE:g}%` leaves the layers in float "
                "that cost most."
            )
        raise ConversionError(
            f"{path.name} does not compute the network: |Δα| is {found.mean:.2g} on average "
            f"(limit {mean:g}) and {found.largest:.2g} at most (limit {largest:g}) "
            f"over {found.pictures} pictures. The file was not kept.{way_out}"
        )
