"""A run whose files were lost, damaged or left half-made is mended, begun anew or refused."""

import contextlib
import dataclasses
import math
import shutil

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy import training
from mmnet_deploy.errors import DataError, ModelFileError, OutputError, TrainingError
from mmnet_deploy.files import sha256
from mmnet_deploy.portraits import synthetic
from mmnet_deploy.runs.run import VALIDATED, Run, is_better
from mmnet_deploy.training import checkpoints, trainer
from mmnet_deploy.training.history import History
from mmnet_deploy.training.validation import Validation


class _Listener:
    """Progress that keeps what it is told; `then` is called when a training takes a step."""

    def __init__(self, then=lambda: None):
        self.notes = []
        self.then = then

    @contextlib.contextmanager
    def __call__(self, title, total):
        def advance(note="", steps=1):
            if steps and title.startswith("Training"):
                self.then()
            if note and not steps:
                self.notes.append(note)

        yield advance

    def said(self, word):
        return [note for note in self.notes if word in note]


def _weights(path):
    return keras.saving.load_model(path, compile=False).get_weights()


def _scored(monkeypatch, *mads):
    """Let validation give these MADs, one an epoch, and the same of the other metrics."""
    values = iter(mads)

    def scores(*_):
        mad = next(values)
        return {"val_gradient_error": mad, "val_mad": mad, "val_mean_iou": 1 - mad}

    monkeypatch.setattr(Validation, "scores", scores)


@pytest.fixture
def run(tiny_run, tmp_path):
    """A finished run that may be spoilt."""
    shutil.copytree(tiny_run, tmp_path / "run")
    return Run(tmp_path / "run")


@pytest.fixture
def falling(tmp_path, config, monkeypatch, eager):
    """A run of three epochs of which the first is the best."""
    _scored(monkeypatch, 0.1, 0.2, 0.3)
    return training.train(config(epochs=3, steps_per_epoch=1), tmp_path / "falling")


def _files(run):
    return {path: path.read_bytes() for path in run.folder.rglob("*") if path.is_file()}


# --- What the state has is made again ----------------------------------------


def _shortened(text):
    return text[: len(text) // 2]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        _shortened,
        lambda text: "\n".join(text.splitlines()[:-1]) + "\n",
        lambda text: "\n".join([*text.splitlines()[:2], *text.splitlines()[3:]]) + "\n",
        lambda text: text.replace("2.0,", "7.0,", 1),
        lambda text: "words\n",
        lambda text: text + "\0",
        lambda text: None,
    ],
    ids=["empty", "half", "less an epoch", "a gap", "changed", "words", "NUL", "gone"],
)
def test_a_log_that_is_not_that_of_the_state_is_made_again(run, config, spoil):
    """The state has every epoch; what was wrong is said, and the same log is there again."""
    before = run.log_file.read_text()
    spoilt = spoil(before)
    run.log_file.unlink() if spoilt is None else run.log_file.write_text(spoilt)
    listener = _Listener()
    training.train(config(), run.folder, resume=True, progress=listener)
    assert run.log_file.read_text() == before
    assert len(listener.said("log.csv did not hold the 4 epochs of state.npz")) == (
        spoilt != before
    )


def test_a_run_that_is_whole_stays_as_it_is(run, config):
    """Resumed at its end it has the same files, and nothing is said of them."""
    before = _files(run)
    listener = _Listener()
    training.train(config(), run.folder, resume=True, progress=listener)
    assert _files(run) == before
    assert not listener.said(".keras") and not listener.said("log.csv")


