"""Training: what a run folder holds, and that an interruption changes nothing."""

import contextlib
import dataclasses
import itertools

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import models
from mmnet_deploy import training
from mmnet_deploy.errors import (
    DataError,
    ModelFileError,
    OutputError,
    TrainingError,
    UsageError,
)
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import dataset
from mmnet_deploy.runs.run import BEST_BY, Run
from mmnet_deploy.training.pictures import decoded
from mmnet_deploy.training.validation import Validation
from models import registry


def _weights(path):
    return keras.saving.load_model(path, compile=False).get_weights()


def test_a_run_holds_all_that_the_docs_promise(tiny_run):
    """Config, log, both networks, the state and TensorBoard events are there."""
    run = Run(tiny_run)
    for path in (run.config_file, run.log_file, run.last, run.best, run.state):
        assert path.stat().st_size > 0
    assert list(run.tensorboard.rglob("events.*"))
    assert not [path for path in tiny_run.iterdir() if path.name.startswith(".")]


def test_the_log_has_a_row_per_epoch_with_every_loss_and_score(tiny_run):
    """The log is complete, and its loss falls."""
    rows = Run(tiny_run).read_log()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    terms = {"loss", "alpha", "compositional", "gradient", "cross_entropy", "auxiliary"}
    assert terms | {"val_gradient_error", "val_mad", "val_mean_iou"} <= rows[0].keys()
    assert rows[-1]["alpha"] < rows[0]["alpha"]


def test_the_stored_network_is_the_inference_form(tiny_run):
    """A run's network gives one softmax and has no auxiliary head."""
    loaded = network.load(tiny_run)
    assert loaded.model.output_shape == (None, 32, 32, 2)
    assert "auxiliary_logits" not in [layer.name for layer in loaded.model.layers]
    assert loaded.path.name == "best.keras"


def test_best_is_the_epoch_with_the_least_validation_error(tiny_run, portraits, config):
    """Scoring `best.keras` again gives the least validation score of the log."""
    run, settings = Run(tiny_run), config()
    pairs = dataset.find_pairs(portraits, "train")
    _, held_out = training.hold_out(pairs, settings.validation_share, settings.seed)
    checked = decoded.decode(held_out, settings.input_size)
    validation = Validation(checked.images, checked.masks, settings.batch_size)
    scores = validation.scores(network.load(tiny_run).model)
    assert scores[BEST_BY] == pytest.approx(min(row[BEST_BY] for row in run.read_log()), rel=1e-5)


def test_the_same_seed_repeats_the_same_training(tmp_path, config, tiny_run):
    """Two trainings with one seed give equal logs and equal weights."""
    training.train(config(), tmp_path / "again")
    again = Run(tmp_path / "again")
    assert again.read_log() == Run(tiny_run).read_log()
    for one, other in zip(_weights(again.last), _weights(Run(tiny_run).last), strict=True):
        np.testing.assert_array_equal(one, other)


class _Stop(Exception):
    pass


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, _Stop])
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path, config, tiny_run, interrupt):
    """Stopped in the middle of epoch 3 and resumed, a run ends with the very same weights."""

    @contextlib.contextmanager
    def interrupting(title, total):
        done = 0

        def advance(note="", steps=1):
            nonlocal done
            done += steps
            if title.startswith("Training") and done == 10:
                raise interrupt

        yield advance

    folder = tmp_path / "run"
    with pytest.raises(interrupt):
        training.train(config(), folder, progress=interrupting)
    run = Run(folder)
    assert len(run.read_log()) == 2
    assert network.load(folder).model.output_shape == (None, 32, 32, 2)

    training.train(run.read_config(), folder, resume=True)
    assert run.read_log() == Run(tiny_run).read_log()
    for name in ("last", "best"):
        resumed, whole = getattr(run, name), getattr(Run(tiny_run), name)
        for one, other in zip(_weights(resumed), _weights(whole), strict=True):
            np.testing.assert_array_equal(one, other)


