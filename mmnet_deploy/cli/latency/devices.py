"""`mmnet-deploy devices`."""

from __future__ import annotations

import dataclasses
import json

import click

from mmnet_deploy.cli.console import print_table, say, show_json


@dataclasses.dataclass(frozen=True)
class _Row:
    """A device that `bench --device` takes, or would if its state allowed."""

    serial: str
    model: str
    soc: str
    system: str
    abi: str
    state: str
    advice: str = ""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def devices(as_json: bool) -> None:
    """List phones, the emulated phone, and this computer.

    Phones are those that adb lists. To use an adb server on another computer, set
    ANDROID_ADB_SERVER_ADDRESS and ANDROID_ADB_SERVER_PORT.

    Example: mmnet-deploy devices
    """
    rows, trouble = _phones()
    rows += [_emulated(), _host()]
    if as_json:
        show_json(json.dumps([dataclasses.asdict(row) for row in rows], indent=1))
    else:
        print_table(
            ("serial", "model", "SoC", "system", "ABI", "state"),
            [(r.serial, r.model, r.soc, r.system, r.abi, r.state) for r in rows],
            numbers=False,
        )
        for row in rows:
            if row.advice:
                say(f"{row.serial}: {row.advice}.")
    if trouble:
        say(trouble)


def _phones() -> tuple[list[_Row], str]:
    """Phones that adb lists, and what keeps it from doing so."""
    from android_benchmark.errors import HarnessError
    from android_benchmark.phone import Adb, attached_phones

    try:
        found = attached_phones(Adb())
    except HarnessError as error:
        return [], str(error)
    rows = []
    for phone in found:
        facts = phone.facts
        described = ("",) * 4
        if facts:
            model = facts.model + " (emulated)" * facts.emulated
            described = (model, facts.processor, facts.system, facts.abi)
        rows.append(_Row(phone.serial, *described, phone.state, phone.advice))
    trouble = "" if rows else "No phone is connected, or none has USB debugging turned on."
    return rows, trouble


def _emulated() -> _Row:
    from android_benchmark.emulator import levels
    from android_benchmark.emulator.device.profile import PhoneProfile

    found = levels()
    ready = [level for level in found if level.available]
    # The last level needs what the others need, and more.
    lacking = [what.rstrip(".") for what in found[-1].missing]
    said = PhoneProfile.load("msm8996").properties
    state = f"level {ready[-1].level}" if ready else "not available"
    return _Row(
        "emulated",
        "emulated phone",
        said["ro.board.platform"],
        f"Android {said['ro.build.version.release']}",
        said["ro.product.cpu.abi"],
        state,
        "for level 2: " + "; ".join(lacking) if lacking else "",
    )


def _host() -> _Row:
    from mmnet_deploy.benchmarking.host import Host

    facts = Host().facts()
    return _Row("host", "this computer", facts.processor, facts.system, facts.abi, "device")
