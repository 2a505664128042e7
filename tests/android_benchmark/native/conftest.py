"""The engine under test, built once for each file."""

import pytest

from tests.support.native_engine import Workbench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A `Workbench`; tests add files to it."""
    return Workbench(tmp_path_factory.mktemp("engine"))
