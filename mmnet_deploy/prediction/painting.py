"""What is saved of a picture and its matte: alone, cut out, on another background."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.mattes.enlargement import GUIDED, check_upsample, enlarged
from mmnet_deploy.mattes.outputs import FORMS, levels
from mmnet_deploy.portraits import foreground
from mmnet_deploy.portraits.pictures import Picture
from mmnet_deploy.prediction.backgrounds import Background

CUT_OUT, ON_BACKGROUND = "cut-out", "background"
KINDS = (*FORMS, CUT_OUT, ON_BACKGROUND)

_STRIP_PIXELS = 2**20
"""What is mixed at a time, so that memory does not grow with the picture."""


def check_kind(kind: str) -> None:
    """Make sure that there is such a kind.

    Raises:
        UsageError: There is none.
    """
    if kind not in KINDS:
        raise UsageError(f"`kind` must be one of {', '.join(KINDS)}. Received: {kind}.")


class Painter:
    """Makes what is saved of a picture and its matte.

    Args:
        kind: One of `KINDS`.
        background: For the kind `background`: what stands behind the person.
        upsample: How the matte is enlarged, one of `enlargement.UPSAMPLES`.

    Raises:
        UsageError: There is no such kind or way, or the background is missing or not for it.
    """

    def __init__(
        self, kind: str, background: Background | None = None, upsample: str = GUIDED
    ) -> None:
        check_kind(kind)
        check_upsample(upsample)
        if kind == ON_BACKGROUND and background is None:
            raise UsageError("`--kind background` needs `--background blur|#RRGGBB|FILE`.")
        if kind != ON_BACKGROUND and background is not None:
            raise UsageError(f"`--background` is for --kind background. Received: --kind {kind}.")
        self.kind = kind
        self.upsample = upsample
        self._background = background

    def paint(
        self,
        image: Picture,
        matte: NDArray[np.float32],
        *,
        opacity: NDArray[np.uint8] | None = None,
        time_s: float = 0.0,
    ) -> NDArray[np.uint8]:
        """From a picture and its matte to what is saved.

        A cut-out has the foreground's own colours, without the old background's share, and so
        has the person on a new background.

        Args:
            image: uint8 (h, w, 3).
            matte: float32 in 0 … 1, at any resolution.
            opacity: The picture's own alpha channel, uint8 (h, w): what is transparent in it is
                no foreground. None if it has none.
            time_s: Of a video's frame, from the first one.

        Returns:
            uint8, (h, w), (h, w', 3), or (h, w, 4) for a cut-out.

        Raises:
            ModelFileError: The matte holds what is no number.
        """
        if not np.isfinite(matte).all():
            raise ModelFileError(
                "The model gives no finite matte: it is damaged, or its training went wrong."
            )
        alpha = enlarged(matte, image, self.upsample)
        if opacity is not None:
            alpha = (alpha * (opacity / np.float32(255))).astype(np.float32)
        if self.kind == CUT_OUT:
            mask = levels(alpha)
            return np.dstack([foreground.cleaned(image, mask), mask])
        if self._background is None:
            return FORMS[self.kind](image, alpha)
        return _before(self._background.behind(image, alpha, time_s), image, levels(alpha))


def _before(behind: Picture, image: Picture, mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The foreground of a picture before another background, uint8 (h, w, 3)."""
    made = foreground.cleaned(image, mask)
    step = max(1, _STRIP_PIXELS // mask.shape[1])
    for top in range(0, mask.shape[0], step):
        rows = slice(top, top + step)
        made[rows] = foreground.composite(made[rows], mask[rows], behind[rows])
    return made
