"""Generated classes of the TFLite file format, from whichever installed package has them."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from mmnet_deploy.errors import MissingDependencyError
from mmnet_deploy.tflite.runtime import objects

_SCHEMAS = ("ai_edge_litert.schema_py_generated", "tensorflow.lite.python.schema_py_generated")
"""They read and write. tflite-runtime has none, so its users have the package `tflite`, whose
classes read only."""


@functools.cache
def schema() -> Any:
    """Generated classes of the TFLite file format.

    Raises:
        MissingDependencyError: No installed package has them.
    """
    for name in _SCHEMAS:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    try:
        return objects.Reading(importlib.import_module("tflite"))
    except ImportError:
        raise MissingDependencyError(
            "Reading TFLite files needs their schema. Install it with: pip install ai-edge-litert "
            "(beside tflite-runtime: pip install tflite)"
        ) from None
