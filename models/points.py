"""The named operating points: members of the families with their costs.

The numbers are counted on the built networks by `tools/operating_points.py` and kept in
`operating_points.csv`, so that listing or drawing them needs neither Keras nor numpy.
"""

from __future__ import annotations

import csv
import dataclasses
import functools
from pathlib import Path

COLUMNS = (
    "name",
    "family",
    "title",
    "width_multiplier",
    "input_size",
    "output_stride",
    "parameters",
    "macs",
    "published",
)
TABLE = Path(__file__).with_name("operating_points.csv")


@dataclasses.dataclass(frozen=True)
class OperatingPoint:
    """A network of one width multiplier and one input size, and what it costs on paper.

    Attributes:
        name: Family, width multiplier if there is one, and input size, joined by `-`.
        title: Name of the family in charts.
        width_multiplier: None for a family that has one width only.
        input_size: Height and width of the input, in pixels.
        output_stride: Input pixels per pixel of the coarsest features, along one axis.
        parameters: Weights of the inference form, batch-norm statistics included.
        macs: Multiply-adds of its convolutions in one inference.
        published: Whether the paper gives its gradient error and latency.
    """

    name: str
    family: str
    title: str
    width_multiplier: float | None
    input_size: int
    output_stride: int | None
    parameters: int
    macs: int
    published: bool


def member_name(family: str, width_multiplier: float | None, input_size: int) -> str:
    """Name of an operating point, such as `mmnet-1.0-256` or `ldn-fb-128`."""
    parts = (family, width_multiplier, input_size)
    return "-".join(str(part) for part in parts if part is not None)


@functools.cache
def operating_points() -> tuple[OperatingPoint, ...]:
    """All named operating points, by family, width multiplier and input size."""
    with TABLE.open(newline="", encoding="utf-8") as file:
        return tuple(map(_point, csv.DictReader(file)))


def _point(row: dict[str, str]) -> OperatingPoint:
    width, stride = row["width_multiplier"], row["output_stride"]
    return OperatingPoint(
        name=row["name"],
        family=row["family"],
        title=row["title"],
        width_multiplier=float(width) if width else None,
        input_size=int(row["input_size"]),
        output_stride=int(stride) if stride else None,
        parameters=int(row["parameters"]),
        macs=int(row["macs"]),
        published=row["published"] == "yes",
    )
