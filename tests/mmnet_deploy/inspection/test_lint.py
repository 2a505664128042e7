"""Every rule on a real file that breaks it, and on those that only look as if they did."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.inspection.lint import lint
from mmnet_deploy.tflite import half_precision, interpreter
from mmnet_deploy.tflite.graph import Graph
from tests.support.networks import converted, vary_batch_norms

PICTURE = (1, 16, 16, 3)
BUILTINS = tf.lite.OpsSet.TFLITE_BUILTINS
INT8 = tf.lite.OpsSet.TFLITE_BUILTINS_INT8
INT16 = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def _weights(*shape):
    return tf.constant(np.random.default_rng(0).normal(size=shape), tf.float32)


def _conv(x, channels=8):
    return tf.nn.conv2d(x, _weights(3, 3, x.shape[-1], channels), 1, "SAME")


def _convert(function, shape=PICTURE, ops=(BUILTINS,), **options) -> bytes:
    target = {"target_spec": tf.lite.TargetSpec(supported_ops=list(ops))}
    return converted(function, shape, **(target | options))


def _quantize(function, *ops, **options) -> bytes:
    """All that `ops` have kernels for in integers, ranges from noise."""
    rng = np.random.default_rng(0)
    samples = [[rng.random(PICTURE, np.float32)] for _ in range(3)]
    return _convert(
        function, ops=ops or (INT8,), optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: iter(samples), **options,
    )  # fmt: skip


@pytest.fixture
def look(tmp_path):
    """Findings of a file's content by rule, with the delegation of the installed runtime."""

    def findings(content):
        path = tmp_path / "model.tflite"
        path.write_bytes(content)
        try:
            partitions = interpreter.TFLiteModel(path).partitions
        except ModelFileError:
            partitions = None
        found = lint(Graph.from_bytes(content), partitions, half_precision.entry(content))
        return {finding.rule: finding for finding in found}

    return findings


def _keras(*layers) -> keras.Model:
    image = keras.Input(PICTURE[1:])
    x = image
    for layer in layers:
        x = layer(x)
    model = keras.Model(image, x)
    vary_batch_norms(model)  # The converter would drop a fresh one, which changes nothing.
    return model


# --- Clean files -------------------------------------------------------------


@pytest.mark.parametrize("precision", ["float32", "float16", "int8-weights", "dynamic", "int8"])
def test_our_own_files_are_clean(look, tiny_models, precision):
    """Folded, static and delegated whole: nothing to complain of in what `convert` makes."""
    assert not look(tiny_models[precision].read_bytes())


@pytest.mark.parametrize("io", [tf.float32, tf.int8, tf.uint8])
def test_the_ends_of_an_integer_file_are_no_islands(look, io):
    """Conversions at float ends, and from and to uint8, are what the user asked for."""
    content = _quantize(
        lambda x: tf.nn.relu6(_conv(x)), inference_input_type=io, inference_output_type=io
    )
    assert not look(content)


def _in_float16(sums=None) -> bytes:
    """A convolution with float16 weights; TensorFlow writes the entry if the sums have a type."""
    spec = tf.lite.TargetSpec(supported_types=[tf.float16])
    if sums is not None:
        spec._experimental_supported_accumulation_type = sums
    return _convert(_conv, optimizations=[tf.lite.Optimize.DEFAULT], target_spec=spec)


def test_unpacked_weights_are_no_islands(look):
    """Neither the DEQUANTIZE of float16 weights nor int8 weights make an integer graph."""
    hybrid = _convert(lambda x: _conv(x, 64), optimizations=[tf.lite.Optimize.DEFAULT])
    assert set(look(_in_float16())) == {"half_precision"}
    assert not look(hybrid)


def test_a_float16_file_that_computes_in_float32_is_found(look):
    """With TensorFlow's own entry it is clean; an entry that XNNPACK ignores is named."""
    assert not look(_in_float16(tf.float16))
    ignored = look(_in_float16(tf.float32))
    assert set(ignored) == {"half_precision"}
    assert "ignores `fp16accfp32`" in ignored["half_precision"].what


# --- Left over by the converter ----------------------------------------------


