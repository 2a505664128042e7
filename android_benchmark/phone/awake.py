"""Keeping a phone awake while it measures, and putting back what that changed.

With its screen off a phone slows down or sleeps. What was changed is written down on the
phone before the change, so that it can be put back by whoever comes next, even if this
computer loses its connection or its power.
"""

from __future__ import annotations

import re
import shlex

from android_benchmark import errors
from android_benchmark.phone.adb import AdbDevice

_WANTED = (
    # 7: on any power source. The second helps a phone on WLAN that is not plugged in.
    ("global", "stay_on_while_plugged_in", "7"),
    ("system", "screen_off_timeout", "1800000"),
)
_SCREEN = "screen"
_VALUE = r"null|-?[0-9]{1,12}"
"""What both settings are: a number, or nothing."""


class Awake:
    """The settings of one phone that keep its screen on.

    Args:
        device: The phone.
        journal: Path on the phone of the note on what was changed.
    """

    def __init__(self, device: AdbDevice, journal: str) -> None:
        self.device = device
        self.journal = journal

    def keep(self) -> None:
        """Turn the screen on and keep it on, as far as a plain shell may.

        What an earlier call left changed is put back first, so that the first state counts.

        Raises:
            TransientError: The phone is not there.
        """
        self.restore()
        values = {(space, key): self._get(space, key) for space, key, _ in _WANTED}
        # What cannot be put back is not changed.
        wanted = [it for it in _WANTED if values[it[0], it[1]] is not None]
        lines = [f"{space} {key} {values[space, key]}" for space, key, _ in wanted]
        lines.append(f"{_SCREEN} {'off' if self._screen_is_off() else 'on'} -")
        journal = shlex.quote(self.journal)
        noted = self.device.shell(
            f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > {journal}.part "
            f"&& mv -f {journal}.part {journal}"
        )
        if noted.returncode:
            return
        for space, key, value in wanted:
            self.device.shell(f"settings put {space} {key} {value}")
        self.device.shell("input keyevent KEYCODE_WAKEUP")

    def restore(self) -> bool:
        """Put back what is noted as changed; returns whether there was anything.

        Raises:
            NotPutBackError: The phone keeps the changed values; the note stays on it.
            TransientError: The phone is not there; the note stays on it.
        """
        journal = shlex.quote(self.journal)
        text = self.device.shell(f"cat {journal} 2>/dev/null").stdout
        settings = re.findall(rf"^(\w+) (\w+) ({_VALUE})$", text, re.MULTILINE)
        screen = re.search(rf"^{_SCREEN} (on|off) -$", text, re.MULTILINE)
        if not settings and not screen:
            return False
        left = []
        for space, key, value in settings:
            if (space, key) not in {wanted[:2] for wanted in _WANTED}:
                continue
            put, delete = f"put {space} {key} {value}", f"delete {space} {key}"
            command = f"settings {delete if value == 'null' else put}"
            self.device.shell(command)
            if self._get(space, key) != value:
                left.append(command)
        if left:
            serial = self.device.serial
            raise errors.NotPutBackError(
                f"The phone {serial} keeps settings that were changed on it. Put them back with: "
                f"adb -s {shlex.quote(serial)} shell {shlex.quote('; '.join(left))}"
            )
        if screen and screen[1] == "off":
            self.device.shell("input keyevent KEYCODE_SLEEP")
        self.device.shell(f"rm -f {journal}")
        return True

    def _get(self, space: str, key: str) -> str | None:
        """The value of a setting, `null` where it has none; None if the phone does not say."""
        said = self.device.shell(f"settings get {space} {key} 2>/dev/null").stdout
        found = [line.strip() for line in said.splitlines() if re.fullmatch(_VALUE, line.strip())]
        return found[-1] if found else None

    def _screen_is_off(self) -> bool:
        said = self.device.shell("dumpsys power 2>/dev/null | grep mWakefulness=").stdout
        return bool(re.search(r"mWakefulness=(Asleep|Dozing)", said))
