"""Contact sheets: pictures, their truth and their mattes in rows."""

import resource

import cv2
import numpy as np
import pytest

from mmnet_deploy.charts.sheets import contact_sheet
from mmnet_deploy.errors import OutputError


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


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_full_disk_leaves_the_older_file(tmp_path, suffix):
    """Whatever Matplotlib makes of it, the file is whole or the one before, with one error."""
    picture = np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8)
    entry = contact_sheet.Entry("a", "1", picture, picture[..., 0], picture[..., 1] / 255)
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"an older one")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(OutputError, match="File too large"):
            contact_sheet.draw([entry], path, title="t", subtitle="s")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"an older one"]