def test_space_to_batch_is_found(look):
    """A dilation that is emulated in batches is named, operator by operator."""
    found = look(
        _convert(
            lambda x: tf.batch_to_space(
                _conv(tf.space_to_batch(x, (2, 2), ((0, 0), (0, 0)))), (2, 2), ((0, 0), (0, 0))
            )
        )
    )
    assert set(found) == {"space_to_batch", "delegation"}
    assert "1 SPACE_TO_BATCH_ND, 1 BATCH_TO_SPACE_ND" in found["space_to_batch"].what
    assert len(found["space_to_batch"].where) == 2
    assert "1 of 3 operators, in 1 partition" in found["delegation"].what


def test_what_keras_leaves_at_an_unknown_batch(look):
    """The plain way to convert a dilated network has all of the common faults at once."""
    model = _keras(
        keras.layers.DepthwiseConv2D(3, dilation_rate=2, padding="same", use_bias=False),
        keras.layers.BatchNormalization(),
    )
    found = look(
        _convert(lambda x: model(x, training=False), shape=(None, 16, 16, 3)),
    )
    assert set(found) == {"space_to_batch", "batch_norm", "dynamic_batch", "delegation"}
    assert "1 MUL, 1 ADD" in found["batch_norm"].what
    assert "(-1, 16, 16, 3)" in found["dynamic_batch"].what
    assert "in 2 partitions" in found["delegation"].what
    assert not look(_convert(lambda x: model(x, training=False)))


def test_a_batch_norm_before_a_convolution_is_found(look):
    """Scale and shift that the next convolution could take, unpacked from float16 or not."""
    scale, shift = _weights(8), _weights(8)
    for options in ({}, {"target_spec": tf.lite.TargetSpec(supported_types=[tf.float16])}):
        optimizations = [tf.lite.Optimize.DEFAULT] if options else []
        content = _convert(
            lambda x: _conv(tf.nn.relu(_conv(x)) * scale + shift),
            optimizations=optimizations, **options,
        )  # fmt: skip
        assert set(look(content)) - {"half_precision"} == {"batch_norm"}


@pytest.mark.parametrize(
    "function",
    [
        lambda x: _conv(x) * _weights(8) + _weights(8),
        lambda x: tf.nn.relu(_conv(x)) * _weights(8) + _weights(8),
        lambda x: _conv(x * 2.0 - 1.0),
        lambda x: _conv((x - _weights(3)) * _weights(3)),
        lambda x: _conv(tf.nn.relu(_conv(x)) * 0.5),
        lambda x: (lambda y: y * tf.reduce_mean(y, (1, 2), keepdims=True))(_conv(x)),
        lambda x: (lambda y: tf.concat([y, y * _weights(8)], -1))(_conv(x)),
    ],
    ids=["folded", "last", "scalar", "normalised", "halved", "gate", "shared"],
)
def test_what_is_no_batch_norm_left_over(look, function):
    """Folded ones, a picture's normalisation, scalars, gates, and what could not be folded."""
    assert "batch_norm" not in look(_convert(function))


def test_variables_are_found(look):
    """Weights that were not frozen are read anew at every inference."""
    model = _keras(keras.layers.Conv2D(4, 3, padding="same"))
    concrete = tf.function(lambda x: model(x, training=False)).get_concrete_function(
        tf.TensorSpec(PICTURE, tf.float32)
    )
    content = tf.lite.TFLiteConverter.from_concrete_functions([concrete], model).convert()
    found = look(content)
    assert "2 READ_VARIABLE" in found["variables"].what
    assert not {"transpose", "batch_norm", "float_islands"} & set(found)


def test_flex_operators_are_found(look):
    """What needs TensorFlow is named, although no runtime here can load the file."""
    content = _convert(
        lambda x: tf.linalg.trace(x)[..., None], ops=(BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS)
    )
    found = look(content)
    assert set(found) == {"flex"}
    assert "FlexMatrixDiagPart" in found["flex"].what


# --- Shapes and layout -------------------------------------------------------


def test_an_unknown_batch_is_found(look):
    """A batch of any size is told apart from a picture of any size."""
    found = look(_convert(_conv, shape=(None, 16, 16, 3)))
    assert set(found) == {"dynamic_batch"}


@pytest.mark.parametrize(
    ("function", "shape"),
    [(_conv, (1, None, None, 3)), (lambda x: tf.cast(tf.where(x > 0.5), tf.float32), PICTURE)],
    ids=["input", "inside"],
)
def test_unknown_sizes_are_found(look, function, shape):
    """Whether the input has them or the data alone decides."""
    found = look(_convert(function, shape=shape))
    assert "no fixed size" in found["dynamic_shape"].what
    assert "dynamic_batch" not in found


