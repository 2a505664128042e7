"""What the output of a network means: what is said of it, where its pixels are, the matte in it."""

from mmnet_deploy.portraits.output.layout import Layout, layout_of
from mmnet_deploy.portraits.output.meaning import (
    ALPHA,
    BYTES,
    CLASSES,
    CLIPPED,
    KINDS,
    LOGIT,
    SOFTMAX,
    Meaning,
)
from mmnet_deploy.portraits.output.output import Output, output_of

__all__ = [
    "ALPHA",
    "BYTES",
    "CLASSES",
    "CLIPPED",
    "KINDS",
    "LOGIT",
    "SOFTMAX",
    "Layout",
    "Meaning",
    "Output",
    "layout_of",
    "output_of",
]
