"""How the output of a network becomes a matte.

Every matte of a network or of a `.tflite` file comes from `Output.matte`: it is finite and in
0 … 1, or an error says what was found and which option helps.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits.output.layout import Layout, layout_of
from mmnet_deploy.portraits.output.meaning import (
    ALPHA,
    BYTES,
    CLASSES,
    CLIPPED,
    LOGIT,
    SOFTMAX,
    Meaning,
)

BYTE_WHITE = 255.0
"""Full alpha where it is counted as in pictures."""

TOLERANCE = 0.01
"""How far alpha may lie outside 0 … 1 by rounding and is cut off: two and a half steps of an
8-bit matte, ten times what float16 rounds. Logits go several units beyond."""

FARTHEST = 1.0
"""How far alpha that is to be cut off may lie outside 0 … 1; values beyond are no alpha."""

LEAST_SPREAD = 0.5
"""Values in 0 … 1 that reach over more than this are no logits: their alpha would lie within
0.5 … 0.73 everywhere."""


@dataclasses.dataclass(frozen=True)
class Output:
    """How the output of one network becomes a matte.

    Attributes:
        name: Of the network, for messages.
        layout: Where the pixels are.
        channel: The channel that is alpha, or the number of the foreground's class.
        kind: One of `KINDS`.
        classes: How many classes there are, where the values are their numbers.
        white: The value of full alpha: 255 where it is counted as in pictures.
        is_described: Whether the network says of itself what its output is, so that no
            option can help.
    """

    name: str
    layout: Layout
    channel: int
    kind: str = ALPHA
    classes: int | None = None
    white: float = 1.0
    is_described: bool = False

    def matte(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The matte of an output of real numbers: float32 (height, width), in 0 … 1.

        Raises:
            ModelFileError: Values are not finite, or are not what the output should be.
        """
        values = self.layout.arranged(values)
        if self.kind == CLASSES:
            return self._of_class(values[..., 0])
        if self.kind == SOFTMAX:
            logits = values.astype(np.float32)
            self._require_logits(logits, logits.sum(axis=-1))
            powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
            return powers[..., self.channel] / powers.sum(axis=-1)
        plane = values[..., self.channel].astype(np.float32)
        if self.kind == LOGIT:
            self._require_logits(plane)
            return np.float32(0.5) * (1 + np.tanh(np.float32(0.5) * plane))
        alpha = plane / np.float32(self.white) if self.white != 1 else plane
        low, high = self._range(alpha)
        allowed = FARTHEST if self.kind == CLIPPED else TOLERANCE
        if not (low >= -allowed and high <= 1 + allowed):
            raise ModelFileError(self._outside(low, high))
        return np.clip(alpha, 0, 1)

    def _range(self, values: NDArray[np.float32]) -> tuple[float, float]:
        """Least and largest value; both are finite."""
        low, high = float(values.min()), float(values.max())
        if not (math.isfinite(low) and math.isfinite(high)):
            count = values.size - int(np.count_nonzero(np.isfinite(values)))
            raise ModelFileError(
                f"{self.name} gives no finite matte: {count} of {values.size} values are NaN or "
                "infinite. It is damaged, its training went wrong, or it takes pictures of "
                "another range (`--input-range`)."
            )
        return low, high

    def _require_logits(self, values: NDArray[np.float32], sums: Any = 1.0) -> None:
        """Make sure that values are no alpha yet; that of all classes together is 1."""
        low, high = self._range(values)
        is_whole = bool(np.all(np.abs(sums - np.float32(1)) < TOLERANCE))
        if low >= 0 and high <= 1 and high - low > LEAST_SPREAD and is_whole:
            raise ModelFileError(
                f"{self.name} gives values from {low:.3g} to {high:.3g}, which are alpha already "
                f"and no logits: leave out `--output {self.kind}`."
            )

    def _outside(self, low: float, high: float) -> str:
        """What to do about values that are no alpha."""
        found = f"{self.name} gives values from {low:.3g} to {high:.3g}: alpha must be 0 … 1."
        if self.is_described:
            return (
                f"{found} Its description promises alpha: it is damaged, or was converted from a "
                "network that goes beyond (convert that one with `--output clipped`)."
            )
        if self.white != 1:
            return f"{found} Its own values must be 0 … {self.white:g}."
        several = self.layout.channels > 1
        softmax = f"`--output softmax` ({self.layout.channels} classes' logits), " * several
        near = low >= -FARTHEST and high <= 1 + FARTHEST
        scaled = low >= -FARTHEST and 1 + FARTHEST < high <= BYTE_WHITE * (1 + TOLERANCE)
        as_bytes = f"`--output bytes` (alpha of 0 … {BYTE_WHITE:g}), " * scaled
        clipped = "`--output clipped` (alpha to be cut off), " * near
        return (
            f"{found} Say what they are: {as_bytes}{softmax}`--output logit` (a sigmoid is "
            f"missing), {clipped}or `--input-range` if it takes pictures of another range."
        )

    def _of_class(self, numbers: NDArray[Any]) -> NDArray[np.float32]:
        """1 where the class is the foreground's, else 0."""
        low, high = self._range(numbers)
        most = (self.classes or math.inf) - 1
        whole = numbers.dtype.kind in "biu" or bool(np.all(numbers == np.rint(numbers)))
        if not whole or low < 0 or high > most:
            rule = "whole numbers" if math.isinf(most) else f"0 … {most:g}"
            raise ModelFileError(
                f"{self.name} gives values from {low:g} to {high:g}: numbers of classes must be "
                f"{rule}. `--output` says what the values are, and `--alpha-channel` which class "
                "is the foreground."
            )
        return (numbers == self.channel).astype(np.float32)


