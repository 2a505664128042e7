"""Networks from elsewhere: what is loaded, what it computes, and what is refused."""

import json
import os
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner

import models
from mmnet_deploy.cli import cli
from mmnet_deploy.errors import MissingDependencyError, ModelFileError, UsageError
from mmnet_deploy.files import sha256
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures

layers = keras.layers


def _saved(path, outputs, shape=(32, 32, 3), **options):
    """A `.keras` file of a functional model; `outputs` makes its outputs of its input."""
    image = keras.Input(shape, name="image")
    keras.Model(image, outputs(image), **options).save(path)
    return path


def _matte(channels=1):
    """A picture to as many channels of values in 0 … 1."""
    return lambda image: layers.Conv2D(channels, 3, padding="same", activation="sigmoid")(image)


def _refused(path, *words, error=ModelFileError, **options):
    """Make sure that loading is refused in one line that names the file and has `words`."""
    with pytest.raises(error) as caught:
        network.load(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
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


def _exported(path, *arguments, **options):
    """The SavedModel folder of a `Module`."""
    module = Module(*arguments, **options)
    tf.saved_model.save(module, str(path), signatures=module.run.get_concrete_function())
    return path


@pytest.fixture(scope="module")
def picture(portraits):
    """A picture of the shared data set."""
    return pictures.read_image(pictures.pictures_in(portraits / "test" / "image")[0])


# --- .keras files ------------------------------------------------------------


def test_a_run_and_its_files_know_their_training(tiny_run):
    """A run, and each network in it, has the family's name, title and configuration."""
    for path in (tiny_run, tiny_run / "last.keras"):
        loaded = network.load(path)
        assert (loaded.name, loaded.title) == ("tiny", "Tiny")
        assert loaded.config.data
        assert loaded.input_size == (32, 32)
        assert (loaded.output_channels, loaded.alpha_channel) == (2, 1)
    assert network.load(tiny_run).path == tiny_run / "best.keras"


def test_a_rectangular_network_of_three_channels_loads(tmp_path, picture):
    """The chosen channel is the matte, at the size of the network, as it computes it."""
    path = _saved(tmp_path / "mine>a.keras", _matte(3), (48, 32, 3))
    loaded = network.load(path, alpha_channel=2)
    assert (loaded.name, loaded.title, loaded.config) == ("mine-a", "mine-a", None)
    assert loaded.input_size == (48, 32)
    assert (loaded.output_channels, loaded.alpha_channel) == (3, 2)
    assert loaded.parameters == 3 * 3 * 3 * 3 + 3
    assert loaded.sha256 == sha256(path)
    matte = loaded.matte(picture)
    assert (matte.shape, matte.dtype) == ((48, 32), np.float32)
    expected = loaded.model(pictures.preprocess(picture, 48, 32))[0, ..., 2]
    np.testing.assert_allclose(matte, expected, atol=1e-6)


def test_the_input_range_is_what_the_network_sees(tmp_path):
    """Black and white become the ends of the range, and values are not clipped."""
    path = _saved(tmp_path / "echo.keras", lambda image: layers.Activation("linear")(image))
    loaded = network.load(path, alpha_channel=0, input_range=(-1.0, 2.0))
    for value, expected in ((0, -1.0), (255, 2.0)):
        picture = np.full((32, 32, 3), value, np.uint8)
        np.testing.assert_allclose(loaded.matte(picture), expected, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 2])
def test_the_matte_is_the_last_of_up_to_two_channels(tmp_path, channels):
    """One channel is the matte; of two, the second, unless another one is chosen."""
    path = _saved(tmp_path / "mine.keras", _matte(channels))
    assert network.load(path).alpha_channel == channels - 1
    assert network.load(path, alpha_channel=0).alpha_channel == 0


def test_of_many_channels_one_must_be_chosen(tmp_path):
    """No choice, or one that is not there, is wrong usage, and the message says the range."""
    path = _saved(tmp_path / "five.keras", _matte(5))
    rule = "`--alpha-channel` must be 0 … 4"
    _refused(path, rule, "5 output channels", "Received: none.", error=UsageError)
    for wrong in (5, -1):
        words = (rule, f"Received: {wrong}.")
        _refused(path, *words, error=UsageError, alpha_channel=wrong)
    one = _saved(tmp_path / "one.keras", _matte(1))
    _refused(one, "must be 0:", "1 output channel.", error=UsageError, alpha_channel=1)


