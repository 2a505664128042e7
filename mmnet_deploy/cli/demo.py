"""`mmnet-deploy demo`."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from mmnet_deploy.cli.console import FOLDER, progress, say
from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.networks.backend import require_extra, require_tensorflow_backend
from mmnet_deploy.runs import pretrained as ready

if TYPE_CHECKING:
    from mmnet_deploy.results.records import Record
    from mmnet_deploy.runs.run import RunConfig

PRECISIONS = ("float32", "float16", "int8")
MARK = "about-this-demo.txt"
FAMILY = "mmnet"
STEPS_PER_EPOCH = 80
PAIRS = 800
FEWER_PAIRS = 200
"""With --pretrained, where they only calibrate and judge."""
PARTS = ("portraits", "run", "models", "results")

ABOUT = """\
Made by `mmnet-deploy demo`. The portraits are synthetic and the latency is that of the
computer that it ran on: neither says anything of your portraits or of your phone.

portraits/   synthetic pairs
run/         the training: config, log, networks, TensorBoard events (none with --pretrained)
models/      the converted .tflite files
results/     one JSON file per evaluation and per benchmark
report.html  all of the results on one page
pareto.svg   gradient error against latency (also .png)
results.csv  the same numbers as a table
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
    "--pretrained",
    is_flag=True,
    help="Skip training: take the bundled networks, trained on other synthetic portraits.",
)
@click.option(
    "--count", type=int, help="Number of synthetic pairs.  [default: 800; 200 with --pretrained]"
)
@click.option("--epochs", default=8, show_default=True, help="Number of epochs, of 80 steps each.")
@click.option(
    "--width-multiplier", default=0.5, show_default=True, help="Width multiplier of the network."
)
@click.option(
    "--input-size",
    default=128,
    show_default=True,
    help="Height and width of the network's input in pixels.",
)
@click.option("--threads", default=1, show_default=True, help="Number of threads of the benchmark.")
@click.option(
    "--seed", default=0, show_default=True, help="Seed of the portraits and of the training."
)
@click.pass_context
def demo(
    ctx: click.Context,
    folder: Path,
    pretrained: bool,
    count: int | None,
    epochs: int,
    width_multiplier: float,
    input_size: int,
    threads: int,
    seed: int,
) -> None:
    """Run the whole pipeline on synthetic portraits and this computer.

    Draws portraits, trains a small MMNet on them, converts it to float32, float16 and
    int8, evaluates and benchmarks each file, and writes a report of all results: report.html.
    Takes about four minutes on two cores, one and a half with --pretrained. A folder of an
    earlier demo is replaced.

    \b
    Examples:
      mmnet-deploy demo -o mmnet-demo
      mmnet-deploy demo --pretrained
    """
    begin = time.monotonic()
    require_extra("`mmnet-deploy demo`")
    require_tensorflow_backend()
    from mmnet_deploy import conversion, evaluation, report
    from mmnet_deploy.benchmarking import benchmark, host
    from mmnet_deploy.charts import chart
    from mmnet_deploy.files import locked
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.networks import network
    from mmnet_deploy.portraits import synthetic
    from mmnet_deploy.results import store, table, table_file, trade_offs
    from mmnet_deploy.runs.run import Run

    portraits, run_folder, models, results = (folder / part for part in PARTS)
    if pretrained:
        _refuse_training_options(ctx)
        config = None
        runs = [ready.run_folder(name) for name in ready.names()]
        largest = max(Run(run).read_config().input_size for run in runs)
    else:
        config = _config(portraits, width_multiplier, input_size, epochs, seed)
        runs = [run_folder]
        largest = input_size
    if count is None:
        count = FEWER_PAIRS if pretrained else PAIRS
    # All that was asked for is checked before an earlier demo is taken away.
    synthetic.check_numbers(count=(count, 12), size=(largest * 5 // 4, 32))
    benchmark.check_threads(threads, host.Host().facts())
    ctx.with_resource(locked(folder))
    _prepare(folder)

    synthetic.write_dataset(
        portraits, count=count, size=largest * 5 // 4, seed=seed, progress=progress
    )
    if config:
        from mmnet_deploy import training

        training.train(config, run_folder, progress=progress)
    files: list[Path] = []
    for run in runs:
        loaded = network.load(run)
        options = conversion.Options(seed=seed, replace=True)
        converted = conversion.convert(
            loaded, PRECISIONS, portraits, models, options, progress=progress
        )
        files += [result.path for result in converted]
    for path in (*runs, *files):
        evaluated = evaluation.evaluate(open_model(path), portraits, "test", progress=progress)
        store.save(evaluated, results)
    _measure(files, results, threads=threads)

    reading = store.read([results])
    joined = trade_offs.join(reading.records)
    table_file.write(table.trade_offs(joined), folder / "results.csv")
    for name in ("pareto.svg", "pareto.png"):
        chart.draw(joined.points, folder / name)
    report.write(reading, folder / "report.html", title="The demo of mmnet-deploy")
    _summarise(reading.records)
    minutes = (time.monotonic() - begin) / 60
    say(f"Done in {minutes:.1f} minutes. Open {folder / 'report.html'}; all files: {folder}.")
    say(
        "The portraits are synthetic and the latency is this computer's: "
        "neither says anything of your portraits or of your phone."
    )


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
    portraits: Path, width_multiplier: float, input_size: int, epochs: int, seed: int
) -> RunConfig:
    """The demo's training.

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
        epochs=epochs,
        steps_per_epoch=STEPS_PER_EPOCH,
        batch_size=16,
        learning_rate=1e-2,
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
    elif not is_empty(folder):
        raise OutputError(f"{folder} is not empty and holds no earlier demo. Give another -o.")
    write_text(mark, ABOUT)


def _measure(models: Sequence[Path], folder: Path, *, threads: int) -> None:
    """Measure each model on this computer and store each result at once."""
    from android_benchmark import PRESETS, Settings
    from mmnet_deploy.benchmarking import benchmark
    from mmnet_deploy.benchmarking.host import Host, without_rests
    from mmnet_deploy.results import store

    rules = without_rests(PRESETS["default"])
    host = Host()
    with progress(f"Measuring on {host.facts().model}", len(models)) as advance:
        for path in models:
            settings = Settings(threads, cores="")
            result = benchmark.benchmark(path, host, settings=settings, rules=rules)
            store.save(result, folder)
            advance(path.name)


def _summarise(records: Sequence[Record]) -> None:
    """One row per model file, the Keras network first for comparison."""
    from mmnet_deploy.cli.console import print_table
    from mmnet_deploy.results.latency import quoted
    from mmnet_deploy.results.naming import device_name
    from mmnet_deploy.results.records import Benchmark, Evaluation

    benchmarks = {r.model.sha256: r for r in records if isinstance(r, Benchmark)}
    rows = []
    for record in (r for r in records if isinstance(r, Evaluation)):
        benchmark = benchmarks.get(record.model.sha256)
        latency, valid = "–", ""
        if benchmark:
            latency = f"{quoted(benchmark).quoted_us / 1000:.2f}"
            valid = "; ".join(flag.label for flag in benchmark.broken_rules)
        rows.append(
            (
                record.model.name,
                f"{1000 * record.scores['gradient_error']:.3f}",
                f"{record.scores['mad']:.4f}",
                f"{record.scores['mean_iou']:.4f}",
                f"{record.model.size_bytes / 1024:.0f}",
                latency,
                valid,
            )
        )
    device = device_name(next(iter(benchmarks.values())))
    print_table(
        (
            "model",
            ("gradient", "error (×10⁻³)"),
            "MAD",
            ("mean", "IoU"),
            ("size", "(KiB)"),
            ("latency", "(ms)"),
            "",
        ),
        rows,
        title=f"Synthetic portraits; {device}",
    )
