"""Mattes of pictures in memory."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.api.models import StrPath, check_threads, meaning_of, path_of
from mmnet_deploy.api.numbers import with_plain_numbers
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.progress import Progress, Tell, quiet, silent

if TYPE_CHECKING:
    from mmnet_deploy.tflite.card import ModelFile

Image = NDArray[np.uint8]
Matte = NDArray[np.float32]

_RULE = (
    "A picture must be an array of bytes of the shape (height, width, 3), with red, green and "
    "blue in this order"
)


class Matting:
    """A model that computes the matte of a picture: how opaque the person is in each pixel.

    It may be called from several threads: they prepare pictures beside each other and take turns
    with the model, so the mattes are the same as one after the other. It can be pickled, and is
    then opened anew from its file. It does not survive a fork: make one in each process.

    Args:
        model: A `.tflite` file, a run folder, a `.keras` file or a SavedModel folder, or a name
            such as `pretrained:mmnet-1.0-256` or `mediapipe:selfie`, which is downloaded once.
        threads: For a `.tflite` file; None for all cores.
        output: What the network's output is: `alpha`, `logit`, `softmax`, `clipped`, `bytes` or
            `classes`. None for what the file says, else alpha.
        alpha_channel: Output channel, or number of the class, that is alpha. None for the last,
            of at most two.
        output_size: Height and width in pixels of the matte in a flattened output.
        input_range: Values that the network expects for black and white, such as (−1, 1). None
            for what the file says, else (0, 1).
        upsample: How a matte is enlarged to its picture: `guided` by the picture's colours, so
            that edges lie where the picture has them, or `bilinear`.
        unsafe: Load a network file even if it contains code, which can do anything.
        offline: Download nothing.
        progress: Told of a download; see `mmnet_deploy.progress`.
        tell: Takes a line of news on it.

    Attributes:
        path: The model's file or folder.
        file: Its name, SHA-256, size in bytes and description.
        engine: What computes the mattes, such as `ai-edge-litert 2.3.0`.
        note: What is unusual about how they are computed; mostly empty.

    Raises:
        UsageError: An argument is wrong, or contradicts the file.
        ModelFileError: The file cannot be loaded, or is no matting network.
        MissingDependencyError: A network needs Keras, which is not installed.
        DownloadError: A named network cannot be downloaded.

    Example:
        >>> matting = Matting("model.tflite")
        >>> alpha = matting(image)
        >>> alpha.shape == image.shape[:2], alpha.dtype
        (True, dtype('float32'))
    """

    @with_plain_numbers
    def __init__(
        self,
        model: StrPath,
        *,
        threads: int | None = None,
        output: str | None = None,
        alpha_channel: int | None = None,
        output_size: str | tuple[int, int] | None = None,
        input_range: tuple[float, float] | None = None,
        upsample: str = "guided",
        unsafe: bool = False,
        offline: bool = False,
        progress: Progress = silent,
        tell: Tell = quiet,
    ) -> None:
        meaning = meaning_of(output, alpha_channel, output_size, input_range)
        self.path: Path = path_of(model, offline=offline, progress=progress, tell=tell)
        check_threads([self.path], threads)
        from mmnet_deploy.mattes.enlargement import check_upsample
        from mmnet_deploy.mattes.matting import open_model

        check_upsample(upsample)
        self._upsample = upsample
        self._model = open_model(self.path, threads, meaning=meaning, unsafe=unsafe)
        self.file: ModelFile = self._model.file
        self.engine: str = self._model.engine
        self.note: str = self._model.note
        self._options: dict[str, Any] = {
            "threads": threads,
            "output": output,
            "alpha_channel": alpha_channel,
            "output_size": output_size,
            "input_range": input_range,
            "upsample": upsample,
            "unsafe": unsafe,
        }
        self._lock = threading.Lock()
        self._process = os.getpid()

    @overload
    def __call__(self, image: Image) -> Matte: ...

    @overload
    def __call__(self, image: Sequence[Image]) -> list[Matte]: ...

    def __call__(self, image: Image | Sequence[Image]) -> Matte | list[Matte]:
        """The matte of a picture, or of several.

        A matte has the resolution of its picture, whatever that of the network is. Whether the
        channels are in the right order cannot be seen: OpenCV reads blue, green, red, which
        `image[..., ::-1]` turns round.

        Args:
            image: uint8, (height, width, 3), RGB, or several of one size, (n, height, width, 3).
                Pictures of different sizes come as a list or tuple. What becomes such an array
                by `numpy.asarray`, as a Pillow picture of the mode RGB does, is as good.

        Returns:
            Alpha, float32, from 0 for the background to 1 for the person: (height, width), or
            (n, height, width); of a list, a list.

        Raises:
            UsageError: It is no such picture, or this process is a fork of the one that opened
                the model.
            ModelFileError: The model does not run, or gives no matte of this picture.

        Example:
            >>> matting = Matting("model.tflite")
            >>> matting(np.stack([image, image])).shape
            (2, 48, 48)
            >>> [alpha.shape for alpha in matting([image, image[:32]])]
            [(48, 48), (32, 48)]
        """
        if os.getpid() != self._process:
            raise UsageError(
                "A Matting cannot be used in a fork of the process that made it, since the "
                "runtime's threads are not there. Make one in each process, as with the "
                "initializer of a pool."
            )
        if isinstance(image, (list, tuple)):
            pictures = [_picture(one, f"picture {n} of the list") for n, one in enumerate(image)]
            return [self._matte(picture) for picture in pictures]
        array = _picture(image, "", several=True)
        if array.ndim == 3:
            return self._matte(array)
        mattes = np.empty(array.shape[:3], np.float32)
        for number, picture in enumerate(array):
            mattes[number] = self._matte(picture)
        return mattes

    def _matte(self, image: Image) -> Matte:
        from mmnet_deploy.mattes.enlargement import enlarged

        tensor = self._model.prepare(image)
        with self._lock:
            matte = self._model.infer(tensor)
        if not np.isfinite(matte).all():
            raise ModelFileError(
                f"{self.file.name} gives no finite matte of this picture: it is damaged, or its "
                "training went wrong."
            )
        return enlarged(matte, image, self._upsample)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickled, it is the path, the options, and the hash that the file must still have."""
        return _reopened, (self.path, self.file.sha256, self._options)

    def __repr__(self) -> str:
        return f"Matting({str(self.path)!r})"


