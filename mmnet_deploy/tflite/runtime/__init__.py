"""Which TFLite runtime runs files here, and what reads their format."""

from mmnet_deploy.tflite.runtime.choice import VARIABLE, runtime, runtime_name
from mmnet_deploy.tflite.runtime.classes import schema

__all__ = ["VARIABLE", "runtime", "runtime_name", "schema"]
