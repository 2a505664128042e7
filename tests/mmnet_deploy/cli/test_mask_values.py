"""Masks of class numbers at the command line: refused everywhere, read everywhere alike."""

import json
import shutil

import cv2
import pytest

from mmnet_deploy.runs.run import Run


@pytest.fixture
def sets(tmp_path, portraits):
    """A data set with hard masks of 0 and 255, and the same with masks of 0 and 2."""
    for name, level in (("alpha", 255), ("classes", 2)):
        shutil.copytree(portraits, tmp_path / name)
        for path in (tmp_path / name).rglob("mask/*.png"):
            mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
            cv2.imwrite(str(path), (mask > 127) * level)
    return tmp_path / "alpha", tmp_path / "classes"


def test_every_command_that_reads_masks_refuses_class_numbers(sets, one_line, call, tiny_models):
    """With the levels and the option; none takes them for alpha of 2/255."""
    _, classes = sets
    words = ("holds 0 and 2 only, which are class numbers", "--mask-values 0,2")
    one_line(call("evaluate", tiny_models["int8"], "--data", classes), 1, *words)
    one_line(
        call("train", "mmnet-0.5-128", "--data", classes, "--out", "run", "--epochs", 1), 1, *words
    )
    result = call("dataset", "check", classes)
    assert result.exit_code == 1 and result.stdout.count(words[0]) == 20


def test_an_evaluation_by_values_is_that_of_the_alpha(sets, call, tiny_models):
    """Scores, hash of the masks and share of foreground agree with those of 0 and 255."""
    alpha, classes = sets
    found = []
    for data, words in ((alpha, ()), (classes, ("--mask-values", "0,2"))):
        result = call("evaluate", tiny_models["int8"], "--data", data, "--json", *words)
        assert result.exit_code == 0, result.output
        content = json.loads(result.stdout)
        found.append([content[name] for name in ("pictures", "data_sha256", "foreground_share")])
    assert found[0] == found[1]


def test_statistics_and_checks_take_the_values(sets, one_line, call):
    """The share of foreground is that of the alpha; nonsense is refused."""
    alpha, classes = sets
    plain = call("dataset", "stats", alpha, "--json")
    read = call("dataset", "stats", classes, "--json", "--mask-values", "rest,2")
    assert json.loads(read.stdout) == json.loads(plain.stdout)
    assert call("dataset", "check", classes, "--mask-values", "0,2").exit_code == 0
    one_line(call("dataset", "check", classes, "--mask-values", "2"), 2, "BACKGROUND,FOREGROUND")


def test_a_run_keeps_the_values_and_is_converted_by_them(sets, call, one_line, config, tmp_path):
    """What a run was trained by is known where its data set is read again."""
    from mmnet_deploy import training

    _, classes = sets
    settings = {"data": str(classes), "mask_values": "0,2", "epochs": 1, "steps_per_epoch": 1}
    training.train(config(**settings), tmp_path / "run")
    assert Run(tmp_path / "run").read_config().mask_values == "0,2"
    result = call("convert", "run", "-o", "models")
    assert result.exit_code == 0, result.output
    given = call("convert", "run", "--representative", classes, "-o", "models")
    one_line(given, 1, "class numbers")
