"""Mattes as files: alone, as a mask, over the picture, beside the picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import write_bytes
from mmnet_deploy.mattes.enlargement import check_upsample, enlarged
from mmnet_deploy.portraits.dataset import Pair
from mmnet_deploy.portraits.pictures import Picture, as_png


def levels(matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Alpha in 0 … 255, rounded, (h, w)."""
    return cv2.convertScaleAbs(matte, alpha=255).reshape(matte.shape).astype(np.uint8, copy=False)


Form = Callable[[Picture, NDArray[np.float32]], NDArray[np.uint8]]
"""From a picture, uint8 (h, w, 3), and its matte, (h, w) in 0 … 1, to what is saved."""

_STRIP_PIXELS = 2**20
"""What is weighted at a time, so that memory does not grow with the picture."""

_FORMS: dict[str, Form] = {}
FORMS: Mapping[str, Form] = MappingProxyType(_FORMS)


def _form(name: str) -> Callable[[Form], Form]:
    def register(function: Form) -> Form:
        _FORMS[name] = function
        return function

    return register


@_form("matte")
def matte_alone(image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Alpha in 0 … 255, (h, w): the form that a data set's masks have."""
    return levels(matte)


@_form("mask")
def binary_mask(image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """255 where alpha is at least one half, else 0, (h, w), as the mean IoU counts it."""
    return np.where(matte >= 0.5, np.uint8(255), np.uint8(0))


@_form("under-matte")
def picture_under_matte(image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture weighted by alpha, so over black, (h, w, 3)."""
    made = np.empty_like(image)
    step = max(1, _STRIP_PIXELS // image.shape[1])
    for top in range(0, image.shape[0], step):
        rows = slice(top, top + step)
        made[rows] = np.round(image[rows] * matte[rows, :, np.newaxis])
    return made


@_form("side-by-side")
def side_by_side(image: Picture, matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture and its matte, (h, 2·w, 3)."""
    grey = np.repeat(matte_alone(image, matte)[..., np.newaxis], 3, axis=2)
    return np.concatenate([image, grey], axis=1)


def check_form(name: str) -> None:
    """Make sure that there is such a form.

    Raises:
        UsageError: There is not.
    """
    if name not in FORMS:
        raise UsageError(f"`save_kind` must be one of {', '.join(FORMS)}. Received: {name}.")


def saver(
    folder: Path, form: str, upsample: str
) -> Callable[[Pair, Picture, NDArray[np.float32]], None]:
    """A sink of `evaluation.evaluate` that writes FOLDER/NAME.png at the picture's resolution.

    Args:
        upsample: How mattes are enlarged, one of `enlargement.UPSAMPLES`.

    Raises:
        UsageError: There is no such form or way.
    """
    check_form(form)
    check_upsample(upsample)

    def save(pair: Pair, image: Picture, matte: NDArray[np.float32]) -> None:
        picture = FORMS[form](image, enlarged(matte, image, upsample))
        write_bytes(folder / f"{pair.name}.png", as_png(picture))

    return save
