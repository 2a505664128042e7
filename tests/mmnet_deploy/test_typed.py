"""Stored values become records of the declared types, or a ValueError."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy import typed


@dataclasses.dataclass(frozen=True)
class Part:
    name: str
    weight: float = 1.0


@dataclasses.dataclass(frozen=True)
class Thing:
    name: str
    count: int = 0
    size: float = 0.0
    known: bool = False
    share: float | None = None
    parts: tuple[Part, ...] = ()
    versions: Mapping[str, str] = dataclasses.field(default_factory=dict)


texts = st.text(max_size=8)
numbers = st.floats(allow_nan=False, allow_infinity=False)
whole = st.integers(typed.LEAST, typed.MOST)
things = st.builds(
    Thing, texts, whole, numbers, st.booleans(), st.none() | numbers,
    st.lists(st.builds(Part, texts, numbers), max_size=3).map(tuple),
    st.dictionaries(texts, texts, max_size=3),
)  # fmt: skip
odd_texts = st.text(st.characters(), max_size=8) | st.sampled_from(["\ud800", "a\udcff", "\x00"])


def _json(**fields):
    """A thing with fields that are written as they are given."""
    return "{" + ", ".join(f'"{name}": {value}' for name, value in fields.items()) + "}"


@given(things)
def test_what_is_written_is_read_back(thing):
    """As text and as bytes, and by the values of another parser."""
    text = json.dumps(dataclasses.asdict(thing))
    assert typed.from_json(text, Thing) == thing
    assert typed.from_json(text.encode(), Thing) == thing
    assert typed.from_values(json.loads(text), Thing) == thing


@given(things, odd_texts)
def test_any_text_is_read_back(thing, odd):
    """Also half of a surrogate pair, as a file name may hold, beside any other field."""
    odd_thing = dataclasses.replace(thing, name=odd, versions={odd: odd})
    assert typed.from_json(json.dumps(dataclasses.asdict(odd_thing)), Thing) == odd_thing


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"count": "true"}, "count"),
        ({"count": "1.0"}, "count"),
        ({"count": '"1"'}, "count"),
        ({"count": "null"}, "count"),
        ({"known": "1"}, "known"),
        ({"known": '"true"'}, "known"),
        ({"size": "true"}, "size"),
        ({"size": '"1"'}, "size"),
        ({"share": "[]"}, "share"),
        ({"parts": '[{"name": 5}]'}, "parts"),
        ({"parts": "{}"}, "parts"),
        ({"versions": '{"a": 1}'}, "versions"),
    ],
)
def test_a_field_of_another_type_is_named(fields, place):
    """Nothing is converted but a whole number to a fraction."""
    with pytest.raises(ValueError, match=rf"Expected .* - at `\$\.{place}"):
        typed.from_json(_json(name='"a"', **fields), Thing)


def test_a_missing_field_is_named():
    """One with a default may be missing."""
    with pytest.raises(ValueError, match="missing required field `name`"):
        typed.from_json("{}", Thing)
    with pytest.raises(ValueError, match=r"missing required field `name` - at `\$\.parts"):
        typed.from_values({"name": "a", "parts": [{}]}, Thing)
    assert typed.from_json('{"name": "a"}', Thing) == Thing("a")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 400])
def test_numbers_that_are_not_finite_are_refused(number):
    """Wherever they stand."""
    for fields in (
        {"size": number},
        {"share": number},
        {"parts": f'[{{"name": "a", "weight": {number}}}]'},
    ):
        with pytest.raises(ValueError, match=r"finite|range|64 bits"):
            typed.from_json(_json(name='"a"', **fields), Thing)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_values_of_toml_that_are_not_finite_are_refused(value):
    """TOML has them as numbers; the field is named."""
    with pytest.raises(ValueError, match=r"Expected a finite number, got `.*` - at `\$\.size`"):
        typed.from_values({"name": "a", "size": value}, Thing)


@pytest.mark.parametrize("number", [2**63, 2**64 - 1, 2**64, -(2**63) - 1, 10**40])
def test_whole_numbers_beyond_64_bits_are_refused(number):
    """No table and no other tool could hold them."""
    with pytest.raises(ValueError, match=r"64 bits - at `\$\.count`"):
        typed.from_json(_json(name='"a"', count=number), Thing)
    with pytest.raises(ValueError, match=r"64 bits - at `\$\.count`"):
        typed.from_values({"name": "a", "count": number}, Thing)


def test_a_number_of_thousands_of_digits_is_refused():
    """Python itself gives up on it, in text; a parser may have it all the same."""
    with pytest.raises(ValueError, match="is no JSON"):
        typed.from_json(_json(name='"a"', count="9" * 5000), Thing)
    with pytest.raises(ValueError, match="64 bits"):
        typed.from_values({"name": "a", "count": 10**5000}, Thing)


@pytest.mark.parametrize(
    "content",
    [
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        '{"name": "a"}'.encode("utf-16"),
        b"\xff\xfe\x00",
        b"",
        b"\x00" * 10,
    ],
)
def test_bytes_that_are_not_utf8_are_refused(content):
    """As is what is nothing at all."""
    with pytest.raises(ValueError, match="is no JSON"):
        typed.from_json(content, Thing)


def test_a_byte_order_mark_is_no_damage():
    """Some editors write one."""
    assert typed.from_json(b'\xef\xbb\xbf{"name": "a"}', Thing) == Thing("a")


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"name":' * 200_000, _json(name='"a"', x="[" * 99_999 + "]" * 99_999)]
)
def test_deep_nesting_is_refused(text):
    """Beyond what Python can read, in a field of the type or in another."""
    with pytest.raises(ValueError, match="is no JSON"):
        typed.from_json(text, Thing)


def test_values_that_are_nested_beyond_reason_are_refused():
    """As a parser without a limit of its own might hand them on."""
    value: list = []
    for _ in range(200_000):
        value = [value]
    with pytest.raises(ValueError, match="recursion"):
        typed.from_values({"name": "a", "other": value}, Thing)
    while value:  # Python frees deep lists by recursion too.
        value = value[0]


def test_the_last_of_two_equal_fields_counts():
    """Whichever way the rest of the text has to be read."""
    for name in ('"a"', '"\\ud800"'):
        text = f'{{"count": 1, "name": "b", "name": {name}, "count": 2}}'
        assert typed.from_json(text, Thing) == Thing(json.loads(name), 2)


def test_dates_of_toml_are_no_text():
    """TOML has types that JSON lacks."""
    with pytest.raises(ValueError, match=r"Expected `str`.* - at `\$\.name`"):
        typed.from_values({"name": datetime.date(2025, 1, 1)}, Thing)


def test_an_earlier_form_is_upgraded():
    """Only where today's form does not fit, and whatever the upgrade trips over is damage."""

    def upgrade(content):
        return {"name": content["title"]}

    assert typed.from_json('{"title": "a"}', Thing, upgrade) == Thing("a")
    assert typed.from_json('{"name": "b"}', Thing, upgrade) == Thing("b")
    for text in ("[]", "5", "null", '"a"', "{}"):
        with pytest.raises(ValueError):
            typed.from_json(text, Thing, upgrade)


damaged = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([f.name for f in dataclasses.fields(Thing)]), inner)
    ),
    max_leaves=6,
)


@given(damaged)
def test_any_json_is_a_record_or_a_value_error(content):
    """Both ways of reading agree on which, and on the record."""
    text, found = json.dumps(content), []
    for read in (lambda: typed.from_json(text, Thing), lambda: typed.from_values(content, Thing)):
        try:
            found.append(read())
        except ValueError:
            found.append(None)
    assert found[0] == found[1]
