"""The run rules: a preset, and numbers that change it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from android_benchmark import RunRules


class Rule(NamedTuple):
    """An option that overrides a number of the preset."""

    field: str
    option: str
    type: type
    most: float
    text: str
    least: float = 0

    @property
    def name(self) -> str:
        """Of the parameter."""
        return self.option.removeprefix("--").replace("-", "_")


PERCENTILES = ("50", "90")

RULES = (
    Rule("min_runs", "--min-runs", int, 1e6, "Measure at least this many runs.", least=1),
    Rule("min_duration_s", "--min-duration", float, 3600, "Measure at least this many seconds."),
    Rule(
        "max_duration_s",
        "--max-duration",
        float,
        7200,
        "End a measurement after this many seconds, even with fewer runs.",
        least=0.001,
    ),
    Rule("warmup_min_runs", "--warmup-runs", int, 1e6, "Warm up with at least this many runs."),
    Rule(
        "warmup_min_s", "--warmup-duration", float, 3600, "Warm up for at least this many seconds."
    ),
    Rule("rest_max_s", "--rest", float, 3600, "Rest at most this many seconds before a run."),
    Rule(
        "rest_margin_c",
        "--rest-margin",
        float,
        100,
        "End a rest when the device is at most this many °C above its temperature at the start.",
    ),
)


def rules_of(preset: str, percentile: int | str | None = None, **numbers: float | None) -> RunRules:
    """The rules of a preset, changed.

    Args:
        percentile: 50 or 90; None for the preset's.
        numbers: By the names in `RULES`; None for the preset's.

    Raises:
        UsageError: There is no such preset, or a number is out of its range.
    """
    from android_benchmark import PRESETS

    if preset not in PRESETS:
        raise UsageError(f"`--preset` must be one of {', '.join(PRESETS)}. Received: {preset}.")
    if percentile is not None and str(percentile) not in PERCENTILES:
        raise UsageError(
            f"`--percentile` must be {' or '.join(PERCENTILES)}. Received: {percentile}."
        )
    given = {}
    for rule in RULES:
        value = numbers.get(rule.name)
        if value is None:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (is_number and rule.least <= value <= rule.most and rule.type(value) == value):
            raise UsageError(
                f"`{rule.option}` must be {'a whole number of ' * (rule.type is int)}"
                f"{rule.least:g} … {rule.most:.12g}. Received: {value}."
            )
        given[rule.field] = rule.type(value)
    rules = dataclasses.replace(PRESETS[preset], **given)
    if percentile is not None:
        rules = dataclasses.replace(rules, percentile=int(percentile))
    if "max_duration_s" not in given:
        longest = max(rules.max_duration_s, 2 * rules.min_duration_s)
        rules = dataclasses.replace(rules, max_duration_s=longest)
    return rules
