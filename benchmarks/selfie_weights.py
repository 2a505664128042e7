"""MediaPipe's Selfie as a design of Lean U-Net, and its weights for every other design."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mmnet_deploy.portraits import dataset, pictures
from models import lean_unet

SIZE = 256

SHOWN_PICTURES = 32
"""Pictures that weights are fitted on."""

GRID = 32
"""Points along one axis of a tensor that are looked at in each of them."""

MOST = 30.0
"""Logits that a fit aims at are not greater, so that their powers are numbers."""

NEWTON_STEPS = 30

SELFIE = dataclasses.replace(
    lean_unet.Design(),
    swish="hard_silu",
    squeezed=(
        *("enc1", "enc4", "enc5", "enc6", "enc7", "enc8"),
        "context",
        *("dec1", "dec2", "dec3"),
    ),
    shared=False,
    refined=("dec1", "dec2", "dec3"),
)
"""MediaPipe's network."""


def layers_of_selfie() -> Iterator[tuple[str, str]]:
    """Our layers' names and those of MediaPipe's network, in the order of its file."""
    numbers = {"conv2d": 0, "depthwise_conv2d": 0}

    def theirs(kind: str) -> str:
        number = numbers[kind]
        numbers[kind] += 1
        return f"{kind}_{number}" if number else kind

    yield "stem", theirs("conv2d")
    for block in SELFIE.blocks:
        yield f"{block.name}_expand", theirs("conv2d")
        yield f"{block.name}_depthwise", theirs("depthwise_conv2d")
        if block.name in SELFIE.squeezed:
            yield f"{block.name}_squeeze", theirs("conv2d")
            yield f"{block.name}_excite", theirs("conv2d")
        yield f"{block.name}_project", theirs("conv2d")
    yield "context_expand", theirs("conv2d")
    yield "context_excite", theirs("conv2d")
    for name in ("dec1", "dec2", "dec3"):
        for part in ("compress", "squeeze", "excite", "mix"):
            yield f"{name}_{part}", theirs("conv2d")
        yield f"{name}_depthwise", theirs("depthwise_conv2d")
    yield "logits", "segment"
    yield "half_logits", "segment"


