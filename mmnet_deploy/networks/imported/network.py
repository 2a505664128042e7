"""Importing a `.tflite` file: what it is, and the network that equals it on pictures."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path

import keras
import numpy as np

import models
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks.imported import building, ending
from mmnet_deploy.networks.imported import source as sources
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.pictures import Picture, preprocess
from mmnet_deploy.portraits.synthetic.scene import portrait
from mmnet_deploy.tflite.interpreter import TFLiteModel
from mmnet_deploy.tflite.schema import reading

LARGEST_DIFFERENCE = 1e-4
"""By how much alpha may differ between the file and the network: float32 rounds in another order,
and steep edges of a matte enlarge that."""

CHECKED = 4
CHECKED_PX = 128
"""Number of drawn portraits that both are run on, and their height and width."""


@dataclasses.dataclass(frozen=True)
class Imported:
    """A network that was made of a file.

    Attributes:
        source: The file.
        network: The training form; see `models.build`.
        largest_difference: Largest |Δα| between the two on the pictures.
    """

    source: sources.Source
    network: keras.Model
    largest_difference: float


def describe(path: Path) -> sources.Source:
    """What a file is, once it is clear that all its operators are known; no layer is made.

    Raises:
        ModelFileError: It cannot be imported.
    """
    source = sources.read(path)
    building.require_known(source)
    return source


def load(path: Path, meaning: Meaning | None = None) -> Imported:
    """Make a network of a file, and compare the two on pictures.

    Args:
        meaning: What is said of its input and output besides what the file says.

    Raises:
        ModelFileError: It cannot be imported, or computes something else than the network.
        UsageError: What is said contradicts the file, or does not suffice.
    """
    source = describe(path)
    model = TFLiteModel(path)
    picture, output = model.require_matting(meaning)
    with reading(str(path)):
        found = ending.find(str(path), source.graph, output, source.size)
    network = building.training_form(source, found, picture.input_range)
    deployed = models.inference_network(network)
    worst = 0.0
    for image in _pictures():
        expected = model.matte(image)
        try:
            output = deployed(preprocess(image, *source.size, (0.0, 1.0)), training=False)
        except Exception as error:  # Whatever the backend says of sizes that no layer checks.
            text = " ".join(str(error).split())[:200] or type(error).__name__
            raise ModelFileError(
                f"{path} cannot be imported: the network made of it does not run: {text}."
            ) from error
        alpha = keras.ops.convert_to_numpy(output)[0, ..., -1]
        difference = float(np.abs(alpha - expected).max())
        worst = difference if np.isnan(difference) else max(worst, difference)
    if not worst <= LARGEST_DIFFERENCE:
        raise ModelFileError(
            f"{path} cannot be imported: the network made of it must differ by at most "
            f"{LARGEST_DIFFERENCE:g} of alpha on pictures. Received: {worst:.2g}."
        )
    return Imported(source, network, worst)


@functools.cache
def _pictures() -> tuple[Picture, ...]:
    return tuple(portrait(0, index, CHECKED_PX)[0] for index in range(CHECKED))
