"""Which devices are attached: phones as adb lists them, and what each is."""

from __future__ import annotations

import dataclasses

from android_benchmark import errors
from android_benchmark.device import DeviceFacts
from android_benchmark.phone.adb import Adb, AdbDevice
from android_benchmark.phone.reading import read_facts


@dataclasses.dataclass(frozen=True)
class Attached:
    """A phone that adb lists.

    Attributes:
        state: `device` if it can be used, else `offline`, `unauthorized`, `no permissions`, ….
        advice: What to do about the state; empty if nothing.
        facts: What it is; None if it cannot be asked.
    """

    serial: str
    state: str
    advice: str
    facts: DeviceFacts | None = None


def attached_phones(adb: Adb) -> tuple[Attached, ...]:
    """All phones that adb lists; each that can be used is asked what it is.

    Raises:
        HarnessError: The adb server does not start.
    """
    found = []
    for listed in adb.devices():
        phone = Attached(listed.serial, listed.state, listed.advice)
        if listed.state == "device":
            try:
                facts = read_facts(AdbDevice(adb, listed.serial))
                phone = dataclasses.replace(phone, facts=facts)
            except errors.HarnessError as error:
                phone = dataclasses.replace(phone, advice=str(error))
        found.append(phone)
    return tuple(found)
