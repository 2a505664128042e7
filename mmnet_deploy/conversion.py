"""From a Keras network to `.tflite` files that are proved to compute it.

The network is traced and frozen once. Every converted file is run on real pictures
and compared with the Keras network before it gets its final name.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework import convert_to_constants

import models
from mmnet_deploy import data
from mmnet_deploy.errors import ConversionError, DataError, ModelFileError, UsageError
from mmnet_deploy.files import make_folder, sha256, written_aside
from mmnet_deploy.network import Network
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.records import ModelCard, card_to_json
from mmnet_deploy.runtime import TFLiteModel, preprocess, with_card

INPUT_MEANING = "RGB picture, 0 … 1"
OUTPUT_MEANING = "probability of background and foreground; alpha is channel 1"

Representative = Callable[[], Iterator[list[np.ndarray]]]


# --- Recipes -----------------------------------------------------------------


def float32(converter: Any, representative: Representative) -> None:
    """Weights and arithmetic in 32-bit floating point."""


def float16(converter: Any, representative: Representative) -> None:
    """Weights stored in half the size; a CPU without fp16 computes in 32 bits."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]


def int8(converter: Any, representative: Representative) -> None:
    """Weights (per channel) and activations in 8 bits; uint8 input and output."""
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8


@dataclasses.dataclass(frozen=True)
class Precision:
    """A recipe, and how far the mattes of its files may be from those of Keras.

    Attributes:
        largest: Limit of the largest |Δα| over all checked pixels. Where a matte turns
            over a few pixels, a tiny shift is a large |Δα|: int8 has no such limit.
        mean: Limit of the mean |Δα|.
    """

    recipe: Callable[[Any, Representative], None]
    largest: float
    mean: float


PRECISIONS: Mapping[str, Precision] = MappingProxyType(
    {
        "float32": Precision(float32, largest=1e-3, mean=1e-5),
        "float16": Precision(float16, largest=0.1, mean=2e-3),
        "int8": Precision(int8, largest=1.0, mean=2e-2),
    }
)


# --- Pictures ----------------------------------------------------------------


def representative_pictures(folder: Path, count: int, seed: int) -> list[Path]:
    """A seeded draw of pictures: from the train split of a data set, or from a folder.

    Raises:
        DataError: There are no pictures.
    """
    train = folder / "train" / "image"
    source = train if train.is_dir() else folder
    found = data.pictures_in(source)
    if not found:
        raise DataError(
            f"{folder} holds no representative pictures: neither train/image nor the folder "
            "itself has a .jpg, .jpeg or .png file."
        )
    chosen = np.random.default_rng(seed).permutation(len(found))[:count]
    return [found[index] for index in sorted(chosen.tolist())]


# --- Conversion --------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Converted:
    """A converted file and what it says of itself."""

    path: Path
    card: ModelCard


def _frozen_function(model: keras.Model) -> Any:
    """The network at batch 1 as one TensorFlow function with constant weights."""
    height, width = model.input_shape[1:3]
    signature = [tf.TensorSpec((1, height, width, 3), tf.float32, name="image")]
    function = tf.function(lambda image: model(image, training=False), input_signature=signature)
    return convert_to_constants.convert_variables_to_constants_v2(function.get_concrete_function())


def _converted(frozen: Any, precision: Precision, representative: Representative) -> bytes:
    """Run TensorFlow's converter.

    Raises:
        ConversionError: It failed.
    """
    # The weights are constants of the function, so there is nothing for a module to track.
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen], tf.Module())
    precision.recipe(converter, representative)
    try:
        with warnings.catch_warnings():
            # It asks for statistics that only quantization-aware training would have.
            warnings.filterwarnings("ignore", "Statistics for quantized inputs")
            return converter.convert()
    except Exception as error:  # The converter raises whatever its C++ parts give it.
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ConversionError(f"TensorFlow's converter failed: {lines[0]}") from error


def _card(network: Network, precision: str) -> ModelCard:
    height, width = network.input_size
    if height != width:
        raise ModelFileError(f"{network.path} has a {height}×{width} input; it must be square.")
    config = network.config
    return ModelCard(
        family=config.family if config else network.model.name,
        title=models.family(config.family).title if config else network.model.name,
        width_multiplier=config.width_multiplier if config else None,
        height_px=height,
        width_px=width,
        precision=precision,
        parameters=network.model.count_params(),
        input_meaning=INPUT_MEANING,
        output_meaning=OUTPUT_MEANING if network.model.output_shape[3] == 2 else "alpha",
        weights_sha256=sha256(network.path),
        versions={
            name: importlib.metadata.version(name)
            for name in ("mmnet-deploy", "tensorflow", "keras")
        },
    )


