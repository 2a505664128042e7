"""The stages of the demo in their order, each with its bar."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmnet_deploy.cli.console import progress, say
from mmnet_deploy.cli.demo.shown import Bundled
from mmnet_deploy.errors import ConversionError
from mmnet_deploy.runs import pretrained as ready

if TYPE_CHECKING:
    from mmnet_deploy.conversion import Options
    from mmnet_deploy.results.records import Evaluation

TRAINED = "trained"
"""The names of the files of the demo's own network begin so."""

INT8_MULTIPLY_ADDS = 50e6
"""Of a bundled network, at most, for an int8 file: what its ranges are tried on takes time."""

CALIBRATION_SAMPLES, CHECKED_PICTURES = 16, 8
"""Fewer than a conversion takes by itself, so that the demo takes minutes."""

TRIES = 3
"""How often a file is measured at most until a measurement keeps its rules."""


@dataclasses.dataclass(frozen=True)
class Files:
    """The converted files.

    Attributes:
        trained: Those of the network that the demo trained.
        bundled: Those of the bundled ones, each with the network that it was made of.
    """

    trained: tuple[Path, ...]
    bundled: tuple[tuple[Path, Bundled], ...]

    @property
    def all(self) -> list[Path]:
        """All of them."""
        return [*self.trained, *(path for path, _ in self.bundled)]

    def of(self, name: str) -> Path:
        """The float32 file of a bundled network at its own size, or its run where there is none."""
        for path, network in self.bundled:
            if network == Bundled(name) and path.stem.endswith("-float32"):
                return path
        return ready.run_folder(name)


def convert(folder: Path, run: Path | None, networks: Sequence[Bundled], seed: int) -> Files:
    """Convert the trained network, if there is one, and the bundled ones.

    A file that is outside its limits is named and left out.

    Args:
        folder: Of the demo.

    Raises:
        ConversionError: None is left.
    """
    from mmnet_deploy.networks import resizing
    from mmnet_deploy.runs.run import Run

    trained: list[Path] = []
    bundled: list[tuple[Path, Bundled]] = []
    count = len(networks) + (run is not None)
    with progress("Converting", count) as advance:
        if run is not None:
            advance("trying ranges for int8, which takes a CPU half a minute", steps=0)
            trained += _converted(run, folder, seed)
            advance(TRAINED)
        for network in networks:
            source = ready.run_folder(network.name)
            if network.size is not None:
                target = Run(folder / "networks" / f"{network.name}-at-{network.size}")
                resizing.resize(Run(source), network.size, target)
                source = target.folder
            stem = network.name.rsplit("-", 1)[0]
            made = _converted(source, folder, seed, stem)
            bundled += [(path, network) for path in made]
            advance(network.title)
    files = Files(tuple(trained), tuple(bundled))
    if not files.all:
        raise ConversionError("No network could be converted, as said above.")
    return files


def options(seed: int, name: str | None = None) -> Options:
    """How the demo converts."""
    from mmnet_deploy.conversion import Options

    return Options(
        name=name,
        seed=seed,
        replace=True,
        calibration_samples=CALIBRATION_SAMPLES,
        checked_pictures=CHECKED_PICTURES,
    )


def _converted(run: Path, folder: Path, seed: int, name: str = "") -> list[Path]:
    """The files of one network.

    Args:
        name: What their names begin with; empty for the demo's own network, which is converted
            to every precision that the demo shows.
    """
    import models
    from mmnet_deploy import conversion
    from mmnet_deploy.networks import network

    loaded = network.load(run)
    precisions = ["float32"]
    if not name:
        precisions += ["float16", "int8"]
        width = loaded.width_multiplier
        name = "-".join([TRAINED, loaded.name, *([] if width is None else [str(width)])])
    elif models.multiply_adds(loaded.model) <= INT8_MULTIPLY_ADDS:
        precisions += ["int8"]
    try:
        made = conversion.convert(
            loaded, precisions, folder / "portraits", folder / "models", options(seed, name)
        )
    except conversion.RefusedError as error:
        say(f"Left out: {error}")
        made = list(error.converted)
    return [result.path for result in made]


def evaluate(paths: Sequence[Path], folder: Path) -> list[tuple[Path, Evaluation]]:
    """Score each model on the test portraits, and store each result."""
    from mmnet_deploy import evaluation
    from mmnet_deploy.mattes.matting import open_model
    from mmnet_deploy.results import store

    found = []
    with progress("Evaluating", len(paths)) as advance:
        for path in paths:
            result = evaluation.evaluate(open_model(path), folder / "portraits", "test")
            store.save(result, folder / "results")
            found.append((path, result))
            advance(path.name)
    return found


def measure(paths: Sequence[Path], folder: Path, threads: int) -> None:
    """Measure each model on this computer and store each result at once.

    One that broke its rules, as on a busy computer, is measured again.
    """
    from android_benchmark import PRESETS, Settings
    from mmnet_deploy.benchmarking import benchmark
    from mmnet_deploy.benchmarking.host import Host, without_rests
    from mmnet_deploy.results import store

    rules = without_rests(PRESETS["default"])
    host = Host()
    settings = Settings(threads, cores="")
    with progress(f"Measuring on {host.facts().model}", len(paths)) as advance:
        for path in paths:
            for _ in range(TRIES):
                result = benchmark.benchmark(path, host, settings=settings, rules=rules)
                store.save(result, folder / "results")
                if not result.broken_rules:
                    break
            advance(path.name)
