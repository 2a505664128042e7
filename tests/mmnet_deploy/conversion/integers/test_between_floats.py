"""What stands beside a layer that int8 leaves in float, and what a sigmoid can tell of logits."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.conversion.quantization import Source, int8
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.interpreter import TFLiteModel
from tests.support.networks import converted

SIZE = 32
PATH = Path("steep.tflite")


def _pictures():
    """Soft discs; each picture has all values from 0 to 255."""
    rows, columns = np.mgrid[:SIZE, :SIZE]
    for row, column, radius in ((14, 12, 7), (20, 18, 9), (12, 20, 6), (17, 15, 8)):
        away = np.hypot(rows - row, columns - column) - radius
        disc = cv2.GaussianBlur((away < 0).astype(np.float32), (0, 0), 1.5)
        disc[0, 0], disc[0, 1] = 0, 1
        yield np.repeat(np.rint(disc * 255)[..., None], 3, axis=2).astype(np.uint8)


PICTURES = list(_pictures())

MOVES = {
    "depth_to_space": lambda x: tf.nn.depth_to_space(x, 2),
    "one of them": lambda x: x[..., 1:2],
    "resize": lambda x: tf.image.resize(x[..., :1], (2 * SIZE, 2 * SIZE)),
    "two": lambda x: tf.nn.depth_to_space(tf.concat([x[..., 2:], x[..., :2]], axis=-1), 2),
}


@pytest.fixture
def source(move):
    """A network whose edges are logits of some hundreds, moved about before the sigmoid."""
    lines = np.zeros((3, 3, 3, 4), np.float32)
    lines[1, 1] = 700 / 3

    def call(image):
        x = tf.nn.bias_add(tf.nn.conv2d(image, lines, 1, "SAME"), np.full(4, -350, np.float32))
        return tf.nn.sigmoid(MOVES[move](x))

    samples = [(picture[None] / 255).astype(np.float32) for picture in PICTURES]
    return Source(converted(call, (1, SIZE, SIZE, 3)), samples, phases=False)


def _mattes(content):
    model = TFLiteModel(PATH, content=content)
    return np.stack([model.matte(picture) for picture in PICTURES])


def _named(source, *kinds):
    return [op.name for op in Graph.from_bytes(source.calibrated).ops if op.kind in kinds]


@pytest.mark.parametrize("move", MOVES)
def test_what_stands_between_layers_in_float_is_in_float(source):
    """Nobody can name what only moves values, for it is no layer."""
    content = int8(source, _named(source, "CONV_2D", "LOGISTIC"))
    assert np.abs(_mattes(content) - _mattes(source.content)).mean() < 1e-5
    kinds = [op.kind for op in Graph.from_bytes(content).ops]
    assert kinds.count("DEQUANTIZE") == 1, kinds  # Of the picture.


@pytest.mark.parametrize("move", ["depth_to_space", "one of them"])
def test_a_sigmoid_in_float_reads_the_logits_that_it_can_tell_apart(source):
    """Not all of them in 255 steps; and its mattes reach 0 and 1."""
    mattes = _mattes(int8(source, _named(source, "LOGISTIC")))
    assert np.abs(mattes - _mattes(source.content)).mean() < 5e-5
    assert (mattes.min(), mattes.max()) == (0, 1)


@pytest.mark.parametrize("move", ["resize"])
def test_logits_that_are_enlarged_keep_their_range(source):
    """What lies between two logits is not what lies between the nearest that a sigmoid can tell."""
    assert np.abs(_mattes(int8(source)) - _mattes(source.content)).mean() < 1e-3
