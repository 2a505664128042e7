"""Watching a training: every checkpoint once, the best ones kept, whatever interrupts."""

import csv
import math
import os
import shutil
import signal
import threading
import time

import pytest

from mmnet_deploy.errors import ModelFileError, ResultError
from mmnet_deploy.evaluation import watch
from mmnet_deploy.files import sha256, written_aside
from mmnet_deploy.mattes import metrics
from mmnet_deploy.results.records import PictureScore
from mmnet_deploy.runs.run import Run
from tests.support.results import evaluation, model


def _rows(epochs):
    return [{"epoch": n + 1, "loss": 1.0, "val_mad": 0.1} for n in range(epochs)]


def _begin(folder, tiny_run):
    """A run of which no epoch is finished, of the shared run's configuration: 4 epochs."""
    folder.mkdir()
    shutil.copy(Run(tiny_run).config_file, folder)
    return Run(folder)


def _epoch(run, number, content):
    """What training leaves after an epoch, in its order: network, then log."""
    with written_aside(run.last) as aside:
        aside.write_bytes(content)
    run.write_log(_rows(number))


def _evaluation(**scores):
    return evaluation(model(), data="d", pictures=(PictureScore("a", scores),))


# --- Checkpoints -------------------------------------------------------------


def test_every_checkpoint_is_taken_while_another_is_looked_at(tmp_path, tiny_run):
    """Training goes on while a checkpoint is in hand, and none of the next ones is missed."""
    run = _begin(tmp_path / "run", tiny_run)
    pending = watch.pending_folder(tmp_path)
    taken = threading.Semaphore(0)

    def train():
        for number in range(1, 5):
            _epoch(run, number, b"epoch %d" % number)
            while not (pending / f"epoch-{number:04}.keras").exists():
                time.sleep(0.01)
        taken.release()

    trainer = threading.Thread(target=train)
    trainer.start()
    found = []
    for checkpoint in watch.follow(run, pending):
        if not found:
            assert taken.acquire(timeout=30)
        found.append((checkpoint.epoch, checkpoint.step, checkpoint.path.read_bytes()))
    trainer.join()
    assert found == [(n, 4 * n, b"epoch %d" % n) for n in range(1, 5)]


def test_a_checkpoint_without_its_row_in_the_log_waits(tmp_path, tiny_run):
    """Which epoch a network is of is known only when the log says so."""
    run = _begin(tmp_path / "run", tiny_run)
    follower = watch._Follower(run, watch.pending_folder(tmp_path))
    assert follower.take() is None
    _epoch(run, 1, b"one")
    assert follower.take().epoch == 1
    assert follower.take() is None
    os.utime(run.log_file, ns=(0, 0))
    with written_aside(run.last) as aside:
        aside.write_bytes(b"two")
    assert follower.take() is None
    run.write_log(_rows(2))
    assert follower.take().epoch == 2
    assert not follower.at_end


def test_without_links_checkpoints_are_copied(tmp_path, tiny_run, monkeypatch):
    """A file system that knows no hard links costs a copy, nothing else."""

    def refuse(*paths):
        raise OSError("no links")

    monkeypatch.setattr(os, "link", refuse)
    run = _begin(tmp_path / "run", tiny_run)
    _epoch(run, 4, b"four")
    (checkpoint,) = watch.follow(run, watch.pending_folder(tmp_path))
    assert checkpoint.path.read_bytes() == b"four"


def test_a_damaged_log_is_an_error_where_the_checkpoints_are_read(tmp_path, tiny_run):
    """What goes wrong in the thread is raised to whoever waits for it."""
    run = _begin(tmp_path / "run", tiny_run)
    run.last.write_bytes(b"one")
    run.log_file.write_text("epoch,loss\n1,what\n")
    with pytest.raises(ModelFileError, match=r"log\.csv is damaged"):
        list(watch.follow(run, watch.pending_folder(tmp_path)))
    assert "follower" not in {thread.name for thread in threading.enumerate()}


# --- The best ----------------------------------------------------------------


def _checkpoint(folder, epoch):
    path = folder / f"epoch-{epoch:04}.keras"
    path.write_bytes(b"epoch %d" % epoch)
    return watch.Checkpoint(epoch, 10 * epoch, path)


