"""What tflbench needs on a phone beside itself, each file known by its SHA-256.

The runtime is a library out of a wheel of ai-edge-litert (Apache License 2.0). The loader and
the C and C++ libraries are those of Debian 12's cross compiler for arm64: glibc (LGPL 2.1 or
later), and GCC's libraries (GPL 3 or later with the GCC Runtime Library Exception).
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from android_benchmark.building.compiler import TRIPLET, BuildError

WHEEL = "ai_edge_litert-1.4.0-cp311-cp311-manylinux_2_17_aarch64.whl"
WHEEL_SHA256 = "131d1c12dedc0c45aa683106d71ea895117c2332b0efb52712965f8b5e63781d"
WHEEL_SIZE_BYTES = 8_682_885
# Later releases have no library with the C API, nor has any wheel for x86-64.
WHEEL_REQUIREMENT = "ai-edge-litert==1.4.0"
WHEEL_PLATFORM = "manylinux_2_17_aarch64"
WHEEL_PYTHON = "3.11"
RUNTIME = "libLiteRtRuntimeCApi.so"
_RUNTIME_IN_WHEEL = f"ai_edge_litert/{RUNTIME}"

LOADER = "ld-linux-aarch64.so.1"
LIBC = "libc.so.6"
INSTALLED = Path("/usr") / TRIPLET / "lib"
"""Where Debian's and Ubuntu's packages put these libraries."""


@dataclasses.dataclass(frozen=True)
class DebianPackage:
    """A package of Debian 12.

    Attributes:
        file: Its name.
        path: Where a mirror of Debian has it, below the root of the archive.
        libraries: SHA-256 of each library that is taken from it, by its name.
    """

    file: str
    path: str
    sha256: str
    size_bytes: int
    libraries: Mapping[str, str]


DEBIAN_PACKAGES = (
    DebianPackage(
        "libc6-arm64-cross_2.36-8cross1_all.deb",
        "pool/main/c/cross-toolchain-base/libc6-arm64-cross_2.36-8cross1_all.deb",
        "91936cbbee75771c360ed16513f6e734a25ca5517fe7c3e13dfd7835d7553186",
        1_004_648,
        {
            LOADER: "9f1c09920472722ba24b485e8b39fa4f81a065b6cee1898b124bcb80f3cc22bf",
            LIBC: "be44d69ca10e191bb24ff46faa4905c56ec2fbc454bf84ed6f02da296f121bdd",
            "libdl.so.2": "b19178c8473051abb7dd996f22d2a80cc50697834faa42bfd9f26b4e017d9598",
            "libm.so.6": "4c5316e839a4b175dc2b0b97f8b8e0217d98f7d564ada1e1467f98451f328441",
            "libpthread.so.0": "8b6c634ac996785ed78ceee97811a24f4f83ddccf76cc258dc87c39e6db7877c",
            "librt.so.1": "82db5c1e3b8db8f7aa193d90f365e88567430c4dd54bb9f971c24077d687d3bc",
        },
    ),
    DebianPackage(
        "libgcc-s1-arm64-cross_12.2.0-14cross1_all.deb",
        "pool/main/g/gcc-12-cross/libgcc-s1-arm64-cross_12.2.0-14cross1_all.deb",
        "af1e686fc6a416228222e7bfb68317dd2fa2685236301ae29141fc6108a66cac",
        34_832,
        {"libgcc_s.so.1": "c39939ec474dd03d9a8aa657d85fa71a8f879a3159bf1a5d19dff3b4788dfba2"},
    ),
    DebianPackage(
        "libstdc++6-arm64-cross_12.2.0-14cross1_all.deb",
        "pool/main/g/gcc-12-cross/libstdc++6-arm64-cross_12.2.0-14cross1_all.deb",
        "9cba984b64d0cf11698978fc5e0fe93c7441d29b9f42f70f1c6c734cc9e2ea41",
        513_672,
        {"libstdc++.so.6": "f8253f7e1334b5c55ab50cc44d576e83dee7dd6fcb53bdc9ca63d74198a93640"},
    ),
)


def sha256(content: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(content).hexdigest()


def runtime(wheel: Path) -> bytes:
    """The runtime library of the pinned wheel.

    Raises:
        BuildError: It is another file.
    """
    content = _pinned(wheel, WHEEL_SHA256)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return archive.read(_RUNTIME_IN_WHEEL)
    except (zipfile.BadZipFile, KeyError) as error:
        raise BuildError(f"{wheel} has no {_RUNTIME_IN_WHEEL}: {error}.") from error


def installed(package: DebianPackage) -> dict[str, bytes] | None:
    """The libraries of a package as they are installed here; None if they are others, or none."""
    found = {}
    for name, digest in package.libraries.items():
        try:
            content = (INSTALLED / name).read_bytes()
        except OSError:
            return None
        if sha256(content) != digest:
            return None
        found[name] = content
    return found


def unpacked(package: DebianPackage, file: Path) -> dict[str, bytes]:
    """The libraries of a package out of its file.

    Raises:
        BuildError: It is another file, or this Python cannot unpack it.
    """
    data = _data(_pinned(file, package.sha256), file)
    try:
        from lzma import LZMAError  # Some builds of Python lack it; the rest of us work there.
    except ImportError as error:
        raise BuildError(
            f"Cannot unpack {file}: this Python has no module `lzma`. Take one that has it."
        ) from error
    found = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:xz") as archive:
            for name in package.libraries:
                member = archive.extractfile(f"./usr/{TRIPLET}/lib/{name}")
                if member is not None:  # A link is followed.
                    found[name] = member.read()
    except (tarfile.TarError, LZMAError, EOFError, KeyError) as error:
        raise BuildError(f"Cannot unpack {file}: {error}.") from error
    for name, digest in package.libraries.items():
        if sha256(found.get(name, b"")) != digest:
            raise BuildError(f"{file} does not hold the {name} that was expected.")
    return found


def _pinned(file: Path, digest: str) -> bytes:
    """Content of a file that must have this hash."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise BuildError(f"Cannot read {file}: {error.strerror}.") from error
    if sha256(content) != digest:
        raise BuildError(
            f"{file} is not the file that was expected. Wanted: SHA-256 {digest}. Received: "
            f"{sha256(content)}. Delete it and try again."
        )
    return content


_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60


def _data(content: bytes, file: Path) -> bytes:
    """The archive with a package's files: a member of an `ar` archive, see deb(5)."""
    position = len(_AR_MAGIC) if content.startswith(_AR_MAGIC) else len(content)
    while position + _AR_HEADER <= len(content):
        header = content[position : position + _AR_HEADER]
        name, size_text = header[:16].strip(), header[48:58].strip()
        size = int(size_text) if size_text.isdigit() else len(content)
        position += _AR_HEADER
        if name.rstrip(b"/") == b"data.tar.xz":
            return content[position : position + size]
        position += size + size % 2
    raise BuildError(f"{file} is no package of Debian.")
