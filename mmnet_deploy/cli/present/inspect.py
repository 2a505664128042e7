"""`mmnet-deploy inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mmnet_deploy.cli.console import FOLDER, progress, say, show, show_json
from mmnet_deploy.cli.model_options import NETWORK, TFLITE
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.networks.backend import require_extra, require_tensorflow_backend
from mmnet_deploy.tflite.card import is_tflite, read_model

if TYPE_CHECKING:
    from mmnet_deploy.inspection import Inspection
    from mmnet_deploy.inspection.quantization_error import QuantizationError
    from mmnet_deploy.tflite.card import ModelCard

DELEGATE = "gpu"
"""What `--delegate` may name: the default delegate is shown in any case."""

SHOWN_ERRORS = 15
"""Layers whose quantization error is shown without `--layers`."""


@click.command()
@click.argument("model", metavar="MODEL.tflite", type=TFLITE)
@click.argument("other", metavar="[OTHER.tflite]", required=False, type=TFLITE)
@click.option(
    "--layers",
    is_flag=True,
    help="Show one row per operator; with two files, per layer that differs.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Exit with 1 if there is any finding, or if --delegate refuses an operator.",
)
@click.option(
    "--delegate",
    metavar="gpu",
    help="gpu: show which operators TFLite's GPU delegate would refuse, by its rules; TensorFlow's "
    "analyzer is asked as well where it is installed. What XNNPACK takes is shown in any case.",
)
@click.option(
    "--against",
    metavar="RUN|MODEL.keras|FLOAT.tflite",
    type=NETWORK,
    help="Network that the file was converted from, to measure each layer's quantization error.",
)
@click.option(
    "--data",
    metavar="DIR",
    type=FOLDER,
    help="Data set or folder of pictures to compare the layers on, for --against.",
)
@click.option(
    "--pictures", default=16, show_default=True, help="Number of pictures to compare the layers on."
)
@click.option("--seed", default=0, show_default=True, help="Seed of the choice of pictures.")
@click.option(
    "--input-range",
    nargs=2,
    type=float,
    help="Values of black and white in the input, for --against. Default: what the file says, "
    "else 0 1.",
)
@click.option(
    "--plot",
    metavar="FILE.svg|png|pdf",
    type=FOLDER,
    help="Draw the layers with the largest quantization error to this file.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON with every layer.")
@click.pass_context
def inspect(
    ctx: click.Context,
    model: Path,
    other: Path | None,
    layers: bool,
    strict: bool,
    delegate: str | None,
    against: Path | None,
    data: Path | None,
    pictures: int,
    seed: int,
    input_range: tuple[float, float] | None,
    plot: Path | None,
    as_json: bool,
) -> None:
    """Show what a .tflite file is, what it costs, and what makes it slow.

    The file may come from any converter. With a second file, show the difference between
    the two.

    \b
    Examples:
      mmnet-deploy inspect models/mmnet-1.0-256-int8.tflite
      mmnet-deploy inspect models/mmnet-1.0-256-int8.tflite --layers --strict
      mmnet-deploy inspect models/mmnet-1.0-256-float16.tflite --delegate gpu
      mmnet-deploy inspect before.tflite after.tflite
      mmnet-deploy inspect int8.tflite --against runs/a --data portraits \\
          --plot error.svg
    """
    from mmnet_deploy import inspection
    from mmnet_deploy.cli.present import difference_text
    from mmnet_deploy.cli.present import inspection_text as text
    from mmnet_deploy.inspection import difference

    _check(other, against, data, plot)
    if plot is not None and plot.resolve() in {it.resolve() for it in (model, against) if it}:
        raise UsageError(f"`--plot` must be another path than the model. Received: {plot}.")
    if delegate is not None and delegate != DELEGATE:
        raise UsageError(f"`--delegate` must be {DELEGATE}. Received: {delegate}.")
    gpu = delegate is not None
    for name in ("input_range", "pictures", "seed"):
        if against is None and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise UsageError(f"`--{option}` is for `--against`, which runs the file on pictures.")
    found = inspection.inspect(model, gpu=gpu)
    error = None
    if other is not None:
        after = inspection.inspect(other, gpu=gpu)
        if as_json:
            show_json(difference.to_json(found, after))
        elif found.file.sha256 == after.file.sha256:
            show("The files are the same, byte for byte.")
        else:
            same_name = model.name == other.name
            names = (str(model), str(other)) if same_name else (model.name, other.name)
            changes = difference.compare(found, after)
            difference_text.print_difference(names, changes, layers=layers)
        ctx.exit(int(strict and bool(found.findings or after.findings)))
    if against is not None and data is not None:
        error = _measured(found, model, against, data, pictures, seed, input_range)
    if as_json:
        show_json(inspection.to_json(found, error))
    else:
        text.print_summary(found)
        text.print_findings(found)
        if layers:
            text.print_layers(found)
        if error is not None:
            text.print_error(error, None if layers else SHOWN_ERRORS)
    if error is not None and plot is not None:
        _draw(error, found, plot)
    ctx.exit(int(strict and bool(found.findings or (found.gpu and found.gpu.refusals))))


def print_lint(path: Path) -> bool:
    """Print what `inspect` finds in a file, and return whether it is clean.

    A layer in float is no fault where the file's description says that this was chosen.
    """
    from mmnet_deploy import inspection
    from mmnet_deploy.cli.present import inspection_text as text

    found = inspection.inspect(path)
    if found.findings:
        show()
        show(path.name)
        text.print_findings(found)
    card = found.file.card
    meant = {"float_islands", "delegation"} if card and card.float_layers else set()
    return all(finding.rule in meant for finding in found.findings)


def _check(other: Path | None, against: Path | None, data: Path | None, plot: Path | None) -> None:
    """Make sure that the options belong together, before any work.

    Raises:
        UsageError: Some do not.
    """
    if against is None and (data is not None or plot is not None):
        option = "data" if data is not None else "plot"
        raise UsageError(f"`--{option}` needs `--against`, the network to compare the layers with.")
    if against is not None and other is not None:
        raise UsageError("`--against` takes one file; two files show the difference between them.")
    if against is not None and data is None:
        raise UsageError("`--against` needs `--data DIR`, the pictures to compare the layers on.")
    if plot is not None:
        from mmnet_deploy.charts import style
        from mmnet_deploy.files import check_folder

        style.file_kind(plot)
        check_folder(plot.parent)


_OTHER_NETWORK = "{} is not the network that the model was made from, by its description."


def _reference(against: Path, card: ModelCard | None, quantized: bytes) -> bytes:
    """The float32 file to compare a quantized one with, whose description is `card`.

    Raises:
        ModelFileError: `against` is not a network, or is itself quantized.
        MissingDependencyError: It is a Keras network, and Keras is not installed.
    """
    from mmnet_deploy.portraits.output import Meaning

    if is_tflite(against):
        from mmnet_deploy import inspection

        given = inspection.inspect(against)
        if given.precision not in ("float32", "float16"):
            raise ModelFileError(
                f"`--against` must be a network in float. Received: {against} ({given.precision})."
            )
        from mmnet_deploy import conversion

        if card is None:
            return conversion.with_standard_operators(read_model(against))
        if card.source_file and given.file.sha256 == card.weights_sha256:
            # Layers were renamed and rewritten on the way.
            meaning = Meaning(card.source_output, card.source_channel, input_range=card.input_range)
            network = conversion.open_file(against, meaning)
            return conversion.float_reference(network, card, quantized)
        weights = given.file.card.weights_sha256 if given.file.card else given.file.sha256
        if weights != card.weights_sha256:
            say(_OTHER_NETWORK.format(against))
        if card.precision == "int8" and card.graph == "deploy":
            return conversion.in_units_of(against, quantized)
        return conversion.with_standard_operators(read_model(against))
    if not against.exists():
        raise ModelFileError(f"There is no file or folder {against}.")
    from mmnet_deploy.files import sha256

    require_extra("`mmnet-deploy inspect --against`")
    require_tensorflow_backend()
    from mmnet_deploy import conversion
    from mmnet_deploy.networks.network import load

    if card is None:
        network = load(against)
    else:
        network = load(against, meaning=Meaning(card.source_output, card.source_channel))
        if network.path.is_file() and sha256(network.path) != card.weights_sha256:
            say(_OTHER_NETWORK.format(network.path))
    return conversion.float_reference(network, card, quantized)


def _measured(
    found: Inspection,
    model: Path,
    against: Path,
    data: Path,
    pictures: int,
    seed: int,
    input_range: tuple[float, float] | None,
) -> QuantizationError:
    """The quantization error of every layer, with progress."""
    from mmnet_deploy import parallel
    from mmnet_deploy.cli.data_options import say_left_out
    from mmnet_deploy.inspection import quantization_error
    from mmnet_deploy.portraits.representative import left_out

    card = found.file.card
    if found.delegation.problem is not None:
        raise ModelFileError(
            f"{found.delegation.engine} cannot run {model}, so its layers cannot be compared."
        )
    say_left_out(left_out(data), data)
    drawn = quantization_error.pictures_of(data, pictures, seed, card)
    content = read_model(model)
    error = quantization_error.measure(
        content,
        _reference(against, card, content),
        drawn,
        input_range=_range_of(found, model, input_range),
        threads=parallel.usable_cores(),
        progress=progress,
    )
    if error.unmatched:
        say(f"{error.unmatched} layers are left out: the float32 network has none of these names.")
    return error


def _range_of(
    found: Inspection, model: Path, said: tuple[float, float] | None
) -> tuple[float, float]:
    """Values of black and white in a file's input, by what the file says and what is said of it.

    Raises:
        ModelFileError: The input is no picture.
        UsageError: Neither suffices, or one contradicts the other.
    """
    from mmnet_deploy.portraits.output import Meaning
    from mmnet_deploy.tflite import ends
    from mmnet_deploy.tflite.parts import DTYPES

    card, meaning = found.file.card, Meaning(input_range=said)
    if card is not None:
        ends.require_agreement(model, meaning, card)
    end = found.inputs[0]
    details = {
        "name": end.name,
        "shape": [1, *end.shape[1:]],
        "dtype": DTYPES.get(end.dtype, object),
        "quantization": (end.scale or 0.0, end.zero_point or 0),
    }
    return ends.input_of(model, details, meaning, card).input_range


def _draw(error: QuantizationError, found: Inspection, plot: Path) -> None:
    from mmnet_deploy.charts import bars
    from mmnet_deploy.files import make_folder

    make_folder(plot.parent)
    bars.draw(error, plot, title=found.file.name)
    say(f"Drew the quantization error to {plot}.")
