"""Damaged SavedModels are read, or refused in one line."""

from tests.fuzz import saved_models


def test_no_damaged_saved_model_ends_otherwise():
    """A part of the campaign of `tools/campaign.py saved_models`."""
    outcome = saved_models.campaign(40, seed=1)
    assert not outcome.failures
    assert outcome.endings["read"] and outcome.endings["refused"] > 10
