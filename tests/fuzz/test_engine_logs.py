"""Damaged logs of the engines give numbers that stand in them, or an error."""

import random

from tests.fuzz import engine_logs


def test_no_damaged_log_makes_a_reader_invent_a_number():
    """A part of the campaign of `tools/campaign.py engine_logs`."""
    outcome = engine_logs.campaign(1500, seed=1)
    assert not outcome.failures
    assert outcome.endings["read"] > 100 and outcome.endings["refused"] > 100


def test_whole_logs_are_read(tmp_path):
    """What the campaign damages is sound before: the check can tell right from wrong."""
    random_ = random.Random(1)
    _, own, counts = engine_logs._kinds(tmp_path)
    for kind in (own, counts):
        text = kind.make(random_)
        assert not list(kind.check(text, kind.read(text)))
        assert list(kind.check(kind.make(random_), kind.read(text)))
