"""Commands that do what a test wants, run by the real program in a process of its own."""

import contextlib
import os
import select
import subprocess
import sys
from collections.abc import Iterator

from tests.support import ROOT

_PROGRAM = """
import click, ctypes, os, signal, sys, time
from mmnet_deploy import cli
from mmnet_deploy.cli import console, signals, streams, supervisor

def work():
    {work}

@click.command()
def made_up():
    work()

cli._Commands.get_command = lambda *_: made_up
sys.argv = ["mmnet-deploy", {options}"made-up"]
cli.main()
"""


def wait_for_here(process: subprocess.Popen[str]) -> None:
    """Wait until it says `here`, and read nothing of what follows."""
    assert process.stdout is not None
    heard = b""
    while not heard.endswith(b"\n"):
        assert select.select([process.stdout], [], [], 60)[0]
        byte = os.read(process.stdout.fileno(), 1)
        assert byte, process.communicate(timeout=60)
        heard += byte
    assert heard == b"here\n"


@contextlib.contextmanager
def running(work: str, *options: str, **given) -> Iterator[subprocess.Popen[str]]:
    """A process that says `here` on standard output, and then does what is left.

    Args:
        work: Statements of the command.
        options: Of the program.
        given: Arguments of `Popen`.
    """
    words = "".join(f"{option!r}, " for option in options)
    program = _PROGRAM.format(work=work.replace("\n", "\n    "), options=words)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=ROOT, **(streams | {"env": environment} | given)
    ) as process:
        try:
            wait_for_here(process)
            yield process
        finally:
            process.kill()
