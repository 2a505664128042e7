"""A trained network at another input size.

The weights of a convolution belong to no size, so a family's network takes pictures of any size
that its strides divide. It is most exact at the size that it was trained at. An imported network
has the size of its file.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterable
from pathlib import Path

import keras

import models
from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import make_folder, written_aside
from mmnet_deploy.networks import keras_archive
from mmnet_deploy.runs.run import Run, RunConfig


def sizes(config: RunConfig, wanted: Iterable[int]) -> list[int]:
    """Those of the wanted heights and widths in pixels that a network can have, rising."""
    height, width = config.picture_size
    if config.imported_from or height != width:
        return [height] if height == width and height in wanted else []
    stride = models.family(config.family).stride
    return sorted({size for size in wanted if size >= stride and size % stride == 0})


def resize(run: Run, size: int, target: Run) -> None:
    """Write the network of a run at another input size, as a run that cannot be resumed.

    Args:
        size: Height and width in pixels.

    Raises:
        UsageError: The network cannot have that size.
        ModelFileError: The run is damaged, or holds no network yet.
        OutputError: The folder cannot be written.
    """
    config = run.read_config()
    if not sizes(config, [size]):
        raise UsageError(f"`size` must be one that {config.family} can have. Received: {size}.")
    content = keras_archive.weights(run.weights())
    made = models.inference_network(
        models.build(config.family, width_multiplier=config.width_multiplier, input_size=size)
    )
    if config.batch_norm_epsilon is not None:
        for layer in made.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                layer.epsilon = config.batch_norm_epsilon
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "trained.weights.h5"
        weights.write_bytes(content)
        made.load_weights(weights)
    make_folder(target.folder)
    # What the weights were made of, and under which licence, is known from where they came.
    began = str(run.folder.resolve())
    target.write_config(dataclasses.replace(config, input_size=size, initial_weights=began))
    with written_aside(target.best) as aside:
        made.save(aside)
