"""Killed commands in the suite's own size."""

from tests.fuzz import killed_commands


def test_killed_commands_leave_whole_files_and_nothing_else():
    """A few of them; those that load TensorFlow are for the campaign."""
    names = ("synth", "evaluate", "predict", "bench", "export", "report")
    outcome = killed_commands.campaign(12, seed=1, names=names)
    assert not outcome.failures
    assert outcome.endings["wound up"]
