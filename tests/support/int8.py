"""int8 files of real networks in less time, for tests that do not look at their error."""

import math

from mmnet_deploy.conversion.integers import judge

QUICK = f"import {judge.__name__} as judge\njudge.NEGLIGIBLE = 1e9\n"
"""The same as a program, for another process."""


def quick_int8(monkeypatch):
    """Leave ranges and biases of int8 as they were: bettering them makes hundreds of files."""
    monkeypatch.setattr(judge, "NEGLIGIBLE", math.inf)
