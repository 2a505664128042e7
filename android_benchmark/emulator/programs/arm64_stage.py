"""Runs one arm64 program in a world of its own; started as a script, by `Arm64Runner` only.

    python -I -S arm64_stage.py CONTROL

`CONTROL` is the number of an inherited socket. Over it come four bytes, the length of the JSON
that follows (without a `qemu`, the program is one that does nothing), and then a byte for each
signal that is to be sent to the program; its end ends the program. Back go a line `exit CODE`,
`signal NUMBER` or `error TEXT`.

Three processes are at work:

1. the script, outside, which waits;
2. process 1 of the new namespaces, which mounts, passes signals on and collects the dead. The
   program must not be process 1 itself: the kernel spares that one the signals of `abort`;
3. the program, which is QEMU with the program's own arguments.

QEMU is opened before the folder becomes `/` and started through that descriptor, so that the
folder needs no file of the computer, nor the kernel a handler for arm64 files.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import struct
import sys
from typing import Any

_NEWNS, _NEWUTS, _NEWIPC = 0x00020000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_NOATIME, _BIND, _REC, _PRIVATE, _RELATIME = 1024, 4096, 16384, 1 << 18, 1 << 21
_DETACH = 2
_NO_NEW_PRIVILEGES = 38
_ST_RELATIME = 4096
_DEVICES = ("null", "zero", "random", "urandom")
_SHELL_USER = 2000

_LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Do what the order says; never returns."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)
    (size,) = struct.unpack(">I", _exactly(control, 4))
    order = json.loads(_exactly(control, size))
    try:
        qemu = os.open(order["qemu"], os.O_RDONLY) if order["qemu"] else None
        _enter(_NEWUSER | _NEWNS | _NEWPID | _NEWNET | _NEWIPC | _NEWUTS, 0)
        first = os.fork()
        if first == 0:
            _be_first(control, order, qemu)
    except OSError as error:
        _fail(control, error)
    control.close()
    _close_outputs()
    os.waitpid(first, 0)
    os._exit(0)


def _be_first(control: socket.socket, order: dict[str, Any], qemu: int | None) -> None:
    """What process 1 does."""
    try:
        _mount_all(order)
        socket.sethostname("localhost")
        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake)
        program = os.fork()
        if program == 0:
            _be_program(control, order, qemu)
        _close_outputs()
        _watch(control, woken, program)
    except OSError as error:
        _fail(control, error)
    os._exit(0)


def _be_program(control: socket.socket, order: dict[str, Any], qemu: int | None) -> None:
    """Give up all rights and become the program."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # One more namespace: the user of an Android shell, who may not undo the mounts.
        _enter(_NEWUSER, _SHELL_USER)
        _check("prctl", _LIBC.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0))
        os.chdir(order["folder"])
        environment = {os.fsencode(k): os.fsencode(v) for k, v in order["environment"].items()}
        if qemu is None:
            os._exit(0)  # only asked whether one can get here
        os.execve(qemu, [os.fsencode(word) for word in order["arguments"]], environment)
    except OSError as error:
        _fail(control, error)


def _enter(namespaces: int, user: int) -> None:
    """Enter new namespaces, there as `user`."""
    outer_user, outer_group = os.getuid(), os.getgid()
    _check("user namespaces", _LIBC.unshare(namespaces))
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {outer_user} 1"),
        ("gid_map", f"{user} {outer_group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(line)


def _mount_all(order: dict[str, Any]) -> None:
    """Make the folder the root, with /proc, /dev and what may be written."""
    root = order["root"]
    _mount("", "/", flags=_REC | _PRIVATE)
    _mount(root, root, flags=_BIND)
    facts = {
        entry.name: os.open(entry.path, os.O_PATH)
        for entry in os.scandir(f"{root}/proc")
        if entry.is_file(follow_symlinks=False)
    }
    _mount("proc", f"{root}/proc", "proc", _NOSUID | _NODEV | _NOEXEC)
    for name, descriptor in facts.items():
        place = f"{root}/proc/{name}"
        if os.path.exists(place):
            _mount(f"/proc/self/fd/{descriptor}", place, flags=_BIND)
            _make_read_only(place)
        os.close(descriptor)
    _mount("tmpfs", f"{root}/dev", "tmpfs", _NOSUID | _NOEXEC, "mode=755,size=64k")
    for name in _DEVICES:
        with open(f"{root}/dev/{name}", "w"):
            pass
        _mount(f"/dev/{name}", f"{root}/dev/{name}", flags=_BIND)
    _make_read_only(f"{root}/dev")
    for path in order["writable"]:
        _mount(f"{root}{path}", f"{root}{path}", flags=_BIND)
    _make_read_only(root)
    os.chdir(root)
    # The old root is put on top of the new one and taken away: nothing of it is left.
    _check("pivot_root", _LIBC.pivot_root(b".", b"."))
    _check("umount", _LIBC.umount2(b".", _DETACH))
    os.chdir("/")


def _mount(source: str, place: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    words = [os.fsencode(word) for word in (source, place, kind)]
    what = f"mounting {kind or source or place}"
    _check(what, _LIBC.mount(*words, ctypes.c_ulong(flags), options.encode()))


def _make_read_only(place: str) -> None:
    # Restrictions of the mount below must be named again, or the kernel refuses.
    now = os.statvfs(place).f_flag
    kept = now & (_NOSUID | _NODEV | _NOEXEC | _NOATIME)
    kept |= _RELATIME if now & _ST_RELATIME else 0
    _mount("", place, flags=_REMOUNT | _BIND | _RDONLY | kept)


def _watch(control: socket.socket, woken: int, program: int) -> None:
    """Pass signals on until the program ends or nobody is left who waits for it."""
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if control.fileno() in ready:
            numbers = control.recv(64)
            if not numbers:
                return
            for number in numbers:
                with contextlib.suppress(OSError):
                    os.kill(program, number)
        if woken in ready:
            os.read(woken, 4096)
            if _collect(control, program):
                return


def _collect(control: socket.socket, program: int) -> bool:
    """Collect the dead; say how the program ended, if it has."""
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return True
        if pid == 0:
            return False
        if pid == program:
            by_signal = os.WIFSIGNALED(status)
            number = os.WTERMSIG(status) if by_signal else os.WEXITSTATUS(status)
            control.sendall(f"{'signal' if by_signal else 'exit'} {number}\n".encode())
            return True


def _exactly(control: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = control.recv(size - len(data))
        if not piece:
            os._exit(1)
        data += piece
    return bytes(data)


def _close_outputs() -> None:
    """Leave the program's inputs and outputs to the program, so that their end is seen."""
    for descriptor in range(3):
        os.close(descriptor)


def _check(what: str, result: int) -> None:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


def _fail(control: socket.socket, error: OSError) -> None:
    with contextlib.suppress(OSError):
        control.sendall(f"error {error.filename}: {error.strerror}\n".encode())
    os._exit(1)


if __name__ == "__main__":
    main()
