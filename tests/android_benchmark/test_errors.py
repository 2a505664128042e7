"""The errors of the harness: their tree, and what a command's words mean."""

import inspect
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_benchmark import errors


def _drawn():
    """Each class of the docstring's tree with its parent."""
    parents, path = {}, []
    for line in errors.__doc__.splitlines():
        match = re.match(r"( {4}[│├└─ ]*)(\w+Error)\b", line)
        if match:
            depth = (len(match[1]) - 4) // 4
            path[depth:] = [match[2]]
            parents[match[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_docstring_draws_the_whole_tree():
    """Every class stands there below its parent, and nothing else does."""
    defined = {
        name: kind.__base__.__name__
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    }
    assert _drawn() == defined


def test_the_tree_is_drawn_well():
    """Only the last of several children has a corner."""
    lines = [line[4:] for line in errors.__doc__.splitlines() if re.match(r" {4}[│├└]", line)]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        corner = re.search("[├└]", line).start()
        continued = following[corner : corner + 1] in tuple("│├└")
        assert line[corner] == ("├" if continued else "└") or "    " in following[:4], line


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("cp: xwrite: No space left on device\n", errors.NoSpaceError, "Free some"),
        ("sh: can't create x: Permission denied", errors.NotWritableError, "Permission denied"),
        ("mkdir: '/system/x': Read-only file system", errors.NotWritableError, "may not write"),
        ("chmod: x: Operation not permitted", errors.NotWritableError, "not permitted"),
        ("dd: x: No space left on device\n0 records out\n", errors.NoSpaceError, "No space left"),
        ("rm: x: Is a directory", errors.RemoteError, "Is a directory"),
        (" \n", errors.RemoteError, "no reason was given"),
    ],
)
def test_a_command_that_was_refused_says_why(said, kind, words):
    """One line that quotes the words which tell, wherever they stand."""
    error = errors.refusal(said, "the phone 01ab, /data/local/tmp")
    assert type(error) is kind
    assert words in str(error) and "01ab" in str(error) and "\n" not in str(error)


@given(st.text())
def test_whatever_a_command_says_is_one_line(said):
    """No text makes the translation fail."""
    assert len(str(errors.refusal(said, "x")).splitlines()) == 1
