"""A trained network at another input size."""

import keras
import numpy as np
import pytest

from mmnet_deploy.errors import UsageError
from mmnet_deploy.networks import resizing
from mmnet_deploy.runs.run import Run
from tests.conftest import tiny_config


def test_a_larger_network_computes_the_same_of_each_part(tiny_run, tmp_path):
    """It is a run with the weights of the first, and equals it away from the borders."""
    run, larger = Run(tiny_run), Run(tmp_path / "larger")
    resizing.resize(run, 64, larger)
    config = larger.read_config()
    assert (config.input_size, config.initial_weights) == (64, str(tiny_run.resolve()))
    network, other = (keras.saving.load_model(it.weights()) for it in (run, larger))
    picture = np.random.default_rng(0).random((1, 64, 64, 3), np.float32)
    found = np.asarray(other(picture))[:, 16:-16, 16:-16]
    alone = np.asarray(network(picture[:, :32, :32]))[:, 16:-4, 16:-4]
    np.testing.assert_allclose(found[:, :12, :12], alone, atol=1e-5)


def test_sizes_follow_the_strides_and_a_files_network_has_its_own():
    """What cannot be is passed over, and asked for alone it is refused."""
    assert resizing.sizes(tiny_config("data"), [40, 48, 8, 32, 48]) == [32, 48]
    imported = tiny_config("data", imported_from="a.tflite")
    assert resizing.sizes(imported, [48, 32]) == [32]
    assert resizing.sizes(tiny_config("data", input_width=64), [32, 64]) == []


def test_a_size_that_cannot_be_is_refused(tiny_run, tmp_path):
    """Nothing is written."""
    with pytest.raises(UsageError, match="40"):
        resizing.resize(Run(tiny_run), 40, Run(tmp_path / "a"))
    assert not (tmp_path / "a").exists()
