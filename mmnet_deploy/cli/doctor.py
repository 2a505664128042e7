"""`mmnet-deploy doctor`."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Sequence

import click

from mmnet_deploy.cli.console import print_table, show, show_json
from mmnet_deploy.errors import MmnetDeployError

BASE = (
    "numpy", "opencv-python-headless", "simplejpeg", "click", "pandas", "matplotlib", "pillow",
    "rich",
)  # fmt: skip
EXTRA = ("tensorflow", "keras")

ADB_REMEDY = "install Android's platform-tools (Debian: apt install adb)"
# Of what is installed already, pip and uv add the rest, wherever the package came from.
CONVERT_REMEDY = "pip install 'mmnet-deploy[convert]'"


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was looked for here.

    Attributes:
        found: Empty if it is not there.
        note: What that means, or how to get it.
        comes: Whether the first command that needs it gets it by itself.
    """

    what: str
    found: str
    note: str = ""
    comes: bool = False


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _findings() -> list[Finding]:
    from mmnet_deploy.benchmarking.host import Host
    from mmnet_deploy.tflite.runtime import runtime_name

    rows = [Finding("Python", platform.python_version())]
    for package in BASE:
        found = _version(package)
        rows.append(Finding(package, found or "", "" if found else f"pip install {package}"))
    for package in EXTRA:
        found = _version(package)
        remedy = f"train and convert need it: {CONVERT_REMEDY}"
        rows.append(Finding(package, found or "", "" if found else remedy))
    found = _version("av")
    remedy = "videos need it: pip install 'mmnet-deploy[video]'"
    rows.append(Finding("av", found or "", "" if found else remedy))
    try:
        runtime = runtime_name()
        rows.append(Finding("TFLite runtime", runtime, "runs .tflite files here"))
    except MmnetDeployError as error:
        rows.append(Finding("TFLite runtime", "", str(error)))
    rows += _phone_findings()
    host = Host()
    facts, state = host.facts(), host.state()
    rows.append(Finding("processor", facts.processor, f"{facts.cores} usable cores"))
    governor = ", ".join(state.governors)
    advice = "" if governor else "cannot be read here; latencies may vary with the clock"
    if governor and governor != "performance":
        advice = "a `performance` governor gives steadier latencies"
    rows.append(Finding("governor", governor, advice))
    load = "" if state.load_1min is None else f"{state.load_1min:.2f}"
    busy = state.load_1min is not None and state.load_1min > 0.5
    rows.append(Finding("load (1 min)", load, "other work is running: latencies will vary" * busy))
    return rows


def _phone_findings() -> list[Finding]:
    """What measuring on phones needs, and which level of the emulated phone works."""
    from android_benchmark.emulator import levels

    adb = shutil.which("adb")
    found = levels()
    ready = [level for level in found if level.available]
    # The last level needs what the others need, and more.
    lacking = "needs for real arm64 kernels: " + "; ".join(
        it.rstrip(".") for it in found[-1].missing
    )
    means = "runs real arm64 kernels" if found[-1].available else lacking
    return [
        Finding("adb", adb or "", "" if adb else f"phones need it: {ADB_REMEDY}"),
        _official(),
        _tflbench(),
        _counting(),
        Finding("emulated phone", f"level {ready[-1].level}" if ready else "", means),
    ]


def _official() -> Finding:
    """The engine of phones: the one that was given, or the published one."""
    from mmnet_deploy.benchmarking.engines import ENGINE_VARIABLE
    from mmnet_deploy.engines import cache, listing, releases

    name = "benchmark_model"
    if given := os.environ.get(ENGINE_VARIABLE):
        if os.path.exists(given):
            return Finding(name, given, f"runs models on phones, as {ENGINE_VARIABLE} says")
        return Finding(name, "", f"{ENGINE_VARIABLE} names {given}, which is not there")
    try:
        file = releases.EngineFile(releases.default_version(), "arm64-v8a", releases.PROGRAM)
        address = f"{releases.without_password(releases.server())}/{file.path}"
    except MmnetDeployError as error:
        return Finding(name, "", str(error))
    path = cache.place(file)
    if path.exists():
        (fault,) = (entry.fault for entry in listing.entries() if entry.file == file)
        found = "" if fault else f"LiteRT {file.version}"
        return Finding(name, found, fault or f"runs models on phones: {path}")
    return Finding(
        name, "", f"`bench` on a phone downloads LiteRT {file.version} once: {address}", comes=True
    )


