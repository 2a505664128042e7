"""What an epoch leaves in a run folder; whatever goes wrong, what was there stays whole.

`state.npz` decides: an epoch is stored when its state has its name. What is written before it
belongs to the next epoch until then, what is written after it is made again where a killed
training has not.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.files import sha256, write_bytes, write_text, written_aside
from mmnet_deploy.runs.run import Row, Run
from mmnet_deploy.training import history as histories
from mmnet_deploy.training.history import History

HISTORY = "history"
"""The name in `state.npz` of the history, as the bytes of its JSON."""

_DAMAGE = (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


def _variables(trainer: keras.Model) -> dict[str, Any]:
    """Weights and the optimizer's variables, if there is one, by a name for the file."""
    optimizer = getattr(trainer, "optimizer", None)
    groups = {"weights": trainer.weights, "optimizer": optimizer.variables if optimizer else []}
    return {
        f"{group}.{number}": variable
        for group, variables in groups.items()
        for number, variable in enumerate(variables)
    }


def _state(trainer: keras.Model, history: History) -> bytes:
    """All weights, the optimizer's state and the history, as the content of a file."""
    arrays = {
        name: keras.ops.convert_to_numpy(variable) for name, variable in _variables(trainer).items()
    }
    return _packed(arrays, history)


def _packed(arrays: dict[str, Any], history: History) -> bytes:
    # As a whole in memory first: HDF5, which Keras would write, has no clear word for a full
    # disk and complains again when its file is let go.
    content = io.BytesIO()
    told = np.frombuffer(history.to_json().encode(), np.uint8)
    np.savez(content, **{**arrays, HISTORY: told})
    return content.getvalue()


def save_state(trainer: keras.Model, run: Run, history: History) -> None:
    """Write all weights, the optimizer's state and the history.

    Raises:
        OutputError: The folder cannot be written.
    """
    write_bytes(run.state, _state(trainer, history))


def restore(trainer: keras.Model, run: Run) -> History:
    """Load the weights, the history, and the optimizer's state into an optimizer that is there.

    Raises:
        ModelFileError: They are not there, damaged, or another network's.
    """
    try:
        with np.load(run.state) as stored:
            values = {name: stored[name] for name in _variables(trainer)}
            told = stored[HISTORY].tobytes() if HISTORY in stored else None
        for name, variable in _variables(trainer).items():
            if tuple(variable.shape) != values[name].shape:
                raise ValueError(f"{name} has another shape.")
        history = None if told is None else histories.from_json(told)
    except _DAMAGE as error:
        raise ModelFileError(
            f"{run.state} is missing, damaged or another network's: the run cannot be resumed. "
            f"Begin another with --init-from {run.folder}."
        ) from error
    for name, variable in _variables(trainer).items():
        variable.assign(values[name])
    if history is not None:
        return history
    return histories.from_log(run, int(keras.ops.convert_to_numpy(trainer.finished_epochs)))


def told(run: Run) -> History | None:
    """The history in a run's state; None if there is none that can be read."""
    try:
        with np.load(run.state) as stored:
            return histories.from_json(stored[HISTORY].tobytes())
    except _DAMAGE:
        return None


def store_epoch(
    run: Run, network: keras.Model, trainer: keras.Model, history: History, row: Row, *, keep: int
) -> History:
    """Store an epoch: the last network with the state, then what is made from them.

    Args:
        network: The inference form, with the weights to store.
        history: The epochs before.
        row: The epoch's line of the log.
        keep: How many of the latest networks to keep in `checkpoints`.

    Returns:
        The history with this epoch.

    Raises:
        OutputError: The folder cannot be written; the run can be resumed.
    """
    history, gained = history.with_row(row)
    files = [run.last, *map(run.best_by, gained)]
    # Both are written before either has its name: a full disk leaves both as they were.
    with written_aside(run.state) as state, written_aside(run.last) as last:
        network.save(last)
        content = last.read_bytes()
        same = sha256(last)
        history = dataclasses.replace(
            history, sha256=history.sha256 | {path.name: same for path in files}
        )
        state.write_bytes(_state(trainer, history))
    for path in files[1:]:
        write_bytes(path, content)
    if keep:
        run.checkpoints.mkdir(exist_ok=True)
        write_bytes(run.checkpoints / f"epoch-{row['epoch']:04.0f}.keras", content)
        for path in _kept(run)[:-keep]:
            path.unlink()
    write_tables(run, history)
    return history


