"""Texts of others on the terminal: nothing in them is obeyed, hidden, or taken for ours."""

import ast
import io
import json
import sys
import unicodedata

import click
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmnet_deploy import cli
from mmnet_deploy.cli import console
from mmnet_deploy.cli.escaping import escaped, escaped_json, one_line
from tests.support import ROOT

# Any code point, surrogates too, and often what makes trouble.
TROUBLE = (
    "\x00\x07\x08\t\n\r\x1b[]\x7f\x85\x9b\xad\u200b\u200d\u200e\u200f\u061c\u2028\u2029\u202a"
    "\u202e\u2066\u2069\ufeff\ud800\udcff\U000e0041$:"
)
TEXTS = st.text(
    st.characters() | st.sampled_from(TROUBLE) | st.characters(categories=["Cs", "Cf", "Cc"])
)


def _is_harmless(text):
    text.encode("utf-8")
    return all(char.isprintable() or unicodedata.category(char) == "Zs" for char in text)


@given(TEXTS)
def test_whatever_is_escaped_can_be_seen_and_is_one_line(text):
    """No control, format, private, surrogate or separator sign is left in it."""
    shown = escaped(text)
    assert _is_harmless(shown)
    assert len(shown.splitlines()) <= 1
    assert escaped(shown) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Mn", "Zs"])))
