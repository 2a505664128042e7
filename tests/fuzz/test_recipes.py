"""Damaged recipes, profiles and configurations in the suite's own size."""

from tests.fuzz import recipes


def test_damaged_recipes_and_configurations_end_as_promised():
    """Each is read or refused in one line of the project's own."""
    outcome = recipes.campaign(600, seed=1)
    assert not outcome.failures
    assert outcome.endings["read"] and outcome.endings["refused"] > 300
