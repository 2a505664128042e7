"""`mmnet-deploy train --teacher`: runs like any other, that learned from another network."""

import json
import shutil

import pytest

from mmnet_deploy.runs.run import Run
from mmnet_deploy.tflite.card import describe
from tests.support.teachers import discs, labelled_discs, red_teacher

TINY = ("train", "tiny", "--input-size", 32, "--batch-size", 4, "--cache", "cache")


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    """A file that takes red for a person, -1 … 1."""
    return red_teacher(tmp_path_factory.mktemp("teacher") / "red.tflite", low=-1.0)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Pictures without masks."""
    return discs(tmp_path_factory.mktemp("photos"), 12)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A few pairs of the same kind, to train on and to test with."""
    root = tmp_path_factory.mktemp("data")
    return labelled_discs(labelled_discs(root, "train", 6), "test", 3, first=200)


@pytest.fixture
def taught(teacher, photos):
    """The options of a training on pictures without masks."""
    return ("--teacher", teacher, "--teacher-input-range", -1, 1, "--unlabelled", photos)


def test_a_network_learns_the_mattes_of_its_teacher(call, taught, teacher, photos, data, tmp_path):
    """Without a mask; the run is resumed with nothing said again, scored, and converted."""
    result = call(*TINY, *taught, "--out", "run", "--epochs", 3, "--steps-per-epoch", 12)
    assert result.exit_code == 0, result.output
    assert "red.tflite finds a person in 12 of 12 pictures" in result.stderr
    assert "validation compares with the mattes of red.tflite" in result.stderr
    assert "against the mattes of red.tflite, gradient error" in result.stderr
    run = Run(tmp_path / "run")
    stored = run.read_config()
    assert (stored.data, stored.unlabelled) == ("", str(photos))
    assert (stored.teacher, stored.teacher_name) == (str(teacher), "red.tflite")
    uses = [line.split()[0] for line in run.pictures_file.read_text().splitlines()]
    assert uses == ["unlabelled"] * 11 + ["validate"]
    rows = run.read_log()
    assert rows[-1]["val_mad"] < 0.6 * rows[0]["val_mad"]

    resumed = call("train", "tiny", "--input-size", 32, "--out", "run", "--cache", "cache",
                   "--epochs", 4, "--resume")  # fmt: skip
    assert resumed.exit_code == 0, resumed.output
    assert "Mattes of the teacher" not in resumed.stderr  # They were kept.
    assert len(run.read_log()) == 4

    scored = call("evaluate", "run", "--data", data, "--json", "--eval-size", "32x32")
    assert json.loads(scored.stdout)["mean_iou"] > 0.8
    watched = call("evaluate", "run", "--data", data, "--watch", "-o", "watched",
                   "--eval-size", "32x32")  # fmt: skip
    assert watched.exit_code == 0, watched.output
    made = call("convert", "run", "--precision", "float32", "-o", "out", "--checked-pictures", 2)
    assert made.exit_code == 0, made.output
    (file,) = (tmp_path / "out").glob("*.tflite")
    card = describe(file).card
    assert (card.teacher, card.teacher_sha256) == ("red.tflite", stored.teacher_sha256)
    shown = call("inspect", file)
    assert "red.tflite (licence unknown, " in " ".join(shown.stdout.split())


def test_masks_and_a_teacher_teach_together(call, one_line, taught, data, tmp_path):
    """Fields say how much of each; a run is resumed with the same teacher or not at all."""
    words = (
        *TINY, *taught, "--data", data, "--out", "run", "--steps-per-epoch", 2,
        "--set", "teacher_on_labelled=0.25", "--set", "teacher_weight=0.5",
        "--set", "unlabelled_share=0.5",
    )  # fmt: skip
    result = call(*words, "--epochs", 1)
    assert result.exit_code == 0, result.output
    assert "not with the truth" not in result.stderr
    run = Run(tmp_path / "run")
    text = run.pictures_file.read_text()
    assert text.count("train ") == 5 and text.count("unlabelled ") == 12
    assert "unlabelled_share = 0.5" in run.recipe_file.read_text()
    other = red_teacher(tmp_path / "other.tflite", bias=1.0)
    refused = call(*TINY, "--out", "run", "--resume", "--teacher", other)
    one_line(refused, 1, "is not the teacher that run was begun with, red.tflite")
    shutil.copy(taught[1], tmp_path / "same.tflite")
    resumed = call(*words, "--epochs", 2, "--resume", "--teacher", tmp_path / "same.tflite")
    assert resumed.exit_code == 0, resumed.output
    assert Run(tmp_path / "run").read_config().teacher == str(tmp_path / "same.tflite")


WITHOUT = {
    "no pictures": (["--teacher", "{teacher}"], 2, ["`--teacher` needs pictures", "--unlabelled"]),
    "masks alone": (
        ["--teacher", "{teacher}", "--data", "{data}"],
        2, ["nothing to teach", "teacher_on_labelled=SHARE"],
    ),
    "no teacher": (["--unlabelled", "{photos}"], 2, ["`--unlabelled` needs `--teacher`"]),
    "nothing": ([], 2, ["`--data` must name a data set"]),
    "share without teacher": (
        ["--data", "{data}", "--set", "teacher_on_labelled=0.5"],
        2, ["`teacher_on_labelled` needs `--teacher`"],
    ),
    "share without masks": (
        ["--teacher", "{teacher}", "--unlabelled", "{photos}", "--set", "unlabelled_share=0.5"],
        2, ["`unlabelled_share` needs `--data`: ", "Received: 0.5, without."],
    ),
    "weight without teacher": (
        ["--data", "{data}", "--set", "teacher_weight=2"],
        2, ["`teacher_weight` needs `--teacher` and `--unlabelled`"],
    ),
    "option without teacher": (
        ["--data", "{data}", "--teacher-output", "logit"], 2, ["`--teacher-output` needs"]
    ),
    "wrong option": (
        ["--teacher", "{teacher}", "--unlabelled", "{photos}", "--teacher-output", "logits"],
        2, ["`--teacher-output` says what", "Received: logits"],
    ),
    "wrong range": (
        ["--teacher", "{blind}", "--unlabelled", "{photos}"],
        1, ["finds a person in 0 of 12", "--teacher-input-range"],
    ),
    "backgrounds": (
        ["--teacher", "{teacher}", "--unlabelled", "{photos}", "--backgrounds", "{photos}"],
        2, ["`--backgrounds` needs `--data`"],
    ),
    "split": (
        ["--teacher", "{teacher}", "--unlabelled", "{photos}", "--split", "all"],
        2, ["`--split` needs `--data`"],
    ),
    "data set": (
        ["--teacher", "{teacher}", "--unlabelled", "{data}"], 1, ["give that folder"]
    ),
    "weight": (
        ["--teacher", "{teacher}", "--unlabelled", "{photos}", "--set", "teacher_weight=0"],
        2, ["`teacher_weight` must be above 0"],
    ),
    "no such file": (
        ["--teacher", "none.tflite", "--unlabelled", "{photos}"], 1, ["no teacher", "none.tflite"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WITHOUT)
def test_a_training_without_a_lesson_is_refused_in_one_line(
    call, one_line, teacher, photos, data, tmp_path, case
):
    """No run folder appears."""
    words, code, said = WITHOUT[case]
    blind = red_teacher(tmp_path / "blind.tflite", bias=-30.0)
    names = {"teacher": teacher, "photos": photos, "data": data, "blind": blind}
    result = call(*TINY, "--out", "run", "--epochs", 1, *(word.format(**names) for word in words))
    one_line(result, code, *said)
    assert not (tmp_path / "run").exists()
