"""Points for charts: few, many, at one place, extreme, with open intervals."""

from __future__ import annotations

import dataclasses
import math
import random
from pathlib import Path
from xml.etree import ElementTree

from mmnet_deploy.charts import chart
from mmnet_deploy.charts.panels import Panel
from mmnet_deploy.results.trade_offs import TradeOff

MAGIC = {"svg": b"<?xml", "png": b"\x89PNG\r\n\x1a\n", "pdf": b"%PDF-"}


def point(
    latency_ms: float = 32.0, error_e3: float = 3.44, label: str = "1.0*", **changes
) -> TradeOff:
    found = TradeOff(
        family="MMNet",
        label=label,
        latency_ms=latency_ms,
        latency_low_ms=0.97 * latency_ms,
        latency_high_ms=1.04 * latency_ms,
        error=1e-3 * error_e3,
        parameters=200_000,
        device="Xiaomi Mi 5, 1 thread, LiteRT 2.0",
    )
    return dataclasses.replace(found, **changes)


def panel(points: list[TradeOff]) -> Panel:
    """The panel of points of one device."""
    (found,) = chart.compose(points).panels
    return found


def precisions() -> list[TradeOff]:
    """One network in three precisions: nearly the same place."""
    return [
        point(3.1, 12.300, "0.5* float32"),
        point(3.2, 12.301, "0.5* float16"),
        point(2.8, 12.360, "0.5* int8"),
    ]


def crowd() -> list[TradeOff]:
    """25 points of several families, with long names, some at the same place."""
    dice = random.Random(0)
    names = ("0.5*", "1.0* float16", "portrait-segmenter-with-a-name-of-many-characters")
    scattered = [
        point(
            10 ** dice.uniform(0.8, 2.2),
            dice.uniform(2.5, 5.0),
            dice.choice(names),
            family=dice.choice(("MMNet", "Mobile DeepLabv3", "LDN+FB", "other models")),
            parameters=dice.choice((None, 70_000, 400_000, 2_000_000)),
            valid=dice.random() > 0.2,
        )
        for _ in range(20)
    ]
    return scattered + [point(40.0, 4.0, f"same place {n}") for n in range(5)]


def extremes() -> list[TradeOff]:
    return [point(0.002, 0.01, "tiny", parameters=1), point(9e4, 900, "huge", parameters=10**10)]


def few_runs() -> list[TradeOff]:
    """Intervals that are open to one side, to both, and of an invalid point."""
    return [
        point(3.1, 12.3, "right", latency_high_ms=math.inf),
        point(2.8, 12.36, "both", latency_low_ms=-math.inf, latency_high_ms=math.inf),
        point(8.0, 5.0, "invalid", latency_low_ms=-math.inf, valid=False),
        point(9.0, 4.0, "closed"),
    ]


def without_error() -> list[TradeOff]:
    return [point(0.0, 0.0, "zero"), point(0.0, 0.0, "zero too", parameters=None)]


CASES = {
    "one": lambda: [point()],
    "no parameters": lambda: [point(parameters=None)],
    "precisions": precisions,
    "identical": lambda: [point()] * 4,
    "extremes": extremes,
    "zero": without_error,
    "few runs": few_runs,
    "crowd": crowd,
}


def words(path: Path) -> list[str]:
    """All text of an SVG."""
    return [
        "".join(element.itertext())
        for element in ElementTree.parse(path).iter("{http://www.w3.org/2000/svg}text")
    ]
