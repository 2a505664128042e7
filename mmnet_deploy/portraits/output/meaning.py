"""What somebody says of a network's input and output."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from mmnet_deploy.errors import UsageError

ALPHA, LOGIT, SOFTMAX, CLIPPED = "alpha", "logit", "softmax", "clipped"
BYTES, CLASSES = "bytes", "classes"
KINDS = (ALPHA, LOGIT, SOFTMAX, CLIPPED, BYTES, CLASSES)
"""What the values are: alpha; its logit; logits of classes, one per channel; alpha that the
network leaves to be cut off at 0 and 1; alpha times 255; numbers of classes."""


@dataclasses.dataclass(frozen=True)
class Meaning:
    """What somebody says of a network's input and output; None where nobody does.

    Attributes:
        output: One of `KINDS`.
        alpha_channel: The channel of the output, or the number of the class, that is alpha.
        output_size: Height and width of the matte, where the output's shape does not say it.
        input_range: Values of black and white in the input.
    """

    output: str | None = None
    alpha_channel: int | None = None
    output_size: tuple[int, int] | None = None
    input_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Make sure that every value is possible.

        Raises:
            UsageError: One is not.
        """
        if self.output is not None and self.output not in KINDS:
            raise UsageError(
                f"`--output` says what a network's output is and must be one of "
                f"{', '.join(KINDS)}; `--out` says where to write. Received: {self.output}."
            )
        if self.input_range is not None:
            low, high = self.input_range
            if not (low < high and math.isfinite(high - low)):
                raise UsageError(
                    "`--input-range` must be two numbers, the lower first. "
                    f"Received: {low:g}, {high:g}."
                )

    def require_agreement(self, name: str, known: Meaning, channels: Sequence[int]) -> None:
        """Make sure that nothing that is said contradicts what a file says of itself.

        Args:
            name: Of the file, for the message.
            known: What it says; its `alpha_channel` is not looked at.
            channels: The channels that may be called alpha.

        Raises:
            UsageError: Something does.
        """
        said: dict[str, tuple[Any, Any]] = {
            "output": (self.output, known.output),
            "output-size": (self.output_size, known.output_size),
            "input-range": (self.input_range, known.input_range),
        }
        if self.alpha_channel is not None and self.alpha_channel not in channels:
            said["alpha-channel"] = (self.alpha_channel, channels[0])
        for option, (ours, theirs) in said.items():
            if ours is not None and theirs is None:
                raise UsageError(
                    f"`--{option}` is not for {name}, whose description says all: leave the "
                    f"option out. Received: {_shown(option, ours)}."
                )
            if ours is not None and ours != theirs:
                raise UsageError(
                    f"`--{option}` contradicts {name}, which says {_shown(option, theirs)} of "
                    f"itself: leave the option out. Received: {_shown(option, ours)}."
                )


def _shown(option: str, value: Any) -> str:
    if option == "output-size":
        return "x".join(map(str, value))
    return " ".join(f"{end:g}" for end in value) if isinstance(value, tuple) else str(value)
