"""What files tell apps of themselves: written for every reader, and read whatever it holds."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmnet_deploy.errors import ModelFileError
from mmnet_deploy.portraits.output import Meaning
from mmnet_deploy.tflite import app_metadata
from mmnet_deploy.tflite.app_metadata import ENTRY, Metadata, TensorMetadata, packed
from mmnet_deploy.tflite.app_metadata.record import ACTIVATIONS
from mmnet_deploy.tflite.card import read_card
from mmnet_deploy.tflite.half_precision import HALF, entry, with_entry
from mmnet_deploy.tflite.schema import with_metadata
from tests.support.networks import output_of

TEXTS = st.text(max_size=20)
FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=3)
SOME = FLOATS.map(tuple)
TENSORS = st.builds(
    TensorMetadata,
    name=TEXTS,
    description=TEXTS,
    content=st.sampled_from(["", "feature", "image"]),
    mean=SOME,
    low=SOME,
    high=SOME,
).map(lambda tensor: dataclasses.replace(
    tensor,
    std=tensor.mean,
    color_space="RGB" if tensor.content == "image" else "",
    dimensions=(1, 3) if tensor.content else None,
))  # fmt: skip
METADATA = st.builds(
    Metadata,
    *[TEXTS] * 5,
    st.lists(TENSORS, max_size=2).map(tuple),
    st.lists(TENSORS, max_size=2).map(tuple),
    st.sampled_from(["", *ACTIVATIONS]),
)


@given(METADATA)
@settings(max_examples=30)
def test_what_is_written_is_read_and_equal_records_are_equal_bytes(metadata):
    """Every field comes back, and nothing but the record decides the bytes."""
    content = packed(metadata)
    assert app_metadata.reading._metadata(content) == metadata
    assert packed(dataclasses.replace(metadata)) == content


@given(st.data())
@settings(max_examples=60)
def test_damage_is_one_error_or_another_text(described, data):
    """Whatever byte is changed, and wherever the entry ends, nothing else is raised."""
    whole = packed(app_metadata.of_card(read_card(described), author="A", license="MIT"))
    place = data.draw(st.integers(4, len(whole) - 1))
    changed = bytearray(whole[: data.draw(st.integers(place + 1, len(whole)))])
    changed[place] = data.draw(st.integers(0, 255))
    content = with_metadata(described, ENTRY.encode(), bytes(changed))
    try:
        assert isinstance(app_metadata.read(content), Metadata)
    except ModelFileError as error:
        assert "its TFLITE_METADATA is damaged" in str(error)


@pytest.mark.parametrize(
    ("low", "high", "mean", "std"), [(0, 1, 0, 255), (-1, 1, 127.5, 127.5), (0, 255, 0, 1)]
)
def test_normalisation_brings_bytes_to_the_networks_range(described, low, high, mean, std):
    """(byte − mean) / std is black for 0 and white for 255."""
    card = dataclasses.replace(read_card(described), input_low=low, input_high=high)
    (picture,) = app_metadata.of_card(card).inputs
    assert (picture.mean, picture.std) == ((mean,), (std,))
    ends = (np.array([0, 255]) - picture.mean[0]) / picture.std[0]
    assert (tuple(ends), picture.low, picture.high) == ((low, high), (low,), (high,))


def test_other_metadata_and_the_arithmetic_stay(described):
    """Our description and the leave for half precision; a second time changes no byte."""
    metadata = app_metadata.of_card(read_card(described))
    content = app_metadata.with_app_metadata(with_entry(described, HALF), metadata)
    assert app_metadata.read(content) == metadata and app_metadata.read(described) is None
    assert (entry(content), read_card(content)) == (HALF, read_card(described))
    assert (output_of(content) == output_of(described)).all()


def test_nobody_gets_a_licence_that_he_did_not_choose(described):
    """Without a word of the user, author and licence are absent."""
    metadata = app_metadata.of_card(read_card(described))
    assert (metadata.author, metadata.license) == ("", "")


@pytest.mark.parametrize(
    ("ours", "mean", "activation", "words"),
    [
        ({}, (127.5,), "sigmoid", ""),
        ({"input_range": (-1.0, 1.0), "output": "logit"}, (127.5,), "sigmoid", ""),
        ({"input_range": (0.0, 1.0), "output": "alpha"}, (), "none", ""),
        ({"input_range": (0.0, 1.0)}, (127.5,), "sigmoid", "`--input-range -1 1`: what you say"),
        ({"output": "alpha"}, (127.5,), "softmax", "of a.tflite asks for `--output so"),
        (
            {"input_range": (0.0, 1.0), "output": "alpha"},
            *((127.5,), "sigmoid", "`--output logit` and `--input-range -1 1`"),
        ),
        ({"input_range": (0.0, 1.0)}, (1.0, 2.0, 3.0), "", "another `--input-range` for each col"),
    ],
)
def test_what_somebody_says_against_the_metadata_is_told(ours, mean, activation, words):
    """One line names what the file asks for; where both agree there is none."""
    picture = TensorMetadata(mean=mean, std=(127.5,) * len(mean))
    said = Metadata(inputs=(picture,), activation=activation)
    line = app_metadata.overruled(Meaning(**ours), said, "a.tflite", is_float=True)
    assert words in line and bool(line) == bool(words)
