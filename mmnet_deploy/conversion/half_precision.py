"""Whether a file may compute in half precision: tried on held-out pictures before it may."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mmnet_deploy.conversion.acceptance import NOTABLE_INCREASE, Acceptance, says
from mmnet_deploy.conversion.emulation import HalfPrecision
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.passes import storage
from mmnet_deploy.conversion.proof import Judge, Matte, MatteDifference
from mmnet_deploy.conversion.quantization import Source
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.tflite import counts
from mmnet_deploy.tflite.card import ModelCard, card_to_json, with_card
from mmnet_deploy.tflite.half_precision import HALF, with_entry
from mmnet_deploy.tflite.interpreter import TFLiteModel

LIMITS_OF = "float16"
"""The precision whose limits of |Δα| half precision keeps. A float16 file promises them, so it has
to keep them on every core; a float32 file that may compute in half precision is no better. One of
rounded weights keeps its own."""

MOST_MACS = 3e9
"""Multiply-adds that are emulated, at one to two nanoseconds each; pictures beyond are left out.
MMNet 1.0/256 has 0.3e9 for each."""

LEAST_PICTURES = 2
"""Which are emulated whatever they take."""

FINER = frozenset({"COS", "ELU", "EXP", "GELU", "LOG", "POW", "SIN", "TANH"})
"""Operators that the emulation rounds once, and kernels in every step of a polynomial: one alone
was up to 2.8 times as coarse, and a network of them 2.2 times in the mean."""

MARGIN = 2.5
"""Limits are divided by it where a network has any of these."""


FAR, MOST_FAR = 0.1, 5e-3
"""The share of pixels that may be farther off than 0.1 in half precision.

Single pixels at edges are, by up to 0.3, without anybody seeing it: of MediaPipe's, Meet's and a
MobileNetV3 segmenter at most 0.4 % on any set of pictures, with a gradient error that changes by
0.4 % at most. A part of a picture that goes wrong is more, and the mean alone does not show it."""


@dataclasses.dataclass(frozen=True)
class Trial:
    """How the mattes are in half precision.

    Attributes:
        found: Their |Δα| against the source network; None if it could not be tried.
        reason: Why a file must not compute in half precision; empty if it may.
    """

    found: MatteDifference | None
    reason: str = ""


class Reduction:
    """Leave to compute in half precision, for the files of one network.

    Args:
        source: The float32 model that all recipes start from.
        path: Names the file in messages.
    """

    def __init__(self, source: Source, judge: Judge, acceptance: Acceptance, path: Path) -> None:
        self._source, self._judge, self._acceptance = source, judge, acceptance
        self._path = path
        self._trials: dict[bool, Trial] = {}

    def applied(
        self, content: bytes, card: ModelCard, options: Options
    ) -> tuple[bytes, ModelCard, Trial | None]:
        """A file with the entry, if it is wanted and the mattes allow it.

        Returns:
            Its content, its description, and the trial; None where there was none.
        """
        if not options.reduces(card.precision):
            forbidden = card.precision == LIMITS_OF
            reason = "`--reduced-precision forbid` was given" if forbidden else ""
            return content, dataclasses.replace(card, reduced_precision_reason=reason), None
        rounded = card.precision == "int8-weights"
        if rounded not in self._trials:
            self._trials[rounded] = self._tried(card, options, rounded=rounded)
        trial = self._trials[rounded]
        if trial.found is not None and math.isfinite(trial.found.largest):
            card = dataclasses.replace(
                card,
                half_largest_difference=trial.found.largest,
                half_mean_difference=trial.found.mean,
                half_checked_pictures=trial.found.pictures,
            )
        if trial.reason:
            return content, dataclasses.replace(card, reduced_precision_reason=trial.reason), trial
        return with_entry(content, HALF), dataclasses.replace(card, reduced_precision=HALF), trial

    def _tried(self, card: ModelCard, options: Options, *, rounded: bool) -> Trial:
        """The network in half precision on held-out pictures; `card` says what its ends are.

        Args:
            rounded: Whether its weights are rounded to 8 bits.
        """
        graph = self._source.graph()
        if rounded:
            storage.rounded_to_int8(graph)
        content = with_card(graph.to_bytes(), card_to_json(card))
        per_picture = counts.total_macs(self._source.graph())
        judge = self._judge.first(max(LEAST_PICTURES, int(MOST_MACS // max(per_picture, 1))))
        try:
            network = HalfPrecision(content)
            picture, matte = TFLiteModel(self._path, content=content).require_matting()
            outputs = [network.run(picture.tensor(image)) for image in judge.images]
        except ModelFileError as error:
            return Trial(None, f"half precision cannot be emulated: {error}".rstrip("."))
        beyond = (
            f"in half precision values of {network.overflow} go beyond 65504, the largest of "
            "float16, and "
        )
        if network.overflow and not np.isfinite(outputs).all():
            return Trial(None, f"{beyond}the matte is NaN or infinite")
        mattes = [matte.matte(output) for output in outputs]
        found = judge.difference(mattes)
        limits = self._acceptance.limits(card.precision if rounded else LIMITS_OF)
        finer = FINER & {op.kind for op in self._source.graph().ops}
        if finer:
            limits = limits[0] / MARGIN, limits[1] / MARGIN
        # What kernels make of infinity differs: XNNPACK's sigmoid for arm64 gives NaN.
        if network.overflow:
            return Trial(found, f"{beyond}{says(found, *limits)}")
        if not found.is_within(*limits):
            why = f"; the limits are stricter for {' and '.join(sorted(finer))}" if finer else ""
            return Trial(found, f"in half precision {says(found, *limits)}{why}")
        given = options.max_difference, options.max_mean_difference
        wrong = "" if rounded or any(one is not None for one in given) else _wrong(judge, mattes)
        if wrong:
            return Trial(found, f"in half precision {wrong}")
        if not judge.proves(*limits):
            return Trial(
                found, "the mattes of the held-out pictures hardly differ, so they prove nothing"
            )
        return Trial(found)


def _wrong(judge: Judge, mattes: Sequence[Matte]) -> str:
    """What the limits of |Δα| do not show: parts that go wrong, and worse edges; else empty."""
    far = judge.share_beyond(mattes, FAR)
    if far > MOST_FAR:
        return (
            f"{100 * far:.2g} % of the pixels are off by more than {FAR:g} "
            f"(limit {100 * MOST_FAR:g} %)"
        )
    change = judge.difference(mattes).gradient_error_change
    if change is not None and change > NOTABLE_INCREASE:
        return (
            f"the gradient error is {100 * change:.1f} % above the network's "
            f"(limit {100 * NOTABLE_INCREASE:g} %)"
        )
    return ""
