"""From a network to `.tflite` files that are proved to compute it.

The network is traced, frozen and converted once; its float32 graph is rewritten for
inference; each precision is a recipe on that graph. Every file is run on held-out
pictures and compared with the network before it gets its name.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from mmnet_deploy.conversion import selection
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.conversion.quantization import PRECISIONS, Source, int8
from mmnet_deploy.conversion.selection import Choice
from mmnet_deploy.conversion.tracing import float_graph
from mmnet_deploy.errors import ConversionError, ModelFileError
from mmnet_deploy.files import make_folder, written_aside
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.output import CLASSES
from mmnet_deploy.portraits.pictures import preprocess, read_image
from mmnet_deploy.portraits.representative import TRAIN, draw, portraits_in
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite.card import ModelCard, card_to_json, with_card

NOTABLE_INCREASE = 0.02
"""The user is warned of an int8 file whose gradient error grows by more than this share."""


@dataclasses.dataclass(frozen=True)
class Converted:
    """A converted file and the description that it carries.

    Attributes:
        checked: Number of pictures that it was compared with the network on.
        proved: Whether that comparison could have failed; otherwise the description holds no
            figures of it.
    """

    path: Path
    card: ModelCard
    checked: int
    proved: bool = True


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
        source_output=network.output.kind,
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
    options: Options | None = None,
    *,
    split: str = TRAIN,
    mask_values: MaskValues | None = None,
    progress: Progress = silent,
) -> list[Converted]:
    """Convert a network to each precision, and compare each file with the network.

    Args:
        precisions: Names in `quantization.PRECISIONS`.
        pictures: Data set or folder from which representative and held-out pictures are drawn.
        folder: Where the files go; their names are made of family, width multiplier, input
            size and precision.
        options: Default: those of `Options()`.
        split: Split of the data set; see `representative.portraits_in`.
        mask_values: What class numbers in the masks mean; None for masks of alpha.

    Returns:
        The files, in the order of `precisions`.

    Raises:
        UsageError: An option is impossible.
        DataError: There are no pictures, or one cannot be read.
        ModelFileError: The network's output is not alpha.
        ConversionError: The converter failed, or a file is outside its limits; that
            file is not left under its final name.
        OutputError: The folder cannot be written.
    """
    options = options or Options()
    options.check(precisions)
    if network.output.kind == CLASSES or network.output.white != 1:
        raise ModelFileError(
            f"{network.path} gives whole numbers, which are no alpha to convert: save it without "
            "the ArgMax or the rounding at its end, and give `--output softmax` if it then gives "
            "logits."
        )
    drawn = draw(
        portraits_in(pictures, split, mask_values),
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
        judge = Judge(drawn.held_out, images, mattes)
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
            choice = Choice()
            if name == "int8":
                choice = _chosen(source, judge, options, path, progress)
            layers = choice.float_layers
            card = dataclasses.replace(card, float_layers=layers, layer_errors=choice.ranking)
            content = int8(source, layers) if layers else PRECISIONS[name].recipe(source)
            results.append(_proved(content, card, path, judge, options))
            advance(name)
    return results


def _chosen(
    source: Source, judge: Judge, options: Options, path: Path, progress: Progress
) -> Choice:
    """The layers that int8 leaves in float: those that the user names, and those a limit needs."""
    by_hand = selection.by_pattern(source, options.float_layers) if options.float_layers else ()
    if options.max_error_increase is None:
        return Choice(by_hand)
    limits = options.limits("int8")
    return selection.within(
        source,
        judge,
        options.max_error_increase,
        path,
        float_layers=by_hand,
        near=lambda found: found.is_within(*limits),
        progress=progress,
    )


def _proved(
    content: bytes, card: ModelCard, path: Path, judge: Judge, options: Options
) -> Converted:
    """The file of a converted model, which is written if it is near enough to the network."""
    described = with_card(content, card_to_json(card))
    found = judge.difference(judge.mattes(described, path))
    _require_near(found, card.precision, options, path)
    usual = PRECISIONS[card.precision]
    proved = judge.proves(usual.largest, usual.mean)
    if proved:
        card = dataclasses.replace(
            card,
            largest_difference=found.largest,
            mean_difference=found.mean,
            gradient_error_change=found.gradient_error_change,
            checked_pictures=found.pictures,
        )
    with written_aside(path) as aside:
        aside.write_bytes(with_card(content, card_to_json(card)))
    return Converted(path, card, found.pictures, proved)


def _require_near(found: MatteDifference, precision: str, options: Options, path: Path) -> None:
    """Make sure that a file computes the network.

    Raises:
        ConversionError: Its mattes differ by more than the limits.
    """
    largest, mean = options.limits(precision)
    if not found.is_within(largest, mean):
        way_out = ""
        if precision == "int8" and options.max_error_increase is None and not options.float_layers:
            way_out = (
                f" `--max-error-increase {100 * NOTABLE_INCREASE:g}%` leaves the layers that cost "
                "most in float."
            )
        raise ConversionError(
            f"{path.name} does not compute the network: |Δα| is {found.mean:.2g} on average "
            f"(limit {mean:g}) and {found.largest:.2g} at most (limit {largest:g}) "
            f"on {found.pictures} pictures. The file was not kept.{way_out}"
        )
