"""What the tests of networks share."""

import pytest

from mmnet_deploy.portraits import pictures


@pytest.fixture(scope="module")
def picture(portraits):
    """A picture of the shared data set."""
    return pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])
