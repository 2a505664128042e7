"""Scripts of `tools/` and `benchmarks/`, which are no packages, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from tests.support import ROOT


def load(name: str, root: Path = ROOT) -> ModuleType:
    """A script as a new module.

    Args:
        name: Its path in the checkout, such as `tools/fault_table.py`.
        root: The checkout, or a copy of a part of it.
    """
    path = root / name
    spec = importlib.util.spec_from_file_location(f"{path.stem}_under_test", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module.__name__] = module  # where dataclasses look for their names
    spec.loader.exec_module(module)
    return module
