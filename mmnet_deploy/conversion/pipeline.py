"""From a network to `.tflite` files that are proved to compute it.

The network is traced, frozen and converted once; its float32 graph is rewritten for
inference; each precision is a recipe on that graph. Every file is run on held-out
pictures and compared with the network before it gets its name.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from mmnet_deploy.conversion import selection
from mmnet_deploy.conversion.acceptance import Acceptance
from mmnet_deploy.conversion.beginning import Beginning, begin
from mmnet_deploy.conversion.half_precision import Reduction, Trial
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.conversion.quantization import (
    PRECISIONS,
    NoFormError,
    Source,
    int8,
    require_quantizable,
)
from mmnet_deploy.conversion.selection import Choice
from mmnet_deploy.conversion.targets import (
    card_of,
    origin_of,
    require_kept,
    require_replaceable,
    target,
    with_description,
)
from mmnet_deploy.errors import ConversionError, MmnetDeployError, ModelFileError
from mmnet_deploy.files import make_folder, written_aside
from mmnet_deploy.networks.network import Network
from mmnet_deploy.portraits.masks import MaskValues
from mmnet_deploy.portraits.output import BYTES, CLASSES
from mmnet_deploy.portraits.pictures import preprocess, read_image
from mmnet_deploy.portraits.representative import TRAIN, draw, portraits_in, without_copies
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite import app_metadata, counts
from mmnet_deploy.tflite.card import ModelCard


@dataclasses.dataclass(frozen=True)
class Converted:
    """A converted file and the description that it carries.

    Attributes:
        checked: Number of pictures that it was compared with the network on.
        proved: Whether that comparison could have failed; otherwise the description holds no
            figures of it.
        held_out: Whether none of those pictures set its quantization ranges.
        computed_in: The types other than float32 that the network computes in itself; its
            files do not.
        rounding: How far the network is from itself in float32, if it has such types.
        half: How the file was tried in half precision; None if it was not.
    """

    path: Path
    card: ModelCard
    checked: int
    proved: bool = True
    held_out: bool = True
    computed_in: tuple[str, ...] = ()
    rounding: MatteDifference | None = None
    half: Trial | None = None


class RefusedError(ConversionError):
    """Some files were refused; all others that were asked for are there.

    Attributes:
        refused: Why, by precision.
        formless: Those of them that no option can give the network.
        converted: The files that were written.
    """

    def __init__(
        self, refused: Mapping[str, MmnetDeployError], converted: Sequence[Converted]
    ) -> None:
        self.refused = {name: str(error) for name, error in refused.items()}
        self.formless = {name for name, it in refused.items() if isinstance(it, NoFormError)}
        self.converted = tuple(converted)
        texts = [text if name in text else f"{name}: {text}" for name, text in self.refused.items()]
        alone = len(texts) == 1
        super().__init__(
            next(iter(self.refused.values()))
            if alone
            else f"{len(texts)} precisions are refused. {' '.join(texts)}"
        )


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
        ConversionError: The converter failed.
        RefusedError: Files could not be made, or are outside their limits, and are not left
            under their final names. All others are written; the error has them.
        OutputError: The folder cannot be written, or a file in it is of another network.
    """
    options = options or Options()
    options.check(precisions)
    kind = network.output.kind
    if kind == CLASSES or (network.output.white != 1 and kind != BYTES):
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
    cards = [card_of(network, name, options) for name in precisions]
    paths = [target(folder, card, options) for card in cards]
    require_kept(network.path, paths)
    if not options.replace:
        for path, card in zip(paths, cards, strict=True):
            require_replaceable(path, card)
    # Read before anything is converted, so that a bad picture is found at once.
    calibrated = any(PRECISIONS[name].calibrated for name in precisions)
    if calibrated:
        drawn = without_copies(drawn)
    images = [read_image(portrait.image) for portrait in drawn.held_out]
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
        traced = begin(network)
        acceptance = Acceptance(traced, judge, options)
        content, _ = traced.float_graph(options.graph)
        source = Source(
            content,
            samples,
            phases=options.graph == "deploy",
            io=options.io,
            input_range=network.input_range,
            half=options.reduces("float32"),
        )
        if options.float_layers:
            selection.by_pattern(source.integer_graph(), options.float_layers)
        if options.max_error_increase is not None:
            selection.require_masks(judge)
        macs = counts.total_macs(source.graph())
        making = _Making(
            network=network,
            traced=traced,
            judge=judge,
            acceptance=acceptance,
            source=source,
            reduction=Reduction(source, judge, acceptance, paths[0]),
            options=options,
            progress=progress,
        )
        names = tuple(portrait.image.name for portrait in calibration)
        advance("traced")
        results, refused = [], {}
        for name, path, card in zip(precisions, paths, cards, strict=True):
            card = dataclasses.replace(card, macs=macs)
            if PRECISIONS[name].calibrated:
                card = dataclasses.replace(
                    card, calibration_files=names, calibration_seed=options.seed
                )
            try:
                converted = making.file(card, path)
            except (ConversionError, ModelFileError) as error:
                refused[name] = error
            else:
                held_out = drawn.is_disjoint or not PRECISIONS[name].calibrated
                results.append(dataclasses.replace(converted, held_out=held_out))
            advance(name)
    if refused:
        raise RefusedError(refused, results)
    return results


