"""Networks from elsewhere, as files and folders to load."""

import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.networks import network

layers = keras.layers


def saved(path, outputs, shape=(32, 32, 3), **options):
    """A `.keras` file of a functional model; `outputs` makes its outputs of its input."""
    image = keras.Input(shape, name="image")
    keras.Model(image, outputs(image), **options).save(path)
    return path


def to_matte(channels=1):
    """A picture to as many channels of values in 0 … 1."""
    return lambda image: layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(image)


def refused(path, *words, error=ModelFileError, **options):
    """Make sure that loading is refused in one line that names the file and has `words`."""
    with pytest.raises(error) as caught:
        network.load(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message.replace(f"{path.parent}/", "")) < 400
    for word in (str(path), *words):
        assert word in message, message


class Module(tf.Module):
    """A network in TensorFlow's own terms, with a table, which loading initializes."""

    def __init__(self, call=None, specs=((None, 32, 32, 3),), table=None):
        super().__init__()
        self.kernel = tf.Variable(tf.ones((1, 1, 3, 1)) / 3)
        self.table = table
        specs = [spec if isinstance(spec, tf.TensorSpec) else tf.TensorSpec(spec) for spec in specs]
        call = call or self.gray
        if len(specs) == 2:
            self.run = tf.function(lambda first, second: call(first + second), specs)
        else:
            self.run = tf.function(lambda image: call(image), specs)

    def gray(self, image):
        """The mean of the channels."""
        return tf.nn.conv2d(tf.cast(image, tf.float32), self.kernel, 1, "SAME")


def exported(path, *arguments, **options):
    """The SavedModel folder of a `Module`."""
    module = Module(*arguments, **options)
    tf.saved_model.save(module, str(path), signatures=module.run.get_concrete_function())
    return path


@keras.saving.register_keras_serializable("elsewhere")
class Subclassed(keras.Model):
    """A model that is a class of its own, built by its first call."""

    def __init__(self, **options):
        super().__init__(**options)
        self.convolution = layers.Conv2D(1, 1, activation="sigmoid")

    def call(self, image):
        return self.convolution(image)


def subclassed():
    """A built one."""
    model = Subclassed()
    model(np.zeros((4, 32, 32, 3), np.float32))
    return model


# --- Damage ------------------------------------------------------------------


def members_of(path):
    """The content of each member of a `.keras` file, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, members):
    """Write a `.keras` file anew, with other members, compressed."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def reconfigured(path, change):
    """Change the configuration in a `.keras` file; `change` gets it as JSON values."""
    members = members_of(path)
    config = json.loads(members["config.json"])
    change(config)
    return rewritten(path, members | {"config.json": json.dumps(config)})


def reweighted(path, change):
    """Change the weights in a `.keras` file; `change` gets them as an open HDF5 file."""
    members = members_of(path)
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        change(file)
    return rewritten(path, members | {"model.weights.h5": content.getvalue()})
