"""Photographs as they are meant to look: their colours as sRGB, and their own transparency.

Data sets are read as their numbers stand (`pictures.read_image`), as published evaluations do.
A photograph that is shown again has to keep its colours: those of a profile, such as Display P3
of phones, Adobe RGB of cameras, greys of another gamma or the inks of a print, are converted to
sRGB.
"""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmnet_deploy.portraits import foreground, pictures
from mmnet_deploy.portraits.decoders import Extras
from mmnet_deploy.portraits.decoding import extras
from mmnet_deploy.portraits.pictures import Picture

_STRIP_PIXELS = 2**20
"""What is converted at a time, so that memory does not grow with the picture."""

_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""What Pillow calls pixels of a profile's colour space."""


@dataclasses.dataclass(frozen=True)
class Photograph:
    """A photograph, upright.

    Attributes:
        image: Its colours in sRGB, uint8 (h, w, 3); what is transparent stands over white.
        opacity: Its alpha channel, uint8 (h, w); None if it has none, or is opaque throughout.
    """

    image: Picture
    opacity: NDArray[np.uint8] | None = None


def read_photograph(path: Path) -> Photograph:
    """Read a photograph of any format that `decoding` reads.

    Of 16 bits, the upper 8 are kept. A colour profile that is damaged counts for nothing.

    Raises:
        PictureError: It cannot be read.
    """
    image = pictures.read_image(path)
    found = extras(path)
    if found.profile:
        image = _as_srgb(image, found)
    if found.opacity is None:
        return Photograph(image)
    white = np.full_like(image, 255)
    return Photograph(foreground.composite(image, found.opacity, white), found.opacity)


def _as_srgb(image: Picture, found: Extras) -> Picture:
    """A picture with its profile's colours converted; as it is where that cannot be done."""
    try:
        from PIL import ImageCms
    except ImportError:  # Pillow can be built without it.
        return image
    try:
        return _converted(image, found, ImageCms)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return image


def _converted(image: Picture, found: Extras, cms: Any) -> Picture:
    """See `_as_srgb`.

    Args:
        cms: The module `PIL.ImageCms`, which raises many kinds of errors at damaged profiles.
    """
    profile = cms.ImageCmsProfile(io.BytesIO(found.profile or b""))
    space = profile.profile.xcolor_space.strip()
    pixels = _levels_of(image, found, space)
    if pixels is None:
        return image
    mode = _MODES[space]
    transform = cms.buildTransform(
        profile,
        cms.createProfile("sRGB"),
        mode,
        "RGB",
        cms.Intent.RELATIVE_COLORIMETRIC,
        cms.Flags.BLACKPOINTCOMPENSATION,
    )

    def converted(levels: NDArray[np.uint8]) -> Picture:
        size = levels.shape[1], levels.shape[0]
        strip = Image.frombytes(mode, size, np.ascontiguousarray(levels).tobytes())
        return np.asarray(cms.applyTransform(strip, transform))

    # What a profile is called does not say what it does: "linear sRGB" is not sRGB.
    probes = _probes() if mode == "RGB" else _probes()[..., 0]
    if mode != "CMYK" and np.allclose(converted(probes), _probes(mode == "L"), rtol=0, atol=1):
        return image
    made = np.empty_like(image)
    step = max(1, _STRIP_PIXELS // image.shape[1])
    for top in range(0, len(image), step):
        made[top : top + step] = converted(pixels[top : top + step])
    return made


def _levels_of(image: Picture, found: Extras, space: str) -> NDArray[np.uint8] | None:
    """What a profile of a colour space describes in a picture; None if it is of another kind."""
    if found.inks is not None:
        return found.inks if space == "CMYK" else None
    if space == "GRAY":
        is_grey = all(np.array_equal(image[..., 0], image[..., other]) for other in (1, 2))
        return image[..., 0] if is_grey else None
    return image if space == "RGB" else None


def _probes(grey: bool = False) -> Picture:
    """Colours all over the cube, in one row; of which `grey` repeats the first channel."""
    levels = np.linspace(0, 255, 16).round().astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    return np.repeat(cube[..., :1], 3, axis=2) if grey else cube
