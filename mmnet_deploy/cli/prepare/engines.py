"""`mmnet-deploy engines`."""

from __future__ import annotations

import re

import click

from mmnet_deploy.cli.console import progress, say
from mmnet_deploy.cli.prepare.engine_build import build
from mmnet_deploy.cli.prepare.engine_cache import list_engines, verify_engines
from mmnet_deploy.errors import MmnetDeployError, UsageError

EMULATED = "emulated"


@click.group()
def engines() -> None:
    """List, get, check, remove and build the engines that run models on a phone.

    `bench` gets the official engine for a phone by itself, and puts tflbench together for the
    emulated phone. These commands prepare a computer that has no network, or check what is there.
    """


engines.add_command(build)
engines.add_command(list_engines)
engines.add_command(verify_engines)

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
