"""`mmnet-deploy engines build`: our own engine and the instruction counter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.cli.console import progress, say, show


@click.command()
@click.argument("what", metavar="tflbench|counter", type=click.Choice(["tflbench", "counter"]))
@click.option("--offline", is_flag=True, help="Download nothing.")
def build(what: str, offline: bool) -> None:
    """Compile our own engine or the instruction counter into the cache.

    \b
    tflbench is an engine for phones that hands out raw samples and outputs. It needs a cross
      compiler for arm64. The emulated phone and `cost` work without this step, with a
      tflbench that comes compiled.
    counter counts instructions for `cost`. It needs gcc for this computer.

    \b
    Examples:
      mmnet-deploy engines build tflbench
      mmnet-deploy engines build counter
    """
    from mmnet_deploy.engines import own

    if what == "counter":
        folder = own.build_counter()
        show(f"The instruction counter is {folder}")
        say("Compiled with " + _manifest(folder)["compilers"][0] + ".")
        say("To count: mmnet-deploy cost MODEL.tflite")
        return
    folder = own.build_bundle(offline=offline, progress=progress, tell=say)
    manifest = _manifest(folder)
    show(f"tflbench {manifest['engine_version']} is {folder}")
    say(f"Compiled with {manifest['compiler']}; not verified on a real phone.")
    say(
        "The emulated phone and `cost` take it from now on. On a phone: mmnet-deploy bench "
        f"MODEL.tflite --engine-binary {folder}"
    )


def _manifest(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
