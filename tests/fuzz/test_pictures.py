"""Damaged pictures and masks."""

from tests.fuzz import pictures


def test_damaged_pairs_are_read_or_refused():
    """Whatever is in the files, the reader gives pixels or the project's own error."""
    outcome = pictures.campaign(400, seed=7)
    assert not outcome.failures
    assert len(outcome.endings) == 3
