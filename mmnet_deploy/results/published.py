"""The points of the published figure, as data that ships with the package.

Gradient error against latency on a Xiaomi Mi 5 (Snapdragon 820, CPU), read off the figure of
Seo et al. 2019 (arXiv:1904.03816) by eye. They were measured on other portraits, with another
engine and with operators of the authors' own: beside measured points they are always a series
of their own.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path

import models
from mmnet_deploy.results.naming import SMALL
from mmnet_deploy.results.trade_offs import TradeOff

POINTS_FILE = Path(__file__).with_name("published_points.csv")
DEVICE = "Xiaomi Mi 5 (Snapdragon 820 CPU), read off the figure of Seo et al. 2019"
SERIES = "published, Mi 5 (Seo et al.)"


@dataclasses.dataclass(frozen=True)
class Reference:
    """An error without a latency, drawn as a line; a plain number, not ×10⁻³."""

    label: str
    error: float


@dataclasses.dataclass(frozen=True)
class PublishedPoint:
    """A point of the figure.

    Attributes:
        operating_point: Name of the network in `models.operating_points`.
        latency_ms, error: As read off; the gradient error is a plain number.
    """

    operating_point: str
    latency_ms: float
    error: float


@functools.cache
def _rows() -> tuple[dict[str, str], ...]:
    with POINTS_FILE.open(newline="", encoding="utf-8") as file:
        lines = (line for line in file if not line.startswith("#"))
        return tuple(csv.DictReader(lines))


def points() -> tuple[PublishedPoint, ...]:
    """All points that have a latency."""
    return tuple(
        PublishedPoint(
            row["operating_point"], float(row["latency_ms"]), float(row["gradient_error_e3"]) / 1000
        )
        for row in _rows()
        if row["latency_ms"]
    )


def references() -> tuple[Reference, ...]:
    """What was published without a latency on a phone."""
    return tuple(
        Reference(row["name"], float(row["gradient_error_e3"]) / 1000)
        for row in _rows()
        if not row["latency_ms"]
    )


def trade_offs() -> tuple[TradeOff, ...]:
    """The points as those of the trade-off chart, with our networks' numbers of parameters.

    LDN+FB has none: its authors do not report it, and the published figure shows a cross.
    """
    networks = {point.name: point for point in models.operating_points()}
    found = []
    for point in points():
        network = networks[point.operating_point]
        width = network.width_multiplier
        found.append(
            TradeOff(
                family=network.title,
                label=(network.title if width is None else str(width))
                + SMALL * (network.input_size == 128),
                latency_ms=point.latency_ms,
                latency_low_ms=point.latency_ms,
                latency_high_ms=point.latency_ms,
                error=point.error,
                parameters=None if width is None else network.parameters,
                device=DEVICE,
                source="published",
            )
        )
    return tuple(found)
