"""Training a network into a run folder.

Everything random is a function of the seed and of the step, and the whole state of
the optimizer is stored after each epoch, so a resumed training continues as if it
had never stopped.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import keras

import models
from mmnet_deploy import interrupts
from mmnet_deploy.downloads import cache
from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.files import locked, write_bytes, written_aside
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.runs.rules import check_config, check_terms
from mmnet_deploy.runs.run import Run, RunConfig
from mmnet_deploy.training import checkpoints, initial_weights, pairs
from mmnet_deploy.training import history as histories
from mmnet_deploy.training import trainer as trainers
from mmnet_deploy.training.events import Events
from mmnet_deploy.training.history import History
from mmnet_deploy.training.pictures import material
from mmnet_deploy.training.pictures.batches import Stream
from mmnet_deploy.training.pictures.decoded import PictureStore
from mmnet_deploy.training.pictures.material import Reading
from mmnet_deploy.training.session import Session
from mmnet_deploy.training.teaching.lesson import Lesson
from mmnet_deploy.training.teaching.mattes import Mattes
from mmnet_deploy.training.teaching.teacher import Teacher, described, open_teacher
from mmnet_deploy.training.trainer import Trainer
from mmnet_deploy.training.workers import Workers, join


def check_network(config: RunConfig) -> None:
    """Refuse a network that is not defined, without building it.

    Raises:
        UsageError: No such family, no such member of it, or too few epochs for its stages; or a
            share of initial weights that are random.
    """
    if config.initial_share and not (config.imported_from or config.initial_weights):
        raise UsageError(
            "`initial_share` must be 0 for a network that begins with random weights: give "
            f"--init-from, or --set initial_share=0. Received: {config.initial_share:g}."
        )
    if config.imported_from:
        for name, without in (("mixed_precision", "off"), ("dropout", None)):
            if getattr(config, name) != without:
                raise UsageError(
                    f"`{name}` must be left out: a network from a .tflite file is trained as it "
                    f"is. Received: {getattr(config, name)}."
                )
        return
    try:
        facts = models.check(config.family, config.width_multiplier, config.input_size)
    except models.ModelError as error:
        raise UsageError(str(error)) from error
    if config.epochs < len(facts.stages):
        raise UsageError(
            f"`epochs` must be at least {len(facts.stages)}, one for each stage that "
            f"{facts.title} is trained in. Received: {config.epochs}."
        )
    for stage in facts.stages:
        if stage.terms:
            check_terms(config, stage.terms, f", to train {facts.title} ({stage.title})")


def last_epochs(stages: Sequence[models.Stage], epochs: int) -> list[int]:
    """The number of epochs after which each stage ends, by their shares, one at least each."""
    ends: list[int] = []
    share = 0.0
    for number, stage in enumerate(stages, start=1):
        share += stage.share
        least, most = [0, *ends][-1] + 1, epochs - (len(stages) - number)
        ends.append(min(max(round(share * epochs), least), most))
    return [*ends[:-1], epochs]


def train(
    config: RunConfig,
    folder: Path,
    *,
    resume: bool = False,
    store: PictureStore | None = None,
    progress: Progress = silent,
) -> Run:
    """Train a network, or go on with a training that was stopped.

    Args:
        folder: The run folder; it must hold a run if `resume`, and otherwise none of
            which an epoch was finished. No other process may train there meanwhile.
        resume: Continue after the last whole epoch; a run that was stopped before its first
            state was stored begins anew. `config` is the stored one, or
            differs from it in a greater `epochs` only, which a family with several stages
            does not allow.
        store: Where decoded pictures go that memory should not hold; None for memory.

    Returns:
        The run. Interrupted, it stands as it was after the last whole epoch.

    Raises:
        UsageError: The configuration cannot be trained.
        DataError: The data set cannot be used; every file is read before training.
        OutputError: The folder cannot be written, already holds a run, or another process
            trains there.
        ModelFileError: The run is damaged and cannot be resumed.
        TrainingError: The loss became infinite or undefined, or a worker was lost.
    """
    check_config(config)
    check_network(config)
    config = described(config)
    check_config(config)
    workers = join()
    workers.check(config.batch_size)
    run = Run(folder)
    # A file that cannot be imported is refused before a folder or a picture is touched, and so is
    # a teacher.
    begun = resume and not checkpoints.can_begin_anew(run)
    imported = trainers.beginning(config, run, resume=begun)
    teacher = open_teacher(config, run)
    held = locked(folder) if workers.writes else contextlib.nullcontext()
    with held, interrupts.kept(progress) as checked:
        return _train(config, run, imported, teacher, resume, store, workers, checked)


def _train(
    config: RunConfig,
    run: Run,
    imported: keras.Model | None,
    teacher: Teacher | None,
    resume: bool,
    store: PictureStore | None,
    workers: Workers,
    progress: Progress,
) -> Run:
    """Train into a folder that no other process writes to; see `train`."""
    stages = trainers.stages_of(config)
    news = []
    if not resume:
        _refuse_epochs(run)
    elif checkpoints.can_begin_anew(run):
        resume = False
        news.append(f"{run.folder} was left before anything was trained: the run begins anew.")
    elif len(stages) > 1 and config.epochs != run.read_config().epochs:
        raise UsageError(
            f"`epochs` must be {run.read_config().epochs}, as {run.folder} was begun with: the "
            f"stages that {models.family(config.family).title} is trained in are shares of it. "
            f"Received: {config.epochs}."
        )
    keras.utils.set_random_seed(config.seed)
    used = pairs.chosen(config, progress)
    listed = pairs.listed(config, used)
    if resume:
        pairs.check_same_pictures(run, config, listed, checkpoints.told(run))
    deployed = trainers.build_deployed(config, imported)
    with workers.together():
        trainer = trainers.build(config, imported)
    if config.initial_weights and not resume:
        _initialise(trainer, config, progress)
    if not resume:
        trainer.remember_beginning()
    lesson = None
    if teacher is not None:
        kept = Mattes(teacher, store.folder if store else cache.folder())
        lesson = Lesson(kept, config, progress)
    how = Reading(store, progress, lesson, (workers.index, workers.count))
    batches, validation = material.read(config, used, how)

    if resume:
        history = checkpoints.restore(trainer, run)
    else:
        history = History(pictures_sha256=histories.digest(listed))
    done = len(history.rows)
    if workers.writes:
        if resume:
            last = _last_network(config, run, trainer, deployed, done)
            checkpoints.mend(run, history, last if workers.count == 1 else _none, news.append)
        run.write_config(config)
        write_bytes(run.pictures_file, listed.encode("utf-8", "surrogateescape"))
        if not resume:
            if imported is not None:
                with written_aside(run.imported) as aside:
                    imported.save(aside)
            checkpoints.write_tables(run, history)
            checkpoints.save_state(trainer, run, history)

    name = config.family
    if imported is None:
        name = models.member_name(name, config.width_multiplier, config.input_size)
    left = (config.epochs - done) * config.steps_per_epoch
    first_batch = done * config.steps_per_epoch
    with (
        progress(f"Training {name}", left) as advance,
        Stream(batches, first_batch, threads=os.cpu_count() or 1) as stream,
        workers.together(),
    ):
        for line in news:
            advance(line, steps=0)
        advance("building the training step, which takes a CPU half a minute", steps=0)
        events = Events(run.tensorboard)
        session = Session(
            config, run, trainer, deployed, validation, events, workers, advance, history
        )
        if imported is not None:
            with workers.alone():
                session.score_imported(imported, said=not resume)
        _run_stages(session, stages, done, stream)
        session.say_gain()
    return run


def _refuse_epochs(run: Run) -> None:
    """Refuse to begin where a training has got anywhere.

    Raises:
        OutputError: There is a network, or an epoch in the log.
    """
    if run.has_epochs:
        raise OutputError(
            f"{run.folder} already holds a run. Give --resume to go on with it, or another --out."
        )


def _none() -> None:
    """No network can be made from the state alone: the workers hold it together."""


def _last_network(
    config: RunConfig, run: Run, trainer: Trainer, deployed: keras.Model, done: int
) -> Callable[[], keras.Model]:
    """What gives the inference form after epoch `done`, from the state."""

    def made() -> keras.Model:
        stages = trainers.stages_of(config)
        ends = last_epochs(stages, config.epochs)
        stage = stages[next(n for n, last in enumerate(ends) if done <= last)]
        # The averages that are stored may be the optimizer's.
        trainer.begin(stage, config.total_steps)
        checkpoints.restore(trainer, run)
        deployed.set_weights(trainer.deployed_weights())
        return deployed

    return made


def _run_stages(
    session: Session, stages: Sequence[models.Stage], done: int, stream: Stream
) -> None:
    """Train what is left of each stage after epoch `done`."""
    config, trainer = session.config, session.trainer
    first = 0
    ends = last_epochs(stages, config.epochs)
    for stage, last in zip(stages, ends, strict=True):
        if done < last:
            if len(ends) > 1:
                session.advance(f"{stage.title}: epochs {first + 1} to {last}", steps=0)
            steps = config.steps_per_epoch
            trainer.begin(stage, (last - first) * steps, (done - first) * steps)
            if done > first:
                # Once more, now that there is an optimizer to take its state.
                checkpoints.restore(trainer, session.run)
            trainer.settle_dropout(done * steps)
            for number in range(done + 1, last + 1):
                session.epoch(number, stream)
            done = last
        first = last


def _initialise(trainer: Trainer, config: RunConfig, progress: Progress) -> None:
    """Take the first weights from a file or another run, and report which.

    Raises:
        UsageError: A share of the first weights is to be kept, and some of them are random.
    """
    source = Path(config.initial_weights)
    path = Run(source).weights() if source.is_dir() else source
    match = initial_weights.take(
        path, trainer.network, include=config.init_include, exclude=config.init_exclude
    )
    stored = models.inference_network(trainer.network).layers
    new = [layer.name for layer in stored if layer.weights and layer.name not in match.taken]
    if config.initial_share and new:
        raise UsageError(
            f"`initial_share` must be 0 where {source} has the weights of some layers only, and "
            f"not of {new[0]}: add --set initial_share=0. Received: {config.initial_share:g}."
        )
    with progress(f"Initial weights of {source}", 1) as advance:
        advance(str(match), steps=0)
        advance()