def test_a_new_best_must_beat_the_old_by_a_margin(tmp_path):
    """Lower errors and higher IoU are better, by at least 5e-5; the files are those epochs'."""
    wanted = metrics.named(["mad", "mean_iou"])
    best = watch.Best(tmp_path, wanted)
    scores = [(0.02, 0.8), (0.02 - 4e-5, 0.81), (0.02 - 6e-5, 0.81 + 4e-5), (0.03, 0.7)]
    gained = [
        [m.name for m in best.add(_checkpoint(tmp_path, n), _evaluation(mad=mad, mean_iou=iou))]
        for n, (mad, iou) in enumerate(scores, start=1)
    ]
    assert gained == [["mad", "mean_iou"], ["mean_iou"], ["mad"], []]
    assert (tmp_path / "best-mad.keras").read_bytes() == b"epoch 3"
    assert (tmp_path / "best-mean_iou.keras").read_bytes() == b"epoch 2"
    with (tmp_path / "scores.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["best"] for row in rows] == ["mad,mean_iou", "mean_iou", "mad", ""]
    assert [(row["epoch"], row["step"]) for row in rows] == [(str(n), f"{n}0") for n in range(1, 5)]


def test_a_score_that_is_no_number_is_never_the_best(tmp_path):
    """First or later, NaN is noted and stands in no network's way; the table reads back."""
    (mad,) = wanted = metrics.named(["mad"])
    best = watch.Best(tmp_path, wanted)
    scores = [math.nan, 0.2, math.nan, 0.1]
    gained = [
        bool(best.add(_checkpoint(tmp_path, n), _evaluation(mad=score)))
        for n, score in enumerate(scores, start=1)
    ]
    assert gained == [False, True, False, True]
    assert watch.Best(tmp_path, wanted).best(mad) == (4, 0.1)


def test_watching_goes_on_where_it_stopped(tmp_path):
    """A second watch knows the checkpoints and the best of the first."""
    wanted = metrics.named(["mad"])
    first = _checkpoint(tmp_path, 1)
    watch.Best(tmp_path, wanted).add(first, _evaluation(mad=0.1))
    again = watch.Best(tmp_path, wanted)
    assert again.knows(first)
    assert not again.knows(_checkpoint(tmp_path, 2))
    assert again.best(wanted[0]) == (1, 0.1)
    assert again.add(_checkpoint(tmp_path, 3), _evaluation(mad=0.2)) == []


def test_scores_of_another_kind_are_not_mixed(tmp_path):
    """Other metrics, other data, and a damaged table are refused, and the table stays."""
    wanted = metrics.named(["mad"])
    watch.Best(tmp_path, wanted).add(_checkpoint(tmp_path, 1), _evaluation(mad=0.1))
    content = (tmp_path / "scores.tsv").read_bytes()
    with pytest.raises(ResultError, match="other scores than mse"):
        watch.Best(tmp_path, metrics.named(["mse"]))
    other = _evaluation(mad=0.1)
    object.__setattr__(other, "split", "val")
    with pytest.raises(ResultError, match=r"d/test 800x600 .* Received: d/val"):
        watch.Best(tmp_path, wanted).add(_checkpoint(tmp_path, 2), other)
    assert (tmp_path / "scores.tsv").read_bytes() == content
    for damage in (content.replace(b"0.1", b"x"), content[:-20].rsplit(b"\t", 2)[0] + b"\n",
        content + b"\xff", content.replace(b"0.1", b"inf"), content.replace(b"\n1\t", b"\nnan\t"),
    ):  # fmt: skip
        (tmp_path / "scores.tsv").write_bytes(damage)
        with pytest.raises(ResultError, match="is damaged"):
            watch.Best(tmp_path, wanted)


# --- On the command line -----------------------------------------------------


def test_a_finished_run_is_watched_to_its_end(call, portraits, tiny_run, tmp_path):
    """The last checkpoint is evaluated, kept and stored; a second watch has nothing to do."""
    command = ("evaluate", tiny_run, "--data", portraits, "--watch", "-o", "out", "--metric", "mad")
    result = call(*command)
    assert result.exit_code == 0, result.output
    assert "epoch 4, step 16: MAD 0." in result.stderr
    out = tmp_path / "out"
    assert sha256(out / "best-mad.keras") == sha256(Run(tiny_run).last)
    assert sorted(path.name.split("-")[0] for path in out.iterdir()) == [
        "best", "evaluation", "scores.tsv",
    ]  # fmt: skip
    again = call(*command)
    assert again.exit_code == 0
    assert "epoch 4, step 16: known." in again.stderr


def test_checkpoints_of_a_training_are_evaluated_as_they_appear(
    call, portraits, tiny_run, tmp_path, config
):
    """Each has the scores that it has by itself, until the step that was asked for."""
    from mmnet_deploy import training

    trained = training.train(config(epochs=1, seed=7), tmp_path / "other").last
    run = _begin(tmp_path / "run", tiny_run)
    _epoch(run, 1, trained.read_bytes())

    def next_epochs():
        while not (run.folder / "evaluation" / "scores.tsv").exists():
            time.sleep(0.01)
        _epoch(run, 2, Run(tiny_run).last.read_bytes())

    trainer = threading.Thread(target=next_epochs, daemon=True)
    trainer.start()
    result = call(
        "evaluate", "run", "--data", portraits, "--watch", "--until-step", 8, "--metric", "mad"
    )
    assert result.exit_code == 0, result.output
    trainer.join()
    with (run.folder / "evaluation" / "scores.tsv").open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["step"] for row in rows] == ["4", "8"]
    for row, path in zip(rows, (trained, Run(tiny_run).last), strict=True):
        alone = call(
            "evaluate", path, "--data", portraits, "--metric", "mad", "--per-image", "a.csv"
        )
        assert alone.exit_code == 0, alone.output
        with open("a.csv", newline="") as file:
            values = [float(line["mad"]) for line in csv.DictReader(file)]
        assert float(row["mad"]) == pytest.approx(sum(values) / len(values), rel=1e-5)
    assert not (run.folder / "evaluation" / ".pending").exists()


