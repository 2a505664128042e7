"""Which processor a program is built for: the head of an ELF file against a phone's ABIs."""

from __future__ import annotations

from pathlib import Path

from android_benchmark.errors import EngineFileError

_MACHINES = {3: "x86", 40: "armeabi-v7a", 62: "x86_64", 183: "arm64-v8a", 243: "riscv64"}
"""Android's name of the instruction set, by ELF's number of the machine."""

_HEXAGON = "machine 164"
"""Qualcomm's NPU, for which some libraries of its runtime are built."""


def abi(program: Path) -> str | None:
    """Android's name of the instruction set that a program is built for; None for a script.

    Raises:
        EngineFileError: It cannot be read, is empty, or is cut off.
    """
    try:
        with program.open("rb") as file:
            head = file.read(20)
    except OSError as error:
        raise EngineFileError(f"Cannot read the engine {program}: {error.strerror}.") from error
    if not head:
        raise EngineFileError(f"The engine {program} is empty.")
    if not head.startswith(b"\x7fELF"):
        return None
    if len(head) < 20:
        raise EngineFileError(f"The engine {program} is cut off: get it again.")
    machine = int.from_bytes(head[18:20], "big" if head[5] == 2 else "little")
    return _MACHINES.get(machine, f"machine {machine}")


def check(program: Path, abis: tuple[str, ...], phone: str) -> None:
    """Make sure that a phone can run a program, or load a library.

    Args:
        program: The file.
        abis: What the phone runs, as `ro.product.cpu.abilist` says; empty if it does not say.
        phone: Its name, for the message.

    Raises:
        EngineFileError: It is built for another processor, or cannot be read.
    """
    built_for = abi(program)
    if built_for == _HEXAGON and program.suffix == ".so":
        return
    if built_for and abis and built_for not in abis:
        what = "library" if program.suffix == ".so" else "engine"
        raise EngineFileError(
            f"The {what} {program.name} is built for {built_for}, and the phone {phone} runs "
            f"{', '.join(abis)}: get one that is built for one of these."
        )
