"""Mattes as files: what each form shows."""

import numpy as np
import pytest

from mmnet_deploy.errors import UsageError
from mmnet_deploy.mattes import outputs
from mmnet_deploy.portraits import dataset, pictures


def test_each_form_shows_what_it_says(portraits):
    """Matte, mask at one half, picture over black, and picture beside matte."""
    pair = dataset.find_pairs(portraits, "test")[0]
    image, mask = dataset.read_pair(pair)
    matte = mask.astype(np.float32) / 255
    made = {name: form(image, matte) for name, form in outputs.FORMS.items()}
    assert np.array_equal(made["matte"], mask)
    assert np.array_equal(made["mask"], np.where(mask >= 128, 255, 0))
    assert not made["under-matte"][mask == 0].any()
    assert np.array_equal(made["under-matte"][mask == 255], image[mask == 255])
    left, right = np.split(made["side-by-side"], 2, axis=1)
    assert np.array_equal(left, image)
    assert all(np.array_equal(right[..., channel], mask) for channel in range(3))


@pytest.mark.parametrize("kind", ["under-matte", "side-by-side"])
def test_saved_pictures_have_their_colours(tmp_path, portraits, kind):
    """A file shows red as red."""
    pair = dataset.find_pairs(portraits, "test")[0]
    image, _ = dataset.read_pair(pair)
    ones = np.ones((4, 4), np.float32)
    outputs.saver(tmp_path, kind, "bilinear")(pair, image, ones)
    saved = pictures.read_image(tmp_path / f"{pair.name}.png")
    assert np.array_equal(saved[:, : image.shape[1]], image)


def test_an_unknown_form_is_refused(tmp_path):
    """Whoever calls it from Python reads the same message."""
    with pytest.raises(UsageError, match="`save_kind` must be one of"):
        outputs.saver(tmp_path, "cutout", "bilinear")
