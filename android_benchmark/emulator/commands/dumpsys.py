"""`dumpsys`, in the words of the phone's Android version."""

from __future__ import annotations

from collections.abc import Callable

from android_benchmark.emulator.commands.registry import Call, command
from android_benchmark.emulator.device.device import EmulatedDevice


@command("dumpsys")
async def dumpsys(call: Call) -> int:
    """dumpsys [-l | SERVICE]"""
    name = call.arguments[0] if call.arguments else "-l"
    if name == "-l":
        known = [name for name in sorted(_SERVICES) if _has(call.device, name)]
        await call.out("\n".join(["Currently running services:", *(f"  {n}" for n in known)]))
    elif name in _SERVICES and _has(call.device, name):
        await call.out(_SERVICES[name](call.device))
    else:
        # The exit code is 0 all the same, on real phones too.
        await call.err(f"Can't find service: {name}")
    return 0


def _has(device: EmulatedDevice, name: str) -> bool:
    return name != "thermalservice" or device.dumpsys_sdk >= 29


def _yes(value: bool) -> str:
    return str(value).lower()


def _battery(device: EmulatedDevice) -> str:
    battery = device.battery
    return (
        "Current Battery Service state:\n"
        "  AC powered: false\n"
        f"  USB powered: {_yes(battery.usb_powered)}\n"
        "  Wireless powered: false\n"
        f"  status: {2 if battery.usb_powered else 3}\n"
        "  health: 2\n"
        "  present: true\n"
        f"  level: {battery.level}\n"
        "  scale: 100\n"
        "  voltage: 4201\n"
        f"  temperature: {round(10 * device.soc.battery_c())}\n"
        "  technology: Li-poly"
    )


def _thermal(device: EmulatedDevice) -> str:
    soc = device.soc
    rows = [
        f"\tTemperature{{mValue={zone.idle_c + soc.rise_of(zone):.1f}, mType=0, "
        f"mName={zone.kind}, mStatus={soc.status}}}"
        for zone in soc.zones
        if zone.kind.startswith("tsens")
    ]
    skin = 30 + soc.rise_c / 3
    rows.append(f"\tTemperature{{mValue={skin:.1f}, mType=3, mName=skin, mStatus={soc.status}}}")
    lines = ["IsStatusOverride: false", f"Thermal Status: {soc.status}", "Cached temperatures:"]
    lines += [*rows, "HAL Ready: true", "HAL connection:", "\tThermalHAL 2.0 connected: yes"]
    return "\n".join([*lines, "Current temperatures from HAL:", *rows])


def _power(device: EmulatedDevice) -> str:
    on = device.screen.on
    words = ["POWER MANAGER (dumpsys power)", "", "Power Manager State:"]
    stay = device.settings["global", "stay_on_while_plugged_in"]
    words += [
        f"  mWakefulness={'Awake' if on else 'Asleep'}",
        f"  mIsPowered={_yes(device.battery.usb_powered)}",
        f"  mStayOn={_yes(stay != '0' and device.battery.usb_powered)}",
        f"  mBatteryLevel={device.battery.level}",
        f"Display Power: state={'ON' if on else 'OFF'}",
    ]
    return "\n".join(words)


def _window(device: EmulatedDevice) -> str:
    screen = device.screen
    lines = ["WINDOW MANAGER POLICY STATE (dumpsys window policy)"]
    if device.dumpsys_sdk >= 29:
        lines += [
            f"    mAwake={_yes(screen.on)}",
            f"    screenState={'SCREEN_STATE_ON' if screen.on else 'SCREEN_STATE_OFF'}",
            f"    isKeyguardShowing={_yes(screen.locked)}",
            f"    mDreamingLockscreen={_yes(screen.locked)}",
        ]
    else:
        lines += [
            f"    mAwake={_yes(screen.on)}",
            f"    mScreenOnEarly={_yes(screen.on)} mScreenOnFully={_yes(screen.on)}",
            f"    mShowingLockscreen={_yes(screen.locked)}"
            f" mShowingDream=false mDreamingLockscreen={_yes(screen.locked)}",
        ]
    return "\n".join(lines)


def _cpuinfo(device: EmulatedDevice) -> str:
    load = device.files.read("/proc/loadavg").decode().split()[:3]
    return f"Load: {' / '.join(load)}\n0% TOTAL: 0% user + 0% kernel"


_SERVICES: dict[str, Callable[[EmulatedDevice], str]] = {
    "battery": _battery,
    "cpuinfo": _cpuinfo,
    "power": _power,
    "thermalservice": _thermal,
    "window": _window,
}
