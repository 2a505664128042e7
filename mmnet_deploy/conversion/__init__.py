"""From a network to `.tflite` files that are proved to compute it."""

from mmnet_deploy.conversion.pipeline import (
    GRAPHS,
    NOTABLE_INCREASE,
    Converted,
    Options,
    convert,
    float_graph,
    float_reference,
    stock_graph,
)

__all__ = [
    "GRAPHS",
    "NOTABLE_INCREASE",
    "Converted",
    "Options",
    "convert",
    "float_graph",
    "float_reference",
    "stock_graph",
]