@dataclasses.dataclass(frozen=True)
class _Making:
    """What the files of one network are made with."""

    network: Network
    traced: Beginning
    judge: Judge
    acceptance: Acceptance
    source: Source
    reduction: Reduction
    options: Options
    progress: Progress

    def file(self, card: ModelCard, path: Path) -> Converted:
        """Make the file of one precision, compare it with the network, and write it.

        Raises:
            ConversionError, ModelFileError: It cannot be made or run, or is outside its limits.
        """
        name, judge, source = card.precision, self.judge, self.source
        require_quantizable(source.graph(), name)
        choice = Choice()
        if name == "int8":
            choice = _chosen(source, judge, self.options, self.acceptance, path, self.progress)
        layers = choice.float_layers
        card = dataclasses.replace(card, float_layers=layers, layer_errors=choice.ranking)
        content = int8(source, layers) if layers else PRECISIONS[name].recipe(source)
        found = judge.difference(judge.mattes(with_description(content, card), path))
        stock = functools.partial(_stock, self.traced, judge, self.options, path)
        self.acceptance.require_near(found, name, path, stock)
        content, card, half = self.reduction.applied(content, card, self.options)
        origin = origin_of(self.network, self.options)
        return dataclasses.replace(
            _written(content, card, path, found, judge, origin),
            computed_in=self.traced.computed_in,
            rounding=self.acceptance.rounding,
            half=half,
        )


def _chosen(
    source: Source,
    judge: Judge,
    options: Options,
    acceptance: Acceptance,
    path: Path,
    progress: Progress,
) -> Choice:
    """The layers that int8 leaves in float: those that the user names, and those a limit needs."""
    by_hand = selection.by_pattern(source.integer_graph(), options.float_layers)
    if options.max_error_increase is None:
        return Choice(by_hand)
    return selection.within(
        source,
        judge,
        options.max_error_increase,
        path,
        float_layers=by_hand,
        near=lambda found: acceptance.is_near(found, "int8"),
        progress=progress,
    )


def _stock(traced: Beginning, judge: Judge, options: Options, path: Path) -> MatteDifference:
    """How far the float32 graph of TensorFlow's converter is from the network."""
    card = card_of(traced.network, "float32", dataclasses.replace(options, graph="stock"))
    return judge.difference(judge.mattes(with_description(traced.stock_graph(), card), path))


def _written(
    content: bytes,
    card: ModelCard,
    path: Path,
    found: MatteDifference,
    judge: Judge,
    origin: Mapping[str, str],
) -> Converted:
    """Write a file with its description, which says how far it is if that proves anything.

    Apps read what `app_metadata` says; it also says who made the network, as in `origin`.
    """
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
        said = app_metadata.of_card(card, **origin)
        aside.write_bytes(app_metadata.with_app_metadata(with_description(content, card), said))
    return Converted(path, card, found.pictures, proved)
