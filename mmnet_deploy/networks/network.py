"""A network to convert or evaluate: from a run, a `.keras` file or a SavedModel.

Wherever it comes from, it takes one picture and gives one matte. Loading runs no code that
the file contains, unless the caller trusts it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import MissingDependencyError, MmnetDeployError, ModelFileError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks import location
from mmnet_deploy.networks.backend import INSTALL
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import (
    ALPHA,
    BYTES,
    CLIPPED,
    LOGIT,
    SOFTMAX,
    Meaning,
    Output,
    output_of,
)
from mmnet_deploy.portraits.pictures import preprocess
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.tflite.card import ModelFile

if TYPE_CHECKING:
    from mmnet_deploy.networks.keras_file import KerasFile
    from mmnet_deploy.networks.saved_model import SavedModel

DEFAULT_RANGE = (0.0, 1.0)
"""Values of black and white where nobody says others."""

Inputs = Mapping[str, tuple[tuple[int | None, ...] | None, str]]
"""Shape, None if it is not known at all, and type of each input, by name."""

MOST_PIXELS = 2**24
"""Number of pixels of the largest picture that a network may take, such as 4096×4096."""


@dataclasses.dataclass(frozen=True)
class Network:
    """An inference network and what is known of it.

    Attributes:
        path: The `.keras` file, or the folder of the SavedModel.
        config: How it was trained; None for a network outside a run folder.
        name: Its family, or the name of its file or folder, in letters, digits, `.`, `_`
            and `-`.
        title: Name in charts.
        input_size: Height and width of the input, in pixels.
        output: How the network's own output becomes a matte.
        parameters: Number of weights, batch-norm statistics included.
        engine: What computes it, with versions.
        call: From a float32 tensor (1, h, w, 3) to a tensor (1, h', w', channels) that holds
            alpha in `alpha_channel`, whose size may differ from that of the input. Runs on
            Keras's backend; TensorFlow can trace it.
        predict: From an array to the network's own output, compiled.
        input_range: Values of black and white in the input.
        model: The Keras model; None for a SavedModel and a `.tflite` file.
        width_multiplier: Of the family; None if it is not known.
    """

    path: Path
    config: RunConfig | None
    name: str
    title: str
    input_size: tuple[int, int]
    output: Output
    parameters: int | None
    engine: str
    call: Callable[[Any], Any]
    predict: Callable[[NDArray[np.float32]], NDArray[Any]]
    input_range: tuple[float, float] = DEFAULT_RANGE
    model: Any = None
    width_multiplier: float | None = None

    @property
    def output_channels(self) -> int:
        """Number of channels of the output."""
        return self.output.layout.channels

    @property
    def alpha_channel(self) -> int:
        """The channel that is the matte."""
        return self.output.channel

    @property
    def sha256(self) -> str:
        """Hash of the file, or of the graph and the variables of a SavedModel."""
        return describe(self.path).sha256

    def matte(self, image: pictures.Picture) -> NDArray[np.float32]:
        """Alpha of a picture, uint8 (h, w, 3), in 0 … 1 and at the size of the output.

        Raises:
            ModelFileError: The output is no alpha.
        """
        return self.infer(self.prepare(image))

    def prepare(self, image: pictures.Picture) -> NDArray[np.float32]:
        """A picture, uint8 (h, w, 3), as the network's input; it does not run the network."""
        return preprocess(image, *self.input_size, self.input_range)

    def infer(self, tensor: NDArray[np.float32]) -> NDArray[np.float32]:
        """Alpha of what `prepare` gave; see `matte`."""
        return self.output.matte(self.predict(tensor))


def describe(path: Path) -> ModelFile:
    """Identity of a network; that of a run is named after the run.

    A SavedModel is its graph and its variables; other files in its folder do not count.

    Raises:
        OSError: It cannot be read.
    """
    if path.is_dir():
        variables = sorted(file for file in (path / "variables").glob("*") if file.is_file())
        files = [path / "saved_model.pb", *variables]
        parts = [(file.relative_to(path).as_posix(), sha256(file)) for file in files]
        digest = hashlib.sha256(repr(parts).encode()).hexdigest()
        return ModelFile(path.resolve().name, digest, sum(file.stat().st_size for file in files))
    name = f"{path.parent.name}/{path.name}" if Run(path.parent).exists else path.name
    return ModelFile(name, sha256(path), path.stat().st_size)


def load(
    path: Path,
    *,
    meaning: Meaning | None = None,
    unsafe: bool = False,
) -> Network:
    """Load a run's best network, a `.keras` file or a SavedModel folder.

    Args:
        meaning: What is said of its input and output. By default the input is 0 … 1, and the
            output alpha, in its only channel or the second of two.
        unsafe: Load it even if it contains code, which may then run.

    Raises:
        ModelFileError: There is no such file, it is damaged or contains code, or it does not
            take one picture and give one matte.
        UsageError: There is no such channel, or there are several to choose from; or what is
            said contradicts a run, which is known.
        MissingDependencyError: It is a SavedModel, and TensorFlow is not installed.
    """
    try:
        return _loaded(path, meaning or Meaning(), unsafe)
    except MmnetDeployError:
        raise
    except Exception as error:  # What a damaged file leads to in Keras, TensorFlow and here.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelFileError(f"{path} cannot be loaded: it is damaged ({detail}).") from error


