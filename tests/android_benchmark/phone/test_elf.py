"""An engine for another processor is refused before it is pushed."""

import pytest

from android_benchmark.errors import EngineFileError
from android_benchmark.phone import elf

PHONE = ("arm64-v8a", "armeabi-v7a", "armeabi")


def _program(folder, machine, order="little"):
    path = folder / "engine"
    head = b"\x7fELF\x02" + (b"\x01" if order == "little" else b"\x02") + bytes(10)
    path.write_bytes(head + (2).to_bytes(2, order) + machine.to_bytes(2, order) + bytes(44))
    return path


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        (183, "arm64-v8a"),
        (40, "armeabi-v7a"),
        (62, "x86_64"),
        (3, "x86"),
        (243, "riscv64"),
        (22, "machine 22"),
    ],
)
def test_the_processor_stands_in_the_file(tmp_path, machine, expected):
    """By Android's name where it has one."""
    assert elf.abi(_program(tmp_path, machine)) == expected


def test_a_big_endian_program_is_read_in_its_own_order(tmp_path):
    """The byte order stands in the file, too."""
    assert elf.abi(_program(tmp_path, 21, "big")) == "machine 21"


def test_a_script_runs_anywhere(tmp_path):
    """It has no processor, and every phone takes it."""
    script = tmp_path / "engine"
    script.write_text("#!/system/bin/sh\n")
    assert elf.abi(script) is None
    elf.check(script, PHONE, "MI 5")


def test_a_desktop_build_is_refused(tmp_path):
    """The message names the file, what it is for, and what the phone runs."""
    with pytest.raises(
        EngineFileError,
        match=r"engine is built for x86_64, and the phone MI 5 runs arm64-v8a, armeabi-v7a",
    ):
        elf.check(_program(tmp_path, 62), PHONE, "MI 5")


@pytest.mark.parametrize("machine", [183, 40])
def test_what_the_phone_runs_is_taken(tmp_path, machine):
    """A 64-bit phone runs 32-bit programs as well."""
    elf.check(_program(tmp_path, machine), PHONE, "MI 5")


def test_a_phone_that_does_not_say_what_it_runs_is_tried(tmp_path):
    """It will refuse by itself what it cannot run."""
    elf.check(_program(tmp_path, 62), (), "MI 5")


@pytest.mark.parametrize(
    ("content", "said"), [(b"", "is empty"), (b"\x7fELF\x02\x01\x01\x00", "is cut off")]
)
def test_a_damaged_file_is_told(tmp_path, content, said):
    """A download that failed is not called a build for another processor."""
    path = tmp_path / "engine"
    path.write_bytes(content)
    with pytest.raises(EngineFileError, match=said):
        elf.check(path, PHONE, "MI 5")


def test_a_file_that_cannot_be_read_is_told(tmp_path):
    """One that is not there, and a folder."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(EngineFileError, match="Cannot read the engine"):
            elf.abi(path)


def test_a_library_for_the_npu_beside_the_program_is_taken(tmp_path):
    """Part of Qualcomm's runtime is built for Hexagon; a program for it runs on no phone."""
    program = _program(tmp_path, 164)
    library = program.rename(tmp_path / "libQnnHtpV75Skel.so")
    elf.check(library, PHONE, "a phone")
    with pytest.raises(EngineFileError, match=r"The library libLiteRt\.so is built for x86_64"):
        elf.check(_program(tmp_path, 62).rename(tmp_path / "libLiteRt.so"), PHONE, "a phone")
    with pytest.raises(EngineFileError, match="built for machine 164"):
        elf.check(library.rename(program), PHONE, "a phone")
