"""A record that several tests change."""

import pytest

from mmnet_deploy.results.records import Evaluation, PictureScore
from mmnet_deploy.tflite.card import ModelFile
from tests.support.any_record import METRICS


@pytest.fixture
def evaluation():
    """An evaluation of two pictures."""
    return Evaluation(
        model=ModelFile("é.tflite", "ab12", 5),
        data="portraits",
        data_sha256="d" * 64,
        split="test",
        height_px=800,
        width_px=600,
        engine="LiteRT",
        pictures=(
            PictureScore("a", dict(zip(METRICS, (0.002, 0.01, 4.0, 0.1, 1.0), strict=True))),
            PictureScore("b", dict(zip(METRICS, (0.004, 0.03, 6.0, 0.3, 0.5), strict=True))),
        ),
        created_at="2025-01-01T00:00:00+00:00",
    )
