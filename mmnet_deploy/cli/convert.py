"""`mmnet-deploy convert`."""

from __future__ import annotations

from pathlib import Path

import click

from mmnet_deploy.cli.console import (
    FOLDER,
    print_table,
    progress,
    require_extra,
    require_tensorflow_backend,
    say,
)
from mmnet_deploy.errors import UsageError


@click.command()
@click.argument("network", metavar="RUN|MODEL.keras", type=FOLDER)
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("float32",),
    show_default=True,
    help="float32, float16 or int8; may be repeated.",
)
@click.option(
    "--representative",
    metavar="DIR",
    type=FOLDER,
    help="Data set (its train split is used) or folder of pictures to calibrate int8 with and "
    "to check every file on. Default: the data that the run was trained on.",
)
@click.option(
    "-o", "--out", "folder", required=True, metavar="DIR", type=FOLDER, help="For the files."
)
@click.option(
    "--calibration-samples", default=100, show_default=True, help="Pictures that int8 sees."
)
@click.option("--seed", default=0, show_default=True, help="Chooses the pictures.")
def convert(
    network: Path,
    precisions: tuple[str, ...],
    representative: Path | None,
    folder: Path,
    calibration_samples: int,
    seed: int,
) -> None:
    """Convert a trained network to .tflite, one file per precision.

    Each file is run on real pictures and compared with the Keras network; one that
    does not compute the network is not left under its name, and the exit code is 1.

    \b
    Example:
      mmnet-deploy convert runs/a --precision float32 --precision float16 \\
          --precision int8 --representative portraits -o models
    """
    require_extra("convert")
    require_tensorflow_backend()
    from mmnet_deploy import conversion
    from mmnet_deploy.network import load

    loaded = load(network)
    if representative is None:
        if loaded.config is None:
            raise UsageError(
                "`--representative` must name a data set or a folder of pictures: "
                f"{network} does not know what it was trained on."
            )
        representative = Path(loaded.config.data)
        if not representative.is_dir():
            raise UsageError(
                "`--representative` must name a data set or a folder of pictures: "
                f"{representative}, which the run was trained on, is not there any more."
            )
    results = conversion.convert(
        loaded,
        tuple(dict.fromkeys(precisions)),
        representative,
        folder,
        calibration_samples=calibration_samples,
        seed=seed,
        progress=progress,
    )
    print_table(
        ("file", "size (KiB)", "mean |Δα|", "largest |Δα|"),
        [
            (
                str(result.path),
                f"{result.path.stat().st_size / 1024:.0f}",
                f"{result.card.mean_difference:.2g}",
                f"{result.card.largest_difference:.2g}",
            )
            for result in results
        ],
        title=f"Compared with Keras on {results[0].card.checked_pictures} pictures",
    )
    say(f"Next: mmnet-deploy bench {folder}/*.tflite --device host -o results")
