"""The run rules on the command line of `bench`: a preset, and options that change its numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from mmnet_deploy.api.latency.run_rules import PERCENTILES, RULES


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A preset, and an option for each rule, None where it is not given."""
    for rule in reversed(RULES):
        command = click.option(rule.option, type=rule.type, help=rule.text)(command)
    command = click.option(
        "--percentile",
        type=click.Choice(PERCENTILES),
        help="Quote the median (50) or the 90th percentile (90) of the runs.",
    )(command)
    preset = click.option(
        "--preset",
        type=click.Choice(["quick", "default", "mlperf"]),
        help="Run rules, which the options below change. Default: default; quick for the "
        "emulated phone.",
    )
    return preset(command)
