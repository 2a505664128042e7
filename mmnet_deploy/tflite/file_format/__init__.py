"""A graph as the tables of a `.tflite` file.

The format numbers everything: operators name tensors by index, tensors name buffers by
index. `reading` makes references of the numbers; `writing` numbers what there is.
"""

from mmnet_deploy.tflite.file_format.reading import (
    check_extent,
    numbered,
    read_ops,
    read_tensors,
    text,
)
from mmnet_deploy.tflite.file_format.writing import alone, with_ends, write

__all__ = [
    "alone",
    "check_extent",
    "numbered",
    "read_ops",
    "read_tensors",
    "text",
    "with_ends",
    "write",
]