@pytest.mark.parametrize(
    ("content", "ema_decay"), [(b"", 0.0), (b"damaged", 0.0), (None, 0.0), (None, 0.9)]
)
def test_a_lost_last_network_is_made_from_the_state(tmp_path, tiny_run, config, content, ema_decay):
    """It has the weights of the last epoch, averaged ones too, and is said to be new."""
    run = Run(tmp_path / "run")
    if ema_decay:
        training.train(config(epochs=2, ema_decay=ema_decay), run.folder)
    else:
        shutil.copytree(tiny_run, run.folder)
    before = _weights(run.last)
    run.last.unlink() if content is None else run.last.write_bytes(content)
    for expected in (1, 0):
        listener = _Listener()
        training.train(run.read_config(), run.folder, resume=True, progress=listener)
        for one, other in zip(_weights(run.last), before, strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(listener.said("last.keras was not that of epoch")) == expected


def test_a_best_network_is_copied_from_where_it_is_too(falling):
    """Another file with the hash that the state has takes the place of a damaged one."""
    before = sha256(falling.best)
    falling.best.write_bytes(b"damaged")
    listener = _Listener()
    training.train(falling.read_config(), falling.folder, resume=True, progress=listener)
    assert sha256(falling.best) == before
    assert listener.said("best.keras was not that of epoch 1: it is copied from best-")


def test_a_best_network_that_is_nowhere_else_is_not_invented(falling):
    """A damaged one is refused with a way out; removed, the last takes its place, for good."""
    for metric in VALIDATED:
        falling.best_by(metric).write_bytes(b"damaged")
    settings = falling.read_config()
    with pytest.raises(ModelFileError, match=r"best.*epoch 1\), is damaged.*remove the file"):
        training.train(settings, falling.folder, resume=True)
    assert len(falling.read_log()) == 3
    for metric in VALIDATED:
        falling.best_by(metric).unlink()
    listener = _Listener()
    training.train(settings, falling.folder, resume=True, progress=listener)
    assert listener.said("best.keras of epoch 1 is gone: the last network takes its place")
    assert falling.best_row("mad")["epoch"] == 3
    assert falling.best.read_bytes() == falling.last.read_bytes()
    listener = _Listener()
    training.train(settings, falling.folder, resume=True, progress=listener)
    assert not listener.said("best")


@pytest.mark.parametrize("cut", ["best.keras", "scores.tsv", "log.csv", "state.npz"])
def test_an_epoch_that_was_half_stored_is_stored_whole(
    tmp_path, config, tiny_run, cut, monkeypatch
):
    """Stopped anywhere in it and resumed, the run is the one that was never stopped."""
    real = checkpoints.written_aside
    count = 0

    def stop(path):
        nonlocal count
        if path.name == cut:
            count += 1
            if count == 2 + (cut in ("scores.tsv", "log.csv")):
                raise KeyboardInterrupt

    @contextlib.contextmanager
    def aside(path):
        with real(path) as there:
            yield there
            stop(path)

    def writing(function):
        return lambda path, content: (stop(path), function(path, content))

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "written_aside", aside)
        for name in ("write_bytes", "write_text"):
            patch.setattr(checkpoints, name, writing(getattr(checkpoints, name)))
        patch.setattr(Run, "write_log", lambda run, rows, old=Run.write_log: (
            stop(run.log_file), old(run, rows)))  # fmt: skip
        patch.setattr(Validation, "scores", _better_and_better())
        with pytest.raises(KeyboardInterrupt):
            training.train(config(), tmp_path / "run")
    monkeypatch.setattr(Validation, "scores", _better_and_better(len(_told(tmp_path / "run"))))
    run = training.train(config(), tmp_path / "run", resume=True)
    assert [row["val_mad"] for row in run.read_log()] == [1.0, 0.5, 1 / 3, 0.25]
    assert [row["loss"] for row in run.read_log()] == [
        row["loss"] for row in Run(tiny_run).read_log()
    ]
    assert run.best.read_bytes() == run.last.read_bytes()
    for one, other in zip(_weights(run.last), _weights(Run(tiny_run).last), strict=True):
        np.testing.assert_array_equal(one, other)


def _told(folder):
    return checkpoints.told(Run(folder)).rows


def _better_and_better(done=0):
    def scores(*_):
        nonlocal done
        done += 1
        return {"val_gradient_error": 1 / done, "val_mad": 1 / done, "val_mean_iou": 1 - 1 / done}

    return scores