@pytest.mark.parametrize("ends", [(1.0, 0.0), (0.0, float("nan")), (0.0, float("inf"))])
def test_an_impossible_input_range_is_refused(tmp_path, ends):
    """The lower end comes first, and both are finite."""
    with pytest.raises(UsageError, match="`--input-range` must be two numbers"):
        network.load(tmp_path, input_range=ends)


def _sequential():
    return keras.Sequential([keras.Input((32, 32, 3)), layers.Conv2D(1, 1)])


def _one_in_structures():
    image = keras.Input((32, 32, 3), name="image")
    return keras.Model({"image": image}, {"matte": layers.Conv2D(1, 1)(image)})


def _one_in_lists():
    image = keras.Input((32, 32, 3), batch_size=1)
    return keras.Model([image], [layers.Conv2D(1, 1)(image)])


@keras.saving.register_keras_serializable("elsewhere")
class Subclassed(keras.Model):
    """A model that is a class of its own, built by its first call."""

    def __init__(self, **options):
        super().__init__(**options)
        self.convolution = layers.Conv2D(1, 1)

    def call(self, image):
        return self.convolution(image)


def _subclassed():
    model = Subclassed()
    model(np.zeros((4, 32, 32, 3), np.float32))
    return model


@pytest.mark.parametrize("make", [_sequential, _one_in_structures, _one_in_lists, _subclassed])
def test_every_form_of_keras_model_loads(tmp_path, picture, make, recwarn):
    """Sequential, subclassed, and single ends in a list or a dictionary: all are one matte."""
    model = make()
    model.save(tmp_path / "mine.keras")
    loaded = network.load(tmp_path / "mine.keras")
    matte = loaded.matte(picture)
    assert matte.shape == loaded.input_size == (32, 32)
    # `call` is what conversion traces.
    traced = tf.function(loaded.call).get_concrete_function(tf.TensorSpec((1, 32, 32, 3)))
    assert traced.outputs[0].shape == (1, 32, 32, 1)
    output = traced(tf.constant(pictures.preprocess(picture, 32, 32)))
    np.testing.assert_allclose(output[0, ..., 0], matte, atol=1e-6)
    assert not [warning for warning in recwarn if "structure" in str(warning.message)]


def test_a_network_is_called_after_its_file_or_its_run(tmp_path, tiny_run):
    """Two bare files of one network have two names; the best by another metric is the run's."""
    for name in ("first", "second"):
        (tmp_path / f"{name}.keras").write_bytes((tiny_run / "best.keras").read_bytes())
        loaded = network.load(tmp_path / f"{name}.keras")
        assert (loaded.name, loaded.config) == (name, None)
    assert network.load(tiny_run / "best-mean_iou.keras").config == network.load(tiny_run).config


def test_a_matte_of_another_size_is_fine(tmp_path, picture):
    """A network may give a smaller matte than its picture."""
    path = _saved(tmp_path / "half.keras", lambda image: layers.AveragePooling2D(2)(image))
    loaded = network.load(path, alpha_channel=0)
    assert loaded.input_size == (32, 32)
    assert loaded.matte(picture).shape == (16, 16)


@pytest.mark.parametrize(
    ("outputs", "shape", "words"),
    [
        (_matte(), (None, 32, 3), ("fixed input size", "(None, None, 32, 3)")),
        (_matte(), (32, 32, 1), ("(1, height, width, 3)", "(None, 32, 32, 1)")),
        (_matte(), (32, 32, 4), ("(1, height, width, 3)", "(None, 32, 32, 4)")),
        (layers.Flatten(), (32, 32, 3), ("one matte", "(1, 3072)")),
        (lambda i: keras.ops.cast(i > 0, "uint8"), (32, 32, 3), ("float", "uint8 (1, 32, 32, 3)")),
        (lambda i: [i * 2, i * 3], (32, 32, 3), ("one output", "2 (0, 1)")),
    ],
)
def test_what_is_no_matting_network_is_refused(tmp_path, outputs, shape, words):
    """A dynamic height, other channels, a classifier, integers, two outputs: each is said."""
    _refused(_saved(tmp_path / "other.keras", outputs, shape), *words)


