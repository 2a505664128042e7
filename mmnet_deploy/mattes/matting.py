"""Picture in, alpha out: one face for every kind of model."""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import DelegateRefusedError, UsageError
from mmnet_deploy.networks.backend import require_extra
from mmnet_deploy.parallel import usable_cores
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.portraits.pictures import Picture
from mmnet_deploy.tflite import card, interpreter
from mmnet_deploy.tflite.card import ModelFile
from mmnet_deploy.tflite.runtime import runtime_name

if TYPE_CHECKING:
    from mmnet_deploy.networks.network import Network


@dataclasses.dataclass(frozen=True)
class Matting:
    """A model that is ready to compute mattes.

    Attributes:
        file: Which model it is.
        engine: What computes it, for the record.
        prepare: From a picture, uint8 (h, w, 3), to the model's input; called from other
            threads than `infer`, and beside it.
        infer: From that to the matte in 0 … 1, float32, at any resolution.
        threads: How many cores `infer` keeps busy.
        note: What a user should know of how it is computed; empty where all is as usual.
    """

    file: ModelFile
    engine: str
    prepare: Callable[[Picture], Any]
    infer: Callable[[Any], NDArray[np.float32]]
    threads: int = 1
    note: str = ""

    def matte(self, image: Picture) -> NDArray[np.float32]:
        """The matte of a picture, uint8 (h, w, 3)."""
        return self.infer(self.prepare(image))


def open_model(
    path: Path,
    threads: int | None = None,
    *,
    meaning: Meaning | None = None,
    unsafe: bool = False,
) -> Matting:
    """A run, a network of `network.load` or a `.tflite` file, ready to compute mattes.

    Args:
        threads: For a `.tflite` file; None for all cores.
        meaning: What is said of its input and output; see `network.load`. A `.tflite` file's
            description, or its types, may say more.
        unsafe: For a network; see `network.load`.

    Raises:
        UsageError: More threads than cores, or fewer than one; or what is said of the model
            contradicts it, or does not suffice.
        ModelFileError: It cannot be loaded, or is no matting network.
        MissingDependencyError: Keras is not installed, which networks need.
    """
    cores = usable_cores()
    if card.is_tflite(path):
        if threads is not None and not 1 <= operator.index(threads) <= cores:
            raise UsageError(f"`threads` must be 1 … {cores}. Received: {threads}.")
        model, note = open_tflite(path, threads or cores, meaning)
        return Matting(
            card.describe(path),
            runtime_name() + (", built-in kernels" if note else ""),
            model.prepare,
            model.infer,
            threads or cores,
            " ".join(filter(None, (note, model.overruled))),
        )
    require_extra(f"The network {path}")
    from mmnet_deploy.networks.network import describe, load

    network = load(path, meaning=meaning, unsafe=unsafe)
    return matting_of(network, describe(network.path))


def open_tflite(
    path: Path, threads: int = 1, meaning: Meaning | None = None
) -> tuple[interpreter.TFLiteModel, str]:
    """A matting network in a `.tflite` file, and a note where not XNNPACK runs it.

    What XNNPACK refuses and the built-in kernels run is run by these.

    Raises:
        ModelFileError: It cannot be loaded, or is no matting network.
        UsageError: What is said of it contradicts it, or does not suffice.
    """
    note = ""
    try:
        model = interpreter.TFLiteModel(path, threads)
    except DelegateRefusedError as refusal:
        model = interpreter.TFLiteModel(path, threads, delegate=refusal.runs_with)
        note = f"XNNPACK refuses {path}: the built-in kernels compute its mattes."
    model.require_matting(meaning)
    return model, note


def matting_of(network: Network, file: ModelFile) -> Matting:
    """A loaded network, ready to compute mattes as `file`."""
    return Matting(
        file,
        network.engine,
        network.prepare,
        network.infer,
        usable_cores(),
    )
