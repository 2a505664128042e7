"""Networks and trainer on Keras's other backends: JAX, and PyTorch where it is installed."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import models
from mmnet_deploy.networks import network

pytestmark = pytest.mark.slow

FAMILIES = sorted({point.family for point in models.operating_points()})
# JAX comes with the tests. PyTorch does not: the build that pip takes has gigabytes.
BACKENDS = ["jax", *(["torch"] if importlib.util.find_spec("torch") else [])]


@pytest.fixture(scope="module", params=BACKENDS)
def trained(request, tmp_path_factory):
    """Each family after two steps on all layers; one process, since a backend is for good."""
    pytest.importorskip(request.param, reason=f"the backend {request.param} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    environment = {
        **os.environ,
        "KERAS_BACKEND": request.param,
        "JAX_PLATFORMS": "cpu",
        # Two steps are over before optimized ones are compiled.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        # What was compiled once is kept with pytest's other caches.
        "JAX_COMPILATION_CACHE_DIR": str(request.config.cache.mkdir("jax")),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    script = Path(__file__).with_name("train_two_steps.py")
    done = subprocess.run(
        [sys.executable, script, folder, *FAMILIES],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_another_backend_mean_the_same_here(trained, family):
    """A network trained there gives the same alpha when it is loaded under TensorFlow."""
    there = np.load(trained / f"{family}.npz")
    assert np.isfinite(there["losses"]).all() and len(set(there["losses"])) > 1
    assert there["alpha"].std() > 0
    loaded = network.load(trained / f"{family}.keras")
    assert "tensorflow" in loaded.engine
    alpha = np.asarray(loaded.model(there["images"], training=False))[..., -1]
    np.testing.assert_allclose(alpha, there["alpha"], atol=1e-4)