def _tflbench() -> Finding:
    """Our own engine, which the emulated phone and counting need."""
    from mmnet_deploy.downloads import pip
    from mmnet_deploy.engines import own, own_parts

    name = "tflbench"
    folder = own.bundle_folder()
    if own.has_bundle():
        version = folder.name.split("-")[1]
        return Finding(name, version, f"runs models on the emulated phone: {folder}")
    try:
        wanted = own.lacking()
        if any(not part.addresses for part in wanted):
            pip.program(own_parts.WHEEL)
    except MmnetDeployError as error:
        return Finding(name, "", str(error).rstrip("."))
    how = "the emulated phone and `cost` put it together once"
    if wanted:
        how += f" by a download of {own_parts.in_short(wanted)}"
    return Finding(name, "", how, comes=True)


def _counting() -> Finding:
    """What counting instructions needs besides tflbench."""
    from android_benchmark.cost import find_counter
    from android_benchmark.errors import HarnessError
    from mmnet_deploy.engines import own

    try:
        _, version = find_counter(own.counter_folder())
    except HarnessError as error:
        return Finding("instruction counter", "", str(error))
    return Finding("instruction counter", f"qemu {version}", "runs `mmnet-deploy cost`")


def summary(findings: Sequence[Finding]) -> list[str]:
    """What works here, what more would and how, and what to do next: a sentence each."""
    found = {one.what: one for one in findings}
    there = {what for what, one in found.items() if one.found or one.comes}
    networks = {"tensorflow", "keras"} <= there
    models = "TFLite runtime" in there
    emulated = found["emulated phone"].found
    real = emulated == "level 2" and "tflbench" in there
    works = {
        "train networks": networks,
        "convert them": networks,
        "evaluate models": models,
        "measure their latency": models,
        "measure on phones": {"adb", "benchmark_model"} <= there,
        "run real arm64 kernels on an emulated phone": real,
        "run an emulated phone": bool(emulated) and not real,
        "count instructions": {"instruction counter", "tflbench"} <= there,
    }
    able = [what for what, does in works.items() if does]
    most, last = ", ".join(able[:-1]), able[-1] if able else "run none of the stages yet"
    lines = [f"This computer can {f'{most} and ' if most else ''}{last}."]
    if not networks:
        lines.append(f"To train and convert: {CONVERT_REMEDY}")
    if not models:
        lines.append("To evaluate and measure: pip install ai-edge-litert")
    if "adb" not in there:
        lines.append(f"To measure on a phone: {ADB_REMEDY}.")
    elif "benchmark_model" not in there:
        lines.append(f"To measure on a phone: {found['benchmark_model'].note}")
    if emulated and not real:
        lines.append(
            f"To run real arm64 kernels on the emulated phone: {found['tflbench'].note}."
            if emulated == "level 2"
            else f"The emulated phone {found['emulated phone'].note}."
        )
    if "instruction counter" not in there:
        lines.append(found["instruction counter"].note)
    coming = [what for what, one in found.items() if one.comes]
    if coming:
        lines.append(
            f"Not here yet, and got when first used: {' and '.join(coming)}. To get them now, for "
            "work without a network: mmnet-deploy engines get --for cpu,emulated"
        )
    if networks and models:
        lines.append("To see every stage at work: mmnet-deploy demo")
    return lines


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Say what works here, what is missing and how to get it.

    Example: mmnet-deploy doctor
    """
    findings = _findings()
    if as_json:
        rows = [{"what": it.what, "found": it.found, "note": it.note} for it in findings]
        show_json(json.dumps(rows, indent=1))
        return
    for line in summary(findings):
        show(line)
    shown = [(it.what, it.found or "–", it.note) for it in findings]
    print_table(("", "found", "note"), shown, numbers=False)
