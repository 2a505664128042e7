"""The counting plugin: what class an instruction has, and that nothing is lost or added."""

import shutil
import subprocess

import pytest

from android_benchmark.cost import counter
from android_benchmark.instructions import InstructionCounts
from tests.support import counting
from tests.support.counting import NATIVE

INSTRUCTIONS = {
    "fma": (
        "fmla v0.4s, v1.4s, v2.4s",
        "fmls v0.2d, v1.2d, v2.2d",
        "fmla v0.8h, v1.8h, v2.8h",
        "fmla v0.4s, v1.4s, v2.s[3]",
        "fmls v0.2d, v1.2d, v2.d[1]",
        "fmla v0.8h, v1.8h, v2.h[7]",
        "fmla s0, s1, v2.s[1]",
        "fmadd s0, s1, s2, s3",
        "fnmsub d0, d1, d2, d3",
        "fmla z0.s, p0/m, z1.s, z2.s",
        "fmad z0.h, p0/m, z1.h, z2.h",
        "fmla z0.s, z1.s, z2.s[1]",
    ),
    "simd": (
        "fmul v0.4s, v1.4s, v2.4s",
        "fadd v0.4s, v1.4s, v2.4s",
        "fadd v0.8h, v1.8h, v2.8h",
        "fmul v0.4s, v1.4s, v2.s[3]",
        "fmax v0.4s, v1.4s, v2.4s",
        "mla v0.4s, v1.4s, v2.4s",
        "smlal v0.4s, v1.4h, v2.4h",
        "smlal v0.4s, v1.4h, v2.h[2]",
        "sqrdmulh v0.4s, v1.4s, v2.4s",
        "sdot v0.4s, v1.16b, v2.16b",
        "sdot v0.4s, v1.16b, v2.4b[1]",
        "zip1 v0.4s, v1.4s, v2.4s",
        "dup v0.4s, w1",
        "movi v0.4s, #0",
        "fcvtns w0, s1",
        "scvtf s0, w1",
        "fmov w0, s1",
        "fcmp s0, s1",
        "aese v0.16b, v1.16b",
        "add z0.s, z1.s, z2.s",
        "fadd z0.s, z1.s, z2.s",
        "whilelt p0.s, x0, x1",
    ),
    "load_store": (
        "ldr x0, [x1]",
        "ldr s0, [x1]",
        "ldr q0, [x1], #16",
        "ldp q0, q1, [x2]",
        "stp x29, x30, [sp, #-16]!",
        "ld1 {v0.4s}, [x1]",
        "ld4 {v0.4s-v3.4s}, [x1], #64",
        "st1 {v0.s}[1], [x1]",
        "ld1r {v0.4s}, [x1]",
        "prfm pldl1keep, [x0]",
        "ldxr x0, [x1]",
        "ldar w0, [x1]",
        "ldadd w0, w1, [x2]",
        "ldrsw x0, [x1, w2, sxtw #2]",
        "ld1w {z0.s}, p0/z, [x0]",
        "st1w {z0.s}, p0, [x0]",
    ),
    "branch": ("b .", "bl .", "b.ne .", "cbz x0, .", "tbnz x0, #3, .", "br x0", "blr x1", "ret"),
    "integer": (
        "add x0, x1, #1",
        "add x0, x1, x2, lsl #3",
        "movz x0, #1",
        "adr x0, .",
        "adrp x0, .",
        "and x0, x1, #255",
        "ubfx x0, x1, #1, #2",
        "extr x0, x1, x2, #3",
        "csel x0, x1, x2, ne",
        "ccmp x0, x1, #0, eq",
        "madd x0, x1, x2, x3",
        "smull x0, w1, w2",
        "sdiv x0, x1, x2",
        "clz x0, x1",
        "adc x0, x1, x2",
    ),
    "other": ("nop", "dmb ish", "isb", "mrs x0, tpidr_el0", "msr fpcr, x0", "svc #0", "dc zva, x0"),
}


