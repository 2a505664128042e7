"""Drawn panels of every kind of points."""

from __future__ import annotations

import pytest

from mmnet_deploy.charts.panels import Panel
from tests.support.chart_points import (
    CASES,
    panel,
)


@pytest.fixture(params=CASES, scope="module")
def drawn(request: pytest.FixtureRequest) -> Panel:
    return panel(CASES[request.param]())
