"""Keras and TensorFlow: imported where they are needed, and asked for in one line."""

import importlib.util
import os
import subprocess
import sys

import keras
import pytest

from mmnet_deploy.errors import MissingDependencyError, UsageError
from mmnet_deploy.networks import backend


def _run(script, **environment):
    return subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_files_and_mattes_need_no_keras():
    """Importing the check itself, TFLite files and mattes loads neither Keras nor TensorFlow."""
    done = _run(
        "import importlib, pkgutil, sys\n"
        "import mmnet_deploy.networks.backend, mmnet_deploy.mattes, mmnet_deploy.tflite\n"
        "for package in (mmnet_deploy.mattes, mmnet_deploy.tflite):\n"
        "    for module in pkgutil.iter_modules(package.__path__):\n"
        "        importlib.import_module(f'{package.__name__}.{module.name}')\n"
        "print({'keras', 'tensorflow'} & set(sys.modules))\n"
    )
    assert done.stdout == "set()\n", done.stderr


def test_what_is_missing_is_named_with_its_user(monkeypatch):
    """The line says what needs it, what is missing and how to install it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError) as caught:
        backend.require_extra("`mmnet-deploy train`")
    assert str(caught.value).startswith("`mmnet-deploy train` needs tensorflow and keras. Install")


def test_a_backend_that_does_not_start_is_named():
    """A wrong KERAS_BACKEND is one error with its name, not a traceback out of Keras."""
    done = _run(
        "from mmnet_deploy.networks.backend import require_extra\n"
        "from mmnet_deploy.errors import MissingDependencyError\n"
        "try:\n"
        "    require_extra('This test')\n"
        "except MissingDependencyError as error:\n"
        "    print(error)\n",
        KERAS_BACKEND="abacus",
    )
    assert "cannot start on the backend abacus" in done.stdout, done.stderr


def test_converting_needs_the_tensorflow_backend(monkeypatch):
    """On another backend, the rule and the backend are named."""
    backend.require_tensorflow_backend()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    with pytest.raises(UsageError, match=r"`KERAS_BACKEND` must be tensorflow .* Received: jax"):
        backend.require_tensorflow_backend()
