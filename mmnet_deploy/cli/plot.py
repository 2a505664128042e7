"""`mmnet-deploy plot`."""

from __future__ import annotations

from pathlib import Path

import click

from mmnet_deploy.cli.console import FOLDER, say
from mmnet_deploy.errors import ResultError


@click.command()
@click.argument("results", metavar="RESULTS...", nargs=-1, required=True, type=FOLDER)
@click.option(
    "-o", "--out", "file", required=True, metavar="FILE.svg|png|pdf", type=FOLDER, help="The chart."
)
@click.option("--title", help="Default: says what is drawn, and the device.")
@click.option("--emulated", is_flag=True, help="Draw emulated phones beside real devices too.")
def plot(results: tuple[Path, ...], file: Path, title: str | None, emulated: bool) -> None:
    """Draw gradient error against latency from result files or folders.

    A benchmark and an evaluation belong together when they are of the same file. Each device
    has a panel of its own.

    Example: mmnet-deploy plot results -o pareto.svg
    """
    from mmnet_deploy import chart, store, style
    from mmnet_deploy.files import make_folder

    style.file_kind(file)
    joined = store.join(store.load(results), emulated=emulated)
    for note in joined.notes:
        say(note)
    if not joined.rows:
        raise ResultError(
            "Nothing to draw: no model has both a latency and a gradient error. Run `bench` and "
            "`evaluate` on the same files, both with -o DIR."
        )
    make_folder(file.parent)
    chart.draw(joined.points, file, title=title)
    say(f"Drew {len(joined.points)} point{'s' * (len(joined.points) > 1)} to {file}.")
