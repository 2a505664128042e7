"""A trained Keras network, loaded from a run or from a `.keras` file."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy import data
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.run import Run, RunConfig
from mmnet_deploy.runtime import preprocess


@dataclasses.dataclass(frozen=True)
class Network:
    """An inference network and what is known of it.

    Attributes:
        model: From pictures (1, h, w, 3) in 0 … 1 to (1, h, w, 1), or to the softmax
            of two classes (1, h, w, 2).
        path: The `.keras` file.
        config: How it was trained; None for a file that is not in a run folder.
    """

    model: keras.Model
    path: Path
    config: RunConfig | None

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the input in pixels."""
        return self.model.input_shape[1:3]

    def matte(self, image: data.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3), at the network's own resolution, in 0 … 1."""
        output = self.model.predict_on_batch(preprocess(image, *self.input_size))
        return np.asarray(output)[0, ..., -1]


def load(path: Path) -> Network:
    """Load a run's best network, or a `.keras` file.

    Raises:
        ModelFileError: There is no such file, it is damaged, or it is no matting network.
    """
    config = None
    if path.is_dir():
        run = Run(path)
        config, path = run.read_config(), run.weights()
    elif Run(path.parent).exists:
        config = Run(path.parent).read_config()
    if not path.is_file():
        raise ModelFileError(f"There is no file or folder {path}.")
    if not zipfile.is_zipfile(path):
        raise ModelFileError(f"{path} is not a .keras file, or it is damaged.")
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras passes on whatever the damage leads to.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelFileError(
            f"{path} cannot be loaded: it is damaged, or needs layers that are not known here "
            f"({detail})."
        ) from error
    shapes = (model.input_shape, model.output_shape)
    fits = all(isinstance(shape, tuple) and len(shape) == 4 for shape in shapes)
    if not (fits and shapes[0][3] == 3 and None not in shapes[0][1:] and shapes[1][3] in (1, 2)):
        raise ModelFileError(
            f"{path} is not a matting network: one input (batch, h, w, 3) of fixed size and one "
            f"output (batch, h, w, 1 or 2) are needed. Received: {shapes[0]} to {shapes[1]}."
        )
    return Network(model, path, config)
