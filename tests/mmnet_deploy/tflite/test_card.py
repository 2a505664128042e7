"""The description: what a file says of itself survives, and damage to it is found."""

import dataclasses

import numpy as np
import pytest

from mmnet_deploy.errors import ResultError
from mmnet_deploy.files import sha256
from mmnet_deploy.tflite import counts, interpreter
from mmnet_deploy.tflite.card import card_to_json, describe, read_card, with_card
from mmnet_deploy.tflite.graph import Graph

PICTURE = np.random.default_rng(0).integers(0, 256, (40, 30, 3), dtype=np.uint8)


def test_card_survives_the_model_file(described, card):
    """Every field is read back from the metadata as it was written."""
    assert read_card(described) == card


def test_model_of_other_origin_has_no_card(foreign):
    """The converter's own metadata is not taken for ours."""
    assert read_card(foreign) is None


def test_card_does_not_change_the_network(foreign, described, tmp_path):
    """A model computes the same with and without its description."""
    mattes = []
    for name, model in (("foreign", foreign), ("described", described)):
        path = tmp_path / f"{name}.tflite"
        path.write_bytes(model)
        mattes.append(interpreter.TFLiteModel(path).matte(PICTURE))
    assert np.array_equal(*mattes)


def test_card_does_not_displace_other_metadata(foreign, described):
    """What other tools wrote into the model is still there."""
    assert b"min_runtime_version" in foreign
    assert b"min_runtime_version" in described


def test_describing_a_file(path, card, foreign, tmp_path):
    """Name, hash, size and card; what one of other origin costs is counted in its graph."""
    found = describe(path)
    assert (found.name, found.card) == ("tiny.tflite", card)
    assert (found.sha256, found.size_bytes) == (sha256(path), path.stat().st_size)
    (tmp_path / "foreign.tflite").write_bytes(foreign)
    other = describe(tmp_path / "foreign.tflite")
    assert found.parameters is None and other.card is None
    graph = Graph.from_bytes(foreign)
    assert other.parameters == counts.total_parameters(graph) > 0
    assert other.macs == counts.total_macs(graph) > 0
    # Nobody knows what a picture of any size costs.
    graph.inputs[0].signature = (1, -1, -1, 3)
    (tmp_path / "any.tflite").write_bytes(graph.to_bytes())
    assert describe(tmp_path / "any.tflite").macs is None


@pytest.mark.parametrize("text", ["", "words", "[]", "{}", '{"family": "mmnet"}'])
def test_damaged_card_is_refused(foreign, text):
    """A description that is ours but cannot be read is an error, not a foreign model."""
    with pytest.raises(ResultError, match=r"description is damaged"):
        read_card(with_card(foreign, text))


def test_card_that_is_no_text_is_refused(described):
    """Neither can bytes that are no UTF-8 be a description."""
    with pytest.raises(ResultError, match=r"description is damaged"):
        read_card(described.replace(b'"precision"', b'"\xff\xfeecision"'))


def test_a_new_card_replaces_the_old_one(described, card):
    """A model is described once, by whoever described it last."""
    newer = dataclasses.replace(card, precision="int16x8")
    again = with_card(described, card_to_json(newer))
    assert read_card(again) == newer
    assert again.count(b"mmnet_deploy") == described.count(b"mmnet_deploy")