def test_the_training_form_is_refused_by_its_outputs(tmp_path):
    """The outputs of a network with its auxiliary head are named."""
    training = models.build("tiny", width_multiplier=1.0, input_size=32)
    training.save(tmp_path / "training.keras")
    _refused(tmp_path / "training.keras", "one output", "2 (auxiliary_logits, logits)")


def test_two_inputs_are_refused_by_name(tmp_path):
    """A network that wants a trimap beside the picture says so."""
    ends = [keras.Input((32, 32, 3), name=name) for name in ("image", "trimap")]
    keras.Model(ends, layers.Add()(ends)).save(tmp_path / "two.keras")
    _refused(tmp_path / "two.keras", "one input", "2 (image, trimap)")


def test_an_integer_or_a_batched_input_is_refused(tmp_path):
    """Bytes would all become 0, and a batch of four does not run with one picture."""
    image = keras.Input((32, 32, 3), dtype="uint8")
    keras.Model(image, layers.Rescaling(1 / 255)(image)).save(tmp_path / "bytes.keras")
    _refused(tmp_path / "bytes.keras", "float32", "uint8")
    image = keras.Input((32, 32, 3), batch_size=4)
    keras.Model(image, layers.Conv2D(1, 1)(image)).save(tmp_path / "four.keras")
    _refused(tmp_path / "four.keras", "(4, 32, 32, 3)")


# --- Files that are damaged, foreign or dangerous -----------------------------


def test_an_unknown_layer_is_named(tmp_path):
    """A layer, a model or a function of elsewhere is named, with the way out."""

    @keras.saving.register_keras_serializable("elsewhere")
    class Blur(layers.Layer):
        def call(self, image):
            return image

    @keras.saving.register_keras_serializable("elsewhere")
    def halve(image):
        return image / 2

    layer = _saved(tmp_path / "layer.keras", Blur())
    function = _saved(tmp_path / "function.keras", layers.Activation(halve))
    _subclassed().save(tmp_path / "model.keras")
    known = keras.saving.get_custom_objects()
    names = ("elsewhere>Blur", "elsewhere>halve", "elsewhere>Subclassed")
    taken = {name: known.pop(name) for name in names}
    try:
        for path, name in ((layer, "Blur"), (function, "halve")):
            _refused(path, f"needs {name},", "model.export(folder)")
            # Trust does not bring the class along.
            _refused(path, f"needs {name},", unsafe=True)
        _refused(tmp_path / "model.keras", "needs Subclassed,")
    finally:
        known.update(taken)


def test_code_in_a_file_runs_only_if_it_is_trusted(tmp_path, monkeypatch):
    """The code of a Lambda does not run unless `unsafe` is given."""
    code = layers.Lambda(
        lambda image: [__import__("os").environ.update(LAMBDA="ran"), image[..., :1]][1],
        output_shape=(32, 32, 1),
    )
    path = _saved(tmp_path / "code.keras", code)
    monkeypatch.setenv("LAMBDA", "did not run")
    _refused(path, "a Lambda layer", "would run on loading", "`--unsafe`")
    assert os.environ["LAMBDA"] == "did not run"
    assert network.load(path, unsafe=True).output_channels == 1
    assert os.environ["LAMBDA"] == "ran"


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04 broken", b"\x80\x04K\x01."])
def test_a_file_that_is_no_archive_is_refused(tmp_path, content):
    """An empty, a text, a broken zip and a pickle file named .keras each give one line."""
    path = tmp_path / "bad.keras"
    path.write_bytes(content)
    _refused(path, "not a .keras file, or it is damaged")


