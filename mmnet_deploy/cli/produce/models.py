"""`mmnet-deploy models`."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from mmnet_deploy.cli.console import print_table, show_json
from mmnet_deploy.downloads import published
from mmnet_deploy.downloads.published import PublishedNetwork
from mmnet_deploy.runs import pretrained
from models import operating_points


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def models(as_json: bool) -> None:
    """List the networks that can be trained or taken by name, with what each costs.

    Parameters are those of the trained network, batch-norm statistics included; multiply-adds
    (MACs) are those of its convolutions in one inference. Wherever a command takes a family,
    width multiplier and input size, it takes the name of an operating point instead, even of
    one that is not listed here.

    Bundled networks have trained weights. Wherever a command takes a run, it takes one of
    them by its name, such as `pretrained:selfie-256`.

    Published networks are .tflite files of others, downloaded with pip when they are first
    used. Wherever a command takes a .tflite file, it takes one of them by its name.

    Example: mmnet-deploy models --json
    """
    points = operating_points()
    ready = pretrained.names()
    if as_json:
        listed = [
            dataclasses.asdict(point) | {"pretrained": point.name in ready} for point in points
        ]
        listed += [_bundled(name) for name in ready]
        listed += [_published(network) for network in published.NETWORKS]
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
    print_table(
        ("bundled network", "licence", ("weights", "made of")),
        [
            (
                f"{pretrained.PREFIX}{name}",
                pretrained.licence(folder),
                ", ".join(source.name for source in pretrained.sources(folder)),
            )
            for name in ready
            for folder in [pretrained.run_folder(name)]
        ],
    )
    print_table(
        (
            "published network",
            ("input", "size"),
            "parameters",
            ("million", "MACs"),
            "licence",
            "origin",
            "file",
        ),
        [
            (
                network.argument,
                f"{network.height_px}×{network.width_px}",
                f"{network.parameters:,}",
                f"{network.macs / 1e6:.0f}",
                network.licence,
                network.origin,
                "in the cache" if network.is_there else "by download",
            )
            for network in published.NETWORKS
        ],
    )


def _bundled(name: str) -> dict[str, Any]:
    """A bundled network as JSON."""
    folder = pretrained.run_folder(name)
    return {
        "name": f"{pretrained.PREFIX}{name}",
        "licence": pretrained.licence(folder),
        "sources": [dataclasses.asdict(source) for source in pretrained.sources(folder)],
    }


def _published(network: PublishedNetwork) -> dict[str, Any]:
    """A published network as JSON, with the keys of an operating point where they have a value."""
    return {
        "name": network.argument,
        "title": network.title,
        "input_height_px": network.height_px,
        "input_width_px": network.width_px,
        "parameters": network.parameters,
        "macs": network.macs,
        "licence": network.licence,
        "origin": network.origin,
        "sha256": network.sha256,
        "path": str(network.path) if network.is_there else None,
    }
