"""`mmnet-deploy convert`."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mmnet_deploy.api import conversion
from mmnet_deploy.cli.console import FOLDER, parse_share, progress, say
from mmnet_deploy.cli.data_options import MASK_VALUES
from mmnet_deploy.cli.model_options import NETWORK, meaning_of, network_options
from mmnet_deploy.cli.present.inspect import print_lint


@click.command()
@click.argument("network", metavar="RUN|MODEL.keras|SAVED_MODEL|FILE.tflite", type=NETWORK)
@click.option(
    "--precision",
    multiple=True,
    default=("float32",),
    show_default=True,
    help="Precision of the file: float32, float16, int8-weights (8-bit weights, arithmetic of "
    "float32), dynamic (8-bit weights, activations quantized while it runs), int8, int16x8, or all "
    "of them; may be repeated.",
)
@click.option(
    "--representative",
    metavar="DIR",
    type=FOLDER,
    help="Data set or folder of pictures to calibrate with and to check every file on; of a data "
    "set, the train split is used. Default: the data that the run was trained on.",
)
@MASK_VALUES
@click.option(
    "-o",
    "--out",
    required=True,
    metavar="DIR",
    type=FOLDER,
    help="Folder to write the files to.",
)
@click.option(
    "--name",
    help="What the files' names begin with. Default: family and width multiplier, or the name of "
    "the network's file.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Overwrite files of the same name that were made from other weights.",
)
@click.option(
    "--graph",
    default="deploy",
    show_default=True,
    help="Graph to convert: deploy is rewritten for inference, to compute the same with less work; "
    "stock is the graph that TensorFlow's converter makes.",
)
@click.option(
    "--io",
    default="uint8",
    show_default=True,
    help="Type of the input and output of an int8 file: uint8 (a picture's bytes), int8 (bytes "
    "minus 128, for what takes no uint8) or float32.",
)
@click.option(
    "--reduced-precision",
    help="allow or forbid: whether cores with fp16 arithmetic compute a float32, float16 or "
    "int8-weights file in half precision. allow writes the entry that they ask for if the mattes "
    "stay near in emulated half precision.  [default: allow for float16, forbid for the others]",
)
@click.option(
    "--calibration-samples",
    default=100,
    show_default=True,
    help="Number of pictures that set the quantization ranges.",
)
@click.option(
    "--checked-pictures",
    default=16,
    show_default=True,
    help="Number of held-out pictures to compare each file with the network on.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of pictures.")
@click.option(
    "--float-layers",
    multiple=True,
    metavar="REGEX|>=ROWS",
    help="In an int8 file, leave the layers whose names match in float, or those whose output has "
    "at least so many rows, such as '>=128'; may be repeated.",
)
@click.option(
    "--max-error-increase",
    metavar="PERCENT",
    help="In an int8 file, leave layers in float, those that cost most first, until its gradient "
    "error is at most this much above the network's, such as 2%.",
)
@click.option(
    "--max-difference",
    type=float,
    help="Limit of the largest |Δα| from the network. Default: that of the precision.",
)
@click.option(
    "--max-mean-difference",
    type=float,
    help="Limit of the mean |Δα| from the network. Default: that of the precision.",
)
@click.option(
    "--author",
    help="Author of the network, for the metadata that apps read. Default: none; mmnet-deploy for "
    "a bundled network.",
)
@click.option(
    "--license",
    help="Licence of the network, for the same, such as MIT. Default: none; Apache-2.0 for a "
    "bundled network.",
)
@network_options
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if `inspect` reports a finding in any file, the comparison with the network "
    "proved nothing, or half precision was left out because of the mattes.",
)
def convert(
    network: Path,
    out: Path,
    max_error_increase: str | None,
    strict: bool,
    **options: Any,
) -> None:
    """Convert a trained network to .tflite, one file per precision.

    A .tflite file in float32 or float16 is a network too, and so is mediapipe:selfie.

    Each file is run on held-out pictures and compared with the network. A file that does
    not compute the network is not kept, and the exit code is 1.

    \b
    Examples:
      mmnet-deploy convert runs/a --precision all --representative portraits -o models
      mmnet-deploy convert runs/a --precision int8 --max-error-increase 2% -o models
      mmnet-deploy convert runs/a --reduced-precision allow -o models
      mmnet-deploy convert pretrained:mmnet-1.0-256 --representative portraits -o models
      mmnet-deploy convert mediapipe:selfie --precision float16 --representative portraits -o models
      mmnet-deploy convert other.keras --output softmax --input-range -1 1 \\
          --representative photographs -o models
    """
    from mmnet_deploy.cli.produce import conversion_text as text

    prepared = conversion.prepare(
        network,
        meaning=meaning_of(options),
        max_error_increase=parse_share(max_error_increase, "max_error_increase"),
        **options,
        progress=progress,
        tell=say,
    )
    from mmnet_deploy.conversion import Converted, RefusedError

    refusal: RefusedError | None = None
    results: Sequence[Converted]
    try:
        results = prepared.convert(out, progress)
    except RefusedError as error:
        if not error.converted:
            raise
        refusal, results = error, error.converted
    for result in results:
        text.print_ranking(result.card)
    text.print_differences(results)
    text.advise(results)
    findings = [result.path for result in results if not print_lint(result.path)]
    say(f"Next: {_next_command(out, None if prepared.mask_values else prepared.pictures)}")
    sound = all(
        result.proved and result.held_out and not (result.half and result.half.reason)
        for result in results
    )
    if refusal is not None:
        raise refusal
    if strict and (findings or not sound):
        raise click.exceptions.Exit(1)


def _next_command(folder: Path, pictures: Path | None) -> str:
    """The command that measures the files; with errors too, if there is a split to test on.

    Args:
        pictures: Data set with masks of alpha; None for other masks, which `bench` does not take.
    """
    from mmnet_deploy.errors import DataError
    from mmnet_deploy.portraits import dataset

    data = ""
    with contextlib.suppress(DataError):
        if pictures is not None and dataset.find_pairs(pictures, "test"):
            data = f" --data {shlex.quote(str(pictures))}"
    return f"mmnet-deploy bench {shlex.quote(str(folder))}/*.tflite --device host{data} -o results"