def _name(card: ModelCard) -> str:
    width = "" if card.width_multiplier is None else f"-{card.width_multiplier}"
    return f"{card.family}{width}-{card.size_label}-{card.precision}.tflite"


def compare(
    path: Path, expected: Sequence[np.ndarray], pictures: Sequence[data.Picture]
) -> tuple[float, float]:
    """Largest and mean |Δα| of a `.tflite` file against mattes of the Keras network."""
    model = TFLiteModel(path)
    model.require_matting()
    differences = [
        np.abs(model.matte(picture) - matte)
        for picture, matte in zip(pictures, expected, strict=True)
    ]
    return float(np.max(differences)), float(np.mean(differences))


def convert(
    network: Network,
    precisions: Sequence[str],
    pictures: Path,
    folder: Path,
    *,
    calibration_samples: int = 100,
    checked_pictures: int = 8,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Converted]:
    """Convert a network to each precision, and compare each file with the network.

    Args:
        precisions: Names in `PRECISIONS`.
        pictures: Data set or folder that representative and checked pictures come from.
        folder: Where the files go, their names made of family, width multiplier, input
            size and precision.

    Returns:
        The files, in the order of `precisions`.

    Raises:
        UsageError: An unknown precision.
        DataError: There are no pictures, or one cannot be read.
        ConversionError: The converter failed, or a file is outside its limits; that
            file is not left under its final name.
        OutputError: The folder cannot be written.
    """
    unknown = [name for name in precisions if name not in PRECISIONS]
    if unknown or not precisions:
        raise UsageError(
            f"`precision` must be one of {', '.join(PRECISIONS)}. Received: {', '.join(unknown)}."
        )
    if calibration_samples < 1:
        raise UsageError(
            f"`calibration_samples` must be at least 1. Received: {calibration_samples}."
        )
    if not 0 <= seed < 2**32:
        raise UsageError(f"`seed` must be 0 … 4294967295. Received: {seed}.")
    files = representative_pictures(pictures, max(calibration_samples, checked_pictures), seed)
    images = [data.read_image(path) for path in files[:checked_pictures]]
    expected = [network.matte(image) for image in images]
    calibration = files[:calibration_samples] if "int8" in precisions else []
    # Read before anything is converted, so that a bad picture is found at once.
    samples = [[preprocess(data.read_image(path), *network.input_size)] for path in calibration]
    make_folder(folder)

    def representative() -> Iterator[list[np.ndarray]]:
        yield from samples

    results = []
    with progress("Converting", len(precisions) + 1) as advance:
        frozen = _frozen_function(network.model)
        advance("traced")
        for name in precisions:
            card = _card(network, name)
            if name == "int8":
                names = tuple(path.name for path in calibration)
                card = dataclasses.replace(card, calibration_files=names, calibration_seed=seed)
            content = _converted(frozen, PRECISIONS[name], representative)
            results.append(_prove(content, card, folder, images, expected))
            advance(name)
    return results


def _prove(
    content: bytes,
    card: ModelCard,
    folder: Path,
    images: Sequence[data.Picture],
    expected: Sequence[np.ndarray],
) -> Converted:
    """Compare a converted model with Keras, and put it in place if it is near enough."""
    path = folder / _name(card)
    limit = PRECISIONS[card.precision]
    with written_aside(path) as aside:
        aside.write_bytes(content)
        largest, mean = compare(aside, expected, images)
        if not (largest <= limit.largest and mean <= limit.mean):
            raise ConversionError(
                f"{path.name} does not compute the network: |Δα| is {mean:.2g} on average "
                f"(limit {limit.mean:g}) and {largest:.2g} at most (limit {limit.largest:g}) "
                f"over {len(images)} pictures. The file was not kept."
            )
        card = dataclasses.replace(
            card,
            largest_difference=largest,
            mean_difference=mean,
            checked_pictures=len(images),
        )
        aside.write_bytes(with_card(content, card_to_json(card)))
    return Converted(path, card)
