"""From a network to `.tflite` files that are proved to compute it."""

from mmnet_deploy.conversion.acceptance import NOTABLE_INCREASE
from mmnet_deploy.conversion.beginning import float_graph, float_reference, in_units_of
from mmnet_deploy.conversion.file_graph import open_file, with_standard_operators
from mmnet_deploy.conversion.options import Options
from mmnet_deploy.conversion.pipeline import Converted, RefusedError, convert

__all__ = [
    "NOTABLE_INCREASE",
    "Converted",
    "Options",
    "RefusedError",
    "convert",
    "float_graph",
    "float_reference",
    "in_units_of",
    "open_file",
    "with_standard_operators",
]
