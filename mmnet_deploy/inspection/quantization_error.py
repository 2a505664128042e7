"""How much each layer of a quantized model differs from the same layer in float32."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmnet_deploy.errors import ModelFileError, UsageError
from mmnet_deploy.portraits import pictures, representative
from mmnet_deploy.progress import Progress, silent
from mmnet_deploy.tflite.card import ModelCard
from mmnet_deploy.tflite.counts import stores_weights
from mmnet_deploy.tflite.ends import PictureInput
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import transparent_interpreter
from mmnet_deploy.tflite.parts import Op, Tensor
from mmnet_deploy.tflite.precision import CONVERSIONS


@dataclasses.dataclass(frozen=True)
class LayerNoise:
    """A layer's output in float32, and the error that quantization adds to it.

    The error includes those of all layers before it.

    Attributes:
        layer: Name of the output tensor in the float32 model.
        kind: Kind of its operator in the quantized model.
        signal, noise: Mean square of the float32 values, and of the difference.
    """

    layer: str
    kind: str
    signal: float
    noise: float

    @property
    def decibels(self) -> float:
        """Signal-to-noise ratio; 6 dB are one bit. Infinite where nothing differs.

        Minus infinity where there is no signal, or one of them is no number.
        """
        if self.noise == 0:
            return math.inf
        ratio = self.signal / self.noise
        return 10 * math.log10(ratio) if 0 < ratio < math.inf else -math.inf


@dataclasses.dataclass(frozen=True)
class QuantizationError:
    """The layers that both models have, worst first.

    Attributes:
        unmatched: Number of layers of the quantized model that the reference does not have.
        pictures: Number of pictures that the layers were compared on.
    """

    layers: tuple[LayerNoise, ...]
    unmatched: int
    pictures: int


def pictures_of(
    folder: Path, count: int, seed: int, card: ModelCard | None
) -> list[pictures.Picture]:
    """A seeded draw from a data set's train split or a folder, without calibration pictures.

    Raises:
        UsageError: `count` or `seed` is out of range.
        DataError: There are no pictures, or one cannot be read.
    """
    if count < 1:
        raise UsageError(f"`pictures` must be at least 1. Received: {count}.")
    if not 0 <= seed < 2**32:
        raise UsageError(f"`seed` must be 0 … 4294967295. Received: {seed}.")
    portraits = representative.portraits_in(folder)
    seen = set(card.calibration_files) if card else set()
    fresh = [portrait for portrait in portraits if portrait.image.name not in seen]
    drawn = representative.draw(fresh or portraits, calibration=0, held_out=count, seed=seed)
    return [pictures.read_image(portrait.image) for portrait in drawn.held_out]


class _Model:
    """A model whose tensors can all be read after a run."""

    def __init__(self, content: bytes, threads: int) -> None:
        self.graph = Graph.from_bytes(content)
        if len(self.graph.inputs) != 1 or len(self.graph.inputs[0].shape) != 4:
            shapes = [tensor.shape for tensor in self.graph.inputs]
            raise ModelFileError(
                "To compare layers, a model must take one picture (1, h, w, 3). "
                f"Received: {shapes}."
            )
        self.input = self.graph.inputs[0]
        self._interpreter = transparent_interpreter(content, threads)

    def layers(self) -> Iterator[tuple[Op, Tensor, list[str]]]:
        """Each output that stands for real numbers: its operator, its tensor, its names.

        The tensor that an output is converted to is another name of it.
        """
        readers = self.graph.readers()
        for op in self.graph.ops:
            for tensor in op.outputs:
                real = tensor.quantization is not None or tensor.dtype.startswith("FLOAT")
                if real and op.kind not in CONVERSIONS and not stores_weights(op):
                    after = readers.get(id(tensor), [])
                    later = [other.name for other in after if other.kind in CONVERSIONS]
                    yield op, tensor, [tensor.name, *later]

    def run(self, image: pictures.Picture, input_range: tuple[float, float]) -> None:
        """Run on a picture, uint8 (h, w, 3), which becomes the input as apps make it."""
        _, height, width, _ = self.input.shape
        dtype = np.dtype(self.input.dtype.lower())
        end = PictureInput(height, width, dtype, input_range, self.input.quantization)
        stored = end.tensor(image)
        try:
            self._interpreter.set_tensor(self.graph.index(self.input), stored)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            raise ModelFileError(f"The model does not run: {error}.") from error

    def value(self, tensor: Tensor) -> NDArray[np.float64]:
        """Real values of a tensor after a run.

        Raises:
            ModelFileError: The run left none.
        """
        try:
            values: NDArray[Any] = self._interpreter.get_tensor(self.graph.index(tensor))
        except ValueError as error:
            raise ModelFileError(f"The layer {tensor.name} has no values after a run.") from error
        if tensor.quantization is not None:
            values = tensor.quantization.real(values)
        return values.astype(np.float64)


def _pairs(quantized: _Model, exact: _Model) -> list[tuple[Op, Tensor, Tensor]]:
    """The layers of the first model with their partners in the second.

    The converter joins the names of fused layers with semicolons, and precisions differ
    after the first: where the whole name has no partner, the first part counts if unique.
    """

    def heads(model: _Model) -> dict[str, list[Tensor]]:
        found: dict[str, list[Tensor]] = {}
        for _, tensor, _ in model.layers():
            found.setdefault(tensor.name.split(";")[0], []).append(tensor)
        return found

    whole = {name: tensor for _, tensor, names in exact.layers() for name in reversed(names)}
    ours, theirs = heads(quantized), heads(exact)
    pairs = []
    for op, tensor, names in quantized.layers():
        partner = next((whole[name] for name in names if name in whole), None)
        head = tensor.name.split(";")[0]
        if partner is None and len(ours[head]) == len(theirs.get(head, ())) == 1:
            (partner,) = theirs[head]
        if partner is not None and partner.shape == tensor.shape:
            pairs.append((op, tensor, partner))
    return pairs


def measure(
    content: bytes,
    reference: bytes,
    pictures: Sequence[pictures.Picture],
    *,
    input_range: tuple[float, float] = (0.0, 1.0),
    threads: int = 1,
    progress: Progress = silent,
) -> QuantizationError:
    """Compare the layers of two models, matched by the name of their outputs.

    Both run in the built-in kernels, which keep every tensor; XNNPACK may round the last bit
    differently.

    Args:
        content: A quantized `.tflite` file.
        reference: The same network in float32.
        input_range: What black and white are in the input of both.

    Raises:
        ModelFileError: A model is damaged, cannot run or does not take one picture, the two
            take pictures of different sizes, or they share no layer.
    """
    quantized, exact = _Model(content, threads), _Model(reference, threads)
    if quantized.input.shape != exact.input.shape:
        raise ModelFileError(
            "The float reference must take pictures of the same size. "
            f"Received: {exact.input.shape} for {quantized.input.shape}."
        )
    pairs = _pairs(quantized, exact)
    if not pairs:
        raise ModelFileError(
            "The float reference has no layer of the same name: it is another network, or was "
            "converted differently."
        )
    sums = np.zeros((len(pairs), 2))
    with progress("Comparing layers", len(pictures)) as advance:
        for picture in pictures:
            quantized.run(picture, input_range)
            exact.run(picture, input_range)
            for number, (_, tensor, partner) in enumerate(pairs):
                signal, values = exact.value(partner), quantized.value(tensor)
                if signal.shape != values.shape:
                    raise ModelFileError(
                        f"The layer {tensor.name} must have the shape {signal.shape}, as in the "
                        f"float reference. It computed {values.shape}: the file is damaged."
                    )
                noise = signal - values
                sums[number] += np.square(signal).mean(), np.square(noise).mean()
            advance()
    means = (sums / len(pictures)).tolist()
    found = [
        LayerNoise(partner.name, op.kind, signal, noise)
        for (op, _, partner), (signal, noise) in zip(pairs, means, strict=True)
    ]
    found.sort(key=lambda layer: layer.decibels)
    unmatched = sum(1 for _ in quantized.layers()) - len(pairs)
    return QuantizationError(tuple(found), unmatched, len(pictures))
