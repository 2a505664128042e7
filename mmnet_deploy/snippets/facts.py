"""What an app has to know of a matting network in a `.tflite` file."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.mattes.matting import open_tflite
from mmnet_deploy.portraits.output import Meaning, Output
from mmnet_deploy.portraits.pictures import Picture
from mmnet_deploy.tflite import app_metadata, ends
from mmnet_deploy.tflite.app_metadata import Metadata
from mmnet_deploy.tflite.card import read_model
from mmnet_deploy.tflite.ends import PictureInput
from mmnet_deploy.tflite.parts import Quantization


@dataclasses.dataclass(frozen=True)
class Facts:
    """Of one file.

    Attributes:
        name, sha256: Which file it is.
        title: Name of the network; that of the file where it says none.
        picture: How a picture becomes the input.
        matte: How the output becomes a matte.
        output_shape, output_dtype, output_quantization: Of the output as it is stored.
        metadata: What the file says to apps of itself; None if it says nothing.
    """

    name: str
    sha256: str
    title: str
    picture: PictureInput
    matte: Output
    output_shape: tuple[int, ...]
    output_dtype: np.dtype
    output_quantization: Quantization | None
    metadata: Metadata | None


def facts_of(path: Path, meaning: Meaning | None = None) -> Facts:
    """The facts of a file, which is loaded and tried.

    Args:
        meaning: What is said of its input and output besides what the file says.

    Raises:
        ModelFileError: It cannot be loaded, XNNPACK refuses it, or it is no matting network.
        UsageError: What is said of it contradicts it, or does not suffice.
    """
    model, note = open_tflite(path, meaning=meaning)
    if note:
        raise ModelFileError(f"{note} Apps run it with XNNPACK: convert it again.")
    picture, matte = model.require_matting(meaning)
    (target,) = model.outputs
    card = model.card
    metadata = None
    with contextlib.suppress(ModelFileError):  # A damaged entry says nothing.
        metadata = app_metadata.read(read_model(path), str(path))
    is_said = card is not None or (meaning is not None and meaning.input_range is not None)
    if picture.dtype.kind == "f" and not is_said and not (metadata and _normalises(metadata)):
        raise UsageError(
            f"`--input-range` must say which values are black and white for {path}, such as 0 1, "
            "-1 1 or 0 255: neither a description nor metadata in it does. Received: none."
        )
    for image in _pictures(picture):
        model.matte(image)  # What the output is not, its values say.
    title = card.title if card else (metadata.name if metadata else "")
    return Facts(
        name=path.name,
        sha256=sha256(path),
        title=title or path.name,
        picture=picture,
        matte=matte,
        output_shape=tuple(int(side) for side in target["shape"]),
        output_dtype=np.dtype(target["dtype"]),
        output_quantization=ends.quantization_of(target),
        metadata=metadata,
    )


def _normalises(metadata: Metadata) -> bool:
    return bool(metadata.inputs and metadata.inputs[0].mean)


def _pictures(picture: PictureInput) -> Iterator[Picture]:
    """Noise, and a bright figure on a dark ground."""
    shape = (picture.height, picture.width, 3)
    yield np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    figure = np.full(shape, 30, np.uint8)
    figure[shape[0] // 4 :, shape[1] // 4 : -shape[1] // 4] = (220, 180, 150)
    yield figure
