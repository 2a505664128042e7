"""A run folder: what is read of it, and the momentum that its length asks for."""

import json
import shutil

import pytest

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.runs.run import Run, auto_batch_norm_momentum


def test_batch_norm_momentum_follows_the_length_of_the_training():
    """Short trainings get fast averages, long ones the published 0.999."""
    assert auto_batch_norm_momentum(100) == 0.9
    assert auto_batch_norm_momentum(5000) == pytest.approx(0.98)
    assert auto_batch_norm_momentum(10**6) == 0.999
    assert auto_batch_norm_momentum(1000, ema_decay=0.99) == 0.99
    assert auto_batch_norm_momentum(10**5, ema_decay=0.9) == 0.999


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", '{"epochs": "x"}'),
        ("log.csv", "epoch,val_gradient_error\n1,none\n"),
        ("config.json", "[]"),
        ("config.json", "[" * 100_000),
        ("log.csv", "words\n1\n"),
        ("log.csv", "epoch,val_mad\n1\n"),
        ("log.csv", "epoch,val_mad\n1,2,3\n"),
        ("log.csv", "epoch,val_mad\n1,\0\n"),
        ("log.csv", "epoch,val_mad\n1," + "9" * 200_000 + "\n"),
    ],
    ids=lambda text: text[:25],
)
def test_a_damaged_run_is_one_clear_error(tmp_path, tiny_run, name, content):
    """A config or a log that someone edited wrongly is named."""
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / name).write_text(content)
    run = Run(tmp_path / "run")
    with pytest.raises(ModelFileError, match="damaged"):
        run.read_config(), run.read_log()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": 0}, "`epochs` must be 1 … 1000000. Received: 0"),
        ({"epochs": True}, "`epochs` must be a whole number"),
        ({"learning_rate": 10**400}, "`learning_rate` must be above 0 and finite"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be above 0"),
        ({"input_size": -3}, "`input_size` must be 1 … 4096. Received: -3"),
        ({"data": "a\0b"}, "`data` is no text"),
        ({"data": "\ud800"}, "`data` is no text"),
        ({"speed": 1}, "`speed` is unknown"),
        ({"family": None}, "`family` must be"),
    ],
    ids=str,
)
def test_a_stored_configuration_obeys_the_rules(tmp_path, tiny_run, changes, words):
    """Whoever reads a run is told which field cannot be, not only who trains."""
    stored = json.loads(Run(tiny_run).config_file.read_text()) | changes
    (tmp_path / "config.json").write_text(json.dumps(stored))
    with pytest.raises(ModelFileError, match=words):
        Run(tmp_path).read_config()


def test_a_configuration_needs_its_fields(tmp_path, tiny_run):
    """One that has no default is named; one that has one may be left out, as in older runs."""
    stored = json.loads(Run(tiny_run).config_file.read_text())
    (tmp_path / "config.json").write_text(json.dumps(stored | {"ema_decay": 0.5}))
    assert Run(tmp_path).read_config().ema_decay == 0.5
    del stored["ema_decay"]
    (tmp_path / "config.json").write_text(json.dumps(stored))
    assert Run(tmp_path).read_config().ema_decay == 0.0
    del stored["family"]
    (tmp_path / "config.json").write_text(json.dumps(stored))
    with pytest.raises(ModelFileError, match="`family` is missing"):
        Run(tmp_path).read_config()
