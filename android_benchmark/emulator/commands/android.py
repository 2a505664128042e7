"""Commands of Android: properties, settings, power, activities."""

from __future__ import annotations

from android_benchmark.emulator.commands.registry import Call, UsageError, command
from android_benchmark.emulator.faults import KeepSettings

_PLUGGED = {"true": 7, "false": 0, "ac": 1, "usb": 2, "wireless": 4}
_NAMESPACES = ("system", "secure", "global")


@command("getprop")
async def getprop(call: Call) -> int:
    """getprop [NAME [DEFAULT]]"""
    properties = call.device.properties
    if call.arguments:
        name, default = [*call.arguments, ""][:2]
        await call.out(properties.get(name, default))
    else:
        lines = [f"[{name}]: [{value}]" for name, value in sorted(properties.items())]
        await call.out("\n".join(lines))
    return 0


@command("setprop")
async def setprop(call: Call) -> int:
    """setprop NAME VALUE: a shell may set those under `debug.` and `log.`."""
    if len(call.arguments) != 2:
        raise UsageError("Needs 2 arguments")
    name, value = call.arguments
    if not name.startswith(("debug.", "log.")):
        await call.err(f"setprop: failed to set property '{name}' to '{value}'")
        return 1
    call.device.properties[name] = value
    return 0


@command("settings")
async def settings(call: Call) -> int:
    """settings get|put|delete|list NAMESPACE [NAME [VALUE]]"""
    verb, space, name, value = [*call.arguments, "", "", "", ""][:4]
    wanted = {"get": 3, "put": 4, "delete": 3, "list": 2}.get(verb)
    if wanted is None or len(call.arguments) != wanted or space not in _NAMESPACES:
        raise UsageError("Invalid command")
    stored = call.device.settings
    if verb == "get":
        await call.out(stored.get((space, name), "null"))
    elif call.device.faults.get(KeepSettings):
        return 0
    elif verb == "put":
        stored[space, name] = value
    elif verb == "delete":
        gone = stored.pop((space, name), None) is not None
        await call.out(f"Deleted {int(gone)} rows")
    else:
        lines = [f"{key}={text}" for (where, key), text in sorted(stored.items()) if where == space]
        await call.out("\n".join(lines))
    return 0


@command("svc")
async def svc(call: Call) -> int:
    """svc power stayon true|false|usb|ac|wireless"""
    if call.arguments[:2] == ["power", "stayon"] and call.arguments[-1] in _PLUGGED:
        number = _PLUGGED[call.arguments[2]]
        call.device.settings["global", "stay_on_while_plugged_in"] = str(number)
        if number:
            call.device.screen.on = True
        return 0
    raise UsageError("Available commands: power stayon")


@command("input")
async def input_(call: Call) -> int:
    """input keyevent CODE: power, wakeup, sleep and menu move the screen."""
    if call.arguments[:1] != ["keyevent"] or len(call.arguments) < 2:
        return 0
    screen = call.device.screen
    for code in call.arguments[1:]:
        key = code.removeprefix("KEYCODE_")
        if key in ("26", "POWER"):
            screen.on = not screen.on
        elif key in ("224", "WAKEUP"):
            screen.on = True
        elif key in ("223", "SLEEP"):
            screen.on = False
        elif key in ("82", "MENU"):
            screen.locked = False
    return 0


@command("wm")
async def wm(call: Call) -> int:
    """wm size | dismiss-keyguard"""
    if call.arguments == ["size"]:
        await call.out("Physical size: 1080x1920")
    elif call.arguments == ["dismiss-keyguard"]:
        call.device.screen.locked = False
    return 0


@command("am")
async def am(call: Call) -> int:
    """am start | force-stop | kill-all: starts and ends nothing."""
    if call.arguments[:1] == ["start"]:
        await call.out(f"Starting: Intent {{ {' '.join(call.arguments[1:])} }}")
    return 0


@command("cmd")
async def cmd(call: Call) -> int:
    """cmd power set-fixed-performance-mode-enabled true|false (Android 11 and later)"""
    device, words = call.device, call.arguments
    if words[:2] == ["power", "set-fixed-performance-mode-enabled"] and device.sdk >= 30:
        device.settings["emulated", "fixed_performance"] = words[-1]
        return 0
    if words[:1] in (["power"], ["thermalservice"]):
        await call.err(f"Unknown command: {words[1] if len(words) > 1 else ''}")
        return 255
    await call.err(f"cmd: Can't find service: {words[0] if words else ''}")
    return 20


@command("logcat")
async def logcat(call: Call) -> int:
    """logcat: prints nothing."""
    return 0
