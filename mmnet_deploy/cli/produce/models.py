"""`mmnet-deploy models`."""

from __future__ import annotations

import dataclasses
import json

import click

from mmnet_deploy.cli.console import print_table, show_json
from mmnet_deploy.runs import pretrained
from models import operating_points


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the families of networks and their operating points, with what each costs.

    Parameters are those of the trained network, batch-norm statistics included; multiply-adds
    (MACs) are those of its convolutions in one inference. Wherever a command takes a family,
    width multiplier and input size, it takes the name of an operating point instead, even of
    one that is not listed here.

    Bundled networks are trained on synthetic portraits. Wherever a command takes a run, it
    takes one of them by its name: `pretrained:mmnet-1.0-256`.

    Example: mmnet-deploy models --json
    """
    points = operating_points()
    ready = pretrained.names()
    if as_json:
        listed = [
            dataclasses.asdict(point) | {"pretrained": point.name in ready} for point in points
        ]
        show_json(json.dumps(listed, indent=1))
        return
    print_table(
        (
            "name",
            "family",
            ("width", "multiplier"),
            ("input", "size"),
            ("output", "stride"),
            "parameters",
            ("million", "MACs"),
            "paper",
            "weights",
        ),
        [
            (
                point.name,
                point.title,
                "–" if point.width_multiplier is None else str(point.width_multiplier),
                str(point.input_size),
                "–" if point.output_stride is None else str(point.output_stride),
                f"{point.parameters:,}",
                f"{point.macs / 1e6:.0f}",
                "published" if point.published else "",
                "bundled" if point.name in ready else "",
            )
            for point in points
        ],
    )