def test_ctrl_c_ends_the_watch_cleanly(call, tmp_path, portraits, tiny_run):
    """Exit code 130, no traceback, no file left waiting, scores as they were."""
    run = _begin(tmp_path / "run", tiny_run)
    _epoch(run, 1, Run(tiny_run).last.read_bytes())
    pending = run.folder / "evaluation" / ".pending" / "epoch-0001.keras"
    table = run.folder / "evaluation" / "scores.tsv"

    def interrupt():
        # Then it waits for the next checkpoint.
        while not table.exists() or pending.exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    result = call("evaluate", "run", "--data", portraits, "--watch", "--metric", "mad")
    thread.join()
    assert result.exit_code == 130, result.output
    assert result.stderr.count("Interrupted.") == 1
    assert "Best MAD" in result.stderr
    assert result.stderr.count("A matte of one value: MAD 0.") == 1
    assert sorted(os.listdir(table.parent)) == ["best-mad.keras", "scores.tsv"]
    assert "follower" not in {other.name for other in threading.enumerate()}


def test_a_run_that_has_not_begun_is_waited_for(call, portraits, tmp_path, monkeypatch):
    """Nothing is made meanwhile, so that training finds the folder as it expects it."""

    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", interrupt)
    result = call("evaluate", "run", "--data", portraits, "--watch")
    assert result.exit_code == 130
    assert "Waiting for a training to begin in run" in result.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("{run}", "{run}", "--watch"), "takes one run"),
        (("{run}", "--watch", "--json"), "takes one run"),
        (("{run}", "--until-step", 3), "is for --watch"),
        (("{run}", "--watch", "--until-step", 0), "`until_step` must be at least 1"),
    ],
)
def test_what_watching_does_not_take_is_one_line(
    one_line, call, portraits, tiny_run, words, message
):
    """Options that make no sense together are refused before anything is waited for."""
    words = [str(word).replace("{run}", str(tiny_run)) for word in words]
    one_line(call("evaluate", *words, "--data", portraits), 2, message)


def test_only_a_run_is_watched(one_line, call, portraits, tiny_models):
    """A file has no checkpoints."""
    result = call("evaluate", tiny_models["int8"], "--data", portraits, "--watch")
    one_line(result, 1, "follows a run folder")