def write_tables(run: Run, history: History) -> None:
    """Write the best epochs and the log, which says that an epoch is stored as a whole."""
    write_text(run.scores_file, history.scores(run))
    run.write_log(history.rows)


def _kept(run: Run) -> list[Path]:
    """The networks in `checkpoints`, the earliest first."""
    found = {
        int(match.group(1)): path
        for path in run.checkpoints.iterdir()
        if (match := re.fullmatch(r"epoch-(\d+)\.keras", path.name))
    }
    return [found[epoch] for epoch in sorted(found)]


# --- When a training is resumed ----------------------------------------------


def can_begin_anew(run: Run) -> bool:
    """Whether a training was stopped so early that there is neither a state nor a network."""
    return not run.has_epochs and not zipfile.is_zipfile(run.state)


def mend(
    run: Run,
    history: History,
    network: Callable[[], keras.Model | None],
    say: Callable[[str], None],
) -> None:
    """Make the files of a run those that its state tells of.

    The log and the last network can be made from the state. The best networks are there, or
    another file has the same content.

    Args:
        history: Of the state; it is changed where a best network was removed.
        network: Gives the inference form with the weights of the last epoch; None where that
            cannot be made.
        say: Told of what had to be mended, in a sentence each.

    Raises:
        ModelFileError: A best network is damaged and nowhere else.
        OutputError: The folder cannot be written.
    """
    done = len(history.rows)
    if done and not _is_whole(run.last, history) and (made := network()) is not None:
        with written_aside(run.last) as aside:
            made.save(aside)
            history.sha256[run.last.name] = sha256(aside)
        say(f"{run.last.name} was not that of epoch {done}: it is made anew from {run.state.name}.")
    for metric in history.best:
        if not _is_whole(run.best_by(metric), history):
            _mend_best(run, history, metric, say)
    if not _log_agrees(run, history):
        say(
            f"{run.log_file.name} did not hold the {done} epochs of {run.state.name}: it is made "
            "anew from there."
        )
    write_tables(run, history)
    before = told(run)
    if before is None or before.to_json() != history.to_json():
        with np.load(run.state) as stored:
            arrays = dict(stored)
        write_bytes(run.state, _packed(arrays, history))


def _mend_best(run: Run, history: History, metric: str, say: Callable[[str], None]) -> None:
    """Put the best network by a metric back, or what takes its place."""
    path, epoch, done = run.best_by(metric), history.best[metric], len(history.rows)
    wanted = history.sha256.get(path.name)
    source = histories.file_with(run, wanted) if wanted else None
    if source is None and (epoch == done or not path.exists()) and _is_whole(run.last, history):
        source = run.last
    if source is None:
        raise ModelFileError(
            f"{path}, the best network by {metric} (epoch {epoch}), is damaged, and the run has "
            "no other file of it. Put a copy back, or remove the file: then the last network "
            "takes its place."
        )
    if source is run.last and wanted != history.sha256.get(run.last.name) and epoch != done:
        say(f"{path.name} of epoch {epoch} is gone: the last network takes its place.")
        history.best[metric] = done
    else:
        say(f"{path.name} was not that of epoch {epoch}: it is copied from {source.name}.")
    content = source.read_bytes()
    write_bytes(path, content)
    history.sha256[path.name] = hashlib.sha256(content).hexdigest()


def _is_whole(path: Path, history: History) -> bool:
    """Whether a network file is the one that was stored."""
    wanted = history.sha256.get(path.name)
    try:
        if wanted is not None:
            return sha256(path) == wanted
        # Stored by an earlier version, which kept no hashes.
        with zipfile.ZipFile(path) as parts:
            return parts.testzip() is None
    except _DAMAGE:
        return False


def _log_agrees(run: Run, history: History) -> bool:
    """Whether the log has the epochs; one that was stored after them may have more."""
    try:
        return repr(run.read_log()[: len(history.rows)]) == repr(history.rows)
    except ModelFileError:
        return False
