"""A run folder: what is read of it, and the momentum that its length asks for."""

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
        ("log.csv", "words\n1\n"),
    ],
)
def test_a_damaged_run_is_one_clear_error(tmp_path, tiny_run, name, content):
    """A config or a log that someone edited wrongly is named."""
    shutil.copytree(tiny_run, tmp_path / "run")
    (tmp_path / "run" / name).write_text(content)
    run = Run(tmp_path / "run")
    with pytest.raises(ModelFileError, match="damaged"):
        run.read_config(), run.read_log()
