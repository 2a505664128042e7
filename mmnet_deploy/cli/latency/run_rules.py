"""The run rules on the command line of `bench`: a preset, and options that change its numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from mmnet_deploy.errors import UsageError

if TYPE_CHECKING:
    from android_benchmark import RunRules


class _Rule(NamedTuple):
    """An option that overrides a number of the preset."""

    field: str
    option: str
    type: type
    most: float
    text: str
    least: float = 0


_RULES = (
    _Rule("min_runs", "--min-runs", int, 1e6, "Measure at least this many runs.", least=1),
    _Rule("min_duration_s", "--min-duration", float, 3600, "Measure at least this many seconds."),
    _Rule(
        "max_duration_s",
        "--max-duration",
        float,
        7200,
        "End a measurement after this many seconds, even with fewer runs.",
        least=0.001,
    ),
    _Rule("warmup_min_runs", "--warmup-runs", int, 1e6, "Warm up with at least this many runs."),
    _Rule(
        "warmup_min_s", "--warmup-duration", float, 3600, "Warm up for at least this many seconds."
    ),
    _Rule("rest_max_s", "--rest", float, 3600, "Rest at most this many seconds before a run."),
    _Rule(
        "rest_margin_c",
        "--rest-margin",
        float,
        100,
        "End a rest when the device is at most this many °C above its temperature at the start.",
    ),
)


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A preset, and an option for each rule, None where it is not given."""
    for rule in reversed(_RULES):
        command = click.option(rule.option, rule.field, type=rule.type, help=rule.text)(command)
    command = click.option(
        "--percentile",
        type=click.Choice(["50", "90"]),
        help="Quote the median (50) or the 90th percentile (90) of the runs.",
    )(command)
    preset = click.option(
        "--preset",
        type=click.Choice(["quick", "default", "mlperf"]),
        help="Run rules, which the options below change. Default: default; quick for the "
        "emulated phone.",
    )
    return preset(command)


def rules_of(preset: str, options: dict[str, Any]) -> RunRules:
    """The rules of a preset with what the options change, which are taken out of `options`.

    Raises:
        UsageError: A number is out of its range.
    """
    from android_benchmark import PRESETS

    percentile = options.pop("percentile")
    values = {rule.field: options.pop(rule.field) for rule in _RULES}
    given = {name: value for name, value in values.items() if value is not None}
    for rule in _RULES:
        value = given.get(rule.field, rule.most)
        if not rule.least <= value <= rule.most:
            raise UsageError(
                f"`{rule.option}` must be {rule.least:g} … {rule.most:.12g}. Received: {value:g}."
            )
    rules = dataclasses.replace(PRESETS[preset], **given)
    if percentile:
        rules = dataclasses.replace(rules, percentile=int(percentile))
    if "max_duration_s" not in given:
        longest = max(rules.max_duration_s, 2 * rules.min_duration_s)
        rules = dataclasses.replace(rules, max_duration_s=longest)
    return rules
