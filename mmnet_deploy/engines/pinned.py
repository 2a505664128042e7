"""Files that are known by their SHA-256: taken from the first address that gives them."""

from __future__ import annotations

import os
import tempfile
import urllib.parse
from collections.abc import Callable, Sequence
from pathlib import Path

from android_benchmark.building.parts import DebianPackage
from mmnet_deploy.engines import download, releases
from mmnet_deploy.errors import DownloadError
from mmnet_deploy.files import sha256, written_aside
from mmnet_deploy.progress import Progress

DEBIAN = ("https://deb.debian.org/debian", "https://archive.debian.org/debian")
"""Debian's archive; the second has a release that is no longer maintained."""


def mirrored(name: str) -> list[str]:
    """The address of a file on the mirror that `MMNET_ENGINE_URL` names; none without a mirror.

    Raises:
        UsageError: `MMNET_ENGINE_URL` is no address.
    """
    if not os.environ.get(releases.URL_VARIABLE, "").strip():
        return []
    return [f"{releases.server()}/tflbench/{urllib.parse.quote(name)}"]


def of_debian(package: DebianPackage) -> list[str]:
    """The addresses of a package in Debian's archive."""
    path = urllib.parse.quote(package.path)
    return [f"{archive}/{path}" for archive in DEBIAN]


def fetch(
    target: Path,
    digest: str,
    addresses: Sequence[str],
    *,
    progress: Progress,
    tell: Callable[[str], None],
) -> None:
    """Download a file to `target`, which appears whole or not at all.

    Args:
        digest: Its SHA-256.
        addresses: Tried one after the other.

    Raises:
        DownloadError: None gives it; the message says why, of the first.
        OutputError: It cannot be written.
    """
    failure: DownloadError | None = None
    for address in addresses:
        try:
            with tempfile.TemporaryDirectory(prefix="mmnet-download-") as scratch:
                got = download.fetch(
                    address,
                    Path(scratch),
                    target.name,
                    check=lambda head: "" if head else "it is empty",
                    progress=progress,
                    tell=tell,
                )
                if sha256(got) != digest:
                    raise DownloadError(
                        f"{releases.without_password(address)} gives another {target.name} than "
                        f"the pinned one: SHA-256 {sha256(got)}, wanted {digest}"
                    )
                with written_aside(target) as aside:
                    aside.write_bytes(got.read_bytes())
                return
        except DownloadError as error:
            failure = failure or error
    raise failure or DownloadError(f"There is no address of {target.name}")
