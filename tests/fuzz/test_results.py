"""Damaged results are read or refused."""

from tests.fuzz import results


def test_damaged_results_are_read_or_refused():
    """What is read can stand in a table; everything else is one error."""
    outcome = results.campaign(600, seed=1)
    assert not outcome.failures
    assert outcome.endings["read"] > 50
    assert outcome.endings["refused"] > 200
