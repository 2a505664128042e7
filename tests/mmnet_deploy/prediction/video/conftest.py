"""A model that finds bright pixels, and the whole way from a file to a file."""

import numpy as np
import pytest

from mmnet_deploy.mattes.matting import Matting
from mmnet_deploy.prediction import backgrounds
from mmnet_deploy.prediction.painting import Painter
from mmnet_deploy.prediction.video import reader
from mmnet_deploy.prediction.video.video import Options, predict_video
from mmnet_deploy.tflite.card import ModelFile

BRIGHT = Matting(
    ModelFile("m", "0", 1), "none", lambda image: image,
    lambda image: (image[..., 0] > 127).astype(np.float32),
)  # fmt: skip


@pytest.fixture
def matted():
    """Mattes a video; what it told, and what it returned."""

    def run(source, target, kind="matte", background=None, model=BRIGHT, **options):
        lines = []
        with reader.opened(source) as film:
            painter = Painter(kind, background and backgrounds.background(background))
            done = predict_video(
                model, film, target, painter, Options(**options), tell=lines.append
            )
        return lines, done

    return run