HARNESS = """
#include <stdio.h>
#include "classes.h"
int main(void)
{
    unsigned char b[4];
    while (fread(b, 1, 4, stdin) == 4)
        puts(CLASS_NAMES[classify((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 |
                                  (uint32_t)b[3] << 24)]);
    return 0;
}
"""


def _assembled(folder, lines):
    """The instructions' bytes."""
    (folder / "code.s").write_text(
        ".arch armv8.6-a+fp16+sve+crypto\n" + "".join(f"{line}\n" for line in lines)
    )
    tool = counting.CROSS.removesuffix("gcc")
    subprocess.run([f"{tool}as", "-o", folder / "code.o", folder / "code.s"], check=True)
    command = [f"{tool}objcopy", "-O", "binary", "-j", ".text", folder / "code.o", folder / "code"]
    subprocess.run(command, check=True)
    return (folder / "code").read_bytes()


@pytest.mark.skipif(
    not (shutil.which("gcc") and shutil.which(counting.CROSS)),
    reason=f"needs gcc and {counting.CROSS}",
)
def test_every_instruction_has_its_class(tmp_path):
    """Instructions that the assembler encodes fall into the classes that the manual says."""
    expected = [(name, line) for name, lines in INSTRUCTIONS.items() for line in lines]
    code = _assembled(tmp_path, [line for _, line in expected])
    assert len(code) == 4 * len(expected)
    (tmp_path / "harness.c").write_text(HARNESS)
    flags = ["-std=c11", "-Wall", "-Werror", "-fsanitize=undefined", f"-I{NATIVE / 'cost'}"]
    sources = [tmp_path / "harness.c", NATIVE / "cost" / "classes.c"]
    subprocess.run(["gcc", *flags, "-o", tmp_path / "harness", *sources], check=True)
    said = subprocess.run([tmp_path / "harness"], input=code, capture_output=True, check=True)
    found = said.stdout.decode().split()
    wrong = [(line, name) for (own, line), name in zip(expected, found, strict=True) if own != name]
    assert not wrong


PROGRAM = """
.macro mark value
    movz x0, #0x4C42
    movk x0, #0x5446, lsl #16
    mov x1, #\\value
    mov x8, #167
    svc #0
.endm
.globl _start
_start:
    sub sp, sp, #64
    mark 3
    mov w2, #1000
1:  fmla v0.4s, v1.4s, v2.4s
    fmadd s0, s1, s2, s3
    fmul v3.4s, v1.4s, v2.4s
    ldr q4, [sp]
    str x5, [sp, #16]
    ldp x6, x7, [sp]
    nop
    subs w2, w2, #1
    b.ne 1b
    mark 4
    mov x0, #0
    mov x8, #94
    svc #0
"""


@counting.needs_cross
def test_a_program_of_known_instructions_is_counted_exactly(tmp_path):
    """A loop of known instructions gives their numbers, by class, from mark to mark."""
    counting.require_programs()
    (tmp_path / "program.s").write_text(PROGRAM)
    program, output = tmp_path / "program", tmp_path / "counts.jsonl"
    flags = ["-nostdlib", "-static", "-o", program, tmp_path / "program.s"]
    subprocess.run([counting.CROSS, *flags], check=True)
    plugin = f"{counting.counter() / 'libcost.so'},out={output}"
    subprocess.run(["qemu-aarch64", "-plugin", plugin, program], check=True, timeout=60)
    counted = counter.read(output.read_text())
    # Of the mark that ends it, four instructions and its call are within.
    expected = InstructionCounts(
        fma=2000, simd=1000, load_store=3000, branch=1000, integer=1 + 1000 + 4, other=1000 + 1
    )
    assert counted.runs == (expected,)
    assert counted.threads == 1 and counted.kernels == ()


def test_plugin_refuses_what_it_cannot_use(tmp_path):
    """Without a file to write to, qemu ends and the plugin says why in one line."""
    counting.require_programs()
    plugin = counting.counter() / "libcost.so"
    for option in ("", f",out={tmp_path}/none/counts", ",other=1"):
        command = ["qemu-aarch64", "-plugin", f"{plugin}{option}", "/bin/true"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode != 0 and "libcost: error: " in done.stderr
