"""Published files, converted: the real ones, which need the package index once."""

import pytest

from mmnet_deploy import conversion
from mmnet_deploy.conversion.file_graph import open_file
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.downloads import published
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.tflite.graph import Graph

LARGEST = 2e-5
"""|Δα|. Of 140 portraits the largest was 1.5e-5 (`benchmarks/foreign_float32.py`); the given file's
own roundings move its mattes by up to 1.1e-4."""

POOLINGS = ("AVERAGE_POOL_2D", "MEAN")


@pytest.mark.parametrize("name", ["selfie", "selfie-landscape"])
def test_float32_follows_the_published_file_with_less_work(name, tmp_path, portraits):
    """Half of its time was a transposed convolution, which is gone; the poolings stay."""
    try:
        path = published.have(published.named(name))
    except DownloadError as error:
        pytest.skip(str(error))
    (made,) = conversion.convert(
        open_file(path), ("float32",), portraits, tmp_path, Options(checked_pictures=4)
    )
    assert made.proved and made.card.largest_difference <= LARGEST
    before, after = (
        [op.kind for op in Graph.from_bytes(one.read_bytes()).ops] for one in (path, made.path)
    )
    assert after[-2:] == ["DEPTH_TO_SPACE", "LOGISTIC"]
    assert [before.count(kind) for kind in POOLINGS] == [after.count(kind) for kind in POOLINGS]
