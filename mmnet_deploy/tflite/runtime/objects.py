"""The tables of a `.tflite` file as plain objects, by classes that only read them.

The generated classes of ai-edge-litert and TensorFlow have this built in (their `ModelT`); those
of the package `tflite`, for users of tflite-runtime, do not. Attributes have the same names and
values.
"""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

from mmnet_deploy.errors import MissingDependencyError

_UNIONS = {
    "BuiltinOptions": "BuiltinOptions",
    "BuiltinOptions2": "BuiltinOptions2",
    "Details": "QuantizationDetails",
    "ArraySegments": "SparseIndexVector",
    "ArrayIndices": "SparseIndexVector",
}
"""The enumeration with the classes of a field that can be one of several."""

_OF_ITSELF = ("Init", "GetRootAs")
"""What a class has besides its fields; each ends in the class's name in older versions."""


class Reading:
    """Classes of the file format that read: those of a package, and `ModelT`.

    Raises:
        MissingDependencyError: A class that writes is asked for.
    """

    def __init__(self, package: ModuleType) -> None:
        self._package = package
        self.ModelT = _Model(package)

    def __getattr__(self, name: str) -> Any:
        if name.endswith("T") and hasattr(self._package, name[:-1]):
            raise MissingDependencyError(
                "Writing TFLite files needs ai-edge-litert or TensorFlow. "
                "Install with: pip install ai-edge-litert"
            )
        return getattr(self._package, name)


class _Model:
    """As the generated class `ModelT` reads."""

    def __init__(self, package: ModuleType) -> None:
        self._package = package

    def InitFromPackedBuf(self, content: bytes) -> SimpleNamespace:
        """All tables of a file."""
        return _table(self._package, self._package.Model.GetRootAs(content))


def _table(package: ModuleType, table: Any) -> SimpleNamespace:
    """A table's fields; those that are vectors of tables, or tables, are unpacked as well."""
    methods = [name for name in vars(type(table)) if not name.startswith("_")]
    vectors = {name.removesuffix("Length") for name in methods if name.endswith("Length")}
    helpers = {
        f"{name}{end}" for name in vectors for end in ("Length", "AsNumpy", "IsNone")
    }  # fmt: skip
    found = SimpleNamespace()
    for name in methods:
        if name in helpers or name.startswith(_OF_ITSELF) or name.endswith("HasIdentifier"):
            continue
        if name in vectors:
            value = _vector(package, table, name)
        else:
            value = getattr(table, name)()
            if name in _UNIONS:
                value = _union(package, _UNIONS[name], getattr(table, f"{name}Type")(), value)
            elif hasattr(value, "_tab"):
                value = _table(package, value)
        setattr(found, name[0].lower() + name[1:], value)
    return found


def _vector(package: ModuleType, table: Any, name: str) -> Any:
    if getattr(table, f"{name}IsNone")():
        return None
    if hasattr(table, f"{name}AsNumpy"):
        return getattr(table, f"{name}AsNumpy")()
    length, item = getattr(table, f"{name}Length")(), getattr(table, name)
    items = [item(index) for index in range(length)]
    return [_table(package, it) if hasattr(it, "_tab") else it for it in items]


def _union(package: ModuleType, enumeration: str, kind: int, table: Any) -> Any:
    """A field's table as the class that its kind names; None for an unknown kind."""
    names = {value: name for name, value in vars(getattr(package, enumeration)).items()}
    reader = getattr(package, names.get(kind, ""), None)
    if table is None or not kind or reader is None:
        return None
    reading = reader()
    reading.Init(table.Bytes, table.Pos)
    return _table(package, reading)