def test_what_can_be_seen_stays(text):
    """Names in every script, signs and emoji are shown as they are."""
    assert escaped(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("a\x9b31mb\x7f", r"a\x9b31mb\x7f"),
        (
            "gpj\u202e.exe\u2066\u2069\u200e\u200f\u061c",
            r"gpj\u202e.exe\u2066\u2069\u200e\u200f\u061c",
        ),
        ("a\nError: b\r\tc", r"a\nError: b\r\tc"),
        ("a\u2028b\u2029c\x85", r"a\u2028b\u2029c\x85"),
        ("a\u200b\ufeff\U000e0041", r"a\u200b\ufeff\U000e0041"),
        (b"caf\xe9\x9b".decode("utf-8", "surrogateescape"), r"caf\xe9\x9b"),
        ("\ud800", r"\ud800"),
        ("größe 夏\u3000天 🙂", "größe 夏\u3000天 🙂"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_each_kind_is_shown_as_python_writes_it(text, shown):
    """Sequences, 8-bit controls, turned order, lines, invisible signs, bytes that are no text."""
    assert escaped(text) == shown


@given(TEXTS, TEXTS)
def test_json_keeps_its_value(key, value):
    """With no sign left that a terminal obeys, however it was written."""
    value = {key: [value]}
    for ascii_only in (True, False):
        text = escaped_json(json.dumps(value, indent=1, ensure_ascii=ascii_only))
        assert json.loads(text) == json.loads(json.dumps(value))
        assert all(_is_harmless(line) for line in text.split("\n"))


def test_a_librarys_message_is_one_line():
    """Its line feeds and indents are spaces."""
    assert one_line("a\n\n   b\x1b\tc ") == r"a b\x1b c"


# --- The one place that prints ----------------------------------------------------


class _Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def _printed(monkeypatch, terminal, action):
    """What is on both streams after an action."""
    streams = [_Terminal() if terminal else io.StringIO() for _ in range(2)]
    with monkeypatch.context() as patched:
        patched.setenv("TERM", "dumb")
        patched.setenv("COLUMNS", "80")
        patched.setattr(sys, "stdout", streams[0])
        patched.setattr(sys, "stderr", streams[1])
        action()
    return streams[0].getvalue(), streams[1].getvalue()


@pytest.mark.parametrize("terminal", [False, True], ids=["pipe", "terminal"])
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
@example(text="[/]")
@example(text="[bold]:warning:[/bold]")
def test_everything_that_prints_escapes(terminal, text):
    """Lines, tables, columns, bars, notes and errors; and markup and emoji names are texts."""

    def action():
        console.say(text)
        console.show(text)
        console.show_json(json.dumps(text, ensure_ascii=False))
        console.print_table(("a", text), [(text, ("b", text))], title=text)
        console.print_columns((text, "b"), [(text, text)])
        with console.progress(text, 1) as advance:
            advance(text, steps=0)
            advance(text)
        console.show_error(click.ClickException(text))
        try:
            raise ValueError(text)
        except ValueError as error:
            console.show_traceback(error)

    with pytest.MonkeyPatch.context() as monkeypatch:
        for printed in _printed(monkeypatch, terminal, action):
            for line in printed.split("\n"):
                assert _is_harmless(line)
            if len(text) < 9 and text.strip():
                assert escaped(text).strip() in printed


def _table(monkeypatch, terminal, *table, **options):
    out, _ = _printed(monkeypatch, terminal, lambda: console.print_table(*table, **options))
    return out


@given(cells=st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_a_table_in_a_pipe_is_as_wide_as_what_it_says(cells):
    """No line ends in spaces, no cell is folded, and a row is one line, whatever is in it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        out = _table(monkeypatch, False, ("name", "b"), [(cell, "1") for cell in cells])
    lines = out.split("\n")
    assert all(line == line.rstrip() for line in lines)
    assert len(lines) == len(cells) + 5  # blank, the header, a rule, blank, and the last end
    for cell in cells:
        assert escaped(cell).rstrip() in out


def test_what_is_ours_keeps_its_lines(monkeypatch):
    """A header of two lines is one of two lines; its title is as wide as it has to be."""
    title = "a title that is wider than its table, and on one line"
    out = _table(monkeypatch, False, ("x", ("gradient", "error")), [("a", "1")], title=title)
    lines = [line.split() for line in out.split("\n")]
    assert lines[0] == title.split()
    assert lines[2:4] == [["gradient"], ["x", "error"]]


def test_an_argument_is_shown_as_it_was_given(call):
    """By click's own messages too, which repeat it."""
    evil = "\x1b]0;x\x07\nError: \u202e"
    for words in (
        (evil,), ("--" + evil,), ("inspect", evil), ("inspect", "a", "b", evil),
        ("bench", "--preset", evil), ("cost", "--jobs", evil, "a"), ("convert",), ("results", evil),
    ):  # fmt: skip
        result = call(*words)
        assert result.exit_code in (1, 2)
        assert all(_is_harmless(line) for line in result.output.split("\n"))
        errors = [line for line in result.stderr.split("\n") if line.startswith("Error: ")]
        assert len(errors) == 1


def test_a_traceback_is_escaped_too(call, monkeypatch):
    """What nobody foresaw shows its message on one line."""
    streams = io.StringIO()
    monkeypatch.setattr(sys, "stderr", streams)
    console.show_traceback(ValueError("\x1b[2J"))
    assert streams.getvalue() == "ValueError: \\x1b[2J\n"


# --- The only place ---------------------------------------------------------------

PRINTING = {"echo", "secho", "echo_via_pager", "confirm", "prompt", "pause", "progressbar"}
STREAMS = {"stdout", "stderr", "__stdout__", "__stderr__"}
PROCESS = {"streams.py", "signals.py", "supervisor.py"}
"""Modules of the process itself, which write what is ours past Python's streams."""


def printing(source):
    """Lines of a module that print by themselves, or import what does."""
    lines = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name("print")):
                lines.add(node.lineno)
            case ast.Attribute(value=ast.Name("click"), attr=name) if name in PRINTING:
                lines.add(node.lineno)
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name("sys"), attr=name), attr="write" | "buffer"
            ) if name in STREAMS:
                lines.add(node.lineno)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] == "rich":
                lines.add(node.lineno)
            case ast.ImportFrom(module="click", names=names) if PRINTING & {n.name for n in names}:
                lines.add(node.lineno)
            case ast.Import(names=names) if "rich" in {n.name.split(".")[0] for n in names}:
                lines.add(node.lineno)
    return lines


def test_nothing_else_prints():
    """Every other module of the command line gives its texts to `console`."""
    folder = ROOT / "mmnet_deploy" / "cli"
    found = {
        f"{path.relative_to(ROOT)}:{line}"
        for path in folder.rglob("*.py")
        if path.name not in PROCESS | {"console.py"}
        for line in printing(path.read_text("utf-8"))
    }
    assert not found


@pytest.mark.parametrize(
    "source",
    [
        "print('a')", "click.echo('a')", "import click\nf = click.secho", "import rich.table",
        "from rich import print", "sys.stdout.write('a')", "sys.stderr.buffer.write(b'a')",
        "from click import echo", "def f():\n    from rich.console import Console",
    ],
)  # fmt: skip
def test_whatever_else_prints_is_found(source):
    """In each of the ways that there are."""
    assert printing(source)


def test_the_program_has_the_group_that_escapes():
    """It is what `main` runs."""
    assert type(cli.cli) is cli._Commands