def test_a_run_of_an_earlier_version_is_resumed_by_its_log(run, config):
    """Where the state has no history the log must have every epoch, and is not invented."""
    with np.load(run.state) as stored:
        arrays = {name: stored[name] for name in stored if name != checkpoints.HISTORY}
    np.savez(run.state, **arrays)
    whole = run.log_file.read_text()
    training.train(config(), run.folder, resume=True)
    assert run.log_file.read_text() == whole and len(_told(run.folder)) == 4
    np.savez(run.state, **arrays)
    run.log_file.write_text("\n".join(whole.splitlines()[:3]) + "\n")
    with pytest.raises(ModelFileError, match=r"must hold the epochs 1 to 4.*holds 2 of them"):
        training.train(config(), run.folder, resume=True)
    assert len(run.read_log()) == 2


# --- Runs that were left at once ---------------------------------------------


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("state", [None, b"half"])
def test_a_run_that_was_left_before_its_first_state_begins_anew(tmp_path, config, resume, state):
    """With --resume it says so; nothing was trained that could be lost."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    run.write_config(config(epochs=1, steps_per_epoch=1))
    if state:
        run.state.write_bytes(state)
    listener = _Listener()
    training.train(run.read_config(), run.folder, resume=resume, progress=listener)
    assert len(run.read_log()) == 1
    assert len(listener.said("begins anew")) == resume


@pytest.mark.parametrize("lost", ["log.csv", "last.keras"])
def test_what_was_trained_is_not_begun_over(run, config, lost):
    """A folder with a network or an epoch is never begun anew, with --resume or without."""
    (run.folder / lost).unlink()
    run.state.unlink()
    before = _files(run)
    with pytest.raises(OutputError, match="already holds a run"):
        training.train(config(), run.folder)
    with pytest.raises(ModelFileError, match=r"state.npz is missing.*--init-from"):
        training.train(config(), run.folder, resume=True)
    assert _files(run) == before


@pytest.mark.usefixtures("eager")
def test_two_trainings_never_share_a_folder(tmp_path, config):
    """The second is refused while the first trains, which ends as if alone."""
    folder = tmp_path / "run"
    refused = []

    def another():
        for resume in (False, True):
            with pytest.raises(OutputError, match="is being written by process"):
                training.train(config(epochs=1), folder, resume=resume)
            refused.append(resume)

    run = training.train(config(epochs=1, steps_per_epoch=1), folder, progress=_Listener(another))
    assert refused == [False, True] and len(run.read_log()) == 1
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


# --- Pictures ----------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\n", None])
def test_the_list_of_pictures_may_be_lost(run, config, content):
    """The state knows the pictures: the list is written again."""
    before = run.pictures_file.read_bytes()
    run.pictures_file.unlink() if content is None else run.pictures_file.write_bytes(content)
    training.train(config(), run.folder, resume=True)
    assert run.pictures_file.read_bytes() == before


@pytest.mark.usefixtures("eager")
def test_other_pictures_are_refused_without_the_list_too(tmp_path, config):
    """That they differ is known from the state; which, only the list would say."""
    root = tmp_path / "data"
    synthetic.write_dataset(root, count=8, size=48, seed=0)
    run = training.train(config(data=str(root), epochs=1, steps_per_epoch=1), tmp_path / "run")
    gone = sorted((root / "train" / "image").iterdir())[0]
    (root / "train" / "mask" / gone.name).unlink()
    gone.unlink()
    run.pictures_file.write_bytes(b"\xff\xff")
    with pytest.raises(DataError, match=r"pictures.txt, which would say which, is .* damaged"):
        training.train(run.read_config(), run.folder, resume=True)


@pytest.mark.usefixtures("eager")
def test_names_that_are_no_text_train(tmp_path, config):
    """A picture's name may be bytes that are no UTF-8."""
    root = tmp_path / "data"
    synthetic.write_dataset(root, count=4, size=48, seed=0)
    for kind in ("image", "mask"):
        folder = root / "train" / kind
        first = sorted(folder.iterdir())[0]
        first.rename(folder / b"portr\xe4t.png".decode("utf-8", "surrogateescape"))
    settings = config(data=str(root), epochs=1, steps_per_epoch=1, batch_size=2)
    run = training.train(settings, tmp_path / "run")
    assert b"portr\xe4t.png" in run.pictures_file.read_bytes()
    training.train(dataclasses.replace(settings, epochs=2), run.folder, resume=True)
    assert len(run.read_log()) == 2


