"""`mmnet-deploy demo`."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mmnet_deploy.cli.console import FOLDER, progress, say
from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.networks.backend import require_extra, require_tensorflow_backend
from mmnet_deploy.runs import pretrained as ready

if TYPE_CHECKING:
    from mmnet_deploy.runs.run import RunConfig

MARK = "about-this-demo.txt"
FAMILY = "mmnet"
STEPS_PER_EPOCH = 60
PAIRS = 400
FIRST_RATE, FINE_RATE = 1e-2, 3e-3
"""Learning rates for random weights, and for those of a bundled network."""

FEWER_PAIRS = 200
"""With --pretrained, where they only calibrate and judge."""
PARTS = ("portraits", "run", "networks", "models", "results")
FILES = ("report.html", "pareto.svg", "pareto.png", "results.csv", "side-by-side.png")

ABOUT = """\
Made by `mmnet-deploy demo`. The portraits are synthetic and the latency is that of the
computer that it ran on: neither says anything of your portraits or of your phone.

portraits/        synthetic pairs
run/              the training: config, log, networks, TensorBoard events (none with --pretrained)
networks/         the bundled networks at other input sizes than they were trained at
models/           the converted .tflite files; trained-… are those of run/
results/          one JSON file per evaluation and per benchmark
report.html       all of the results on one page
pareto.svg        gradient error and MAD against latency (also .png)
results.csv       the same numbers as a table
side-by-side.png  a synthetic portrait, and the picture of --picture: matte and new background
"""


@click.command()
@click.option(
    "-o",
    "--out",
    "folder",
    default=Path("mmnet-demo"),
    show_default=True,
    type=FOLDER,
    help="Folder to write.",
)
@click.option(
    "--picture",
    metavar="FILE",
    type=FOLDER,
    help="A photograph of a person to matte as well: side-by-side.png shows the result.",
)
@click.option(
    "--pretrained",
    is_flag=True,
    help="Skip training: show the bundled networks only.",
)
@click.option(
    "--count", type=int, help="Number of synthetic pairs.  [default: 400; 200 with --pretrained]"
)
@click.option("--epochs", default=4, show_default=True, help="Number of epochs, of 60 steps each.")
@click.option(
    "--width-multiplier", default=0.5, show_default=True, help="Width multiplier of the network."
)
@click.option(
    "--input-size",
    default=96,
    show_default=True,
    help="Height and width of the trained network's input in pixels.",
)
@click.option("--threads", default=1, show_default=True, help="Number of threads of the benchmark.")
@click.option(
    "--seed", default=0, show_default=True, help="Seed of the portraits and of the training."
)
@click.pass_context
def demo(
    ctx: click.Context,
    folder: Path,
    picture: Path | None,
    pretrained: bool,
    count: int | None,
    epochs: int,
    width_multiplier: float,
    input_size: int,
    threads: int,
    seed: int,
) -> None:
    """Run the whole pipeline on synthetic portraits and this computer.

    Draws portraits, trains a small MMNet on them, converts it and the bundled networks at
    several sizes and precisions, evaluates and benchmarks each file, and writes a report of all
    results, report.html, with their trade-off between error and latency. At the end,
    side-by-side.png shows a portrait, its matte, and the person before a new background; with
    --picture, also your photograph, which a bundled network mattes.

    Takes about three minutes on two cores, two with --pretrained. A folder of an earlier demo is
    replaced. Nothing is downloaded.

    \b
    Examples:
      mmnet-deploy demo
      mmnet-deploy demo --picture me.jpg
      mmnet-deploy demo --pretrained -o mmnet-demo
    """
    begin = time.monotonic()
    require_extra("`mmnet-deploy demo`")
    require_tensorflow_backend()
    from mmnet_deploy.benchmarking import benchmark, host
    from mmnet_deploy.charts.sheets import side_by_side
    from mmnet_deploy.cli.demo import ending, pictures, shown, stages
    from mmnet_deploy.files import locked
    from mmnet_deploy.portraits import synthetic

    portraits = folder / "portraits"
    known = shown.configs()
    config = None
    if pretrained:
        _refuse_training_options(ctx)
    else:
        first = shown.beginning(known, FAMILY, width_multiplier, input_size)
        config = _config(portraits, first, width_multiplier, input_size, epochs, seed)
    networks = shown.bundled(known, config)
    if count is None:
        count = FEWER_PAIRS if pretrained else PAIRS
    every = [*known.values(), *([config] if config else [])]
    size = max(max(it.picture_size) for it in every) * 5 // 4
    # All that was asked for is checked before an earlier demo is taken away.
    synthetic.check_numbers(count=(count, 12), size=(size, 32), seed=(seed, 0))
    stages.options(seed).check(["float32"])
    benchmark.check_threads(threads, host.Host().facts())
    own = None if picture is None else pictures.read(picture)
    ctx.with_resource(locked(folder))
    _prepare(folder)

    synthetic.write_dataset(portraits, count=count, size=size, seed=seed, progress=progress)
    run = None
    if config:
        from mmnet_deploy import training

        run = training.train(config, folder / "run", progress=progress).folder
    files = stages.convert(folder, run, networks, seed)
    if run:
        stages.evaluate([run], folder)
    evaluations = stages.evaluate(files.all, folder)
    stages.measure(files.all, folder, threads)
    ending.conclude(folder, files.trained)
    sheet = folder / "side-by-side.png"
    best, evaluation = pictures.most_exact(evaluations)
    rows = [pictures.drawn(best, evaluation, seed)]
    said = f"a synthetic portrait with its matte by {best.name}"
    if own is not None and picture is not None:
        name = shown.for_photographs(known)
        rows.append(pictures.of_user(own, files.of(name), picture.name, name))
        if pictures.is_empty(rows[-1]):
            say(f"{name} found nobody in {picture}: its matte is empty.")
        said += f", and {picture} with its matte by pretrained:{name}"
    side_by_side.draw(rows, pictures.PANELS, sheet)
    minutes = (time.monotonic() - begin) / 60
    say(f"Done in {minutes:.1f} minutes. Open {folder / 'report.html'}; all files: {folder}.")
    say(
        "The portraits are synthetic and the latency is this computer's: "
        "neither says anything of your portraits or of your phone."
    )
    say(f"Open {sheet}: {said}.")


def _refuse_training_options(ctx: click.Context) -> None:
    """Refuse options that matter to a training only.

    Raises:
        UsageError: One was given.
    """
    for name in ("epochs", "width_multiplier", "input_size"):
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = name.replace("_", "-")
            raise UsageError(
                f"--{option} must be left out with --pretrained, which trains nothing: it takes "
                f"{', '.join(ready.names())}. Received: {ctx.params[name]}."
            )


def _config(
    portraits: Path, first: str, width_multiplier: float, input_size: int, epochs: int, seed: int
) -> RunConfig:
    """The demo's training.

    Args:
        first: The bundled network whose weights it begins with; empty for random ones.

    Raises:
        UsageError: A setting breaks a rule.
    """
    from mmnet_deploy import training
    from mmnet_deploy.runs.rules import check_config
    from mmnet_deploy.runs.run import RunConfig, auto_batch_norm_momentum

    config = RunConfig(
        family=FAMILY,
        width_multiplier=width_multiplier,
        input_size=input_size,
        data=str(portraits.resolve()),
        split="train",
        validation_share=0.1,
        initial_weights=str(ready.run_folder(first)) if first else "",
        epochs=epochs,
        steps_per_epoch=STEPS_PER_EPOCH,
        batch_size=16,
        learning_rate=FINE_RATE if first else FIRST_RATE,
        weight_decay=4e-7,
        batch_norm_momentum=auto_batch_norm_momentum(max(1, epochs) * STEPS_PER_EPOCH),
        seed=seed,
    )
    check_config(config)
    training.check_network(config)
    return config


def _prepare(folder: Path) -> None:
    """Empty the folder if an earlier demo is in it.

    Raises:
        OutputError: It holds something else, or cannot be written.
    """
    from mmnet_deploy.files import is_empty, write_text

    mark = folder / MARK
    if mark.is_file() and mark.read_text(encoding="utf-8", errors="replace").startswith(ABOUT[:30]):
        for part in PARTS:
            shutil.rmtree(folder / part, ignore_errors=True)
        for name in FILES:
            (folder / name).unlink(missing_ok=True)
    elif not is_empty(folder):
        raise OutputError(f"{folder} is not empty and holds no earlier demo. Give another -o.")
    write_text(mark, ABOUT)
