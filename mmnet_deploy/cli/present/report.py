"""`mmnet-deploy report`."""

from __future__ import annotations

from pathlib import Path

import click

from mmnet_deploy.cli.console import FOLDER, read_results, say
from mmnet_deploy.errors import UsageError


@click.command()
@click.argument("results", metavar="RESULTS...", nargs=-1, required=True, type=FOLDER)
@click.option(
    "-o", "--out", "file", required=True, metavar="FILE.html", type=FOLDER, help="Path of the page."
)
@click.option("--title", default="", help="Heading of the page.")
@click.option("--emulated", is_flag=True, help="Also draw emulated phones beside real devices.")
def report(results: tuple[Path, ...], file: Path, title: str, emulated: bool) -> None:
    """Write everything that results say as one HTML page.

    RESULTS are files or folders. The page needs no network and no other file: send it as it
    is, print it, or read it on a phone.

    Example: mmnet-deploy report results -o report.html
    """
    from mmnet_deploy import report as reporting
    from mmnet_deploy.files import make_folder

    if file.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"The report's file must end in .html. Received: {file.name}.")
    stored = read_results(results)
    make_folder(file.parent)
    reporting.write(stored, file, title=title, emulated=emulated)
    count = len(stored.records)
    say(f"The report of {count} result{'s' * (count != 1)} is {file}.")