def output_of(
    name: str,
    shape: Sequence[int],
    input_size: tuple[int, int],
    meaning: Meaning,
    *,
    classes: int | None = None,
    dtype: Any = np.float32,
    is_described: bool = False,
) -> Output:
    """How an output of this shape becomes a matte, by what is known and what is said of it.

    Args:
        name: Of the network, for messages.
        classes: How many classes there are, if the values are known to be their numbers.
        dtype: Type of the values; whole numbers stand for themselves.
        is_described: Whether `meaning` is what the network says of itself.

    Raises:
        ModelFileError: The shape is not that of one matte.
        UsageError: An option does not fit, or one is needed.
    """
    layout = layout_of(shape, input_size, meaning.output_size)
    if layout is None:
        raise ModelFileError(_no_matte(name, shape, input_size, meaning.output_size))
    if meaning.output_size is not None and (layout.height, layout.width) != meaning.output_size:
        raise ModelFileError(_no_matte(name, shape, input_size, meaning.output_size))
    if classes and meaning.output not in (None, CLASSES):
        raise UsageError(
            f"`--output` contradicts {name}, which ends in the number of the largest of {classes} "
            f"classes: leave the option out. Received: {meaning.output}."
        )
    is_whole = np.dtype(dtype).kind in "biu"
    kind = meaning.output or (CLASSES if classes or np.dtype(dtype).kind == "b" else None)
    if kind is None and is_whole:
        raise UsageError(
            f"`--output` must say what the whole numbers ({np.dtype(dtype).name}) are that {name} "
            f"gives: {ALPHA} for 0 … 255, or {CLASSES} for numbers of classes. Received: none."
        )
    kind = kind or ALPHA
    if kind == CLASSES:
        channel = _foreground(name, layout.channels, classes, meaning.alpha_channel)
        # Where nobody chose a class there must be two.
        classes = classes or (2 if meaning.alpha_channel is None else None)
    else:
        channel = _channel(name, layout.channels, meaning.alpha_channel)
    if kind == SOFTMAX and layout.channels == 1:
        raise UsageError(
            f"`--output softmax` is for several channels, and {name} has 1: leave it out if that "
            "is alpha, or give `--output logit`."
        )
    in_bytes = kind == BYTES or (is_whole and kind in (ALPHA, CLIPPED))
    white = BYTE_WHITE if in_bytes else 1.0
    return Output(name, layout, channel, kind, classes, white, is_described)


def _no_matte(
    name: str, shape: Sequence[int], input_size: tuple[int, int], size: tuple[int, int] | None
) -> str:
    height, width = input_size
    found = tuple(map(int, shape))
    if size is not None:
        return (
            f"`--output-size` does not fit {name}, whose output has the shape {found}. "
            f"Received: {size[0]}x{size[1]}."
        )
    return (
        f"{name} is not a matting network: one output is needed, a matte of the shape "
        "(1, h, w, channels), (1, h, w) or (1, h·w·channels). "
        f"Received: (1, {height}, {width}, 3) to {found}. `--output-size HEIGHTxWIDTH` says how a "
        "flattened matte of another size than the input is folded."
    )


def _channel(name: str, channels: int, chosen: int | None) -> int:
    """The channel that was chosen; by default the only one, or the second of two."""
    if chosen is None and channels <= 2:
        return channels - 1
    if chosen is None or not 0 <= chosen < channels:
        rule = "0" if channels == 1 else f"0 … {channels - 1}"
        raise UsageError(
            f"`--alpha-channel` must be {rule}: {name} has {channels} output "
            f"channel{'s' if channels > 1 else ''}. "
            f"Received: {'none' if chosen is None else chosen}."
        )
    return chosen


def _foreground(name: str, channels: int, classes: int | None, chosen: int | None) -> int:
    """The class that was chosen; by default the second of two."""
    if channels != 1:
        raise UsageError(
            f"`--output classes` is for one channel of class numbers: {name} has {channels}."
        )
    if chosen is None and (classes is None or classes == 2):
        return 1
    if chosen is None or chosen < 0 or (classes is not None and chosen >= classes):
        rule = "0 or more" if classes is None else f"0 … {classes - 1}"
        raise UsageError(
            f"`--alpha-channel` must be the number of the foreground's class, {rule}, in what "
            f"{name} gives. Received: {'none' if chosen is None else chosen}."
        )
    return chosen
