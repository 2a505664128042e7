"""`mmnet-deploy evaluate --watch`."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mmnet_deploy.cli.console import say
from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.networks.backend import require_extra

if TYPE_CHECKING:
    from mmnet_deploy.api.evaluation_task import Task
    from mmnet_deploy.evaluation.watch import Best, Checkpoint
    from mmnet_deploy.mattes.metric import Metric
    from mmnet_deploy.results.records import Evaluation
    from mmnet_deploy.runs.run import Run


def watch_run(folder: Path, task: Task, until_step: int | None, *, unsafe: bool = False) -> None:
    """Evaluate each checkpoint of a run, until its training is over or a step is reached.

    Scores and best checkpoints go to `--out`, by default RUN/evaluation. Ctrl-C leaves both
    as they are after the last whole evaluation.
    """
    require_extra("`mmnet-deploy evaluate --watch`")
    from mmnet_deploy.evaluation import watch
    from mmnet_deploy.files import locked
    from mmnet_deploy.portraits import dataset
    from mmnet_deploy.runs.run import Run

    if until_step is not None and until_step < 1:
        raise UsageError(f"`until_step` must be at least 1. Received: {until_step}.")
    if folder.exists() and not folder.is_dir():
        raise ModelFileError(f"`--watch` follows a run folder. Received: {folder}.")
    dataset.find_pairs(task.data, task.split, task.mask_values)
    run = Run(folder)
    out = task.folder or folder / "evaluation"
    best = watch.Best(out, task.wanted)
    try:
        _wait_for(run)
        # Another watch would empty the folder of checkpoints that wait.
        click.get_current_context().with_resource(locked(out))
        _follow(run, best, task, until_step, unsafe)
    finally:
        _say_best(best)


def _wait_for(run: Run) -> None:
    """Wait until a training begins."""
    if not run.exists:
        say(f"Waiting for a training to begin in {run.folder} …")
    while not run.exists:
        time.sleep(1)


def _follow(run: Run, best: Best, task: Task, until_step: int | None, unsafe: bool) -> None:
    from mmnet_deploy.evaluation import watch

    evaluator = _evaluator(run.folder.resolve().name, task, unsafe)
    pending = watch.pending_folder(best.folder)
    constant: dict[str, float] = {}
    try:
        with contextlib.closing(watch.follow(run, pending)) as checkpoints:
            for checkpoint in checkpoints:
                result = _judge(checkpoint, best, evaluator, task)
                if result and not constant:
                    constant = result.constant_scores
                    known = (m for m in task.wanted if m.name in constant)
                    figures = ", ".join(_figure(m, constant[m.name]) for m in known)
                    say(f"A matte of one value: {figures}")
                checkpoint.path.unlink(missing_ok=True)
                if until_step is not None and checkpoint.step >= until_step:
                    break
    finally:
        shutil.rmtree(pending, ignore_errors=True)


def _evaluator(name: str, task: Task, unsafe: bool) -> Callable[[Checkpoint], Evaluation]:
    """Evaluates checkpoints of one network, which is built once."""
    from mmnet_deploy import evaluation
    from mmnet_deploy.mattes.matting import matting_of
    from mmnet_deploy.networks.network import Network, describe, load

    built: list[Network] = []

    def evaluate(checkpoint: Checkpoint) -> Evaluation:
        if built:
            try:
                built[0].model.load_weights(checkpoint.path)
            except (OSError, ValueError, KeyError) as error:
                raise ModelFileError(
                    f"The checkpoint of epoch {checkpoint.epoch} is damaged, or not of the network "
                    "of the one before."
                ) from error
        else:
            built.append(load(checkpoint.path, unsafe=unsafe))
        file = dataclasses.replace(
            describe(checkpoint.path), name=f"{name}/epoch-{checkpoint.epoch:04}.keras"
        )
        return evaluation.evaluate(
            matting_of(built[0], file),
            task.data,
            task.split,
            size=task.size,
            upsample=task.upsample,
            wanted=task.computed,
            mask_values=task.mask_values,
        )

    return evaluate


def _judge(
    checkpoint: Checkpoint,
    best: Best,
    evaluator: Callable[[Checkpoint], Evaluation],
    task: Task,
) -> Evaluation | None:
    """Evaluate a checkpoint that is new, keep what is best, and say so in a line."""
    from mmnet_deploy.results import store

    about = f"epoch {checkpoint.epoch}, step {checkpoint.step}"
    if best.knows(checkpoint):
        say(f"{about}: known.")
        return None
    result = evaluator(checkpoint)
    gained = {metric.name for metric in best.add(checkpoint, result)}
    if task.folder:
        store.save(dataclasses.replace(result, options=task.told), task.folder)
    figures = (
        _figure(metric, result.scores[metric.name]) + (" (best)" if metric.name in gained else "")
        for metric in task.wanted
    )
    say(f"{about}: {', '.join(figures)}")
    return result


def _figure(metric: Metric, value: float) -> str:
    return f"{metric.title} {metric.shown(value)} {metric.unit}".rstrip()


def _say_best(best: Best) -> None:
    """The best checkpoint by each metric, and where they are."""
    for metric in best.wanted:
        found = best.best(metric)
        if found:
            figure = f"{metric.shown(found[1])} {metric.unit}".rstrip()
            say(f"Best {metric.title}: {figure}, epoch {found[0]}.")
    if best.table.is_file():
        say(f"Scores are in {best.table}, the best checkpoints beside it.")
