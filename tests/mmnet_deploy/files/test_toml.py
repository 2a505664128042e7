"""Small TOML files: what is refused, and the line that is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.files.toml import TomlError, cut_off, from_toml, line_of, shown


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"a = 1\n\xff = 2\n", 2, "Not UTF-8 text"),
        ("a = 1\nb = \n", 2, "Invalid value"),
        ("a = 1\nb = [1\n", 3, "Unclosed array"),
        ("a = " + "[" * 9000, None, "Nested too deeply"),
        ("a = " + "{b=" * 3000, None, "Nested too deeply"),
        ("a = " + "9" * 5000, None, "too many digits"),
    ],
)
def test_what_is_no_toml_is_one_error(content, line, words):
    """Whatever the parser raises becomes the same error, with its line where there is one."""
    with pytest.raises(TomlError, match=words) as caught:
        from_toml(content)
    assert caught.value.line == line


def test_windows_files_are_read():
    """A mark at the beginning and pairs of CR and LF change nothing."""
    content = "\ufeffa = 1\r\nb = '''x\r\ny'''\r\nc = 2\r\n".encode()
    assert from_toml(content) == {"a": 1, "b": "x\ny", "c": 2}
    assert line_of("a = 1\r\nb = '''x\r\ny'''\r\nc = 2\r\n", "c") == 4


VALUES = st.sampled_from(
    [
        "1", "'it''s' # [", '"a # \\" [ = b"', '"""\n[x]\n"""', "'''\n'' = {'''", '"""\\"""" """',
        "[1, # ]\n 2,\n [3]]", "{a = 1, 'b}' = 2}", "[ # comment '\n]", "2025-01-01 # {", "inf",
        '"""two quotes\n"""""', "[[\n], '#', \"]\"]",
    ]
)  # fmt: skip
KEYS = st.sampled_from(["key", '"key"', "'key'", '"k\\u0065y"', "key.b", "'key'.\"=\"", " key "])


def _valid(value):
    try:
        return bool(from_toml(f"a = {value}"))
    except TomlError:
        return False


@given(st.lists(st.tuples(VALUES.filter(_valid), st.integers(0, 2))), KEYS, st.booleans())
def test_the_line_of_a_key_is_where_it_begins(others, key, in_windows):
    """Strings, arrays and comments that look like statements in front do not mislead."""
    lines = []
    for number, (value, blank) in enumerate(others):
        lines += [*f"k{number} = {value}".split("\n"), *["# key = 1"] * blank]
    text = "\n".join([*lines, f"{key} = 1", "[table]", "key2 = 1"])
    assert "key" in from_toml(text) and "key2" not in from_toml(text)
    text = text.replace("\n", "\r\n") if in_windows else text
    assert line_of(text, "key") == len(lines) + 1
    assert line_of(text, "table") == len(lines) + 2
    assert line_of(text, "key2") is None


def test_a_long_value_is_cut_off():
    """A message stays a line of reasonable length, whatever was given."""
    assert shown(3) == "3" and shown("a") == "'a'"
    assert len(shown("a" * 1000)) < 70 and len(shown(list(range(1000)))) < 70
    assert cut_off("a\nb\x1b") == "a\\nb\\x1b"
    assert shown(16**9000) == "a value too long to show"
