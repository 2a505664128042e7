"""What two files differ in."""

import dataclasses
import json

import tensorflow as tf

from mmnet_deploy import inspection
from mmnet_deploy.inspection import difference
from tests.support.networks import converted

SHAPE = (1, 16, 16, 3)


def test_the_same_file_differs_in_nothing(tiny_models):
    """Nothing but the name may differ."""
    found = inspection.inspect(tiny_models["int8"])
    assert difference.compare(found, found) == difference.FileDifference((), (), (), ())


def test_difference_of_two_precisions(tiny_models):
    """Size, precision, memory, ends, description and the type of every layer; not the MACs."""
    before, after = (inspection.inspect(tiny_models[name]) for name in ("float32", "int8"))
    changes = difference.compare(before, after)
    facts = {change.what: (change.before, change.after) for change in changes.facts}
    assert facts["precision"] == ("float32", "int8")
    assert facts["size_bytes"] == tuple(
        tiny_models[name].stat().st_size for name in ("float32", "int8")
    )
    assert facts["input_0_dtype"] == ("FLOAT32", "UINT8")
    assert "macs" not in facts
    assert facts["parameters"][1] == facts["parameters"][0] + 1  # The sigmoid's 256/255.
    assert ("QUANTIZE", None, 2) in map(dataclasses.astuple, changes.operators)
    assert "precision" in {change.what for change in changes.card}
    assert any(
        change.before and change.after and change.before[2] != change.after[2]
        for change in changes.layers
    )
    content = json.loads(difference.to_json(before, after))
    assert content["kind"] == "difference"
    assert len(content["difference"]["facts"]) == len(changes.facts)
    assert content["before"]["file"]["name"] == tiny_models["float32"].name


def test_layers_that_come_and_go(inspect):
    """They are told from those that only changed, and by number where names repeat."""
    before = inspect(converted(lambda x: tf.nn.softmax(tf.sin(x, name="wave")), SHAPE), "a.tflite")
    after = inspect(converted(lambda x: tf.nn.softmax(tf.cos(x, name="turn")), SHAPE), "b.tflite")
    changes = {change.what: change for change in difference.compare(before, after).layers}
    assert changes["wave"].after is None
    assert changes["turn"].before is None
    assert "PartitionedCall:0" not in changes
