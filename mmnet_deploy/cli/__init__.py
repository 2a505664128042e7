"""The command line. Only this package prints, asks or exits.

Commands are imported when they run, and the libraries that they need inside them, so
that `mmnet-deploy --help` starts fast.
"""

from __future__ import annotations

import contextlib
import errno
import faulthandler
import importlib
import sys
from collections.abc import Iterator
from typing import Any

import click

from mmnet_deploy.cli import console, signals, streams, supervisor
from mmnet_deploy.cli.escaping import escaped, one_line
from mmnet_deploy.errors import MmnetDeployError
from mmnet_deploy.version import __version__

COMMANDS = {
    "demo": ("demo.command", "Run the whole pipeline on synthetic portraits and this computer."),
    "models": ("produce.models", "List the networks that can be trained or taken by name."),
    "dataset": ("produce.dataset", "Make, check and describe data sets."),
    "train": ("produce.train", "Train a network into a run folder."),
    "convert": (
        "produce.convert",
        "Convert a trained network to .tflite files and check each of them.",
    ),
    "inspect": (
        "present.inspect",
        "Show a .tflite file's contents, its costs and what slows it down.",
    ),
    "snippet": ("present.snippet", "Write the code that runs a .tflite file in an app."),
    "evaluate": ("measure.evaluate", "Measure the error of a model's mattes on a data set."),
    "predict": ("measure.predict", "Compute mattes of pictures or a video."),
    "devices": ("latency.devices", "List phones, the emulated phone, and this computer."),
    "bench": ("latency.bench", "Measure the latency of .tflite files."),
    "cost": ("measure.cost", "Count the arm64 instructions of .tflite files, without a phone."),
    "plot": ("present.plot", "Draw gradient error against latency from stored results."),
    "report": ("present.report", "Write stored results as one HTML page."),
    "compare": (
        "present.compare",
        "Compare new results with a baseline, and fail if they are worse.",
    ),
    "results": ("present.results", "List, show, export and import results."),
    "engines": (
        "prepare.engines",
        "List, get, check and remove the engines that run models on a phone.",
    ),
    "doctor": ("doctor", "Say what works here, what is missing and how to get it."),
}
"""Every command with its module and its line in the overview, in the order of the work."""


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Print what ended the command, where click would do it without escaping, and exit."""
    try:
        yield
    except click.exceptions.Exit:
        raise
    except BaseException as error:
        stopped = signals.interruption(error)
        if stopped is not None:
            raise click.exceptions.Exit(_interrupted(stopped)) from error
        if not isinstance(error, click.ClickException):
            raise
        console.show_error(error)
        raise click.exceptions.Exit(error.exit_code) from error


def _interrupted(stopped: signals.Interrupted) -> int:
    """Say that the command was interrupted; the exit code."""
    if console.is_terminal():
        console.say()  # The terminal shows ^C in the line of the cursor.
    console.say(stopped.line)
    return stopped.exit_code


class _Commands(click.Group):
    """A group that imports a command when it is called, not to list it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _ = COMMANDS[name]
        return getattr(importlib.import_module(f"{__name__}.{module}"), name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        with _told():
            return super().make_context(*arguments, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _told():
            return self._invoke(ctx)

    def _invoke(self, ctx: click.Context) -> Any:
        """As click's, with what a user can mend as click's own kind of error."""
        cause: Exception
        try:
            return super().invoke(ctx)
        except MmnetDeployError as error:
            message, exit_code, cause = str(error), error.exit_code, error
        except MemoryError as error:
            message = (
                f"Not enough memory: {one_line(str(error))}. Smaller sizes or batches need less."
            )
            exit_code, cause = 1, error
        except OSError as error:
            # Nobody reads on: click ends quietly. Else the output cannot be written.
            if error.errno == errno.EPIPE or ctx.params["debug"]:
                raise
            where = f"{error.filename}: " if isinstance(error.filename, str) else ""
            message, exit_code, cause = f"{where}{error.strerror or error}.", 1, error
        except Exception as error:
            # Imported late: the overview of commands needs nothing of the harness.
            from android_benchmark.errors import DeviceChoiceError, HarnessError
            from android_benchmark.phone import CoresError

            if not isinstance(error, HarnessError):
                raise
            wrong_usage = isinstance(error, (CoresError, DeviceChoiceError))
            message, exit_code, cause = str(error), 2 if wrong_usage else 1, error
        if ctx.params["debug"]:
            raise cause
        failure = click.ClickException(escaped(message.strip()))
        failure.exit_code = exit_code  # type: ignore[misc]  # click reads it from the instance
        raise failure from cause


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="mmnet-deploy")
@click.option("--debug", is_flag=True, help="Show tracebacks and the libraries' own messages.")
def cli(debug: bool) -> None:
    """Bring a portrait-matting network to a phone, and see how accurate and how fast it is there.

    Each command is a stage of that way: train a Keras network on your pictures, convert it to
    .tflite, measure the error of its mattes and its latency, and draw one against the other.

    \b
    Start here:    mmnet-deploy demo
    Your own data: mmnet-deploy dataset check DIR
                   mmnet-deploy train mmnet --data DIR --out runs/a
                   mmnet-deploy convert runs/a --precision int8 -o models
                   mmnet-deploy evaluate models/*.tflite --data DIR -o results
                   mmnet-deploy bench models/*.tflite --device host -o results
    """


def main() -> None:
    """Entry point of the `mmnet-deploy` program."""
    signals.take()
    streams.fill()
    debug = "--debug" in sys.argv
    libraries = supervisor.split(keep_words=not debug)
    streams.settle(libraries, quiet=not debug)
    if debug:
        faulthandler.enable(sys.stderr)
    try:
        cli(prog_name="mmnet-deploy")
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt as error:  # Before the command began, or after its end.
        code = _interrupted(signals.interruption(error) or signals.interrupted())
    except Exception as error:
        console.show_traceback(error)
        code = 1
    signals.close()
    sys.exit(streams.flushed(code))
