"""A server of engines, and a cache of the test's own."""

import pytest

from mmnet_deploy.engines import download
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