def _without(path, member):
    """Take a member out of a zip file."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != member}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_damaged_archive_is_refused(tmp_path):
    """A missing member, a missing end and a flipped byte in the weights are found."""
    path = _saved(tmp_path / "mine.keras", _matte())
    content = path.read_bytes()
    network.load(path)
    path.write_bytes(content[: len(content) // 2])
    _refused(path, "damaged")
    for member in ("config.json", "model.weights.h5"):
        path.write_bytes(content)
        _without(path, member)
        _refused(path, "damaged", member)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", '{"class_name": ')
    _refused(path, "damaged")
    kernel = np.asarray(network.load(_saved(path, _matte())).model.weights[0]).tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(kernel)] ^= 1
    path.write_bytes(content)
    _refused(path, "damaged", "model.weights.h5")


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".h5", "save it as .keras"),
        (".HDF5", "save it as .keras"),
        (".pkl", "may run any code"),
        (".pt", "may run any code"),
        (".pth", "may run any code"),
        (".onnx", "convert it to a SavedModel"),
        (".txt", "neither a run folder"),
    ],
)
def test_other_kinds_of_files_are_refused_unread(tmp_path, suffix, words):
    """Each says why it is not taken, and what to do."""
    path = tmp_path / f"model{suffix}"
    path.write_bytes(b"\x80\x04K\x01.")
    _refused(path, words)
    _refused(path, words, unsafe=True)


def test_nothing_and_a_folder_of_something_else_are_refused(tmp_path):
    """A path that is not there, and a folder that is neither run nor SavedModel."""
    _refused(tmp_path / "none.keras", "no file or folder")
    _refused(tmp_path, "neither a run folder", "nor a SavedModel")


def test_a_run_with_a_damaged_config_is_refused(tmp_path):
    """A run folder whose config is no JSON says so."""
    (tmp_path / "config.json").write_text(json.dumps({"family": "tiny"}))
    _refused(tmp_path, "config.json is missing or damaged")


def test_a_file_beside_a_foreign_config_is_no_run(tmp_path):
    """Downloaded models often have a config.json of another kind beside them."""
    (tmp_path / "config.json").write_text("{}")
    assert network.load(_saved(tmp_path / "model.keras", _matte())).config is None


# --- SavedModels -------------------------------------------------------------


def test_a_saved_model_gives_the_mattes_of_its_keras_file(tmp_path, portraits):
    """The same pictures give the same mattes, whichever way the model was stored."""
    path = _saved(tmp_path / "mine.keras", _matte(2), (48, 32, 3))
    original = network.load(path)
    original.model.export(tmp_path / "my model", verbose=False)
    loaded = network.load(tmp_path / "my model")
    assert (loaded.name, loaded.model, loaded.config) == ("my-model", None, None)
    assert loaded.input_size == original.input_size
    assert (loaded.output_channels, loaded.alpha_channel) == (2, 1)
    assert loaded.parameters == original.parameters
    assert loaded.engine == f"tensorflow {tf.__version__}, SavedModel"
    for path in pictures.pictures_in(portraits / "test" / "image"):
        image = pictures.read_image(path)
        np.testing.assert_allclose(loaded.matte(image), original.matte(image), atol=1e-6)


def test_a_module_of_dynamic_batch_runs_and_traces_with_one(tmp_path, picture):
    """The only signature is taken; `call` has a batch of one when it is traced."""
    module = Module()
    signatures = {"matte": module.run.get_concrete_function()}
    tf.saved_model.save(module, str(tmp_path / "gray"), signatures=signatures)
    loaded = network.load(tmp_path / "gray")
    assert loaded.parameters == 3
    expected = pictures.preprocess(picture, 32, 32)[0].mean(axis=-1)
    np.testing.assert_allclose(loaded.matte(picture), expected, atol=1e-6)
    traced = tf.function(loaded.call).get_concrete_function(tf.TensorSpec((1, 32, 32, 3)))
    output = traced(tf.constant(pictures.preprocess(picture, 32, 32)))
    np.testing.assert_allclose(output[0, ..., 0], expected, atol=1e-6)


def test_the_size_of_a_matte_may_be_known_only_by_running(tmp_path):
    """A signature that does not tell its output's shape is run to see it."""

    def call(image):
        return tf.reshape(image, tf.concat([tf.shape(image)[:3] // [1, 2, 2], [-1]], 0))

    loaded = network.load(_exported(tmp_path / "odd", call), alpha_channel=3)
    assert loaded.output_channels == 12


def test_the_hash_is_that_of_graph_and_variables(tmp_path):
    """Another value of a variable is another hash; another file in the folder is not."""
    module = Module()
    for name in ("one", "two"):
        tf.saved_model.save(module, str(tmp_path / name), signatures=module.run)
        module.kernel.assign(tf.zeros((1, 1, 3, 1)))
    first = network.load(tmp_path / "one").sha256
    (tmp_path / "one" / "README.md").write_text("hello")
    assert network.load(tmp_path / "one").sha256 == first
    assert network.load(tmp_path / "two").sha256 != first
    described = network.describe(tmp_path / "one")
    assert (described.name, described.sha256) == ("one", first)
    files = [path for path in (tmp_path / "one").rglob("*") if path.is_file()]
    assert 0 < described.size_bytes < sum(path.stat().st_size for path in files)


def test_a_saved_model_needs_a_signature_to_call(tmp_path):
    """No signature says how to get one; of several without a default, the names."""
    module = tf.Module()
    module.run = tf.function(lambda image: image)
    tf.saved_model.save(module, str(tmp_path / "none"))
    _refused(tmp_path / "none", "no signature", "`model.export(folder)`")
    module = Module()
    signature = module.run.get_concrete_function()
    both = {"night": signature, "day": signature}
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=both)
    _refused(tmp_path / "two", "`serving_default`", "Received: day, night.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None, [(None, 32, 32, 3)] * 2), ("one input", "2 (first, second)")),
        ((None, [(None, None, 32, 3)]), ("fixed input size", "(None, None, 32, 3)")),
        ((None, [tf.TensorSpec(None)]), ("(1, height, width, 3)", "None")),
        ((None, [tf.TensorSpec((None, 32, 32, 3), tf.uint8)]), ("float32", "uint8")),
        ((lambda image: {"a": image, "b": image},), ("one output", "2 (a, b)")),
        ((lambda image: image[..., 0],), ("one matte", "(1, 32, 32)")),
    ],
)
def test_other_ends_of_a_saved_model_are_refused(tmp_path, arguments, words):
    """Two inputs, a dynamic height or rank, bytes, two outputs and no channels."""
    _refused(_exported(tmp_path / "other", *arguments), *words)


def _branching(risky):
    """`risky` of the picture, but three functions deep, in a branch that is never taken."""

    @tf.function
    def inner(image):
        return tf.cond(
            tf.reduce_sum(image) < -1, lambda: risky(image), lambda: tf.identity(image[..., :1])
        )

    @tf.function
    def outer(image):
        matte = image[..., :1]
        for _ in tf.range(1):
            matte = tf.ensure_shape(inner(image), matte.shape)
        return matte

    return outer


def _python(image):
    return tf.ensure_shape(tf.py_function(lambda x: x[..., :1], [image], tf.float32), image.shape)


def _reading(image):
    return image + tf.cast(tf.strings.length(tf.io.read_file("elsewhere.txt")), tf.float32)


def _writing(image):
    with tf.control_dependencies([tf.io.write_file("written.txt", "content")]):
        return tf.identity(image)


def _restoring(image):
    return image + tf.raw_ops.RestoreV2(
        prefix="elsewhere", tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
    )


@pytest.mark.parametrize(
    ("risky", "operator"),
    [
        (_python, "EagerPyFunc"),
        (_reading, "ReadFile"),
        (_writing, "WriteFile"),
        (_restoring, "RestoreV2"),
    ],
)
def test_a_graph_that_leaves_the_tensors_is_refused(tmp_path, risky, operator, monkeypatch):
    """Files and Python are found in branches of loops of functions, and named."""
    monkeypatch.chdir(tmp_path)
    path = _exported(tmp_path / "risky", _branching(lambda image: risky(image[..., :1])))
    _refused(path, f": {operator}; `--unsafe`")
    assert not (tmp_path / "written.txt").exists()


def test_what_runs_on_loading_is_looked_at_before(tmp_path, monkeypatch):
    """The initializer of a table runs when TensorFlow loads it, so loading is too late."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("a\nb\n")
    table = tf.lookup.StaticVocabularyTable(
        tf.lookup.TextFileInitializer(
            "words.txt",
            tf.string,
            tf.lookup.TextFileIndex.WHOLE_LINE,
            tf.int64,
            tf.lookup.TextFileIndex.LINE_NUMBER,
        ),
        num_oov_buckets=1,
    )
    path = _exported(tmp_path / "table", table=table)
    monkeypatch.setattr(tf.saved_model, "load", lambda *_: pytest.fail("it was loaded"))
    _refused(path, "InitializeTableFromTextFileV2", "`--unsafe`")


def test_a_table_in_memory_is_harmless(tmp_path):
    """An ordinary table and random numbers are no reason to refuse a network."""
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), 0.0)

    def call(image):
        return image[..., :1] * table.lookup(tf.constant("a")) + tf.random.uniform(()) * 0

    assert network.load(_exported(tmp_path / "table", call, table=table)).output_channels == 1


def test_a_trusted_graph_may_do_anything(tmp_path, monkeypatch):
    """With `unsafe` the operators run."""
    monkeypatch.chdir(tmp_path)
    path = _exported(tmp_path / "writes", lambda image: _writing(image[..., :1]))
    _refused(path, "WriteFile")
    assert not (tmp_path / "written.txt").exists()
    assert network.load(path, unsafe=True).output_channels == 1
    assert (tmp_path / "written.txt").read_text() == "content"


def test_python_that_stayed_behind_is_one_line(tmp_path):
    """A trusted graph whose Python function is not here does not run, and says so."""
    path = _exported(tmp_path / "python", lambda image: _python(image[..., :1]))
    content = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(content.replace(b"pyfunc_", b"pyfunk_"))
    _refused(path, "does not run", unsafe=True)


def test_the_form_of_tensorflow_1_has_to_be_trusted(tmp_path, picture):
    """Its graph runs in parts on loading, which cannot be told apart beforehand."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3))
        ends = {"image": image}, {"matte": tf.reduce_mean(image, -1, keepdims=True)}
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "old"), *ends)
    _refused(tmp_path / "old", "TensorFlow 1", "`--unsafe`")
    matte = network.load(tmp_path / "old", unsafe=True).matte(picture)
    expected = pictures.preprocess(picture, 32, 32)[0].mean(axis=-1)
    np.testing.assert_allclose(matte, expected, atol=1e-6)


