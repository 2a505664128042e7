"""A training that learns from a run: whether it is worth it, and the same after a stop."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest

from mmnet_deploy import training
from mmnet_deploy.errors import DataError
from mmnet_deploy.runs.run import Run
from mmnet_deploy.training.pictures.decoded import PictureStore
from mmnet_deploy.training.teaching import lesson
from mmnet_deploy.training.teaching.lesson import Lesson
from mmnet_deploy.training.teaching.unlabelled import Unlabelled
from tests.conftest import tiny_config


def _stopping_at(count):
    """Progress that ends the process at a step of the training."""
    steps = 0

    @contextlib.contextmanager
    def progress(title, total):
        def advance(note="", done=1, **given):
            nonlocal steps
            if title.startswith("Training") and given.get("steps", done):
                steps += 1
                if steps == count:
                    raise KeyboardInterrupt

        yield advance

    return progress


def test_a_stopped_training_ends_with_the_same_weights(portraits, tiny_run, tmp_path, monkeypatch):
    """The teacher is a run of Keras, and its mattes are those of the first attempt."""
    monkeypatch.setattr(lesson, "FEW", 0.0)  # It has hardly been trained.
    config = tiny_config(
        "", teacher=str(tiny_run), unlabelled=str(portraits / "train" / "image"),
        epochs=2, steps_per_epoch=2,
    )  # fmt: skip
    store = PictureStore(tmp_path / "cache", 10**9)
    whole = training.train(config, tmp_path / "whole", store=store)
    run = Run(tmp_path / "stopped")
    with pytest.raises(KeyboardInterrupt):
        training.train(config, run.folder, store=store, progress=_stopping_at(3))
    assert len(run.read_log()) == 1
    stored = run.read_config()
    assert (stored.teacher_name, stored.data) == ("tiny", "")
    training.train(stored, run.folder, resume=True, store=store)
    first, second = (
        keras.saving.load_model(it.last, compile=False).get_weights() for it in (whole, run)
    )
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert run.read_log() == whole.read_log()


class _Blind:
    """Mattes of a teacher that finds persons in some pictures only; it counts what it is asked."""

    def __init__(self, count):
        self.count, self.asked = count, []
        self.teacher = dataclasses.make_dataclass("Named", ["name"])("blind")

    def have(self, wanted, progress):
        self.asked.append(len(wanted))
        return [number < self.count for number in range(len(wanted))]

    def path(self, picture):
        return picture.path

    def clear(self):
        pass


def _lesson(kept, data=""):
    notes = []

    @contextlib.contextmanager
    def progress(title, total):
        yield lambda note="", steps=1: notes.append(note)

    return Lesson(kept, tiny_config(data, unlabelled="/photos"), progress), notes


def test_a_teacher_that_finds_nobody_is_noticed_early(tmp_path):
    """After 32 pictures of many; with masks besides, it is only told."""
    found = [Unlabelled(tmp_path / f"{number}.png", str(number)) for number in range(100)]
    kept = _Blind(1)
    taught, _ = _lesson(kept)
    with pytest.raises(DataError, match="blind finds a person in 1 of 25 pictures of /photos"):
        taught.of_unlabelled(found)
    assert kept.asked == [25]
    taught, notes = _lesson(_Blind(1), data="/data")
    assert list(taught.of_unlabelled(found)) == found
    assert "blind finds a person in 1 of 100 pictures of /photos" in notes
    taught, notes = _lesson(_Blind(10))
    taught.of_unlabelled(found)
    assert any("not with the truth" in note for note in notes)
