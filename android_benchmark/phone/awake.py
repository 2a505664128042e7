"""Keeping a phone awake while it measures, and putting back what that changed.

With its screen off a phone slows down or sleeps. What was changed is written down on the
phone before the change, so that it can be put back by whoever comes next, even if this
computer loses its connection or its power.
"""

from __future__ import annotations

import re
import shlex

from android_benchmark.phone.adb import AdbDevice

_WANTED = (
    # 7: on any power source. The second helps a phone on WLAN that is not plugged in.
    ("global", "stay_on_while_plugged_in", "7"),
    ("system", "screen_off_timeout", "1800000"),
)
_SCREEN = "screen"


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
        lines = [f"{space} {key} {self._get(space, key) or 'null'}" for space, key, _ in _WANTED]
        lines.append(f"{_SCREEN} {'off' if self._screen_is_off() else 'on'} -")
        journal = shlex.quote(self.journal)
        noted = self.device.shell(
            f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} > {journal}.part "
            f"&& mv -f {journal}.part {journal}"
        )
        if noted.returncode:
            return  # what cannot be put back is not changed
        for space, key, value in _WANTED:
            self.device.shell(f"settings put {space} {key} {value}")
        self.device.shell("input keyevent KEYCODE_WAKEUP")

    def restore(self) -> bool:
        """Put back what is noted as changed; returns whether there was anything.

        Raises:
            TransientError: The phone is not there; the note stays on it.
        """
        journal = shlex.quote(self.journal)
        noted = self.device.shell(f"cat {journal} 2>/dev/null").stdout.splitlines()
        for line in noted:
            space, key, value = [*line.split(" ", 2), "", "", ""][:3]
            if space == _SCREEN:
                if key == "off":
                    self.device.shell("input keyevent KEYCODE_SLEEP")
            elif (space, key) in {wanted[:2] for wanted in _WANTED}:
                put = f"put {space} {key} {shlex.quote(value)}"
                delete = f"delete {space} {key}"
                self.device.shell(f"settings {delete if value in ('', 'null') else put}")
        if noted:
            self.device.shell(f"rm -f {journal}")
        return bool(noted)

    def _get(self, space: str, key: str) -> str:
        return self.device.shell(f"settings get {space} {key}").stdout.strip()

    def _screen_is_off(self) -> bool:
        said = self.device.shell("dumpsys power 2>/dev/null | grep mWakefulness=").stdout
        return bool(re.search(r"mWakefulness=(Asleep|Dozing)", said))