# --- What is no number -------------------------------------------------------


@pytest.mark.usefixtures("eager")
def test_an_epoch_without_a_score_is_not_the_best(tmp_path, config, monkeypatch):
    """A validation that is NaN, first or later, never keeps a number from being the best."""
    _scored(monkeypatch, math.nan, 0.3, math.nan, 0.2)
    listener = _Listener()
    settings = config(epochs=4, steps_per_epoch=1)
    run = training.train(settings, tmp_path / "run", progress=listener)
    assert run.best_row("mad")["epoch"] == 4
    assert run.best.read_bytes() == run.last.read_bytes()
    assert len(listener.said("is not the best by gradient_error, mad, mean_iou")) == 2
    assert "nan" not in run.scores_file.read_text()
    training.train(settings, run.folder, resume=True)
    assert run.best_row("mad")["epoch"] == 4


def test_a_matte_with_nan_has_no_scores():
    """Mean IoU alone would take NaN for background, and its network for a good one."""
    validation = Validation(np.zeros((3, 16, 16, 3), np.uint8), np.zeros((3, 16, 16), np.uint8), 2)

    class Network:
        def predict_on_batch(self, batch):
            mattes = np.zeros((*batch.shape[:3], 1), np.float32)
            mattes[1, 0, 0] = np.nan
            return mattes

    assert all(math.isnan(score) for score in validation.scores(Network()).values())
    assert validation.sheet(Network()).shape == (32, 48, 3)


@pytest.mark.usefixtures("eager")
def test_a_run_without_any_score_has_no_best_network(tmp_path, config, monkeypatch):
    """The last is what there is; `best.keras` would be a claim."""
    _scored(monkeypatch, math.nan)
    run = training.train(config(epochs=1, steps_per_epoch=1), tmp_path / "run")
    assert run.best_row("mad") is None
    assert not run.best.exists() and run.weights() == run.last


def test_weights_that_are_no_numbers_are_not_stored(tmp_path, config, monkeypatch):
    """The last step of an epoch may spoil them though its loss is a number."""
    real, steps = trainer.Trainer.step, []

    def step(self, batch):
        steps.append(real(self, batch))
        if len(steps) == 8:
            self.network.get_layer("stem").kernel.assign(
                np.full(self.network.get_layer("stem").kernel.shape, np.nan)
            )
        return steps[-1]

    monkeypatch.setattr(trainer.Trainer, "step", step)
    with pytest.raises(TrainingError, match=r"weights became .* in epoch 2; the last whole epoch"):
        training.train(config(), tmp_path / "run")
    run = Run(tmp_path / "run")
    assert len(run.read_log()) == 1
    monkeypatch.setattr(trainer.Trainer, "step", real)
    training.train(config(epochs=2), run.folder, resume=True)
    assert all(np.isfinite(weights).all() for weights in _weights(run.last))


@given(st.lists(st.floats(0, 1) | st.just(math.nan), min_size=1))
def test_the_best_is_the_first_of_the_best_numbers(scores):
    """By an error the least, by IoU the greatest; NaN is none of them."""
    history = History()
    for epoch, score in enumerate(scores, 1):
        row = {"epoch": float(epoch)} | {f"val_{metric}": score for metric in VALIDATED}
        history, gained = history.with_row(row)
        assert all(history.best[metric] == epoch for metric in gained)
    numbers = [score for score in scores if not math.isnan(score)]
    for metric, higher in VALIDATED.items():
        assert not is_better(metric, math.nan, 0.5)
        if numbers:
            best = max(numbers) if higher else min(numbers)
            assert history.best[metric] == scores.index(best) + 1
        else:
            assert metric not in history.best
