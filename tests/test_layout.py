"""How the packages are laid out: no circles, short modules, small packages, each with its noun."""

from __future__ import annotations

import ast
import graphlib
import itertools
import re
from collections.abc import Mapping, Set
from pathlib import Path

import grimp
import pytest

from tests.support import ROOT

PACKAGES = ("mmnet_deploy", "models", "android_benchmark")
MOST_LINES = 450
MOST_MODULES = 12
"""Of one package, besides its `__init__`; packages within it do not count."""
MOST_SENTENCES = 3


def imports(*packages: str) -> dict[str, Set[str]]:
    """The modules that each module imports, anywhere in it and also for type checking alone."""
    graph = grimp.build_graph(packages[0], *packages[1:], cache_dir=None)
    return {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}


def circle(imported: Mapping[str, Set[str]]) -> list[str]:
    """The modules of one circle, each before one that it imports; none where there is no circle."""
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def long_modules(package: Path) -> list[str]:
    """Modules with too many lines."""
    lines = {path: len(path.read_text("utf-8").splitlines()) for path in package.rglob("*.py")}
    return [f"{path}: {count} lines" for path, count in lines.items() if count > MOST_LINES]


def large_packages(package: Path) -> list[str]:
    """Packages with too many modules of their own."""
    counts = {
        path.parent: len(list(path.parent.glob("*.py"))) - 1
        for path in package.rglob("__init__.py")
    }
    return [f"{path}: {count} modules" for path, count in counts.items() if count > MOST_MODULES]


def asserts(package: Path) -> list[str]:
    """Where a module checks by `assert`, which `python -O` leaves out."""
    return [
        f"{path}:{node.lineno}"
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Assert)
    ]


def sentences(docstring: str) -> int:
    """Number of sentences; indented lines are examples and do not count."""
    prose = "\n".join(line for line in docstring.splitlines() if not line.startswith("    "))
    return len(re.findall(r"[.!?](?=\s|\Z)|:(?=\s*\Z)", prose))


def unexplained_packages(package: Path) -> list[str]:
    """Packages whose `__init__` does not say in a few sentences what lives there."""
    counts = {
        path: sentences(ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "")
        for path in package.rglob("__init__.py")
    }
    return [
        f"{path}: {count} sentences"
        for path, count in counts.items()
        if not 1 <= count <= MOST_SENTENCES
    ]


# --- The packages -------------------------------------------------------------


def test_no_modules_import_each_other_in_a_circle():
    """Packages' faces and imports for type checking count like all others."""
    found = circle(imports(*PACKAGES))
    assert not found, f"these modules import each other in a circle: {' -> '.join(found)}"


@pytest.mark.parametrize("package", PACKAGES)
def test_modules_are_short(package):
    """A module with more lines is more than one noun."""
    found = long_modules(ROOT / package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_are_small(package):
    """A package with more modules is more than one stage."""
    found = large_packages(ROOT / package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_nothing_is_checked_by_assert(package):
    """A check that `python -O` leaves out is none."""
    found = asserts(ROOT / package)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_say_what_lives_there(package):
    """In one to three sentences, at the top of `__init__`."""
    found = unexplained_packages(ROOT / package)
    assert not found, "\n".join(found)


# --- The checks can fail --------------------------------------------------------


def _write(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("made_up_modules", {"a.py": "from {0} import b\n", "b.py": "import {0}.a\n"}),
        ("made_up_face", {"__init__.py": "from {0}.a import one\n", "a.py": "from {0} import x\n"}),
        (
            "made_up_types",
            {
                "a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {0}.b\n",
                "b.py": "def late():\n    import {0}.a\n",
            },
        ),
    ],
)
def test_a_circle_is_found_and_named(name, files, tmp_path, monkeypatch):
    """Between modules, by way of a face, and by way of imports that are late or for types only."""
    texts = {"__init__.py": ""} | files
    _write(tmp_path / name, {path: text.format(name) for path, text in texts.items()})
    monkeypatch.syspath_prepend(tmp_path)
    found = circle(imports(name))
    assert len(found) == 3 and found[0] == found[-1] and f"{name}.a" in found


def test_a_circle_is_told_in_the_order_of_its_imports():
    """Each module is named before one that it imports, and the first once more at the end."""
    imported = {"a": {"b", "d"}, "b": {"c"}, "c": {"a"}, "d": set()}
    found = circle(imported)
    assert sorted(found[1:]) == ["a", "b", "c"]
    assert all(later in imported[one] for one, later in itertools.pairwise(found))
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def test_a_long_module_is_found(tmp_path):
    """One line too many is too many."""
    _write(tmp_path, {"a.py": "\n" * MOST_LINES, "in/b.py": "\n" * (MOST_LINES + 1)})
    assert long_modules(tmp_path) == [f"{tmp_path / 'in/b.py'}: {MOST_LINES + 1} lines"]


def test_an_assert_is_found_and_the_word_alone_is_not(tmp_path):
    """The statement counts, anywhere in a module; a comment or a text does not."""
    _write(tmp_path, {"a.py": "# assert\ndef f(x):\n    'assert x'\n    assert x\n", "b.py": ""})
    assert asserts(tmp_path) == [f"{tmp_path / 'a.py'}:4"]


def test_a_large_package_is_found(tmp_path):
    """Neither `__init__` nor a package within counts as a module of its own."""
    modules = {f"m{number}.py": "" for number in range(MOST_MODULES)}
    _write(tmp_path, {"__init__.py": "", "in/__init__.py": "", "in/x.py": ""} | modules)
    assert large_packages(tmp_path) == []
    _write(tmp_path, {"one_more.py": ""})
    assert large_packages(tmp_path) == [f"{tmp_path}: {MOST_MODULES + 1} modules"]


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ('"""Things"""', 0),
        ("x = 1", 0),
        ('"""One `a.b` of 0.5. Two?"""', 2),
        ('"""One.\n\nTwo: three, four. For example:\n\n    x = 1  # not. a. sentence.\n"""', 3),
        ('"""One. Two. Three.\nFour."""', 4),
    ],
)
def test_a_package_without_its_sentences_is_found(text, count, tmp_path):
    """None and too many are wrong; code, dots within words and colons within sentences are not."""
    _write(tmp_path, {"__init__.py": text})
    expected = [] if 1 <= count <= MOST_SENTENCES else [f"{tmp_path / '__init__.py'}: {count}"]
    assert [line.removesuffix(" sentences") for line in unexplained_packages(tmp_path)] == expected
    assert sentences(ast.get_docstring(ast.parse(text)) or "") == count
