"""Lists with bars: the time of operators, the error of layers, the sizes of files."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from mmnet_deploy.results.latency import milliseconds
from mmnet_deploy.results.records import Benchmark
from mmnet_deploy.tflite.card import ModelFile
from mmnet_deploy.tflite.layer_names import short_names, shortened

MOST_FILES = 2000
MOST_MODELS = 60
MOST_OPERATORS = 12
MOST_LAYERS = 12


@dataclasses.dataclass(frozen=True)
class Share:
    """One row of a list with bars: `share` of the longest bar."""

    name: str
    kind: str
    value: float
    share: float
    note: str = ""


@dataclasses.dataclass(frozen=True)
class Bars:
    """Bars of one model."""

    title: str
    note: str
    rows: tuple[Share, ...]


def _bars(items: Sequence[tuple[str, str, float, str]]) -> tuple[Share, ...]:
    longest = max((abs(value) for _, _, value, _ in items), default=0.0) or 1.0
    return tuple(
        Share(name, kind, value, abs(value) / longest, note) for name, kind, value, note in items
    )


def profiles(named: Sequence[tuple[str, Benchmark]]) -> tuple[Bars, ...]:
    """Operators of each profiled model, the slowest first.

    Args:
        named: Benchmarks, each with the title of its bars.
    """
    parts = []
    for title, result in named:
        profile = result.profile
        if not profile:
            continue
        total = sum(operator.time_us for operator in profile) or 1.0
        short = short_names(operator.name for operator in profile)
        slowest = sorted(profile, key=lambda operator: -operator.time_us)
        rows = [
            (
                shortened(short[operator.name] or operator.name, 60),
                operator.kind,
                operator.time_us,
                f"{100 * operator.time_us / total:.1f} %",
            )
            for operator in slowest[:MOST_OPERATORS]
        ]
        note = f"{len(profile)} operators, {milliseconds(total)} ms together"
        rest = len(profile) - len(rows)
        if rest > 0:
            left = sum(operator.time_us for operator in slowest[MOST_OPERATORS:])
            note += f"; the {rest} that are not shown take {milliseconds(left)} ms"
        parts.append(Bars(title, note, _bars(rows)))
    return tuple(parts)


def layers(models: Iterable[ModelFile]) -> tuple[Bars, ...]:
    """What int8 costs each layer, where the file tells; the worst first."""
    parts = []
    for model in sorted(models, key=lambda m: m.name):
        card = model.card
        if card is None or not card.layer_errors:
            continue
        short = short_names(layer.layer for layer in card.layer_errors)
        kept = set(card.float_layers)
        rows = [
            (
                shortened(short[layer.layer] or layer.layer, 60),
                layer.kind,
                layer.error,
                "kept in float" if layer.layer in kept else "",
            )
            for layer in card.layer_errors[:MOST_LAYERS]
        ]
        note = f"the {len(rows)} worst of {len(card.layer_errors)} layers"
        parts.append(Bars(model.name, note, _bars(rows)))
    return tuple(parts[:MOST_MODELS])


def sizes(models: Iterable[ModelFile]) -> tuple[Share, ...]:
    """Files by size."""
    ordered = sorted(models, key=lambda m: (m.size_bytes, m.name))[:MOST_FILES]
    return _bars(
        [(m.name, m.card.precision if m.card else "", float(m.size_bytes), "") for m in ordered]
    )
