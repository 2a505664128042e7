"""Whether Keras and TensorFlow are there, and which backend runs."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from mmnet_deploy.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    pass


def require_extra(user: str) -> None:
    """Make sure that the packages of the extra `convert` are installed and start.

    Args:
        user: What needs them, to begin the message with.

    Raises:
        MissingDependencyError: They are not, or the chosen Keras backend is not.
    """
    missing = [name for name in ("tensorflow", "keras") if not importlib.util.find_spec(name)]
    if missing:
        raise MissingDependencyError(
            f"{user} needs {' and '.join(missing)}. "
            "Install with: pip install '.[convert]' in a checkout of mmnet-deploy"
        )
    try:
        import keras  # noqa: F401
    except (ImportError, ValueError) as error:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise MissingDependencyError(
            f"Keras cannot start with the backend {backend} (KERAS_BACKEND): {error}"
        ) from error


def require_tensorflow_backend() -> None:
    """Make sure that Keras runs on TensorFlow, whose converter traces the network.

    Raises:
        UsageError: It runs on another backend.
    """
    import keras

    if keras.backend.backend() != "tensorflow":
        raise UsageError(
            "`KERAS_BACKEND` must be tensorflow to convert; networks trained on any backend "
            f"convert then. Received: {keras.backend.backend()}."
        )
