"""What LiteRT publishes for Android: versions, files, addresses, and what a delegate needs.

The layout is that of LiteRT's own command line tool (litert-cli 0.2.1 on PyPI): the files of a
release lie under `VERSION/android_arm64/NAME`. There are files for arm64 only.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import os
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from mmnet_deploy.errors import UsageError

PUBLISHED = "https://storage.googleapis.com/litert/binaries"
URL_VARIABLE = "MMNET_ENGINE_URL"
RUNTIME = "ai-edge-litert"

RECENT = "2.3.0"
"""The release whose engines are taken where that runtime is not installed."""

PROGRAM, RUNNER = "benchmark_model", "run_model"
MOVING = ("nightly", "latest")
"""Versions whose files are replaced under the same address, `nightly` every day."""

LAST = ("2.3.0", "2.2.0")
"""The last two releases that are known to have files."""

ABIS: Mapping[str, str] = {"arm64-v8a": "android_arm64"}
"""Folder of a release, by Android's name of the instruction set."""

ELSEWHERE: Mapping[str, str] = {
    "armeabi-v7a": "https://storage.googleapis.com/tensorflow-nightly-public/prod/tensorflow/"
    "release/lite/tools/nightly/latest/android_arm_benchmark_model"
}
"""Where there is a benchmark_model for another ABI. It is TensorFlow's, of last night."""

KNOWN: Mapping[str, str] = {}
"""SHA-256 that a file must have, by `EngineFile.path`.

It is empty so far, since none could be taken from the publisher himself. What holds is the hash
that was recorded when a file first came into the cache.
"""


class UnsupportedAbiError(UsageError):
    """There is no published engine for an ABI."""


_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}(?:(?:a|b|rc|\.dev|\.post)[0-9]+)?")
_RELEASE = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}")

CPU, GPU, NPU, OUTPUTS = "cpu", "gpu", "npu", "outputs"
PURPOSES = (CPU, GPU, NPU, OUTPUTS)

_GPU = ("libLiteRt.so", "libLiteRtClGlAccelerator.so")
_VENDORS: Mapping[str, tuple[str, ...]] = {
    "qualcomm": ("libLiteRtDispatch_Qualcomm.so", "libLiteRtCompilerPlugin_Qualcomm.so"),
    "mediatek": ("libLiteRtDispatch_MediaTek.so", "libLiteRtCompilerPlugin_MediaTek.so"),
}
"""What an NPU needs of LiteRT, by the vendor of the chip."""

NAMES = (PROGRAM, RUNNER, *_GPU, *(name for names in _VENDORS.values() for name in names))
"""All files of a release that this package knows."""


@dataclasses.dataclass(frozen=True)
class EngineFile:
    """One file of a release.

    Attributes:
        version: A release such as `2.3.0`, or one of `MOVING`.
        abi: One of `ABIS`.
        name: One of `NAMES`.
    """

    version: str
    abi: str
    name: str

    @property
    def path(self) -> PurePosixPath:
        """Where it lies, below the address of a server and in the cache."""
        return PurePosixPath(self.version, ABIS[self.abi], self.name)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name} of LiteRT {self.version} for {self.abi}"


def find(path: PurePosixPath) -> EngineFile | None:
    """The file of a release that lies there; None if none does."""
    folders = {folder: abi for abi, folder in ABIS.items()}
    if len(path.parts) != 3 or path.parts[1] not in folders or path.name not in NAMES:
        return None
    version = path.parts[0]
    if version not in MOVING and not _VERSION.fullmatch(version):
        return None
    return EngineFile(version, folders[path.parts[1]], path.name)


def checked_version(version: str, option: str = "--engine-version") -> str:
    """The version, if it can be one.

    Raises:
        UsageError: It is neither the number of a release nor one of `MOVING`.
    """
    if version not in MOVING and not _VERSION.fullmatch(version):
        raise UsageError(
            f"`{option}` must be a release of LiteRT such as 2.3.0, or {' or '.join(MOVING)}. "
            f"Received: {version or 'nothing'}."
        )
    return version


def default_version() -> str:
    """The version of the runtime that is installed here; `RECENT` where it is another runtime.

    Raises:
        UsageError: It is no release.
    """
    try:
        version = importlib.metadata.version(RUNTIME)
    except importlib.metadata.PackageNotFoundError:
        return RECENT
    if not _RELEASE.fullmatch(version):
        raise UsageError(
            "The engine's version is that of the installed runtime unless it is said with "
            f"`--engine-version` (`--version` of `engines`), such as {RECENT} or nightly. "
            f"Installed: {RUNTIME} {version}, which is no release."
        )
    return version


def checked_abi(abi: str, phone: str = "") -> str:
    """The ABI, if there are engines for it.

    Args:
        abi: Android's name; empty if unknown.
        phone: Which phone has it, for the message.

    Raises:
        UnsupportedAbiError: There are none.
    """
    if abi in ABIS:
        return abi
    who = f"the phone {phone} runs {abi or 'what it does not say'}" if phone else abi or "nothing"
    remedy = "give one that is built for it with `bench --engine-binary`"
    if abi in ELSEWHERE:
        remedy += f", such as TensorFlow's of last night: {ELSEWHERE[abi]}"
    raise UnsupportedAbiError(
        f"There is an official engine for {', '.join(ABIS)} only. Received: {who}. To measure "
        f"there, {remedy}."
    )


def vendor_of(processor: str) -> str:
    """`qualcomm` or `mediatek`, the vendor of a phone's chip; empty for any other.

    Args:
        processor: Its model, such as SM8550 or MT6989, as `DeviceFacts` has it.
    """
    said = processor.strip().lower()
    if re.match(r"qualcomm|qcom|(?:sm|msm|sdm|apq|qcm|qcs|sc)[0-9]", said):
        return "qualcomm"
    return "mediatek" if re.match(r"mediatek|mt[0-9]", said) else ""


def needed(purposes: Iterable[str], vendor: str | None = None) -> dict[str, bool]:
    """The files for some purposes, each with whether nothing works without it.

    `benchmark_model` holds the runtime for CPUs. Since 2.2 it holds that for GPUs too; the
    libraries beside it are for other versions and for `run_model`, which hands out outputs.

    Args:
        purposes: Of `PURPOSES`.
        vendor: Of the NPU; None means every vendor, an empty one means none.
    """
    wanted = set(purposes)
    files = {PROGRAM: True}
    if OUTPUTS in wanted:
        files |= {_GPU[0]: False, RUNNER: False}
    if wanted & {GPU, NPU}:
        files |= dict.fromkeys((*_GPU, RUNNER), False)
    if NPU in wanted:
        for name, libraries in _VENDORS.items():
            if vendor in (None, name):
                files |= dict.fromkeys(libraries, False)
    return files


def server() -> str:
    """Address below which the files of all versions lie, without a slash at its end.

    Raises:
        UsageError: `MMNET_ENGINE_URL` is no such address.
    """
    given = os.environ.get(URL_VARIABLE, "").strip()
    if not given:
        return PUBLISHED
    try:
        parts = urllib.parse.urlsplit(given)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and given.isascii() and given.isprintable() and " " not in given
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise UsageError(
            f"`{URL_VARIABLE}` must be the address of a mirror, http:// or https://, below which "
            f"the files lie as VERSION/android_arm64/NAME. Received: {without_password(given)}."
        )
    return given.rstrip("/")


def without_password(address: str) -> str:
    """An address without the user and the password in it, to be shown and stored."""
    return re.sub(r"(?<=://)[^/]*@", "", address)