def shown_pictures(data: Path) -> np.ndarray:
    """Pictures of the train split, (n, height, width, 3)."""
    pairs = dataset.find_pairs(data, "train")
    return np.concatenate(
        [
            pictures.preprocess(pictures.read_image(pair.image), SIZE, SIZE, (0.0, 1.0))
            for pair in pairs[:: max(1, len(pairs) // SHOWN_PICTURES)][:SHOWN_PICTURES]
        ]
    )


def rows_of(value: Any) -> np.ndarray:
    """The vectors of a tensor at the points of a grid in every picture, (n, channels)."""
    array = keras.ops.convert_to_numpy(value)
    step = max(1, array.shape[1] // GRID)
    return array[:, ::step, ::step].reshape(-1, array.shape[-1]).astype(np.float64)


def inputs_of(layer: keras.layers.Layer, values: Mapping[int, Any]) -> Any:
    """What a layer reads, of the values of the tensors before it."""
    given = layer.input
    return [values[id(one)] for one in given] if isinstance(given, list) else values[id(given)]


def values_of(network: keras.Model, images: np.ndarray) -> dict[str, np.ndarray]:
    """What each convolution reads, by its name, and gives, by its name and `/output`.

    Of one behind an enlargement, what the enlargement reads: a 1×1 convolution may as well come
    before.
    """
    found = {}
    values = {id(network.input): images}
    for layer in network.layers[1:]:
        inputs = inputs_of(layer, values)
        values[id(layer.output)] = output = layer(inputs, training=False)
        if layer.weights:
            source = layer.input._keras_history.operation
            if isinstance(source, keras.layers.UpSampling2D):
                inputs = values[id(source.input)]
            found[layer.name], found[f"{layer.name}/output"] = rows_of(inputs), rows_of(output)
    return found


def fitted(inputs: np.ndarray, aims: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """The matrix that gives the aims best but for a bias; near to `kernel` in doubt."""
    centred = inputs - inputs.mean(axis=0)
    square = centred.T @ centred / len(inputs)
    ridge = 1e-3 * np.trace(square) / len(square) * np.eye(len(square))
    products = centred.T @ (aims - aims.mean(axis=0)) / len(inputs)
    return np.linalg.solve(square + ridge, products + ridge @ kernel)


class Fit:
    """Gives a design the weights of MediaPipe's network.

    Batch norm is folded into that network. Here each batch norm has mean and variance of what its
    convolution gives for some pictures, and as scale and shift those of the other network's
    convolution. 1×1 convolutions are fitted by least squares, in the order of the network, so
    that they give what those of the other give although the design computes something else before.
    """

    def __init__(
        self, design: lean_unet.Design, selfie: keras.Model, given: Mapping[str, np.ndarray]
    ) -> None:
        self.design, self.selfie, self.given = design, selfie, given
        self.pairs = dict(layers_of_selfie())
        self.kept = {}
        for block in design.blocks:
            name = self.pairs[f"{block.name}_project"]
            kernel = selfie.get_layer(name).get_weights()[0][0, 0]
            worth = np.linalg.norm(kernel, axis=1) * given[name].std(axis=0)
            self.kept[block.name] = np.sort(np.argsort(worth)[-block.expanded :])

    def fill(self, network: keras.Model, images: np.ndarray) -> None:
        """Set the weights of the design's training form."""
        values: dict[int, Any] = {id(network.input): images}
        for layer in network.layers[1:]:
            inputs = inputs_of(layer, values)
            aims = self._set(layer, inputs) if layer.name in self.pairs and layer.weights else None
            values[id(layer.output)] = output = layer(inputs, training=False)
            if aims is not None:
                ours = rows_of(output)
                scale = np.sqrt(aims.var(axis=0) + lean_unet.BATCH_NORM_EPSILON)
                network.get_layer(f"{layer.name}_norm").set_weights(
                    [scale, aims.mean(axis=0), ours.mean(axis=0), ours.var(axis=0)]
                )

    def _set(self, layer: keras.layers.Layer, inputs: Any) -> np.ndarray | None:
        """Give a convolution its kernel; what it should give if a batch norm follows."""
        name = self.pairs[layer.name]
        kernel, bias = self.selfie.get_layer(name).get_weights()
        if layer.name.endswith(("_squeeze", "_excite")):
            layer.set_weights([kernel, bias])
            return None
        if layer.name in ("logits", "half_logits"):
            self._set_head(layer, inputs, kernel, bias)
            return None
        block, _, part = layer.name.partition("_")
        aims, kept = self.given[f"{name}/output"], self.kept.get(block)
        if kernel.shape[:2] == (1, 1):
            first = kernel[0, 0]
            aims = self.given[name] @ first + bias
            if kept is not None:
                first = first[kept] if part == "project" else first[:, kept]
        if kept is not None and part != "project":
            aims = aims[:, kept]
        if layer.name == "dec3_compress" and self.design.shared:
            # The shared channels are added after the 1×1 convolution that the other has there.
            mix, more = self.selfie.get_layer(self.pairs["dec3_mix"]).get_weights()
            aims, first = aims @ mix[0, 0] + more, first @ mix[0, 0]
        if kernel.shape[:2] == (1, 1):
            layer.set_weights([fitted(rows_of(inputs), aims, first)[None, None]])
        elif part == "depthwise":
            step = (kernel.shape[0] - 1) // (layer.kernel_size[0] - 1)
            kernel = kernel if kept is None else kernel[:, :, kept]
            layer.set_weights([kernel[::step, ::step]])
        else:
            layer.set_weights([kernel])
        return aims

    def _set_head(self, layer: Any, inputs: Any, kernel: np.ndarray, bias: np.ndarray) -> None:
        """Logits by logistic regression on alpha: beyond some size, their size does not matter."""
        phases = kernel.transpose(3, 0, 1, 2).reshape(kernel.shape[3], -1)
        alpha = 1 / (1 + np.exp(-np.clip(self.given["segment"] @ phases + bias, -MOST, MOST)))
        if layer.name == "half_logits":
            alpha, phases = (it.mean(axis=1, keepdims=True) for it in (alpha, phases))
        found, shift = logistic(rows_of(inputs), alpha)
        layer.set_weights([found.T.reshape(layer.kernel.shape), np.full(1, shift)])


def logistic(rows: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, float]:
    """Matrix and one bias of logits whose sigmoid is nearest to alpha, by Newton's method.

    Args:
        rows: (n, channels).
        alpha: (n, outputs), 0 … 1.
    """
    (count, depth), outputs = rows.shape, alpha.shape[1]
    matrix, bias = np.zeros((depth, outputs)), 0.0
    for _ in range(NEWTON_STEPS):
        guess = 1 / (1 + np.exp(-np.clip(rows @ matrix + bias, -30, 30)))
        error, curve = alpha - guess, np.maximum(guess * (1 - guess), 1e-4)
        hessian = np.zeros((depth * outputs + 1,) * 2)
        gradient = np.append((rows.T @ error).T.ravel(), error.sum())
        for place in range(outputs):
            part = slice(place * depth, (place + 1) * depth)
            hessian[part, part] = rows.T @ (rows * curve[:, place, None])
            hessian[part, -1] = hessian[-1, part] = rows.T @ curve[:, place]
        hessian[-1, -1] = curve.sum()
        step = np.linalg.solve(hessian + 1e-6 * count * np.eye(len(hessian)), gradient)
        matrix += step[:-1].reshape(outputs, depth).T
        bias += step[-1]
    return matrix, float(bias)
