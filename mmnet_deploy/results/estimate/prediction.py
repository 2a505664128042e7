"""What a profile says of a counted model: a latency with its interval, or why there is none."""

from __future__ import annotations

import dataclasses

from mmnet_deploy.errors import ResultError
from mmnet_deploy.results.arithmetic import kernels_of, named
from mmnet_deploy.results.estimate.profile import LatencyProfile
from mmnet_deploy.results.records import Cost

REACH = 2.0
"""Within this factor beyond either end of the fitted range, an estimate is still given, with an
interval that is twice as wide in the logarithm. This is a rule of caution, not a measured one."""


class NoEstimateError(ResultError):
    """A profile says nothing of this model; the message says why."""


@dataclasses.dataclass(frozen=True)
class LatencyEstimate:
    """An estimated latency; never to be shown as a measured one.

    Attributes:
        low_ms, high_ms: Ends of its 95 % interval.
        note: Why the interval is wider than usual; empty if it is not.
    """

    latency_ms: float
    low_ms: float
    high_ms: float
    profile: str
    note: str = ""


def estimate(cost: Cost, profile: LatencyProfile) -> LatencyEstimate:
    """Latency of a counted model.

    Raises:
        NoEstimateError: The profile says nothing of such a model, or of one that large.
    """
    _check_conditions(cost, profile)
    instructions = cost.counts.total
    if instructions < 1:
        raise NoEstimateError(f"its count of instructions is {instructions}, not above 0")
    low, high = profile.least_instructions, profile.most_instructions
    beyond = max(low / instructions, instructions / high)
    in_range = f"{low / 1e6:.0f} to {high / 1e6:.0f} million instructions"
    if beyond > REACH:
        raise NoEstimateError(f"beyond the fitted range of {in_range} by a factor of {beyond:.1f}")
    factor, note = profile.interval_factor, ""
    if beyond > 1:
        factor, note = factor**2, f"outside the fitted range of {in_range}: interval widened"
    latency_ms = profile.slope_ms_per_million * instructions / 1e6
    return LatencyEstimate(latency_ms, latency_ms / factor, latency_ms * factor, profile.name, note)


def _check_conditions(cost: Cost, profile: LatencyProfile) -> None:
    """Refuse a model that was counted under other conditions than those of the profile."""
    pairs = (
        ("precision", named(kernels_of(cost.precision), cost.computes_in), profile.precision),
        ("delegate", cost.engine.delegate, profile.delegate),
        ("core", f"{cost.cpu} as {cost.identity}", f"{profile.cpu} as {profile.identity}"),
        ("runtime", cost.runtime, profile.runtime),
        ("runtime wheel", cost.runtime_wheel_sha256, profile.runtime_wheel_sha256),
    )
    for what, own, fitted in pairs:
        if own != fitted:
            raise NoEstimateError(f"the profile was fitted for the {what} {fitted}, not {own}")
