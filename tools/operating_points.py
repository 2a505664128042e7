"""Count parameters and multiply-adds of every operating point into models/operating_points.csv.

    python tools/operating_points.py

Run it after a family was added or changed; a test fails where the table and the
networks disagree.
"""

from __future__ import annotations

import csv
import sys
from typing import Any

import models
from models.points import COLUMNS, TABLE
from models.registry import all_members


def row(facts: models.Family, width_multiplier: float | None, input_size: int) -> dict[str, Any]:
    """One operating point's line of the table."""
    network = models.inference_network(
        models.build(facts.name, width_multiplier=width_multiplier, input_size=input_size)
    )
    return {
        "name": models.member_name(facts.name, width_multiplier, input_size),
        "family": facts.name,
        "title": facts.title,
        "width_multiplier": width_multiplier,
        "input_size": input_size,
        "output_stride": facts.output_stride,
        "parameters": network.count_params(),
        "macs": models.multiply_adds(network),
        "published": "yes" if (width_multiplier, input_size) in facts.published else "no",
    }


def main() -> None:
    rows = [row(*member) for member in all_members()]
    with TABLE.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} operating points in {TABLE}", file=sys.stderr)


if __name__ == "__main__":
    main()