def test_channels_first_is_found(look):
    """Transpositions to channels last and back, at the ends and around layers."""
    found = look(
        _convert(
            lambda x: tf.transpose(_conv(tf.transpose(x, (0, 2, 3, 1))), (0, 3, 1, 2)),
            shape=(1, 3, 16, 16),
        )
    )
    assert set(found) == {"transpose"}
    assert "2 TRANSPOSE" in found["transpose"].what
    inner = look(
        _convert(
            lambda x: _conv(
                tf.transpose(tf.nn.relu(tf.sin(tf.transpose(_conv(x), (0, 3, 1, 2)))), (0, 2, 3, 1))
            )
        )
    )
    assert len(inner["transpose"].where) == 2


def test_attention_is_not_channels_first(look):
    """The same order of axes between matrix products is no change of format."""

    def attention(x):
        heads = tf.reshape(_conv(x), (1, 256, 2, 4))
        keys = tf.transpose(heads, (0, 2, 3, 1))
        return tf.matmul(tf.transpose(heads, (0, 2, 1, 3)), keys * 0.5)

    graph = Graph.from_bytes(content := _convert(attention))
    assert any(op.kind == "TRANSPOSE" for op in graph.ops)
    assert "transpose" not in look(content)


@pytest.mark.parametrize("corners", [False, True])
@pytest.mark.parametrize("centres", [False, True])
def test_resize_flags(look, corners, centres):
    """Only both flags at once are refused; XNNPACK takes the others, the legacy kind too."""
    content = _convert(
        lambda x: tf.raw_ops.ResizeBilinear(
            images=_conv(x), size=(32, 32), align_corners=corners, half_pixel_centers=centres
        )
    )
    assert set(look(content)) == ({"resize_flags"} if corners and centres else set())


# --- Precision and delegation ------------------------------------------------


def test_a_float_island_is_found(look):
    """An operator without an integer kernel, with the conversions to it and back."""
    content = _quantize(lambda x: _conv(tf.sin(_conv(x))), INT8, BUILTINS)
    (found,) = look(content).values()
    assert found.rule == "float_islands"
    assert "1 SIN" in found.what
    assert "1 DEQUANTIZE, 1 QUANTIZE" in found.what
    assert len(found.where) == 1


def test_float_at_the_end_is_found_without_the_end_itself(look):
    """A float tail has one conversion, and the one at the input is not charged to it."""
    found = look(_quantize(lambda x: tf.sin(_conv(x)), INT8, BUILTINS))["float_islands"]
    assert "1 SIN" in found.what
    assert "with 1 DEQUANTIZE around" in found.what


def test_what_the_delegate_leaves_is_named(look):
    """Operators without a kernel in XNNPACK, by kind, with what it took."""
    content = _convert(
        lambda x: tf.raw_ops.ResizeNearestNeighbor(
            images=_conv(x), size=(32, 32), half_pixel_centers=True
        )
    )
    (found,) = look(content).values()
    assert found.rule == "delegation"
    assert "takes 1 of 2 operators" in found.what
    assert "1 RESIZE_NEAREST_NEIGHBOR" in found.what


def test_int16_activations_are_said_to_be_the_reason(look, tiny_models):
    """XNNPACK takes nothing of such a file, which no other operator would change."""
    for content in (_quantize(_conv, INT16), tiny_models["int16x8"].read_bytes()):
        (found,) = look(content).values()
        assert found.rule == "delegation"
        assert "takes 0 of" in found.what
        assert "int16" in found.what


def test_without_a_runtime_nothing_is_said_of_delegation():
    """What is not known is no finding."""
    assert not lint(Graph.from_bytes(_convert(_conv)), None)


def test_partitions_are_the_operators_between_the_cuts(tmp_path):
    """Each partition has the operators up to the next one that XNNPACK does not take."""

    def cut(x):
        double = tf.raw_ops.ResizeNearestNeighbor(
            images=_conv(x), size=(32, 32), half_pixel_centers=True
        )
        return tf.nn.softmax(_conv(double, 2))

    path = tmp_path / "model.tflite"
    path.write_bytes(content := _convert(cut))
    kinds = [op.kind for op in Graph.from_bytes(content).ops]
    assert kinds == ["CONV_2D", "RESIZE_NEAREST_NEIGHBOR", "CONV_2D", "SOFTMAX"]
    assert sorted(interpreter.TFLiteModel(path).partitions) == [(0,), (2, 3)]
