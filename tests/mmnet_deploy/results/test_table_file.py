"""Tables on disk: what a spreadsheet makes of them, and what is kept."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmnet_deploy.errors import OutputError, UsageError
from mmnet_deploy.results import table_file

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "=cmd|' /C calc'!A0",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u3000=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff201",
]


def cells(path):
    """All cells of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_is_a_formula(tmp_path, text):
    """A spreadsheet shows such text, and does not compute it; nor in the names of columns."""
    path = tmp_path / "a.csv"
    table_file.write([{"name": text, text: 1}], path)
    assert cells(path) == [["name", "'" + text], ["'" + text, "1"]]


@pytest.mark.parametrize("text", FORMULAS)
def test_raw_cells_are_as_they_were(tmp_path, text):
    """For programs, which compute nothing."""
    path = tmp_path / "a.csv"
    table_file.write([{"name": text}], path, raw=True)
    assert cells(path) == [["name"], [text]]


def test_numbers_are_no_text(tmp_path):
    """A negative number stays one, also beside missing ones; whole numbers stay whole."""
    path = tmp_path / "a.csv"
    rows = [{"change": -0.5, "count": 2**53 + 1}, {"change": None}, {"count": -1, "late": True}]
    assert table_file.write(rows, path) == 3
    assert cells(path) == [
        ["change", "count", "late"],
        ["-0.5", str(2**53 + 1), ""],
        ["", "", ""],
        ["", "-1", "True"],
    ]


@given(st.text(min_size=1, max_size=6))
def test_any_other_text_stays(text):
    """What gets an apostrophe begins as a formula does; the rest is as it was."""
    shown = table_file.plain_cell(text)
    assert shown in (text, "'" + text)
    assert shown.lstrip()[:1] not in ("=", "+", "-", "@")


def test_text_that_is_no_unicode_is_written_out(tmp_path):
    """As a file name may be; no byte is lost."""
    path = tmp_path / "a.csv"
    table_file.write([{"picture": "a\udcff.png"}], path)
    assert cells(path) == [["picture"], ["a\\udcff.png"]]


def test_nothing_is_written_where_a_row_fails(tmp_path):
    """An earlier table stays whole."""
    path = tmp_path / "a.csv"
    path.write_text("before")

    def rows():
        yield {"a": 1}
        raise OutputError("broken")

    with pytest.raises(OutputError):
        table_file.write(rows(), path)
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert path.read_text() == "before"


def test_another_suffix_is_refused(tmp_path):
    """The suffix is the format."""
    for name in ("a.txt", "a", "a.xlsx"):
        with pytest.raises(UsageError, match=r"must end in \.csv or \.parquet"):
            table_file.check_file(tmp_path / name)


def test_parquet_has_texts_as_they_are(tmp_path):
    """No spreadsheet computes them there."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    table_file.write([{"name": "=1", "n": 1}, {"name": "b"}], path)
    assert pandas.read_parquet(path)["name"].tolist() == ["=1", "b"]
