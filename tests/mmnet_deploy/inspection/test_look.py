"""What a file tells of itself, what two of them differ in, and what layers are called."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from mmnet_deploy import inspection
from mmnet_deploy.conversion.quantization import PRECISIONS
from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.inspection import difference
from mmnet_deploy.inspection.quantization_error import LayerNoise, QuantizationError
from mmnet_deploy.tflite import app_metadata, counts
from mmnet_deploy.tflite.card import card_from_json, card_to_json, with_card
from mmnet_deploy.tflite.graph import Graph
from mmnet_deploy.tflite.half_precision import HALF, with_entry
from mmnet_deploy.tflite.runtime import runtime_name
from mmnet_deploy.tflite.schema import with_metadata
from tests.support.networks import converted


def _convert(function, shape=(1, 16, 16, 3), **options) -> bytes:
    ops = [tf.lite.OpsSet.TFLITE_BUILTINS, tf.lite.OpsSet.SELECT_TF_OPS]
    return converted(function, shape, target_spec=tf.lite.TargetSpec(supported_ops=ops), **options)


# --- One file ----------------------------------------------------------------


def test_metadata_of_any_file_is_shown_and_a_damaged_one_is_a_finding(inspect):
    """Who made a file, under which licence, and how pictures are normalised; all else holds."""
    content = _convert(lambda x: tf.nn.relu(x))
    assert inspect(content).metadata is None
    said = app_metadata.Metadata(
        "Net", author="Ann", license="MIT",
        inputs=(app_metadata.TensorMetadata(mean=(127.5,), std=(127.5,)),),
    )  # fmt: skip
    foreign = app_metadata.with_app_metadata(content, said)
    found = inspect(foreign)
    assert found.metadata == said and not found.findings
    assert json.loads(inspection.to_json(found))["metadata"]["license"] == "MIT"
    changes = {change.what: change.after for change in difference.compare(
        inspect(content), found).facts}  # fmt: skip
    assert (changes["metadata_license"], changes["metadata_mean"]) == ("MIT", [[127.5]])
    damaged = with_metadata(content, app_metadata.ENTRY.encode(), b"no flatbuffer at all")
    (finding,) = inspect(damaged).findings
    assert finding.rule == "app_metadata" and "TFLITE_METADATA" in finding.why


@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_tensors_tell_the_precision(tiny_models, precision):
    """Whatever the description says, and the same as it does."""
    found = inspection.inspect(tiny_models[precision])
    assert found.file.card.precision == precision
    if precision != "dynamic":  # The tiny network has no filter that is worth quantizing.
        assert found.precision == precision


def test_a_hybrid_file_is_dynamic(inspect):
    """int8 weights and float activations."""
    filters = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 3, 64)), tf.float32)
    content = _convert(
        lambda x: tf.nn.conv2d(x, filters, 1, "SAME"), optimizations=[tf.lite.Optimize.DEFAULT]
    )
    assert inspect(content).precision == "dynamic"


@pytest.mark.parametrize(
    ("precision", "on_fp16_cores", "on_others"),
    [
        ("float32", "float32", "float32"),
        ("float16", "float16", "float32"),
        ("int8", "int8", "int8"),
        ("int16x8", "int16", "int16"),
    ],
)
def test_what_a_file_computes_in(tiny_models, precision, on_fp16_cores, on_others):
    """On cores with fp16 arithmetic and on others."""
    found = inspection.inspect(tiny_models[precision])
    assert found.computes_in == inspection.Arithmetic(on_fp16_cores, on_others)
    assert bool(found.reduced_precision) == (precision == "float16")


def test_a_foreign_file_computes_in_what_its_entry_says(tiny_models, inspect):
    """The entry counts and not the description; without it a float16 file is a finding."""
    content = tiny_models["float16"].read_bytes()
    plain = inspect(with_entry(content, ""))
    assert plain.computes_in == inspection.Arithmetic("float32", "float32")
    assert [finding.rule for finding in plain.findings] == ["half_precision"]
    card = dataclasses.replace(plain.file.card, reduced_precision_reason="it breaks")
    meant = inspect(with_card(with_entry(content, ""), card_to_json(card)))
    assert not meant.findings
    half = inspect(with_entry(tiny_models["float32"].read_bytes(), HALF))
    assert half.computes_in == inspection.Arithmetic("float16", "float32")
    changes = difference.compare(inspection.inspect(tiny_models["float32"]), half).facts
    assert {change.what: (change.before, change.after) for change in changes[1:]} == {
        "reduced_precision": (None, HALF),
        "arithmetic_on_fp16_cores": ("float32", "float16"),
    }


def test_ends_have_their_scale(tiny_models):
    """Input and output of an integer file with type, scale and zero point."""
    found = inspection.inspect(tiny_models["int8"])
    (source,), (target,) = found.inputs, found.outputs
    assert (source.shape, source.dtype, source.zero_point) == ((1, 32, 32, 3), "UINT8", 0)
    assert source.scale == pytest.approx(1 / 255)
    assert target.dtype == "UINT8"
    (plain,) = inspection.inspect(tiny_models["float32"]).inputs
    assert (plain.dtype, plain.scale, plain.zero_point) == ("FLOAT32", None, None)


@pytest.mark.parametrize("precision", ["float32", "float16", "int8"])
def test_layers_add_up_to_the_whole(tiny_models, precision):
    """Parameters and multiply-adds by layer are those of the file, unpacked weights too."""
    found = inspection.inspect(tiny_models[precision])
    graph = Graph.from_bytes(tiny_models[precision].read_bytes())
    assert sum(layer.macs for layer in found.layers) == found.macs == counts.total_macs(graph)
    assert sum(layer.parameters for layer in found.layers) == found.parameters
    assert sum(found.operators.values()) == len(graph.ops)
    assert all(not layer.name.endswith("weights") for layer in found.layers)
    assert max(layer.activation_bytes for layer in found.layers) <= found.peak_activation_bytes
    assert found.peak_layer in {layer.name for layer in found.layers}


def test_delegation_says_who_runs_what(tiny_models, inspect):
    """All of a float file in one partition; what is left out has no partition."""
    found = inspection.inspect(tiny_models["float32"])
    assert found.delegation.partitions == (len(found.layers),)
    assert found.delegation.engine == runtime_name()
    assert not found.delegation.left_out
    assert {layer.partition for layer in found.layers} == {0}
    cut = inspect(
        _convert(
            lambda x: tf.raw_ops.ResizeNearestNeighbor(
                images=tf.nn.relu(x), size=(32, 32), half_pixel_centers=True
            )
        )
    )
    assert cut.delegation.left_out == {"RESIZE_NEAREST_NEIGHBOR": 1}
    assert [layer.partition for layer in cut.layers] == [0, None]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (lambda: _convert(lambda x: tf.linalg.trace(x)[..., None]), "flex"),
        (lambda: _convert(tf.nn.relu, shape=(1, None, None, 3)), "dynamic_shape"),
    ],
    ids=["flex", "dynamic"],
)
def test_a_file_that_cannot_run_is_shown_all_the_same(inspect, content, rule):
    """Its delegation is not known, and a finding says why."""
    found = inspect(content())
    assert found.delegation.problem
    assert found.delegation.partitions == ()
    assert [finding.rule for finding in found.findings] == [rule]
    if rule == "dynamic_shape":
        assert found.macs is None
        assert found.peak_activation_bytes is None
        assert found.inputs[0].shape == (1, -1, -1, 3)


def test_a_file_that_this_runtime_cannot_load_is_a_finding(inspect):
    """An operator of another tool is no reason to keep the rest to oneself."""
    content = _convert(lambda x: tf.linalg.trace(x)[..., None])
    found = inspect(content.replace(b"FlexMatrixDiagPartV3", b"AliceMatrixDiagPart3"))
    (finding,) = found.findings
    assert finding.rule == "not_loaded"
    assert "uses the operator AliceMatrixDiagPart3, which is none of" in finding.why


def test_what_is_no_model_is_refused(tmp_path, tiny_models):
    """Missing, a text, a folder, and truncated anywhere: an error that names the file."""
    content = tiny_models["int8"].read_bytes()
    path = tmp_path / "a.tflite"
    with pytest.raises(ModelFileError, match=r"a\.tflite"):
        inspection.inspect(path)
    for share in (0.0, 0.01, 0.5, 0.99):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(ModelFileError, match=r"a\.tflite"):
            inspection.inspect(path)
    path.write_bytes(with_card(content, "[]"))
    with pytest.raises(ModelFileError, match=r"a\.tflite is damaged: its description"):
        inspection.inspect(path)


# --- JSON --------------------------------------------------------------------


def test_json_holds_the_description(tiny_models):
    """The facts that the file carries are read back as they were written."""
    found = inspection.inspect(tiny_models["int8"])
    content = json.loads(inspection.to_json(found))
    assert (content["kind"], content["schema_version"]) == ("inspection", 1)
    assert card_from_json(json.dumps(content["file"]["card"])) == found.file.card
    assert content["inputs"][0]["scale"] == pytest.approx(1 / 255)
    assert len(content["layers"]) == len(found.layers)
    assert content["macs"] == found.macs


def test_json_has_no_infinity(tiny_models):
    """A layer without error has no ratio; other parsers need not know infinity."""
    layers = (LayerNoise("a", "ADD", 1.0, 0.01), LayerNoise("b", "ADD", 1.0, 0.0))
    text = inspection.to_json(
        inspection.inspect(tiny_models["float32"]), QuantizationError(layers, 0, 4)
    )
    assert "Infinity" not in text
    error = json.loads(text)["quantization_error"]
    assert error["pictures"] == 4
    assert [layer["signal_to_noise_db"] for layer in error["layers"]] == [pytest.approx(20), None]
