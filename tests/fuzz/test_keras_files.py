"""Damaged `.keras` files are read, or refused in one line."""

from mmnet_deploy.networks import network
from tests.fuzz import keras_files


def test_no_damaged_file_ends_otherwise():
    """A part of the campaign of `tools/campaign.py keras_files`."""
    outcome = keras_files.campaign(40, seed=2)
    assert not outcome.failures
    assert outcome.endings["read"] and outcome.endings["refused"] > 10


def test_what_is_damaged_was_sound(tmp_path):
    """The network of the campaign loads before it is damaged."""
    assert network.load(keras_files.sound(tmp_path / "a.keras")).output_channels == 2