def test_a_damaged_saved_model_is_refused(tmp_path):
    """A cut graph, an empty one, and missing variables each give one line."""
    path = _exported(tmp_path / "gray")
    graph = path / "saved_model.pb"
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    _refused(path, "damaged")
    graph.write_bytes(b"")
    _refused(path, "damaged")
    graph.write_bytes(content.replace(b"Conv2D", b"Conv9D"))
    _refused(path, "operators", "Conv9D")
    graph.write_bytes(content)
    (path / "variables" / "variables.index").unlink()
    _refused(path, "damaged")


def test_a_saved_model_without_tensorflow_says_how_to_get_it(tmp_path, monkeypatch):
    """On a machine without TensorFlow the message has the pip command."""
    (tmp_path / "saved_model.pb").write_bytes(b"")
    monkeypatch.delitem(sys.modules, "mmnet_deploy.networks.saved_model", raising=False)
    monkeypatch.delattr("mmnet_deploy.networks.saved_model", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        network.load(tmp_path)


# --- On the command line -----------------------------------------------------


def _evaluate(*words):
    return CliRunner().invoke(cli, ["evaluate", *map(str, words)])


def test_evaluate_scores_any_network(tmp_path, portraits):
    """A SavedModel scores as its `.keras` file does, and is known by name, hash and size."""
    path = _saved(tmp_path / "mine.keras", _matte(3), (48, 32, 3))
    network.load(path, alpha_channel=0).model.export(tmp_path / "exported", verbose=False)
    records = []
    for model in (path, tmp_path / "exported"):
        options = ("--data", portraits, "--eval-size", "48x48", "--alpha-channel", 2, "--json")
        result = _evaluate(model, *options, "--input-range", -1, 1)
        assert result.exit_code == 0, result.output
        records.append(json.loads(result.stdout))
    for name in ("mad", "gradient_error"):
        assert records[0][name] == pytest.approx(records[1][name], rel=1e-4)
    model = network.describe(tmp_path / "exported")
    assert records[1]["model"]["name"] == "exported"
    assert records[1]["model"]["sha256"] == model.sha256
    assert "SavedModel" in records[1]["engine"]


def test_evaluate_refuses_in_one_line(tmp_path, portraits, tiny_models):
    """Code in a file, a choice that is missing, and a choice where there is none."""
    for words, code, message in (
        ((_saved(tmp_path / "a.keras", _matte(3)),), 2, "`--alpha-channel` must be 0 … 2"),
        ((_saved(tmp_path / "b.keras", layers.Lambda(lambda x: x)),), 1, "`--unsafe`"),
        ((tmp_path,), 1, "neither a run folder"),
        ((tiny_models["float32"], "--alpha-channel", 1), 2, "Received: 1."),
    ):
        result = _evaluate(*words, "--data", portraits)
        assert result.exit_code == code, result.output
        (line,) = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
        assert message in line
