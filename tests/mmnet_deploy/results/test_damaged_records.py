"""Damaged results: read or refused, never taken for something else."""

import copy
import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_benchmark import (
    InstructionCounts,
)
from mmnet_deploy.errors import ResultError
from mmnet_deploy.results import record_json, records
from mmnet_deploy.tflite.card import (
    card_from_json,
)
from tests.support.any_record import results, texts
from tests.support.results import counted, with_constant

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def _places(value, path=()):
    """Paths of all values inside a JSON value."""
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(item, (*path, key))


def _read(parse, text):
    """What `parse` makes of `text`, None where it refuses it in the right way."""
    try:
        return parse(text)
    except ResultError as error:
        assert str(error).endswith(".") and "\n" not in str(error)
        return None


@given(results, st.data())
@settings(deadline=None)
def test_changed_results_are_read_or_refused(record, data):
    """Any value put in any place gives a record or a ResultError, never another error."""
    content = json.loads(record_json.to_json(record))
    *path, last = data.draw(st.sampled_from([p for p in _places(content) if p]))
    content = copy.deepcopy(content)
    place = content
    for key in path:
        place = place[key]
    if isinstance(place, dict) and data.draw(st.booleans()):
        del place[last]
    else:
        place[last] = data.draw(json_values)
    read = _read(record_json.from_json, json.dumps(content))
    assert read is None or isinstance(read, records.Record)


@given(results, st.data())
@settings(deadline=None)
def test_results_with_damaged_bytes_are_read_or_refused(record, data):
    """Bytes that were overwritten give a record or a ResultError, never another error."""
    content = bytearray(record_json.to_json(record).encode())
    start = data.draw(st.integers(0, len(content) - 1))
    noise = data.draw(st.binary(max_size=6) | st.sampled_from([b"9" * 30, b"NaN", b"1e999", b"["]))
    content[start : start + data.draw(st.integers(0, 6))] = noise
    read = _read(record_json.from_json, bytes(content))
    assert read is None or isinstance(read, records.Record)


@given(results, st.floats(0, 0.999))
@settings(deadline=None)
def test_truncated_results_are_refused(record, share):
    """Half a file is no result."""
    text = record_json.to_json(record).rstrip()
    with pytest.raises(ResultError, match="is not a result of mmnet-deploy, or is damaged"):
        record_json.from_json(text[: int(share * len(text))])


@given(
    json_values | st.dictionaries(st.sampled_from(["kind", "schema_version", "model"]), json_values)
)
@settings(deadline=None)
def test_other_json_is_refused(value):
    """JSON that is no record is refused, whatever it is."""
    for parse in (record_json.from_json, card_from_json):
        assert _read(parse, json.dumps(value)) is None


@given(st.text(max_size=50))
@settings(deadline=None)
def test_text_that_is_no_record_is_refused(text):
    """So is any other text."""
    for parse in (record_json.from_json, card_from_json):
        assert _read(parse, text) is None


@pytest.mark.parametrize("parse", [record_json.from_json, card_from_json])
def test_deeply_nested_json_is_refused(parse):
    """JSON that is nested beyond what Python can read is damaged, not a crash."""
    with pytest.raises(ResultError):
        parse("[" * 200_000)


def test_a_count_of_nothing_is_refused():
    """No inference runs without an instruction."""
    for changes in ({"runs": ()}, {"counts": InstructionCounts(0, 0, 0, 0, 0, 0)}):
        cost = dataclasses.replace(counted(100), **changes)
        with pytest.raises(ResultError, match="holds no count"):
            record_json.from_json(record_json.to_json(cost))


def test_whole_numbers_beyond_64_bits_are_damage(evaluation):
    """No file is that large, and no table could hold its size."""
    content = json.loads(record_json.to_json(evaluation))
    content["model"]["size_bytes"] = 10**400
    with pytest.raises(ResultError, match="is damaged"):
        record_json.from_json(json.dumps(content))


@pytest.mark.parametrize("of", ["scores", "constant"])
def test_pictures_with_different_metrics_are_refused(evaluation, of):
    """A mean over pictures needs every metric of every picture."""
    known = with_constant(evaluation, gradient_error=0.003, mad=0.2)
    content = json.loads(record_json.to_json(known))
    del content["pictures"][1][of]["mad"]
    with pytest.raises(ResultError):
        record_json.from_json(json.dumps(content))


def test_newer_schema_is_refused(evaluation):
    """The message has both versions."""
    content = json.loads(record_json.to_json(evaluation)) | {"schema_version": 99}
    with pytest.raises(ResultError, match=r"newer mmnet-deploy \(schema 99, .* reads up to 8\)"):
        record_json.from_json(json.dumps(content))


def test_unknown_kind_is_refused(evaluation):
    """The message names the kind."""
    content = json.loads(record_json.to_json(evaluation)) | {"kind": "opinion"}
    with pytest.raises(ResultError, match="unknown kind of result: opinion"):
        record_json.from_json(json.dumps(content))


def test_the_first_frame_of_a_clip_may_lack_its_scores(evaluation):
    """dtSSD is the mean over the frames that have a frame before; other gaps are damage."""
    first, second = ({"mad": 0.1}, {"mad": 0.2, "dtssd": 0.03})
    pictures = tuple(records.PictureScore(f"clip-{n}", s) for n, s in enumerate((first, second)))
    clip = dataclasses.replace(evaluation, pictures=pictures)
    assert clip.scores == pytest.approx({"mad": 0.15, "dtssd": 0.03})
    assert record_json.from_json(record_json.to_json(clip)) == clip
    gap = dataclasses.replace(clip, pictures=(pictures[1], records.PictureScore("c", {"dtssd": 1})))
    with pytest.raises(ResultError, match="lacks a score of the picture c"):
        record_json.from_json(record_json.to_json(gap))


def test_evaluation_of_no_picture_is_refused(evaluation):
    """There is no mean of nothing."""
    content = json.loads(record_json.to_json(evaluation)) | {"pictures": []}
    with pytest.raises(ResultError, match="no picture's score"):
        record_json.from_json(json.dumps(content))
