"""`mmnet-deploy doctor`."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import shutil
from collections.abc import Mapping

import click

from mmnet_deploy.cli.console import print_table, show, show_json
from mmnet_deploy.errors import MissingDependencyError

BASE = (
    "numpy", "opencv-python-headless", "simplejpeg", "click", "pandas", "matplotlib", "pillow",
    "rich", "ai-edge-litert",
)  # fmt: skip
EXTRA = ("tensorflow", "keras")

ADB_REMEDY = "install Android's platform-tools (Debian: apt install adb)"
ENGINE_REMEDY = "python tools/build_engine.py in a checkout"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _findings() -> list[tuple[str, str, str]]:
    """What was looked for, what was found (empty if nothing), and what that means."""
    from mmnet_deploy.bench.host import Host
    from mmnet_deploy.tflite import interpreter

    rows = [("Python", platform.python_version(), "")]
    for package in BASE:
        found = _version(package)
        rows.append((package, found or "", "" if found else f"pip install {package}"))
    for package in EXTRA:
        found = _version(package)
        remedy = "train and convert need it: pip install '.[convert]' in a checkout"
        rows.append((package, found or "", "" if found else remedy))
    try:
        rows.append(("TFLite runtime", interpreter.runtime_name(), "runs .tflite files here"))
    except MissingDependencyError as error:
        rows.append(("TFLite runtime", "", str(error)))
    rows += _phone_findings()
    host = Host()
    facts, state = host.facts(), host.state()
    rows.append(("processor", facts.processor, f"{facts.cores} usable cores"))
    governor = ", ".join(state.governors)
    advice = "" if governor else "cannot be read here; latencies may vary with the clock"
    if governor and governor != "performance":
        advice = "a `performance` governor gives steadier latencies"
    rows.append(("governor", governor, advice))
    load = "" if state.load_1min is None else f"{state.load_1min:.2f}"
    busy = state.load_1min is not None and state.load_1min > 0.5
    rows.append(("load (1 min)", load, "other work is running: latencies will vary" * busy))
    return rows


def _phone_findings() -> list[tuple[str, str, str]]:
    """What measuring on phones needs, and which level of the emulated phone works."""
    from android_benchmark.emulator import levels
    from android_benchmark.engines import MANIFEST
    from mmnet_deploy.bench.engines import ENGINE_VARIABLE
    from mmnet_deploy.bench.targets import BUNDLE

    adb = shutil.which("adb")
    remedy = f"phones need it: {ADB_REMEDY}"
    rows = [("adb", adb or "", "" if adb else remedy)]
    given = os.environ.get(ENGINE_VARIABLE, "")
    remedy = f"phones need it or tflbench: set {ENGINE_VARIABLE}, or give `--engine-binary`"
    rows.append(("benchmark_model", given, "" if given else remedy))
    built = (BUNDLE / MANIFEST).is_file()
    remedy = f"our own engine for phones: {ENGINE_REMEDY}"
    rows.append(("tflbench", str(BUNDLE) if built else "", "" if built else remedy))
    found = levels()
    ready = [level for level in found if level.available]
    # The last level needs what the others need, and more.
    lacking = "for level 2: " + "; ".join(what.rstrip(".") for what in found[-1].missing)
    means = "runs real arm64 kernels" if found[-1].available else lacking
    rows.append(_counting())
    rows.append(("emulated phone", f"level {ready[-1].level}" if ready else "", means))
    return rows


def _counting() -> tuple[str, str, str]:
    """What counting instructions needs."""
    from android_benchmark.errors import HarnessError
    from mmnet_deploy.bench import cost

    try:
        tools = cost.find_tools()
    except HarnessError as error:
        return "instruction counter", "", str(error)
    return "instruction counter", f"qemu {tools.qemu_version}", "runs `mmnet-deploy cost`"


def summary(found: Mapping[str, str]) -> list[str]:
    """What works here, what more would and how, and what to do next: a sentence each.

    Args:
        found: What was found, by what was looked for; empty where nothing was.
    """
    networks = bool(found["tensorflow"] and found["keras"])
    models = bool(found["TFLite runtime"])
    engine = bool(found["benchmark_model"] or found["tflbench"])
    phones = bool(found["adb"] and engine)
    works = {
        "train networks": networks,
        "convert them": networks,
        "evaluate models": models,
        "measure their latency": models,
        "measure on phones": phones,
        "run an emulated phone": bool(found["emulated phone"]),
        "count instructions": bool(found["instruction counter"]),
    }
    able = [what for what, does in works.items() if does]
    most, last = ", ".join(able[:-1]), able[-1] if able else "run none of the stages yet"
    lines = [f"This computer can {f'{most} and ' if most else ''}{last}."]
    if not networks:
        lines.append("To train and convert: pip install '.[convert]' in a checkout.")
    if not models:
        lines.append("To evaluate and measure: pip install ai-edge-litert.")
    if not phones:
        steps = [ADB_REMEDY] if not found["adb"] else []
        if not engine:
            steps.append(
                f"build our engine with {ENGINE_REMEDY}, or give --engine-binary the official one"
            )
        lines.append(f"To measure on a phone: {'; '.join(steps)}.")
    if networks and models:
        lines.append("To see every stage at work: mmnet-deploy demo")
    return lines


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(as_json: bool) -> None:
    """Say what works here, what is missing and how to get it.

    Example: mmnet-deploy doctor
    """
    rows = _findings()
    if as_json:
        show_json(
            json.dumps(
                [dict(zip(("what", "found", "note"), row, strict=True)) for row in rows], indent=1
            )
        )
        return
    for line in summary({what: found for what, found, _ in rows}):
        show(line)
    shown = [(what, found or "–", note) for what, found, note in rows]
    print_table(("", "found", "note"), shown, numbers=False)
