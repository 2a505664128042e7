"""SavedModels: they give their mattes, and nothing of them runs before it was looked at."""

import os
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from mmnet_deploy.errors import MissingDependencyError
from mmnet_deploy.networks import network
from mmnet_deploy.portraits import pictures
from mmnet_deploy.portraits.output import Meaning
from tests.support.foreign import Module, exported, refused, saved, to_matte

layers = keras.layers


def test_a_saved_model_gives_the_mattes_of_its_keras_file(tmp_path, portraits):
    """The same pictures give the same mattes, whichever way the model was stored."""
    path = saved(tmp_path / "mine.keras", to_matte(2), (48, 32, 3))
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

    loaded = network.load(exported(tmp_path / "odd", call), meaning=Meaning(alpha_channel=3))
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
    refused(tmp_path / "none", "no signature", "`model.export(folder)`")
    module = Module()
    signature = module.run.get_concrete_function()
    both = {"night": signature, "day": signature}
    tf.saved_model.save(module, str(tmp_path / "two"), signatures=both)
    refused(tmp_path / "two", "`serving_default`", "Received: day, night.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None, [(None, 32, 32, 3)] * 2), ("one input", "2 (first, second)")),
        ((None, [(None, None, 32, 3)]), ("fixed input size", "(None, None, 32, 3)")),
        ((None, [tf.TensorSpec(None)]), ("(1, height, width, 3)", "None")),
        ((None, [tf.TensorSpec((None, 32, 32, 3), tf.uint8)]), ("float32", "uint8")),
        ((lambda image: {"a": image, "b": image},), ("one output", "2 (a, b)")),
        ((lambda image: image[:, 0, :, 0],), ("a matte", "(1, 32)")),
    ],
)
def test_other_ends_of_a_saved_model_are_refused(tmp_path, arguments, words):
    """Two inputs, a dynamic height or rank, bytes, two outputs and a single row."""
    refused(exported(tmp_path / "other", *arguments), *words)


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
    path = exported(tmp_path / "risky", _branching(lambda image: risky(image[..., :1])))
    refused(path, f": {operator}; `--unsafe`")
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
    path = exported(tmp_path / "table", table=table)
    monkeypatch.setattr(tf.saved_model, "load", lambda *_: pytest.fail("it was loaded"))
    refused(path, "InitializeTableFromTextFileV2", "`--unsafe`")


def test_a_table_in_memory_is_harmless(tmp_path):
    """An ordinary table and random numbers are no reason to refuse a network."""
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1.0]), 0.0)

    def call(image):
        return image[..., :1] * table.lookup(tf.constant("a")) + tf.random.uniform(()) * 0

    assert network.load(exported(tmp_path / "table", call, table=table)).output_channels == 1


def test_a_trusted_graph_may_do_anything(tmp_path, monkeypatch):
    """With `unsafe` the operators run."""
    monkeypatch.chdir(tmp_path)
    path = exported(tmp_path / "writes", lambda image: _writing(image[..., :1]))
    refused(path, "WriteFile")
    assert not (tmp_path / "written.txt").exists()
    assert network.load(path, unsafe=True).output_channels == 1
    assert (tmp_path / "written.txt").read_text() == "content"


def test_python_that_stayed_behind_is_one_line(tmp_path):
    """A trusted graph whose Python function is not here does not run, and says so."""
    path = exported(tmp_path / "python", lambda image: _python(image[..., :1]))
    content = (path / "saved_model.pb").read_bytes()
    (path / "saved_model.pb").write_bytes(content.replace(b"pyfunc_", b"pyfunk_"))
    refused(path, "does not run", unsafe=True)