def _reopened(path: Path, sha256: str, options: dict[str, Any]) -> Matting:
    """What was pickled, opened from its file.

    Raises:
        ModelFileError: The file cannot be loaded, or is another one now.
    """
    matting = Matting(path, **options)
    if matting.file.sha256 != sha256:
        raise ModelFileError(
            f"{path} is not the file that was pickled any more: its content has changed."
        )
    return matting


def _picture(image: Any, which: str, *, several: bool = False) -> Image:
    """A picture as the models take it.

    Args:
        which: Names it in messages.
        several: Whether a batch of pictures will do.

    Raises:
        UsageError: It is none.
    """
    about = f" Received, as {which}: " if which else " Received: "
    if isinstance(image, (str, bytes, os.PathLike)):
        raise UsageError(
            f"{_RULE}. Read the file first, as by numpy.asarray(PIL.Image.open(path)"
            f'.convert("RGB")).{about}{image!r:.80}.'
        )
    try:
        array = np.asarray(image)
    except (ValueError, TypeError, RuntimeError) as error:
        raise UsageError(f"{_RULE}.{about}a {type(image).__name__}: {error}.") from error
    if array.dtype == object:
        raise UsageError(f"{_RULE}.{about}a {type(image).__name__}.")
    found = f"{about}{array.dtype} of the shape {array.shape}"
    shape = array.shape[1:] if several and array.ndim == 4 else array.shape
    if len(shape) != 3 or shape[2] != 3:
        raise UsageError(f"{_RULE}{_shape_remedy(shape)}.{found}.")
    if array.dtype != np.uint8:
        raise UsageError(f"{_RULE}{_type_remedy(array)}.{found}.")
    if 0 in shape:
        raise UsageError(f"{_RULE}, and must not be empty.{found}.")
    return array


def _shape_remedy(shape: tuple[int, ...]) -> str:
    if len(shape) == 2:
        return ": make three equal channels of a grey one by numpy.dstack([image] * 3)"
    if len(shape) == 3 and shape[2] == 4:
        return ": leave out the fourth channel by image[..., :3]"
    if len(shape) == 3 and shape[2] == 1:
        return ": make three equal channels of a grey one by numpy.repeat(image, 3, axis=2)"
    if len(shape) == 3 and shape[0] == 3:
        return ": move the channels to the end by numpy.moveaxis(image, 0, -1)"
    return ""


def _type_remedy(array: NDArray[Any]) -> str:
    if array.dtype.kind == "f":
        return ": of values in 0 … 1, make bytes by numpy.round(255 * image).astype(numpy.uint8)"
    if array.dtype == np.uint16:
        return ": of 16 bits, make bytes by (image / 257).round().astype(numpy.uint8)"
    if array.dtype.kind in "iu":
        return ": of values in 0 … 255, make bytes by image.astype(numpy.uint8)"
    return ""
