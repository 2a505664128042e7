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
    """Waits for a family's two steps on all layers, in a process since a backend is for good.

    Nearly all of their time goes into compiling on one core, so several processes run at
    once. Families of one module share layers, and with them a process and what it compiled.
    """
    pytest.importorskip(request.param, reason=f"the backend {request.param} is not installed")
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
    running, errors = {}, {}
    for group in _groups():
        log = folder / f"{group[0]}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, script, folder, *group],
                env=environment, stdout=subprocess.DEVNULL, stderr=file,
            )  # fmt: skip
        running |= dict.fromkeys(group, process)
        errors |= dict.fromkeys(group, log)

    def wait(family):
        assert running[family].wait() == 0, errors[family].read_text()
        return folder / family

    yield wait
    for process in running.values():
        process.kill()
        process.wait()


def _groups():
    """The families, those of one module together; the script trains the first of each."""
    groups = {}
    for family in FAMILIES:
        groups.setdefault(models.family(family).builder.__module__, []).append(family)
    return groups.values()


TRAINED = {group[0] for group in _groups()}
"""Families of one module have the same layers: one of them is enough to train."""


def _kept(config, folder):
    """Where what was compiled once is kept: with pytest's other caches, if there are any."""
    return config.cache.mkdir("jax") if hasattr(config, "cache") else folder / "compiled"


@pytest.mark.parametrize("family", FAMILIES)
def test_weights_of_another_backend_mean_the_same_here(trained, family):
    """A network of that backend gives the same alpha when it is loaded under TensorFlow."""
    path = trained(family)
    there = np.load(path.with_suffix(".npz"))
    if family in TRAINED:
        assert np.isfinite(there["losses"]).all() and len(set(there["losses"])) > 1
    assert there["alpha"].std() > (0 if family in TRAINED else 1e-2)
    loaded = network.load(path.with_suffix(".keras"))
    assert "tensorflow" in loaded.engine
    alpha = np.asarray(loaded.model(there["images"], training=False))[..., -1]
    np.testing.assert_allclose(alpha, there["alpha"], atol=1e-4)
