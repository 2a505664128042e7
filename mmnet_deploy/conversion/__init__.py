"""From a network to `.tflite` files that are proved to compute it."""

from mmnet_deploy.conversion.acceptance import NOTABLE_INCREASE
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.pipeline import Converted, convert
from mmnet_deploy.conversion.tracing import float_graph, float_reference

__all__ = [
    "NOTABLE_INCREASE",
    "Converted",
    "Options",
    "convert",
    "float_graph",
    "float_reference",
]
