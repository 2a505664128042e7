"""int8 files of real networks in less time, for tests that do not look at their error."""

import math

from mmnet_deploy.conversion.integers import judge


def quick_int8(monkeypatch):
    """Leave ranges and biases of int8 as they were: bettering them makes hundreds of files."""
    monkeypatch.setattr(judge, "NEGLIGIBLE", math.inf)
