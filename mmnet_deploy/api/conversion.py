"""From networks to `.tflite` files."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmnet_deploy.api.models import (
    StrPath,
    meaning_of,
    network_name,
    path_of,
    share_of,
    tell_left_out,
)
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.errors import MissingDependencyError, UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.conversion import Converted, Options
    from mmnet_deploy.networks.network import Network
    from mmnet_deploy.portraits.masks import MaskValues
    from mmnet_deploy.portraits.output import Meaning
    from mmnet_deploy.runs.run import RunConfig


@with_plain_numbers
def convert(
    network: StrPath,
    out: StrPath,
    *,
    precision: str | Sequence[str] = "float32",
    representative: StrPath | None = None,
    mask_values: str = "",
    name: str | None = None,
    replace: bool = False,
    graph: str = "deploy",
    io: str = "uint8",
    reduced_precision: str | None = None,
    calibration_samples: int = 100,
    checked_pictures: int = 16,
    seed: int = 0,
    float_layers: str | Sequence[str] = (),
    max_error_increase: float | str | None = None,
    max_difference: float | None = None,
    max_mean_difference: float | None = None,
    author: str | None = None,
    license: str | None = None,
    output: str | None = None,
    alpha_channel: int | None = None,
    output_size: str | tuple[int, int] | None = None,
    input_range: tuple[float, float] | None = None,
    unsafe: bool = False,
    offline: bool = False,
    progress: Progress = silent,
    tell: Tell = quiet,
) -> list[Converted]:
    """Convert a network to `.tflite`, one file for each precision.

    Each file is run on held-out pictures and compared with the network. A file that does not
    compute the network is not kept.

    Args:
        network: A run folder, a `.keras` file, a SavedModel folder, a `.tflite` file in float32 or
            float16, or a name such as `pretrained:mmnet-1.0-256` or `mediapipe:selfie`.
        out: Folder for the files.
        precision: `float32`, `float16`, `int8-weights`, `dynamic`, `int8`, `int16x8`, several of
            them, or `all` that the network can have.
        representative: Data set or folder of pictures to calibrate with and to check every file
            on. None for the data that the run was trained on.
        mask_values: What the values mean in masks of class numbers; see `evaluate`.
        name: What the files' names begin with. None for family and width multiplier, or the name
            of the network's file.
        replace: Overwrite files of the same name that were made from other weights.
        graph: `deploy`, rewritten for inference, or `stock`, as TensorFlow's converter makes it.
        io: Type of the input and output of an int8 file: `uint8`, `int8` or `float32`.
        reduced_precision: `allow` or `forbid` cores with fp16 arithmetic to compute a file in half
            precision. None to allow it for float16 and to forbid it for the others.
        calibration_samples: Number of pictures that set the quantization ranges.
        checked_pictures: Number of held-out pictures to compare each file with the network on.
        seed: Of the choice of pictures.
        float_layers: Regular expressions: an int8 file leaves the layers whose names match in
            float. `>=128` means those whose output has at least 128 rows.
        max_error_increase: An int8 file leaves layers in float until its gradient error is at
            most this share above the network's, such as 0.02 or `2%`.
        max_difference, max_mean_difference: Limits of the largest and the mean |Δα| from the
            network. None for those of the precision.
        author, license: For the metadata that apps read.
        output, alpha_channel, output_size, input_range, unsafe, offline: See `Matting`.
        progress: Told of the work and downloads; see `mmnet_deploy.progress`.
        tell: Takes a line of news, such as on a picture that is left out.

    Returns:
        The files, in the order of `precision`. `path` is where one is; `card` is its description,
        with the largest and the mean |Δα| from the network. `proved` is False where the network's
        own mattes hardly differ, so that the comparison says nothing.

    Raises:
        UsageError: An argument is wrong.
        ModelFileError: The network cannot be loaded, or gives no alpha.
        DataError: There are no pictures, or one cannot be read.
        ConversionError: The converter failed, or files do not compute the network. Of several,
            the others are there: the error's `converted` has them.
        MissingDependencyError: TensorFlow or Keras is not installed.
        OutputError: A file cannot be written, or one of another network has its name.

    Example:
        >>> (file,) = convert("model.tflite", "converted", representative="portraits")
        >>> file.card.precision, file.card.largest_difference < 1e-3
        ('float32', True)
    """
    prepared = prepare(
        network,
        precision=[precision] if isinstance(precision, str) else precision,
        representative=representative,
        mask_values=mask_values,
        meaning=meaning_of(output, alpha_channel, output_size, input_range),
        unsafe=unsafe,
        offline=offline,
        progress=progress,
        tell=tell,
        graph=graph,
        io=io,
        calibration_samples=calibration_samples,
        checked_pictures=checked_pictures,
        seed=seed,
        float_layers=(float_layers,) if isinstance(float_layers, str) else tuple(float_layers),
        max_error_increase=None
        if max_error_increase is None
        else share_of(max_error_increase, "max_error_increase"),
        max_difference=max_difference,
        max_mean_difference=max_mean_difference,
        reduced_precision=reduced_precision,
        name=name,
        replace=replace,
        author=author,
        license=license,
    )
    return prepared.convert(Path(out), progress)


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A network that is loaded, and what to convert it to.

    Attributes:
        pictures, split: Where pictures to calibrate with and to check on are drawn from.
        mask_values: What class numbers in the masks mean; None for masks of alpha.
        every: Whether the precisions are all that the network can have.
        tell: Takes a line on those that it cannot have.
    """

    network: Network
    precisions: tuple[str, ...]
    options: Options
    pictures: Path
    split: str
    mask_values: MaskValues | None
    every: bool = False
    tell: Tell = quiet

    def convert(self, out: Path, progress: Progress = silent) -> list[Converted]:
        """Convert it; see `conversion.convert`."""
        from mmnet_deploy import conversion

        try:
            with _no_news_of_tensorflow():
                return conversion.convert(
                    self.network,
                    self.precisions,
                    self.pictures,
                    out,
                    self.options,
                    split=self.split,
                    mask_values=self.mask_values,
                    progress=progress,
                )
        except conversion.RefusedError as error:
            # All precisions are those that the network can have.
            if not self.every or not error.formless.issuperset(error.refused):
                raise
            for text in error.refused.values():
                self.tell(f"Left out: {text}")
            return list(error.converted)


