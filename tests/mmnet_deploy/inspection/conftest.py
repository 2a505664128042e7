"""What the tests of inspection share."""

import pytest

from mmnet_deploy import inspection


@pytest.fixture
def inspect(tmp_path):
    """The inspection of a file's content."""

    def look(content, name="model.tflite"):
        path = tmp_path / name
        path.write_bytes(content)
        return inspection.inspect(path)

    return look
