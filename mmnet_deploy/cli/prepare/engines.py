"""`mmnet-deploy engines`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import print_columns, progress, say, show_json
from mmnet_deploy.cli.prepare.engine_build import build
from mmnet_deploy.errors import MmnetDeployError, UsageError

if TYPE_CHECKING:
    from mmnet_deploy.engines.listing import Entry


EMULATED = "emulated"


@click.group()
def engines() -> None:
    """List, get, check, remove and build the engines that run models on a phone.

    `bench` gets the official engine for a phone by itself, and puts tflbench together for the
    emulated phone. These commands prepare a computer that has no network, or check what is there.
    """


engines.add_command(build)

_version_option = click.option(
    "--version",
    metavar="VERSION",
    help="Release of LiteRT, such as 2.3.0, or nightly. Default: that of the installed runtime.",
)
_abi_option = click.option(
    "--abi",
    default="arm64-v8a",
    show_default=True,
    metavar="ABI",
    help="Android's name of the phone's instruction set.",
)


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@engines.command("list")
@_json_option
def list_engines(as_json: bool) -> None:
    """List the cache and what is taken of it.

    The cache is in the user's cache folder; MMNET_CACHE names another one.

    Example: mmnet-deploy engines list
    """
    from mmnet_deploy.downloads.cache import folder

    entries = _entries()
    if as_json:
        show_json(json.dumps(entries, indent=1))
        return
    _print(entries)
    say(f"The cache is {folder()}.")
    say(_choice())
    say(_own_choice())


def _entries() -> list[dict[str, Any]]:
    """Everything in the cache: official files, then our own engine and the counter."""
    from mmnet_deploy.engines import listing, own

    return [_official_values(one) for one in listing.entries()] + [
        {
            "name": one.name,
            "version": one.version,
            "abi": "arm64-v8a" if one.version else "",
            "size_bytes": one.size_bytes,
            "sha256": one.sha256,
            "origin": one.origin,
            "whole": not one.fault,
            "fault": one.fault,
            "path": str(one.folder),
        }
        for one in own.built()
    ]


def _official_values(entry: Entry) -> dict[str, Any]:
    from mmnet_deploy.engines import cache

    return {
        "name": entry.file.name,
        "version": entry.file.version,
        "abi": entry.file.abi,
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256,
        "origin": entry.origin,
        "whole": entry.whole,
        "fault": entry.fault,
        "path": str(cache.place(entry.file)),
    }


def _print(entries: list[dict[str, Any]]) -> None:
    from mmnet_deploy.engines.download import megabytes

    if not entries:
        return
    header = ("name", "version", "ABI", "size", "state", "SHA-256", "origin")
    rows = [
        (
            entry["name"],
            entry["version"],
            entry["abi"],
            megabytes(entry["size_bytes"]),
            "whole" if entry["whole"] else entry["fault"],
            entry["sha256"][:16],
            entry["origin"],
        )
        for entry in entries
    ]
    print_columns(header, rows)


def _own_choice() -> str:
    """What the emulated phone and `cost` would take."""
    from mmnet_deploy.engines import own, own_parts

    begin = "The emulated phone and `cost` take tflbench,"
    if own.has_bundle():
        return f"{begin} from {own.bundle_folder()}."
    try:
        wanted = own.lacking()
    except MmnetDeployError as error:
        return f"{begin} which cannot be put together: {error}"
    how = f", by a download of {own_parts.in_short(wanted)}" if wanted else ""
    return f"{begin} put together at the first use{how}."


def _choice() -> str:
    """What `bench` would take on a phone if it were called without an option."""
    import os

    from mmnet_deploy.benchmarking.engines import ENGINE_VARIABLE
    from mmnet_deploy.engines import cache, releases

    given = os.environ.get(ENGINE_VARIABLE)
    if given:
        return f"On a phone, `bench` takes {given}, as {ENGINE_VARIABLE} says."
    try:
        file = releases.EngineFile(releases.default_version(), "arm64-v8a", releases.PROGRAM)
        address = f"{releases.without_password(releases.server())}/{file.path}"
    except MmnetDeployError as error:
        return str(error)
    where = "from the cache" if cache.place(file).exists() else f"by a download from {address}"
    return f"On a phone, `bench` takes {file.title}, {where}."


@engines.command("get")
@_version_option
@_abi_option
@click.option(
    "--for",
    "purposes",
    default="cpu",
    show_default=True,
    metavar="NAME,…",
    help="What the engine is to run models on: cpu, gpu, npu; outputs gets what hands out a "
    "model's outputs to be compared, emulated gets tflbench for the emulated phone and `cost`.",
)
@click.option(
    "--sha256",
    "hashes",
    multiple=True,
    metavar="[NAME=]HASH",
    help="SHA-256 that a file must have, in place of the one that was recorded when it first "
    "came; without NAME it is that of benchmark_model. Repeatable.",
)
@click.pass_context
def get_engine(
    ctx: click.Context, version: str | None, abi: str, purposes: str, hashes: tuple[str, ...]
) -> None:
    """Get engines into the cache.

    It is for computers that will have no network.

    What is in the cache already is checked and not downloaded again; of nightly, the latest
    files are fetched. MMNET_ENGINE_URL names a mirror with the same layout.

    \b
    Examples:
      mmnet-deploy engines get --for cpu,gpu
      mmnet-deploy engines get --for cpu,emulated
      mmnet-deploy engines get --version 2.2.0
    """
    from mmnet_deploy.engines import official, releases

    chosen = releases.checked_version(version, "--version") if version else None
    abi = releases.checked_abi(abi)
    words = _purposes(purposes)
    official_for = [word for word in words if word != EMULATED]
    if (version or hashes) and not official_for:
        raise UsageError(
            "`--version` and `--sha256` are of official engines, which `--for cpu`, gpu or npu "
            f"gets. Received: --for {purposes}."
        )
    wanted = releases.needed(official_for) if official_for else {}
    pins = _pins(hashes, list(wanted))
    failed = EMULATED in words and not _got_own()
    if not official_for:
        ctx.exit(failed)
    found = official.get(
        chosen or releases.default_version(),
        abi,
        wanted,
        anew=True,
        pins=pins,
        progress=progress,
        tell=say,
    )
    count = len(found.files)
    files = f"{count} files" if count != 1 else "1 file"
    say(f"In the cache: {files} of LiteRT {found.version} for {abi}.")
    ctx.exit(failed)


def _got_own() -> bool:
    """Have tflbench in the cache; whether it is there now. The rest is got all the same."""
    from mmnet_deploy.engines import own

    try:
        folder = own.bundle(progress=progress, tell=say)
    except MmnetDeployError as error:
        say(f"Error: {error}")
        return False
    say(f"In the cache: tflbench, {folder}.")
    return True


def _purposes(text: str) -> list[str]:
    from mmnet_deploy.engines.releases import PURPOSES

    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in (*PURPOSES, EMULATED):
            known = ", ".join((*PURPOSES, EMULATED))
            raise UsageError(f"`--for` must be of {known}. Received: {word or 'nothing'}.")
    return words


def _pins(hashes: tuple[str, ...], names: list[str]) -> dict[str, str]:
    from mmnet_deploy.engines.releases import PROGRAM

    pins = {}
    for text in hashes:
        name, _, digest = text.strip().rpartition("=")
        name = name or PROGRAM
        if name not in names or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            raise UsageError(
                "`--sha256` must be 64 hexadecimal digits, or NAME=HASH of one of the files "
                f"{', '.join(names)}, which `--for` chooses. Received: {text}."
            )
        pins[name] = digest.lower()
    return pins


@engines.command("verify")
@_json_option
@click.pass_context
def verify_engines(ctx: click.Context, as_json: bool) -> None:
    """Check every file of the cache.

    Its size, its content and its recorded hash count.

    The exit code is 1 if a file is not what it must be.

    Example: mmnet-deploy engines verify
    """
    from mmnet_deploy.downloads.cache import folder

    entries = _entries()
    bad = [entry for entry in entries if not entry["whole"]]
    if as_json:
        show_json(json.dumps(entries, indent=1))
    else:
        _print(entries)
        whole = len(entries) - len(bad)
        say(f"{whole} of {len(entries)} entries in {folder()} are whole.")
    if bad:
        ctx.exit(1)


@engines.command("remove")
@click.option("--version", metavar="VERSION", help="Remove the files of this version.")
@click.option("--all", "everything", is_flag=True, help="Remove the files of all versions.")
def remove_engines(version: str | None, everything: bool) -> None:
    """Remove engines from the cache.

    Unfinished downloads go too, and what was built.

    The recorded hashes stay: when the files come again, they must be the same.

    Example: mmnet-deploy engines remove --version 2.2.0
    """
    from mmnet_deploy.downloads.cache import folder
    from mmnet_deploy.engines import cache, own, releases
    from mmnet_deploy.engines.download import megabytes

    if bool(version) == everything:
        raise UsageError(
            "Either `--version` or `--all` must say what to remove. Received: "
            f"{'both' if version else 'neither'}."
        )
    if version:
        releases.checked_version(version, "--version")
    chosen = [file for file in cache.files() if everything or file.version == version]
    built = [one for one in own.built() if everything or one.version == version]
    count = len(chosen) + len(built)
    freed = sum(cache.remove(file) for file in chosen) + sum(map(own.remove, built))
    if everything:
        freed += own.remove_parts()
    names = f"{count} entr{'y' if count == 1 else 'ies'}"
    say(f"{names} ({megabytes(freed)}) removed from {folder()}.")
