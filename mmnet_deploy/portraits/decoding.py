"""Picture files: what counts as one, and their pixels, upright.

Every picture and every mask passes here. The content decides what a file is, not its name;
the size in its header decides whether it is decoded; and one rule turns it upright.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.files import NotRegularError, read_regular, reason
from mmnet_deploy.portraits import decoders
from mmnet_deploy.portraits.decoders import Extras, Pixels
from mmnet_deploy.portraits.formats import HEIC_REMEDY, RAW_EXTENSIONS, READ, kind_of
from mmnet_deploy.portraits.problems import PictureError

MOST_BYTES = 2**30
"""Largest file that is read."""

T = TypeVar("T")


def _content(path: Path) -> bytes:
    try:
        content = read_regular(path, MOST_BYTES)
    except (NotRegularError, IsADirectoryError) as error:
        raise PictureError(path, "is not a regular file.") from error
    except OSError as error:
        if error.errno == errno.EFBIG:
            raise PictureError(path, f"is larger than {MOST_BYTES // 2**20} MiB.") from error
        raise PictureError(path, f"cannot be read: {reason(error)}.") from error
    if not content:
        raise PictureError(path, "is empty.")
    return content


def _decoded(path: Path, decoder: Callable[[str, bytes], T]) -> T:
    """What a decoder makes of a file; whatever it raises becomes a `PictureError`."""
    content = _content(path)
    kind = kind_of(content[:64])
    if path.suffix.lower() in RAW_EXTENSIONS:
        kind = "raw"
    if kind is None:
        raise PictureError(path, f"is no picture. Formats that are read: {READ}.")
    if kind == "HEIC":
        try:
            decoders.register_heic()
        except ImportError as error:
            raise PictureError(path, f"is a HEIC picture, which {HEIC_REMEDY}") from error
    if kind not in decoders.KINDS:
        raise PictureError(
            path, f"is a {kind} picture, which cannot be read. Convert it to JPEG or PNG."
        )
    try:
        return decoder(kind, content)
    except decoders.TooLargeError as error:
        raise PictureError(path, str(error)) from error
    except MemoryError as error:
        raise PictureError(path, "needs more memory than there is.") from error
    except Exception as error:  # A damaged file makes decoders raise all kinds
        said = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        if "truncated" in said.lower():
            raise PictureError(path, "is truncated.") from error
        if "BytesIO" in said:
            if kind == "TIFF":
                raise PictureError(
                    path,
                    "is a damaged TIFF, or one of a form that is not read, such as floating-point "
                    "colours. Convert it to PNG.",
                ) from error
            said = "its header cannot be read"
        raise PictureError(path, f"is a damaged {kind} ({said}).") from error


def decode(path: Path, *, colour: bool) -> Pixels:
    """The pixels of a picture file, turned upright as its EXIF data say.

    Args:
        colour: Whether three channels of 8 bits are wanted; else what the file holds, with the
            colours of a palette or of inks as RGB.

    Returns:
        (h, w, 3) uint8 if `colour`, unless its levels are no whole numbers of 8 or 16 bits;
        else (h, w) or (h, w, channels), uint8 or uint16.

    Raises:
        PictureError: It is missing, empty, damaged, truncated, too large or no picture.
    """
    return _decoded(path, lambda kind, content: decoders.pixels(kind, content, colour=colour))


def palette_numbers(path: Path) -> NDArray[np.uint8] | None:
    """The numbers into its palette that a picture holds, (h, w); None if it has no palette.

    Raises:
        PictureError: See `decode`.
    """
    return _decoded(path, decoders.palette_numbers)


def extras(path: Path) -> Extras:
    """Colour profile and transparency of a picture that `decode` has read.

    Raises:
        PictureError: See `decode`.
    """
    return _decoded(path, decoders.extras)