@contextlib.contextmanager
def _interrupting(title, total):
    """Progress that stops a training at its tenth step."""
    done = 0

    def advance(note="", steps=1):
        nonlocal done
        done += steps
        if title.startswith("Training") and done == 10:
            raise KeyboardInterrupt

    yield advance


@pytest.fixture
def staged(monkeypatch):
    """A family of two parts, with dropout, that trains one, then the other, then both."""
    monkeypatch.setattr(registry, "_FAMILIES", dict(registry._FAMILIES))
    stages = (
        models.Stage("coarse", 0.4, "coarse_", "coarse_logits", ("cross_entropy",)),
        models.Stage("fine", 0.3, "fine_", terms=("alpha", "compositional")),
        models.Stage("both", 0.3),
    )

    @models.register("staged", title="Staged", stride=2, stages=stages)
    def staged(input_size, *, batch_norm_momentum):
        layers = keras.layers
        image = keras.Input((*input_size, 3), name="image")
        x = layers.Conv2D(4, 3, padding="same", activation="relu", name="coarse_features")(image)
        x = layers.Dropout(0.5, name="coarse_dropout")(x)
        coarse = layers.Conv2D(1, 1, name="coarse_logits")(x)
        x = layers.Concatenate(name="join")([image, coarse])
        x = layers.BatchNormalization(momentum=batch_norm_momentum, name="fine_norm")(x)
        logits = layers.Conv2D(1, 3, padding="same", name="fine_logits")(x)
        return keras.Model(
            image, {"logits": logits, "coarse_logits": coarse}, name="staged_training"
        )

    return lambda config, **changes: config(
        family="staged", width_multiplier=None, epochs=5, **changes
    )


def test_a_family_in_stages_trains_its_parts_in_turn(tmp_path, config, staged):
    """What a stage freezes is the same before and after it, and the log is whole."""
    kept = {}

    @contextlib.contextmanager
    def watching(title, total):
        def advance(note="", steps=1):
            if note.startswith("epoch "):
                kept[int(note.split()[1].rstrip(":"))] = keras.saving.load_model(
                    tmp_path / "run" / "last.keras", compile=False
                )

        yield advance

    training.train(staged(config), tmp_path / "run", progress=watching)

    def moved(layer, first, last):
        one, other = (kept[epoch].get_layer(layer).get_weights() for epoch in (first, last))
        return any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))

    assert sorted(kept) == [1, 2, 3, 4, 5]
    assert moved("coarse_features", 1, 2) and not moved("fine_logits", 1, 2)
    assert not moved("fine_norm", 1, 2)
    assert not moved("coarse_features", 2, 4) and moved("fine_logits", 2, 4)
    assert moved("coarse_features", 4, 5) and moved("fine_logits", 4, 5)
    rows = Run(tmp_path / "run").read_log()
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4, 5]
    assert {"alpha", "compositional", "gradient", "cross_entropy"} <= rows[0].keys()
    assert network.load(tmp_path / "run").model.output_shape == (None, 32, 32, 1)


