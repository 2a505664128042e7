"""How near the mattes of an int8 graph are to those of the float graph that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.conversion.integers.quantizer import Shifts, quantize
from mmnet_deploy.conversion.integers.ranges import THREADS
from mmnet_deploy.conversion.integers.reach import require_runnable
from mmnet_deploy.errors import ConversionError, ModelFileError
from mmnet_deploy.mattes import metrics
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel

MOST_PICTURES, FEWEST_PICTURES = 16, 4
MOST_PIXELS = MOST_PICTURES * 256**2
"""Larger pictures are fewer, so that judging takes no longer."""


NEGLIGIBLE = 0.02
"""Mattes whose edges differ by this part of their own are near enough."""


class Judge:
    """The mattes of calibration pictures, to compare others with.

    Attributes:
        pictures: Inputs (1, h, w, 3).
    """

    def __init__(self, content: bytes, samples: Sequence[NDArray[np.float32]]) -> None:
        """Compute the mattes of a float32 file with one output of one channel.

        Args:
            samples: Inputs (1, h, w, 3), at least one.
        """
        height, width = samples[0].shape[1:3]
        count = min(max(MOST_PIXELS // (height * width), FEWEST_PICTURES), MOST_PICTURES)
        self.pictures = samples[:: max(1, -(-len(samples) // count))]
        self._expected = self._mattes(content)
        self._edges = float(
            np.mean([metrics.gradient_error(it, np.zeros_like(it)) for it in self._expected])
        )

    def is_near(self, difference: float) -> bool:
        """Whether mattes that differ by so much are near enough: nothing has to be tried."""
        return difference <= NEGLIGIBLE * self._edges

    def difference(self, graph: Graph, shifts: Shifts = MappingProxyType({})) -> float:
        """Gradient error plus squared error of a float32 graph with `limits`, made int8.

        Infinite if the runtime cannot compute it.
        """
        made = quantize(graph, io="float32", shifts=shifts)
        try:
            require_runnable(made)
            found = self._mattes(made.to_bytes())
        except (ConversionError, ModelFileError):
            return np.inf
        pairs = list(zip(found, self._expected, strict=True))
        return float(
            np.mean([metrics.gradient_error(*pair) for pair in pairs])
            + np.mean([metrics.mse(*pair) for pair in pairs])
        )

    def _mattes(self, content: bytes) -> list[NDArray[np.float32]]:
        model = TFLiteModel(Path("trial.tflite"), THREADS, content)
        return [np.asarray(model.run(picture))[0, ..., 0] for picture in self.pictures]


def can_judge(graph: Graph, samples: Sequence[NDArray[np.float32]]) -> bool:
    """Whether there are pictures, and a graph gives one matte that is large enough for edges."""
    if not samples or len(graph.outputs) != 1:
        return False
    shape = graph.outputs[0].shape
    return len(shape) == 4 and shape[3] == 1 and min(shape[1:3]) > 2 * metrics.HALF_WIDTH