def test_the_form_of_tensorflow_1_has_to_be_trusted(tmp_path, picture):
    """Its graph runs in parts on loading, which cannot be told apart beforehand."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        image = tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3))
        ends = {"image": image}, {"matte": tf.reduce_mean(image, -1, keepdims=True)}
        tf.compat.v1.saved_model.simple_save(session, str(tmp_path / "old"), *ends)
    refused(tmp_path / "old", "TensorFlow 1", "`--unsafe`")
    matte = network.load(tmp_path / "old", unsafe=True).matte(picture)
    expected = pictures.preprocess(picture, 32, 32)[0].mean(axis=-1)
    np.testing.assert_allclose(matte, expected, atol=1e-6)


def test_a_damaged_saved_model_is_refused(tmp_path):
    """A cut graph, an empty one, and missing variables each give one line."""
    path = exported(tmp_path / "gray")
    graph = path / "saved_model.pb"
    content = graph.read_bytes()
    graph.write_bytes(content[: len(content) // 2])
    refused(path, "damaged")
    graph.write_bytes(b"")
    refused(path, "damaged")
    graph.write_bytes(content.replace(b"Conv2D", b"Conv9D"))
    refused(path, "operators", "Conv9D")
    graph.write_bytes(content)
    (path / "variables" / "variables.index").unlink()
    refused(path, "damaged")


@pytest.mark.parametrize("raised", [TypeError, KeyError, RecursionError, MemoryError])
def test_whatever_loading_meets_is_one_line(tmp_path, monkeypatch, raised):
    """No kind of exception of the libraries, or of what follows, reaches the user."""
    path = exported(tmp_path / "gray")

    def damaged(*_):
        raise raised("within\nsome library")

    for place in ("tensorflow.saved_model.load", "mmnet_deploy.networks.saved_model._chosen"):
        with monkeypatch.context() as patched:
            patched.setattr(place, damaged)
            refused(path, "damaged", "some library")


def test_signatures_of_another_kind_are_damage(tmp_path):
    """An object graph whose signatures became another object is no traceback."""
    path = exported(tmp_path / "gray")
    content = saved_model_pb2.SavedModel()
    graph = path / "saved_model.pb"
    content.ParseFromString(graph.read_bytes())
    objects = content.meta_graphs[0].object_graph_def.nodes
    places = [child.node_id for child in objects[0].children if child.local_name == "signatures"]
    for place in places:
        objects[place].user_object.identifier = "_generic_user_object"
    graph.write_bytes(content.SerializeToString())
    assert places
    refused(path, "damaged", "signatures")


def test_constants_that_claim_much_are_not_made(tmp_path):
    """One number may stand for a tensor of any shape; such a file is refused before loading."""
    path = exported(tmp_path / "gray")
    content = saved_model_pb2.SavedModel()
    graph = path / "saved_model.pb"
    content.ParseFromString(graph.read_bytes())
    node = content.meta_graphs[0].graph_def.library.function[0].node_def.add()
    node.name, node.op = "huge", "Const"
    node.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(1.0, shape=(2,)))
    node.attr["value"].tensor.tensor_shape.dim[0].size = 10**11
    graph.write_bytes(content.SerializeToString())
    refused(path, "constants of at most", "100,000,000,0")
    refused(path, "constants of at most", unsafe=True)


def test_pipes_in_a_saved_model_are_not_waited_for(tmp_path):
    """Neither the graph nor the variables are read from a pipe."""
    path = exported(tmp_path / "gray")
    for name in ("variables/variables.index", "saved_model.pb"):
        (path / name).unlink()
        os.mkfifo(path / name)
        refused(path, "not a regular file")


def test_a_saved_model_without_tensorflow_says_how_to_get_it(tmp_path, monkeypatch):
    """On a machine without TensorFlow the message has the pip command."""
    (tmp_path / "saved_model.pb").write_bytes(b"")
    monkeypatch.delitem(sys.modules, "mmnet_deploy.networks.saved_model", raising=False)
    monkeypatch.delattr("mmnet_deploy.networks.saved_model", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingDependencyError, match="pip install"):
        network.load(tmp_path)
