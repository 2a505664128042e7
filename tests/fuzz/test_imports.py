"""Damaged files of other tools are read or refused."""

from tests.fuzz import imports


def test_damaged_files_of_other_tools_are_read_or_refused():
    """What is read can be stored and shown; everything else is one line."""
    outcome = imports.campaign(200, seed=1)
    assert not outcome.failures
    assert outcome.endings["read"] > 40
    assert outcome.endings["refused"] > 40
