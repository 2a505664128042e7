"""Rows of pictures, their mattes, and what was made of them."""

import cv2
import numpy as np
import pytest

from mmnet_deploy.charts.sheets import side_by_side


@pytest.mark.parametrize("shape", [(1, 900), (900, 1)])
def test_pictures_of_any_shape_have_their_row(tmp_path, shape):
    """Extreme shapes and odd names stay within the sheet, and every panel shows its picture."""
    colours = ((255, 0, 0), (0, 0, 255))
    panels = [np.full((*shape, 3), colour, np.uint8) for colour in colours]
    row = side_by_side.Row("a $name$ that\nis long " * 9, "n" * 300, [*panels, panels[0][..., 1]])
    path = side_by_side.draw([row] * (1 + (shape[0] == 1)), ("a", "b", "c"), tmp_path / "a.png")
    sheet = cv2.imread(str(path)).astype(int)
    assert (sheet[:, -8:] == 255).all()
    assert (sheet[-8:] == 255).all()
    for colour in colours:
        near = np.abs(sheet[..., ::-1] - colour).max(axis=2) < 100
        assert near.any(axis=1).sum() >= 2
