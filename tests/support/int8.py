"""int8 files of real networks in less time, for tests that do not look at their error."""

import math

from mmnet_deploy.conversion.integers import trimming


def quick_int8(monkeypatch):
    """Leave the ranges of int8 as they were calibrated: trimming them makes hundreds of files."""
    monkeypatch.setattr(trimming, "NEGLIGIBLE", math.inf)
