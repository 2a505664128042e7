"""What an epoch leaves in a run folder; whatever goes wrong, what was there stays whole."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import write_bytes, write_text, written_aside
from mmnet_deploy.runs.run import VALIDATED, Run

Row = dict[str, float]


def _variables(trainer: keras.Model) -> dict[str, Any]:
    """Weights and the optimizer's variables, if there is one, by a name for the file."""
    optimizer = getattr(trainer, "optimizer", None)
    groups = {"weights": trainer.weights, "optimizer": optimizer.variables if optimizer else []}
    return {
        f"{group}.{number}": variable
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }


def save_state(trainer: keras.Model, run: Run) -> None:
    """Write all weights and the optimizer's state.

    Raises:
        OutputError: The folder cannot be written.
    """
    # As a whole in memory first: HDF5, which Keras would write, has no clear word for a full
    # disk and complains again when its file is let go.
    content = io.BytesIO()
    arrays = {
        name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(trainer).items()
    }
    np.savez(content, **arrays)
    write_bytes(run.state, content.getvalue())


def restore(trainer: keras.Model, run: Run) -> None:
    """Load the weights, and the optimizer's state into an optimizer that is there.

    Raises:
        ModelFileError: They are not there, damaged, or another network's.
    """
    try:
        with np.load(run.state) as stored:
            values = {name: stored[name] for name in _variables(trainer)}
        for name, variable in _variables(trainer).items():
            if tuple(variable.shape) != values[name].shape:
                raise ValueError(f"{name} has another shape.")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f"{run.state} is missing or damaged: the run cannot be resumed."
        ) from error
    for name, variable in _variables(trainer).items():
        variable.assign(values[name])


def store_epoch(
    run: Run, network: keras.Model, trainer: keras.Model, row: Row, *, keep: int
) -> None:
    """Store an epoch: the networks, then the log, then the state to resume from.

    Args:
        network: The inference form, with the weights to store.
        row: The epoch's line of the log.
        keep: How many of the latest networks to keep in `checkpoints`.

    Raises:
        OutputError: The folder cannot be written; the state stays that of an earlier epoch.
    """
    rows = [*run.read_log(), row]
    with written_aside(run.last) as aside:
        network.save(aside)
    content = run.last.read_bytes()
    for metric in VALIDATED:
        if best_row(rows, metric) is row:
            write_bytes(run.best_by(metric), content)
    if keep:
        run.checkpoints.mkdir(exist_ok=True)
        write_bytes(run.checkpoints / f"epoch-{row['epoch']:04.0f}.keras", content)
        for path in _kept(run)[:-keep]:
            path.unlink()
    write_scores(run, rows)
    run.write_log(rows)
    # Last, since it decides where a resumed training goes on.
    save_state(trainer, run)


def _kept(run: Run) -> list[Path]:
    """The networks in `checkpoints`, the earliest first."""
    found = {
        int(match.group(1)): path
        for path in run.checkpoints.iterdir()
        if (match := re.fullmatch(r"epoch-(\d+)\.keras", path.name))
    }
    return [found[epoch] for epoch in sorted(found)]


def best_row(rows: list[Row], metric: str) -> Row:
    """The first of the epochs with the best score by a metric of validation."""
    sign = -1 if VALIDATED[metric] else 1
    return min(rows, key=lambda row: sign * row[f"val_{metric}"])


def write_scores(run: Run, rows: list[Row]) -> None:
    """Write the table of the best epoch by each metric, tabs between its columns."""
    lines = ["metric\tepoch\tscore\tfile\n"]
    for metric in VALIDATED:
        best = best_row(rows, metric)
        score = best[f"val_{metric}"]
        lines.append(f"{metric}\t{best['epoch']:.0f}\t{score!r}\t{run.best_by(metric).name}\n")
    write_text(run.scores_file, "".join(lines))
