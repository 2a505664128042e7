"""What a training leaves behind, epoch by epoch, and that nothing which fails spoils it."""

import contextlib
import dataclasses
import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest

import models
from mmnet_deploy import training
from mmnet_deploy.errors import DataError, ModelFileError, OutputError, TrainingError
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.runs import recipe_file
from mmnet_deploy.runs.recipe import Recipe, field_names
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training import checkpoints, trainer
from mmnet_deploy.training.validation import Validation
from tests.support import ROOT

PROGRAM = ROOT / "tests" / "support" / "tiny_worker.py"


def _weights(path):
    return keras.saving.load_model(path, compile=False).get_weights()


def _equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _at(step, action):
    """Progress that does something when a training has done so many steps."""

    @contextlib.contextmanager
    def progress(title, total):
        done = 0

        def advance(note="", steps=1):
            nonlocal done
            done += steps
            if title.startswith("Training") and steps and done == step:
                action()

        yield advance

    return progress


def test_the_latest_networks_and_the_best_by_each_metric_are_kept(tmp_path, config):
    """Two of four epochs stay in `checkpoints`; scores.tsv says which epochs are the best."""
    run = training.train(config(keep_checkpoints=2), tmp_path / "run")
    names = sorted(path.name for path in run.checkpoints.iterdir())
    assert names == ["epoch-0003.keras", "epoch-0004.keras"]
    assert (run.checkpoints / names[-1]).read_bytes() == run.last.read_bytes()
    rows = run.read_log()
    header, *lines = [line.split("\t") for line in run.scores_file.read_text().splitlines()]
    assert header == ["metric", "epoch", "score", "file"]
    found = {metric: (float(score), name) for metric, _, score, name in lines}
    assert found == {
        "gradient_error": (
            min(row["val_gradient_error"] for row in rows),
            "best-gradient_error.keras",
        ),
        "mad": (min(row["val_mad"] for row in rows), "best.keras"),
        "mean_iou": (max(row["val_mean_iou"] for row in rows), "best-mean_iou.keras"),
    }
    assert all((run.folder / name).is_file() for _, name in found.values())


def test_an_epoch_that_learnt_nothing_is_not_the_best(tmp_path, config, monkeypatch):
    """A matte of one value has little gradient to be wrong: MAD chooses `best.keras`."""
    flat = {"val_gradient_error": 0.0036, "val_mad": 0.5, "val_mean_iou": 0.56}
    learnt = {"val_gradient_error": 0.0051, "val_mad": 0.05, "val_mean_iou": 0.92}
    scores = iter([flat, learnt])
    monkeypatch.setattr(Validation, "scores", lambda *_: next(scores))
    run = training.train(config(epochs=2), tmp_path / "run")
    assert run.weights() == run.best
    assert run.best.read_bytes() == run.last.read_bytes()
    assert run.best_by("gradient_error").read_bytes() != run.last.read_bytes()


def test_the_resolved_recipe_is_stored(tiny_run, config):
    """A run's recipe.toml is a recipe that says all that the run was trained by."""
    stored = Recipe(**recipe_file.read(str(Run(tiny_run).recipe_file)))
    assert all(getattr(stored, name) == getattr(config(), name) for name in field_names())


