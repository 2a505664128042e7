"""A server of engines, and a cache of the test's own."""

import pytest

from mmnet_deploy.engines import download, official, releases
from tests.support import engine_server

PROXIES = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")


@pytest.fixture
def server():
    with engine_server.serving() as server:
        yield server


@pytest.fixture
def cached(tmp_path, monkeypatch, server):
    """The cache, which the server fills; no proxy stands between."""
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("MMNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MMNET_ENGINE_URL", server.url)
    monkeypatch.delenv("MMNET_BENCHMARK_MODEL", raising=False)
    monkeypatch.setattr(download, "PAUSE_S", 0.0)
    return tmp_path / "cache"


@pytest.fixture
def told():
    return []


@pytest.fixture
def get(cached, told):
    """Get an engine; what is told is in `told`."""

    def call(version=engine_server.VERSION, purposes=("cpu",), **options):
        wanted = releases.needed(purposes)
        return official.get(version, engine_server.ABI, wanted, tell=told.append, **options)

    return call