@pytest.mark.parametrize("steps_per_epoch", [3, 4])
def test_a_family_in_stages_is_resumed_exactly(tmp_path, config, staged, steps_per_epoch):
    """Stopped within a stage or at the end of one, dropout and all: the same weights."""
    along = {"loss_cross_entropy": (1.0, 0.0), "loss_alpha": (0.2, 2.0)}
    settings = staged(config, steps_per_epoch=steps_per_epoch, **along)
    training.train(settings, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        training.train(settings, tmp_path / "run", progress=_interrupting)
    assert len(Run(tmp_path / "run").read_log()) == 9 // steps_per_epoch
    training.train(settings, tmp_path / "run", resume=True)
    one, other = (Run(tmp_path / name) for name in ("whole", "run"))
    assert one.read_log() == other.read_log()
    for a, b in zip(_weights(one.last), _weights(other.last), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_stages_of_a_begun_training_cannot_be_moved(tmp_path, config, staged):
    """More epochs on resume would; fewer epochs than stages leave one out."""
    with pytest.raises(UsageError, match="`epochs` must be at least 3, one for each stage"):
        training.train(dataclasses.replace(staged(config), epochs=2), tmp_path / "run")
    with pytest.raises(KeyboardInterrupt):
        training.train(staged(config), tmp_path / "run", progress=_interrupting)
    with pytest.raises(UsageError, match=r"`epochs` must be 5, .* Received: 9"):
        training.train(dataclasses.replace(staged(config), epochs=9), tmp_path / "run", resume=True)


@given(st.lists(st.floats(0.01, 1), min_size=1, max_size=5), st.integers(0, 200))
def test_every_stage_has_an_epoch(shares, more):
    """The ends rise, by one at least, to the last epoch."""
    stages = [models.Stage(share=share / sum(shares)) for share in shares]
    epochs = len(stages) + more
    ends = training.last_epochs(stages, epochs)
    assert ends[-1] == epochs
    assert all(last > first for first, last in itertools.pairwise([0, *ends]))


def test_a_run_stopped_in_its_first_epoch_can_be_resumed(tmp_path, config):
    """Before the first epoch ends there is a state to resume, and no network yet."""

    @contextlib.contextmanager
    def interrupting(title, total):
        def advance(note="", steps=1):
            if title.startswith("Training"):
                raise KeyboardInterrupt

        yield advance

    folder = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        training.train(config(epochs=1), folder, progress=interrupting)
    with pytest.raises(ModelFileError, match="no trained network yet"):
        network.load(folder)
    training.train(config(epochs=1), folder, resume=True)
    assert len(Run(folder).read_log()) == 1


def test_a_run_is_never_overwritten(tiny_run, config):
    """Training into a folder that holds a run is refused and leaves it alone."""
    before = Run(tiny_run).log_file.read_bytes()
    with pytest.raises(OutputError, match="--resume"):
        training.train(config(), tiny_run)
    assert Run(tiny_run).log_file.read_bytes() == before


def test_an_infinite_loss_stops_the_training_with_advice(tmp_path, config):
    """A learning rate that blows up ends in one line that says what to do."""
    with pytest.raises(TrainingError, match="learning-rate"):
        training.train(config(learning_rate=1e38), tmp_path / "run")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "`epochs` must be 1 … 1000000. Received: 0"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"learning_rate": 0.0}, "`learning_rate`"),
        ({"validation_share": 1.0}, "`validation_share`"),
        ({"validation_share": float("nan")}, "`validation_share`"),
        ({"learning_rate": float("inf")}, "`learning_rate`"),
        ({"weight_decay": float("nan")}, "`weight_decay`"),
        ({"batch_norm_momentum": 5.0}, "`batch_norm_momentum`"),
        ({"seed": -1}, "`seed`"),
        ({"input_size": 40}, "multiple of 16. Received: 40"),
        ({"width_multiplier": 0.6}, "`width_multiplier`"),
        ({"family": "nothing"}, "Received: nothing"),
    ],
)
def test_impossible_settings_are_refused_before_anything_is_written(
    tmp_path, config, changes, words
):
    """A setting out of range raises with the rule, and no folder appears."""
    with pytest.raises(UsageError, match=words.replace("`", "`")):
        training.train(config(**changes), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_bad_pictures_are_found_before_training_begins(tmp_path, config):
    """A corrupt file is reported before the run folder is made."""
    from mmnet_deploy.portraits import synthetic

    root = tmp_path / "data"
    synthetic.write_dataset(root, count=6, size=48, seed=0)
    next((root / "train" / "image").iterdir()).write_bytes(b"no picture")
    with pytest.raises(DataError, match="1 problem"):
        training.train(config(data=str(root)), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_finished_epoch_may_be_begun_again(tmp_path, config):
    """A training that stopped at once does not occupy its folder."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.write_config(config(seed=7))
    training.train(config(epochs=1), run.folder)
    assert run.read_config().seed == config().seed