@contextlib.contextmanager
def _no_news_of_tensorflow() -> Iterator[None]:
    """In notebooks, TensorFlow prints what it does, such as where its temporary files are."""

    def is_warning(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_warning)
    try:
        yield
    finally:
        logger.removeFilter(is_warning)


def prepare(
    network: StrPath,
    *,
    precision: Sequence[str],
    representative: StrPath | None,
    mask_values: str,
    meaning: Meaning,
    unsafe: bool,
    offline: bool = False,
    progress: Progress = silent,
    tell: Tell = quiet,
    **options: Any,
) -> Prepared:
    """Check what is asked for, and load the network.

    Args:
        options: The fields of `conversion.Options`.

    Raises:
        UsageError, ModelFileError, MissingDependencyError, DownloadError: See `convert`.
    """
    from mmnet_deploy.networks.backend import (
        INSTALL,
        require_extra,
        require_tensorflow_backend,
    )
    from mmnet_deploy.tflite.card import is_tflite

    path = path_of(network, offline=offline, progress=progress, tell=tell)
    from_file = is_tflite(path)
    if not from_file:
        require_extra("`mmnet-deploy convert`")
        require_tensorflow_backend()
    from mmnet_deploy import conversion
    from mmnet_deploy.conversion.quantization import PRECISIONS
    from mmnet_deploy.networks.network import load
    from mmnet_deploy.portraits.masks import parse_mask_values
    from mmnet_deploy.portraits.representative import TRAIN, left_out

    every = "all" in precision
    wanted = tuple(dict.fromkeys(PRECISIONS if every else precision))
    chosen = conversion.Options(**options)
    chosen.check(wanted)
    values = parse_mask_values(mask_values)
    if from_file:
        if every and not importlib.util.find_spec("tensorflow"):
            alone = [name for name in wanted if PRECISIONS[name].by_tensorflow]
            wanted = tuple(name for name in wanted if name not in alone)
            tell(f"Left out: {', '.join(alone)} needs tensorflow. {INSTALL}")
        _require_quantizer(wanted)
        loaded = conversion.open_file(path, meaning, tell)
    else:
        loaded = load(path, meaning=meaning, unsafe=unsafe)
    if representative is not None:
        pictures, split = Path(representative), TRAIN
    else:
        config = _trained_on(loaded, network_name(path))
        # What was learned from a teacher alone has pictures without masks.
        pictures, split = Path(config.data or config.unlabelled), config.split
        values = values or parse_mask_values(config.mask_values)
    tell_left_out(left_out(pictures, split), pictures, tell)
    return Prepared(loaded, wanted, chosen, pictures, split, values, every, tell)


def _require_quantizer(precisions: Sequence[str]) -> None:
    """Make sure that TensorFlow is there if a `.tflite` file is to be calibrated and quantized.

    Raises:
        MissingDependencyError: It is not.
    """
    from mmnet_deploy.conversion.quantization import PRECISIONS
    from mmnet_deploy.networks.backend import INSTALL

    names = [name for name in precisions if PRECISIONS[name].by_tensorflow]
    if names and not importlib.util.find_spec("tensorflow"):
        raise MissingDependencyError(f"`--precision {names[0]}` needs tensorflow. {INSTALL}")


def _trained_on(loaded: Network, network: str) -> RunConfig:
    """What a run was trained by, if its data set is still there.

    Raises:
        UsageError: It is not known, or is not there any more.
    """
    rule = "`representative` must name a data set or a folder of pictures"
    if loaded.config is None:
        raise UsageError(f"{rule}: nothing says what {network} was trained on.")
    if not loaded.config.data and not loaded.config.unlabelled:
        raise UsageError(f"{rule}: the network is bundled without the pictures it was trained on.")
    folder = Path(loaded.config.data or loaded.config.unlabelled)
    if not folder.is_dir():
        raise UsageError(f"{rule}: the run was trained on {folder}, which is not there any more.")
    return loaded.config
