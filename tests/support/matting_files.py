"""Matting networks of other converters: `.tflite` files with ends of every type and shape."""

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

SIDE = 32
SHAPE = (1, SIDE, SIDE, 3)


def logits(image):
    """Two classes of a picture in 0 … 1: foreground where red outweighs blue; up to ±8."""
    difference = 8 * (image[..., :1] - image[..., 2:])
    return tf.concat([tf.zeros_like(difference) - 1, difference], axis=-1)


def file_of(function, dtype=tf.float32, shape=SHAPE):
    """A function of one tensor as a `.tflite` file; its types are what they are."""
    traced = tf.function(function, [tf.TensorSpec(shape, dtype)], autograph=False)
    concrete = traced.get_concrete_function()
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module()).convert()


def quantized(function, low, high, dtype=tf.uint8):
    """A function of a picture in low … high in 8 bits, with ends of this type.

    Its parameters cover the range, which the samples reach.
    """
    rng = np.random.default_rng(0)
    traced = tf.function(function, [tf.TensorSpec(SHAPE)], autograph=False)
    concrete = traced.get_concrete_function()
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    samples = [rng.uniform(low, high, SHAPE).astype(np.float32) for _ in range(3)]
    samples[0].flat[:2] = low, high
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = dtype
    return converter.convert()


def run_by_hand(content, values):
    """The one output, as it is stored, of the one input as it is stored."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(source["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])
