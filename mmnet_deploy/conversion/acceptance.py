"""Whether a converted file is near enough to its network, and why it is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mmnet_deploy.conversion.beginning import Beginning
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.proof import Judge, MatteDifference
from mmnet_deploy.errors import ConversionError

NOTABLE_INCREASE = 0.02
"""The user is warned of an int8 file whose gradient error grows by more than this share."""

ROUNDING = {"float64": (1e-3, 1e-5), "float16": (0.1, 2e-3), "bfloat16": (0.8, 1.6e-2)}
"""How far the mattes of a network that computes in another type may be from those of the same
network in float32: |Δα| at most and on average. A bfloat16 has three bits less than a float16."""


class Acceptance:
    """The limits of |Δα| for the files of one network.

    A network that computes in half precision is itself rounded: its files are made in float32
    and may be as far from it as it is from itself in float32, and the usual limit beyond.

    Attributes:
        rounding: How far the network is from itself in float32; None if it computes in float32.

    Raises:
        ConversionError: In float32 it is another network.
    """

    def __init__(self, traced: Beginning, judge: Judge, options: Options) -> None:
        self._options = options
        self._stock = traced.stock_name
        self.rounding: MatteDifference | None = None
        if not traced.computed_in:
            return
        self.rounding = judge.difference([traced.matte(image) for image in judge.images])
        usual = [ROUNDING[kind] for kind in traced.computed_in]
        largest = _chosen(options.max_difference, max(limit for limit, _ in usual))
        mean = _chosen(options.max_mean_difference, max(limit for _, limit in usual))
        if not self.rounding.is_within(largest, mean):
            raise ConversionError(
                f"{traced.network.path} computes in {' and '.join(traced.computed_in)}, and gives "
                "other mattes in float32, which every file is made from: "
                f"{says(self.rounding, largest, mean)}. Train or fine-tune it in float32, or "
                "raise `--max-difference` and `--max-mean-difference`."
            )

    def limits(self, precision: str) -> tuple[float, float]:
        """The largest |Δα| that a file of a precision may have, at most and on average."""
        largest, mean = self._options.limits(precision)
        if self.rounding is not None:
            if self._options.max_difference is None:
                largest += self.rounding.largest
            if self._options.max_mean_difference is None:
                mean += self.rounding.mean
        return largest, mean

    def is_near(self, found: MatteDifference, precision: str) -> bool:
        """Whether a file of this precision is within the limits."""
        return found.is_within(*self.limits(precision))

    def require_near(
        self,
        found: MatteDifference,
        precision: str,
        path: Path,
        stock: Callable[[], MatteDifference],
    ) -> None:
        """Make sure that a file computes the network.

        Args:
            stock: How far the float32 graph of TensorFlow's converter is, to tell what is far.

        Raises:
            ConversionError: Its mattes differ by more than the limits.
        """
        if self.is_near(found, precision):
            return
        limits = self.limits(precision)
        raise ConversionError(
            f"{path.name} does not compute the network: {says(found, *limits)}. The file was "
            f"not kept. {self._cause(found, precision, limits, stock())}"
        )

    def _cause(
        self,
        found: MatteDifference,
        precision: str,
        limits: tuple[float, float],
        stock: MatteDifference,
    ) -> str:
        """Which of conversion, our passes and the precision is to blame, and what to do."""
        largest, mean = limits
        # As far: beyond the same limit, and not by a small part of the difference only.
        as_far = (
            found.largest > largest < stock.largest and 2 * stock.largest >= found.largest
        ) or (found.mean > mean < stock.mean and 2 * stock.mean >= found.mean)
        if as_far:
            return (
                f"The conversion itself is that far: {self._stock} is off by "
                f"{stock.mean:.2g} and {stock.largest:.2g}. The network magnifies the rounding "
                "of float32, as untrained ones may; if that is fine, raise `--max-difference` "
                "and `--max-mean-difference`."
            )
        if precision == "float32" and self._options.graph == "deploy":
            return (
                f"{self._stock[0].upper()}{self._stock[1:]} is off by {stock.mean:.2g} and "
                f"{stock.largest:.2g} only: use `--graph stock`."
            )
        cause = (
            f"It is the precision: in float32 the network's graph is off by {stock.mean:.2g} and "
            f"{stock.largest:.2g}."
        )
        by_hand = self._options.float_layers or self._options.max_error_increase is not None
        if precision == "int8" and not by_hand:
            cause += (
                f" `--max-error-increase {100 * NOTABLE_INCREASE:g}%` leaves the layers that cost "
                "most in float."
            )
        return cause


def _chosen(given: float | None, usual: float) -> float:
    return usual if given is None else given


def says(found: MatteDifference, largest: float, mean: float) -> str:
    """How far mattes are, with these limits, and on how many pictures."""
    return (
        f"|Δα| is {found.mean:.2g} on average (limit {mean:.2g}) and {found.largest:.2g} at most "
        f"(limit {largest:.2g}), on {found.pictures} picture{'s' if found.pictures > 1 else ''}"
    )
