"""Checks that Keras, TensorFlow and the right backend are there; importing it imports neither."""

from __future__ import annotations

import importlib.util
import os

from mmnet_deploy.errors import MissingDependencyError, UsageError

INSTALL = "Install with: pip install 'mmnet-deploy[convert]'"
"""What to do where Keras or TensorFlow is missing."""


def require_extra(user: str) -> None:
    """Make sure that the packages of the extra `convert` are installed and start.

    Args:
        user: What needs them; the message begins with it.

    Raises:
        MissingDependencyError: They are not, or Keras cannot start on the chosen backend.
    """
    missing = [name for name in ("tensorflow", "keras") if not importlib.util.find_spec(name)]
    if missing:
        raise MissingDependencyError(f"{user} needs {' and '.join(missing)}. {INSTALL}")
    try:
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise MissingDependencyError(
            f"Keras cannot start on the backend {backend} (environment variable KERAS_BACKEND): "
            f"{error}"
        ) from error


def require_tensorflow_backend() -> None:
    """Make sure that Keras runs on TensorFlow, whose converter traces the network.

    Raises:
        UsageError: It runs on another backend.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            "`KERAS_BACKEND` must be tensorflow to convert, whichever backend the network was "
            f"trained on. Received: {keras.backend.backend()}."
        )
