"""Small networks as `.tflite` files: their layers, their conversion, and what they compute."""

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from keras import layers
from tensorflow.python.framework import convert_to_constants

# --- Layers ------------------------------------------------------------------


def conv(channels, size=1, **options):
    """A convolution that keeps height and width."""
    return layers.Conv2D(channels, size, padding="same", **options)


def up(factor=2, interpolation="bilinear"):
    """An enlargement by a whole factor."""
    return layers.UpSampling2D(factor, interpolation=interpolation)


def join(*parts, axis=-1):
    """A concatenation, of channels by default."""
    return layers.Concatenate(axis=axis)(list(parts))


def start(image, channels=8):
    """Features at the size of the picture, of a layer that no pass changes."""
    return conv(channels, 3, activation="relu")(image)


def small(image, channels=8):
    """The same at half the height and width."""
    return layers.MaxPooling2D()(start(image, channels))


def joined(image, axis=-1):
    """Enlarged features beside some at the size of the picture."""
    return join(up()(small(image)), start(image), axis=axis)


def siblings(x, *widths, activations=("relu6", "relu6", "relu6")):
    """1×1 convolutions of one tensor, each read by a depthwise one."""
    return layers.Concatenate(name="branches")(
        [
            layers.DepthwiseConv2D(3, padding="same")(conv(width, activation=name)(x))
            for width, name in zip(widths, activations, strict=False)
        ]
    )


def vary_batch_norms(network):
    """Give batch norms seeded values as after a training; fresh ones change nothing."""
    rng = np.random.default_rng(4)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            scale, variance = (rng.uniform(0.5, 1.5, layer.gamma.shape) for _ in "12")
            shift, mean = (rng.normal(0, 0.3, layer.gamma.shape) for _ in "12")
            layer.set_weights([scale, shift, mean, variance])


# --- Conversion --------------------------------------------------------------


def converter_of(function, *shapes, frozen=False):
    """TensorFlow's converter of a function of float32 tensors; the first is called `image`.

    `frozen` makes constants of the variables first, as `mmnet-deploy convert` does.
    """
    signature = [
        tf.TensorSpec(shape, tf.float32, name=None if number else "image")
        for number, shape in enumerate(shapes)
    ]
    traced = tf.function(function, input_signature=signature, autograph=False)
    concrete = traced.get_concrete_function()
    if frozen:
        concrete = convert_to_constants.convert_variables_to_constants_v2(concrete)
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete], tf.Module())


def converted(function, *shapes, frozen=False, **options):
    """A function of float32 tensors as a `.tflite` file; options are those of the converter."""
    converter = converter_of(function, *shapes, frozen=frozen)
    for name, value in options.items():
        setattr(converter, name, value)
    return converter.convert()


def keras_network(build, shape=(8, 8, 3)):
    """The Keras network that `build` makes of an input of this shape, with seeded weights."""
    keras.utils.set_random_seed(1)
    image = keras.Input(batch_size=1, shape=shape)
    network = keras.Model(image, build(image))
    rng = np.random.default_rng(1)
    for weights in network.weights:
        weights.assign(rng.normal(0, 0.4, weights.shape))
    return network


def converted_network(build, shape=(8, 8, 3)):
    """`keras_network` as a float32 file with frozen weights."""
    return converted(keras_network(build, shape), (1, *shape), frozen=True)


# --- Running -----------------------------------------------------------------


def output_of(content, seed=0, picture=None):
    """The first output on a picture, by default a random one, with the runtime's own kernels."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    if picture is None:
        picture = np.random.default_rng(seed).random(source["shape"], np.float32)
    interpreter.set_tensor(source["index"], picture)
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])


def outputs_by_name(content, image):
    """The outputs of a file by name, run through its signature as an app does."""
    return Interpreter(model_content=content).get_signature_runner()(image=image)
