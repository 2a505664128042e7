"""Killed commands in the suite's own size."""

import shutil

from tests.fuzz import killed_commands


def test_killed_commands_leave_whole_files_and_nothing_else(portraits, tiny_models, tmp_path):
    """A few of them; those that load TensorFlow are for the campaign."""
    (tmp_path / "set").symlink_to(portraits)
    shutil.copy(tiny_models["int8"], tmp_path / "a.tflite")
    names = ("synth", "predict", "bench")
    outcome = killed_commands.campaign(6, seed=2, names=names, made=tmp_path)
    assert not outcome.failures
    assert outcome.endings["wound up"]
