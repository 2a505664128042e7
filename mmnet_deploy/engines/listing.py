"""What of the published engines is in the cache, and what is wrong with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from mmnet_deploy.engines import cache, official
from mmnet_deploy.engines.releases import EngineFile
from mmnet_deploy.errors import DownloadError


@dataclasses.dataclass(frozen=True)
class Entry:
    """A file of the cache.

    Attributes:
        size_bytes: Of what is there.
        sha256: Empty if there is only a part of it, or something else.
        origin: Where it came from; empty if nothing is recorded.
        fault: Why it is not taken; empty if it is.
    """

    file: EngineFile
    size_bytes: int
    sha256: str
    origin: str
    fault: str

    @property
    def whole(self) -> bool:
        """Whether it is taken as it is."""
        return not self.fault


def entries() -> Iterator[Entry]:
    """All files of the cache, each checked."""
    for file in cache.files():
        path = cache.place(file)
        digest, origin, fault = "", "", ""
        try:
            known = cache.recorded(file)
            digest = official.hashed(file) or ""
            origin = known.origin if known else official.BY_HAND if digest else ""
            if not digest:
                fault = "a part of an unfinished download"
            elif (must := official.expected(file)[0]) and digest != must:
                fault = f"its SHA-256 must be {must}"
        except DownloadError as error:
            fault = str(error)
        size = path.stat().st_size if path.exists() else cache.arrived_bytes(file)
        yield Entry(file, size, digest, origin, fault)