def _loaded(path: Path, meaning: Meaning, unsafe: bool) -> Network:
    # They import Keras, which a `.tflite` file does not need.
    import models
    from mmnet_deploy.networks import keras_file

    config = None
    if (path / "saved_model.pb").exists():
        opened: KerasFile | SavedModel = _load_saved_model(path, unsafe)
    else:
        path, config = location.locate(path)
        opened = keras_file.load(path, unsafe=unsafe)
    name = config.family if config else path.resolve().name.removesuffix(".keras")
    ours = config is not None and not config.imported_from
    known = ours and name in models.family_names()
    safe_name = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "network"
    title = f"{safe_name}, tuned" if config else safe_name
    size = _input_size(path, opened.inputs)
    shape, dtype = _output_form(path, opened, size)
    if config is not None:
        trained = Meaning(output=ALPHA, input_range=DEFAULT_RANGE)
        meaning.require_agreement(str(path), trained, (shape[-1] - 1,))
    output = output_of(str(path), shape, size, meaning, dtype=dtype)
    return Network(
        path=path,
        config=config,
        name=safe_name,
        title=models.family(name).title if known else title,
        input_size=size,
        output=output,
        parameters=opened.parameters,
        engine=opened.engine,
        call=lambda image: _as_alpha(next(iter(opened.call(image).values())), output),
        predict=lambda image: next(iter(opened.predict(image).values())),
        input_range=meaning.input_range or DEFAULT_RANGE,
        model=opened.model,
        width_multiplier=config.width_multiplier if config else None,
    )


# --- What fits ---------------------------------------------------------------


def _input_size(path: Path, inputs: Inputs) -> tuple[int, int]:
    """Height and width of the one picture that the network takes."""
    if len(inputs) != 1:
        raise ModelFileError(
            f"{path} must have one input, the picture. "
            f"Received: {len(inputs)} ({', '.join(sorted(inputs))})."
        )
    ((shape, dtype),) = inputs.values()
    if shape is None or len(shape) != 4 or shape[0] not in (None, 1) or shape[3] != 3:
        raise ModelFileError(
            f"{path} must take one picture, of shape (1, height, width, 3). Received: {shape}."
        )
    height, width = shape[1:3]
    if not height or not width:
        raise ModelFileError(
            f"{path} must have a fixed input size: save it with one, as in "
            f"keras.Input((256, 256, 3)). Received: {shape}."
        )
    if height * width > MOST_PIXELS:
        raise ModelFileError(
            f"{path} must take pictures of at most {MOST_PIXELS:,} pixels. "
            f"Received: {height}×{width}."
        )
    if "float" not in dtype:
        raise ModelFileError(f"{path} must take float values, such as float32. Received: {dtype}.")
    return height, width


def _output_form(
    path: Path, opened: KerasFile | SavedModel, size: tuple[int, int]
) -> tuple[tuple[int, ...], Any]:
    """Shape and type of the one output that the network gives for a black picture."""
    try:
        outputs = opened.predict(np.zeros((1, *size, 3), np.float32))
    except Exception as error:  # Whatever the layers and the backend raise.
        detail = " ".join(str(error).split())[:160] or type(error).__name__
        raise ModelFileError(f"{path} does not run: {detail}.") from error
    if len(outputs) != 1:
        raise ModelFileError(
            f"{path} must have one output, the matte: save a model with only that one. "
            f"Received: {len(outputs)} ({', '.join(sorted(outputs))})."
        )
    (matte,) = outputs.values()
    # NumPy itself does not have bfloat16.
    name = str(matte.dtype)
    if "float" not in name and matte.dtype.kind not in "biu":
        raise ModelFileError(f"{path} must give numbers. Received: {name} {matte.shape}.")
    return tuple(matte.shape), np.float32 if "float" in name else matte.dtype


def _as_alpha(values: Any, output: Output) -> Any:
    """A tensor of the output as alpha (1, height, width, channels), as `Output.matte` makes it."""
    from keras import ops

    layout = output.layout
    shape = (1, layout.height, layout.width, layout.channels)
    if layout.channels_first:
        values = ops.reshape(values, (1, layout.channels, layout.height, layout.width))
        values = ops.transpose(values, (0, 2, 3, 1))
    elif tuple(values.shape) != shape:
        values = ops.reshape(values, shape)
    if output.kind == LOGIT:
        return ops.sigmoid(values)
    if output.kind == SOFTMAX:
        return ops.softmax(values, axis=-1)
    if output.kind == BYTES:
        return ops.cast(values, "float32") / output.white
    return ops.clip(values, 0.0, 1.0) if output.kind == CLIPPED else values


# --- SavedModel --------------------------------------------------------------


def _load_saved_model(folder: Path, unsafe: bool) -> SavedModel:
    try:
        # Imports TensorFlow, which nothing else here needs.
        from mmnet_deploy.networks import saved_model
    except ImportError as error:
        raise MissingDependencyError(
            f"The SavedModel {folder} needs tensorflow. {INSTALL}"
        ) from error
    return saved_model.load(folder, unsafe=unsafe)