def test_tensorboard_reads_what_is_written(tiny_run, config):
    """Every column of the log, the learning rate and a picture of mattes for each epoch."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(Run(tiny_run).tensorboard))
    events.Reload()
    rows = Run(tiny_run).read_log()
    for name in ("loss", "val_mad", "gradient"):
        assert [event.step for event in events.Scalars(name)] == [1, 2, 3, 4]
        assert [event.value for event in events.Scalars(name)] == pytest.approx(
            [row[name] for row in rows]
        )
    assert {"learning_rate", "pictures_per_s", "waiting_share"} <= set(events.Tags()["scalars"])
    (tag,) = events.Tags()["images"]
    size = config().input_size
    assert {(image.width, image.height % size) for image in events.Images(tag)} == {(3 * size, 0)}


def test_averaged_weights_are_validated_and_stored(tmp_path, config):
    """With an average, the stored network is not the trained one; resumed, nothing differs."""
    changes = {"loss_cross_entropy": (1.0, 0.0, 0.0), "loss_gradient": (0.5, 3.0)}
    settings = config(ema_decay=0.9, warmup_share=0.1, hue_deg=10.0, dropout=0.1, **changes)
    whole = training.train(settings, tmp_path / "whole")

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        training.train(settings, tmp_path / "run", progress=_at(10, stop))
    run = training.train(settings, tmp_path / "run", resume=True)
    assert run.read_log() == whole.read_log()
    assert _equal(_weights(run.last), _weights(whole.last))

    trained = trainer.build(settings)
    trained.begin(models.Stage(), settings.total_steps)
    checkpoints.restore(trained, run)
    assert _equal(trained.deployed_weights(), _weights(run.last))
    assert not _equal(
        models.inference_network(trained.network).get_weights(), trained.deployed_weights()
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "rmsprop", "schedule": "piecewise"},
        {"mixed_precision": "bfloat16"},
        {"mixed_precision": "float16", "ema_decay": 0.5},
        {"dropout": 0.2, "batch_norm_epsilon": 0.1, "loss_gradient": 0.0},
        {"max_pairs": 5},
        {"split": "train,test"},
    ],
    ids=str,
)
def test_every_kind_of_recipe_trains(tmp_path, config, changes):
    """Each gives a finite log and a float32 network that can be loaded."""
    run = training.train(config(epochs=1, **changes), tmp_path / "run")
    (row,) = run.read_log()
    assert np.isfinite(list(row.values())).all()
    stored = keras.saving.load_model(run.last, compile=False)
    assert {layer.dtype_policy.name for layer in stored.layers} == {"float32"}
    used = run.pictures_file.read_text().splitlines()
    assert len(used) == {"max_pairs": 5, "split": 20}.get(next(iter(changes)), 16)


def test_several_splits_and_parts_of_a_data_set_train_together(tmp_path, portraits, config):
    """`a/train,b/test` are two splits of two data sets within one folder."""
    for part in ("a", "b"):
        shutil.copytree(portraits, tmp_path / "data" / part)
    run = training.train(
        config(epochs=1, data=str(tmp_path / "data"), split="a/train,b/test"), tmp_path / "run"
    )
    used = run.pictures_file.read_text()
    assert used.count(" a/train/image/") == 16 and used.count(" b/test/image/") == 4


def test_backgrounds_are_replaced_in_training(tmp_path, portraits, config):
    """A run with backgrounds has other losses, and the folder must hold pictures."""
    from mmnet_deploy.training.pictures.decoded import PictureStore

    store = PictureStore(tmp_path / "cache", 10**9)
    settings = config(epochs=1, backgrounds=str(portraits / "test" / "image"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mmnet_deploy.portraits.foreground.SOFT_WIDTH_PX", 0.1)
        replaced = training.train(settings, tmp_path / "replaced", store=store)
    plain = training.train(config(epochs=1), tmp_path / "plain")
    assert replaced.read_log()[0]["loss"] != plain.read_log()[0]["loss"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures to use as backgrounds"):
        training.train(
            dataclasses.replace(settings, backgrounds=str(tmp_path / "empty")), tmp_path / "none"
        )


def test_weights_come_from_another_run_by_patterns(tmp_path, tiny_run, config):
    """Only the layers that the patterns name begin as the other run ended."""
    notes = []

    @contextlib.contextmanager
    def listening(title, total):
        yield lambda note="", steps=1: notes.append(note)

    settings = config(
        epochs=1,
        learning_rate=1e-9,
        initial_weights=str(tiny_run),
        init_include="stem|logits",
        init_exclude="norm|auxiliary",
    )
    run = training.train(settings, tmp_path / "run", progress=listening)
    theirs, ours = (
        {layer.name: layer.get_weights() for layer in keras.saving.load_model(path).layers}
        for path in (Run(tiny_run).best, run.last)
    )
    for name in ("stem", "logits"):
        for one, other in zip(ours[name], theirs[name], strict=True):
            np.testing.assert_allclose(one, other, atol=1e-6)
    assert not np.allclose(ours["stem_norm"][2], theirs["stem_norm"][2])
    assert any("2 of 2 layers taken" in note for note in notes)


# --- What goes wrong ---------------------------------------------------------


def _state(run):
    return {
        path.name: path.read_bytes()
        for path in (run.state, run.last, run.best, run.log_file, run.scores_file)
    }


@pytest.mark.parametrize("left_bytes", [0, 20_000])
def test_a_full_disk_leaves_the_last_whole_epoch(tmp_path, config, tiny_run, left_bytes):
    """Where no more can be written, one line says so, and the run can be resumed."""
    folder = tmp_path / "run"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = {}

    def fill():
        before.update(_state(Run(folder)))
        # A file may not grow beyond this: each write fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (left_bytes, hard))

    try:
        with pytest.raises(OutputError, match=r"Cannot write .*run/.*: .*File too large"):
            training.train(config(), folder, progress=_at(9, fill))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    run = Run(folder)
    assert _state(run) == before
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    training.train(config(), folder, resume=True)
    assert run.read_log() == Run(tiny_run).read_log()


def test_an_undefined_loss_leaves_the_last_whole_epoch(tmp_path, config, monkeypatch):
    """A loss that is no number ends the training with advice; what was stored stays."""
    folder = tmp_path / "run"
    real, steps, before = trainer.Trainer.step, [], {}

    def step(self, batch):
        steps.append(real(self, batch))
        if len(steps) == 9:
            before.update(_state(Run(folder)))
            return steps[-1] | {"loss": float("nan")}
        return steps[-1]

    monkeypatch.setattr(trainer.Trainer, "step", step)
    with pytest.raises(TrainingError, match=r"became nan at step 1 .*--learning-rate"):
        training.train(config(), folder)
    assert _state(Run(folder)) == before and len(Run(folder).read_log()) == 2


def test_a_data_folder_may_go_while_it_is_trained_on(tmp_path, config):
    """Everything was decoded before: the training ends as if nothing had happened."""
    root = tmp_path / "data"
    synthetic.write_dataset(root, count=8, size=48, seed=0)
    whole = training.train(config(data=str(root)), tmp_path / "whole")
    run = training.train(
        config(data=str(root)), tmp_path / "run", progress=_at(3, lambda: shutil.rmtree(root))
    )
    assert run.read_log() == whole.read_log()


def test_a_run_is_not_resumed_with_other_pictures(tmp_path, config):
    """Pictures that are gone or new are counted, and one of them is named."""
    root = tmp_path / "data"
    synthetic.write_dataset(root, count=8, size=48, seed=0)
    run = training.train(config(data=str(root), epochs=1), tmp_path / "run")
    gone = sorted((root / "train" / "image").iterdir())[0]
    (root / "train" / "mask" / f"{gone.stem}.png").unlink()
    gone.unlink()
    with pytest.raises(DataError, match=f"1 gone, such as train/image/{gone.name}"):
        training.train(dataclasses.replace(run.read_config(), epochs=2), run.folder, resume=True)


def test_a_state_of_another_network_is_one_clear_error(tmp_path, tiny_run, config):
    """What cannot be loaded is named, with no traceback of HDF5."""
    shutil.copytree(tiny_run, tmp_path / "run")
    Run(tmp_path / "run").state.write_bytes(b"no weights")
    with pytest.raises(ModelFileError, match="cannot be resumed"):
        training.train(config(epochs=5), tmp_path / "run", resume=True)


def test_sigterm_stops_a_training_as_ctrl_c_does(portraits, tmp_path):
    """A program that is told to end says what it leaves, and the run goes on with --resume."""
    script = (
        "import sys; sys.path.insert(0, 'tests'); import conftest\n"
        "from mmnet_deploy.cli import main; sys.argv[0] = 'mmnet-deploy'; main()"
    )
    words = ["train", "tiny", "--input-size", "32", "--data", str(portraits), "--out"]
    words += [str(tmp_path / "run"), "--epochs", "500", "--steps-per-epoch", "2"]
    root = ROOT
    process = subprocess.Popen(
        [sys.executable, "-c", script, *words],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
        text=True,
    )
    run = Run(tmp_path / "run")
    until = time.monotonic() + 120
    while not run.read_log() and process.poll() is None and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "Interrupted." in said and "Traceback" not in said
    rows = run.read_log()
    assert 1 <= len(rows) < 500
    assert not [path for path in run.folder.iterdir() if path.name.startswith(".")]
