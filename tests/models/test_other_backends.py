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
    """The folder with what `train_two_steps.py` made, in a process since a backend is for good."""
    folder = tmp_path_factory.mktemp(request.param)
    environment = {
        **os.environ,
        "KERAS_BACKEND": request.param,
        "JAX_PLATFORMS": "cpu",
        # Two steps are over before optimized ones are compiled.
        "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
        "JAX_COMPILATION_CACHE_DIR": str(_kept(request.config, folder)),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    script = Path(__file__).with_name("train_two_steps.py")
    done = subprocess.run(
        [sys.executable, script, folder],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def _kept(config, folder):
    """Where what was compiled once is kept: with pytest's other caches, if there are any."""
    return config.cache.mkdir("jax") if hasattr(config, "cache") else folder / "compiled"


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_another_backend_mean_the_same_here(trained, family):
    """A network of that backend gives the same alpha when it is loaded under TensorFlow."""
    there = np.load(trained / f"{family}.npz")
    assert there["alpha"].std() > (0 if there["losses"].size else 1e-2)
    loaded = network.load(trained / f"{family}.keras")
    assert "tensorflow" in loaded.engine
    alpha = np.asarray(loaded.model(there["images"], training=False))[..., -1]
    np.testing.assert_allclose(alpha, there["alpha"], atol=1e-4)


def test_a_family_of_each_module_trains_there(trained):
    """Two steps have finite losses that differ."""
    trained_modules = set()
    for family in FAMILIES:
        losses = np.load(trained / f"{family}.npz")["losses"]
        if losses.size:
            trained_modules.add(models.family(family).builder.__module__)
            assert np.isfinite(losses).all() and len(set(losses)) == 2
    assert trained_modules == {models.family(family).builder.__module__ for family in FAMILIES}
