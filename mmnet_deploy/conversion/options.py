"""How to convert, and how far a converted file may be from its network."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Sequence

from mmnet_deploy.conversion.quantization import IO_TYPES, PRECISIONS
from mmnet_deploy.errors import UsageError
from mmnet_deploy.tflite.half_precision import FLOATING

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

REDUCED_PRECISION = ("allow", "forbid")
"""Whether cores with fp16 arithmetic may compute a file in half precision."""

GRAPHS = ("deploy", "stock")
"""The graph rewritten for inference, and the graph that TensorFlow's converter makes."""


MOST_TEXT = 200
"""Characters of an author or a licence: a name or an identifier, no text of a licence."""


@dataclasses.dataclass(frozen=True)
class Options:
    """How to convert.

    Attributes:
        graph: A name in `GRAPHS`.
        io: Type of the input and output of an int8 file; one of `quantization.IO_TYPES`.
        calibration_samples: Number of pictures that set the quantization ranges.
        checked_pictures: Number of held-out pictures that every file is compared on.
        seed: Seed of the choice of pictures.
        float_layers: Regular expressions; int8 leaves the layers whose names they match in
            float. `>=128` stands for those whose output has at least 128 rows.
        max_error_increase: Largest relative increase of the gradient error by int8; layers
            are left in float until it is kept. None for no limit.
        max_difference, max_mean_difference: Limits of |Δα|. Default: those of the precision.
        reduced_precision: One of `REDUCED_PRECISION`, for files of the precisions in
            `half_precision.FLOATING`. None allows it for float16 and forbids it for the others.
        name: What the files' names begin with. Default: family and width multiplier.
        replace: Whether files of other networks are overwritten.
        author, license: What the files tell apps of the network's author and licence, the latter
            best as an SPDX identifier. Default: those of a bundled network, else nothing.
    """

    graph: str = "deploy"
    io: str = "uint8"
    calibration_samples: int = 100
    checked_pictures: int = 16
    seed: int = 0
    float_layers: tuple[str, ...] = ()
    max_error_increase: float | None = None
    max_difference: float | None = None
    max_mean_difference: float | None = None
    reduced_precision: str | None = None
    name: str | None = None
    replace: bool = False
    author: str | None = None
    license: str | None = None

    def check(self, precisions: Sequence[str]) -> None:
        """Make sure that every value is allowed.

        Raises:
            UsageError: A value is not.
        """
        unknown = [name for name in precisions if name not in PRECISIONS]
        if unknown or not precisions:
            raise UsageError(
                f"`precision` must be one of {', '.join(PRECISIONS)}. "
                f"Received: {', '.join(unknown) or 'none'}."
            )
        for name, value, allowed in (
            ("graph", self.graph, GRAPHS),
            ("io", self.io, IO_TYPES),
            ("reduced_precision", self.reduced_precision, (None, *REDUCED_PRECISION)),
        ):
            if value not in allowed:
                names = ", ".join(filter(None, allowed))
                raise UsageError(f"`{name}` must be one of {names}. Received: {value}.")
        for name in ("calibration_samples", "checked_pictures"):
            if getattr(self, name) < 1:
                raise UsageError(f"`{name}` must be at least 1. Received: {getattr(self, name)}.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"`seed` must be 0 … 4294967295. Received: {self.seed}.")
        for name in ("max_error_increase", "max_difference", "max_mean_difference"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise UsageError(f"`{name}` must be 0 or more. Received: {value}.")
        if self.name is not None and not _NAME.fullmatch(self.name):
            raise UsageError(
                "`name` must be letters, digits, `.`, `_` and `-`, at most 100, and begin with a "
                f"letter or digit. Received: {self.name!r}."
            )
        for name in ("author", "license"):
            text = getattr(self, name)
            if text is not None and not (
                text.isprintable() and 1 <= len(text.strip()) <= MOST_TEXT
            ):
                raise UsageError(
                    f"`{name}` must be one line of at most {MOST_TEXT} characters. "
                    f"Received: {text[:40]!r}{'…' * (len(text) > 40)}."
                )
        if (self.float_layers or self.max_error_increase is not None) and "int8" not in precisions:
            raise UsageError(
                "`float_layers` and `max_error_increase` choose layers that int8 leaves in float: "
                f"`precision` must include int8. Received: {', '.join(precisions)}."
            )

        if self.io != Options.io and "int8" not in precisions:
            raise UsageError(
                f"`io` is the type of an int8 file's input and output; the others have float32: "
                f"`precision` must include int8. Received: {', '.join(precisions)}."
            )

        if self.reduced_precision is not None and not set(FLOATING) & set(precisions):
            raise UsageError(
                f"`reduced_precision` says whether files in {', '.join(FLOATING)} may compute in "
                "half precision: `precision` must include one of them. "
                f"Received: {', '.join(precisions)}."
            )

    def reduces(self, precision: str) -> bool:
        """Whether a file of a precision is to compute in half precision where cores can."""
        usual = "allow" if precision == "float16" else "forbid"
        wanted = self.reduced_precision or usual
        return precision in FLOATING and wanted == "allow"

    def limits(self, precision: str) -> tuple[float, float]:
        """The largest |Δα| that a file of a precision may have, at most and on average."""
        usual = PRECISIONS[precision]
        largest = usual.largest if self.max_difference is None else self.max_difference
        mean = usual.mean if self.max_mean_difference is None else self.max_mean_difference
        return largest, mean
