"""`mmnet-deploy engines list` and `verify`: what is in the cache, and whether it is whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mmnet_deploy.cli.console import print_columns, say, show_json
from mmnet_deploy.errors import MmnetDeployError

if TYPE_CHECKING:
    from mmnet_deploy.engines.listing import Entry


def _json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


@click.command("list")
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


@click.command("verify")
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
