"""Contact sheets: pictures, their truth and their mattes in rows."""

import cv2
import numpy as np
import pytest

from mmnet_deploy.charts import contact_sheet


@pytest.mark.parametrize(
    ("shape", "count"), [((40, 30), 4), ((20, 200), 1), ((200, 20), 1), ((900, 700), 2)]
)
def test_a_sheet_takes_pictures_of_any_shape(tmp_path, shape, count):
    """Extreme shapes, odd names and other numbers of pictures leave the sheet in order."""
    rng = np.random.default_rng(0)
    entry = contact_sheet.Entry(
        "a $name$ that\nis long " * 9, "MAD 0.1", rng.integers(0, 255, (*shape, 3), np.uint8),
        rng.integers(0, 255, shape, np.uint8), rng.random(shape, np.float32),
    )  # fmt: skip
    path = contact_sheet.draw([entry] * count, tmp_path / "a.png", title="t" * 300, subtitle="s")
    sheet = cv2.imread(str(path))
    assert (sheet[:, -8:] == 255).all()
    assert (sheet[:8] == 255).all()
