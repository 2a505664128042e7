"""A `.keras` file, loaded without running code that it contains."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks import keras_archive

SPARE_BYTES = 16 * 2**20
"""Size of the weights that a network may have beyond those that its file holds."""

MOST_VALUES = 2**28
"""Number of values that the result of one layer may have: 1 GiB in float32."""


@dataclasses.dataclass(frozen=True)
class KerasFile:
    """A loaded Keras model, with its inputs and outputs by name."""

    model: keras.Model

    @property
    def engine(self) -> str:
        """What computes it, with versions."""
        return f"keras {keras.version()}, {keras.backend.backend()}"

    @property
    def inputs(self) -> dict[str, tuple[tuple[int | None, ...] | None, str]]:
        """Shape, None if it is not known at all, and type of each input, by name."""
        tensors = getattr(self.model, "inputs", None)
        if tensors:
            return {tensor.name: (tuple(tensor.shape), tensor.dtype) for tensor in tensors}
        # A model of a subclass knows only the shapes that it was built with.
        built = (self.model.get_build_config() or {}).get("input_shape")
        if not built:
            return {"input": (None, "float32")}
        if isinstance(built, Mapping) or isinstance(built[0], (list, tuple)):
            return {str(name): (None, "float32") for name, _ in _by_name(built).items()}
        return {"input": ((None, *built[1:]), "float32")}

    @property
    def parameters(self) -> int:
        """Number of weights, batch-norm statistics included."""
        return self.model.count_params()

    def call(self, image: Any) -> dict[str, Any]:
        """From the one input to the outputs by name."""
        return _by_name(self.model(self._fed(image), training=False))

    def predict(self, image: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """The same on arrays, compiled."""
        return _by_name(self.model.predict_on_batch(self._fed(image)))

    def _fed(self, image: Any) -> Any:
        """The input in the structure that the model takes, such as a dictionary."""
        return keras.tree.map_structure(lambda _: image, getattr(self.model, "input", None))


def _by_name(outputs: Any) -> dict[str, Any]:
    """Tensors by the names or numbers of their places in the structure."""
    leaves = keras.tree.flatten_with_path(outputs)
    return {".".join(map(str, place)): tensor for place, tensor in leaves}


def load(path: Path, *, unsafe: bool = False) -> KerasFile:
    """Load a `.keras` file.

    Args:
        unsafe: Load it even if it contains code, such as that of a Lambda layer.

    Raises:
        ModelFileError: It is damaged, needs layers that Keras does not have, or contains
            code.
    """
    contents = keras_archive.read(path)
    # Weights in 16 bits may become twice as large; seeds of random numbers are not stored.
    budget = _Budget(SPARE_BYTES + 2 * contents.weights_bytes)
    try:
        with budget.kept():
            model = keras.saving.load_model(path, compile=False, safe_mode=not unsafe)
    except Exception as error:  # Keras passes on whatever the damage leads to.
        if budget.left < 0:
            raise ModelFileError(
                f"{path} is damaged: its layers are to have more weights than are in the file."
            ) from error
        raise _explained(path, error, contents.keras_version) from error
    if not isinstance(model, keras.Model):
        raise ModelFileError(f"{path} holds a {type(model).__name__}, not a Keras model.")
    _require_bounded(path, model)
    return KerasFile(model)


def _require_bounded(path: Path, model: keras.Model) -> None:
    """Make sure that the results of the layers, as far as Keras knows their shapes, fit memory."""
    for operation in getattr(model, "operations", model.layers):
        try:
            shapes = [tensor.shape for tensor in keras.tree.flatten(operation.output)]
        except (AttributeError, ValueError):  # It was never called, or more than once.
            continue
        largest = max((math.prod(size or 1 for size in shape) for shape in shapes), default=0)
        if largest > MOST_VALUES:
            raise ModelFileError(
                f"{path} must have layers whose results have at most {MOST_VALUES:,} values. "
                f"Received: {largest:,} ({operation.name})."
            )


class _Budget:
    """How many bytes of weights layers may still make."""

    def __init__(self, most_bytes: int) -> None:
        self.left = most_bytes

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Let layers make weights within the budget, and refuse the first beyond, unmade."""
        add_weight = keras.Layer.add_weight

        def counted(layer: keras.Layer, *args: Any, **options: Any) -> Any:
            shape = args[0] if args else options.get("shape")
            with contextlib.suppress(TypeError, ValueError):  # Keras says what is wrong with it.
                self.left -= 4 * math.prod(shape if np.iterable(shape) else (shape or 1,))
            if self.left < 0:
                raise MemoryError("too many weights")
            return add_weight(layer, *args, **options)

        keras.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.Layer.add_weight = add_weight


def _explained(path: Path, error: Exception, made_by: str) -> ModelFileError:
    """Why Keras could not load it, in one line that says what to do."""
    text = " ".join(str(error).split())
    if made_by.startswith("2."):
        return ModelFileError(keras_archive.way_from_keras_2(path, made_by))
    # The refusals of its safe mode, and only these, name the way around it.
    if "safe_mode=False" in text:
        what = "a Lambda layer" if "lambda" in text.lower() else "a layer that loads other files"
        return ModelFileError(
            f"{path} contains code ({what}) that would run on loading; `--unsafe` loads it if you "
            "trust its source."
        )
    unknown = re.search(
        r"Could not (?:locate|deserialize) (?:class|function) '(?:[^'>]*>)?([^']+)'", text
    )
    if unknown:
        return ModelFileError(
            f"{path} needs {unknown[1]}, a layer or function that Keras does not have: export the "
            "model where it was made with `model.export(folder)`, and give that folder."
        )
    return ModelFileError(
        f"{path} cannot be loaded: it is damaged, or was made by another version of Keras "
        f"({text[:160] or type(error).__name__})."
    )
