"""`mmnet-deploy compare`."""

from __future__ import annotations

from pathlib import Path

import click

from mmnet_deploy.cli.console import FOLDER, parse_share, read_results, say, show_json


@click.command()
@click.argument("baseline", type=FOLDER)
@click.argument("new", type=FOLDER)
@click.option(
    "--max-latency-increase",
    metavar="SHARE",
    help="Largest increase of the latency that passes, such as 5%.",
)
@click.option(
    "--max-error-increase",
    metavar="SHARE",
    help="Largest increase of the gradient error that passes, such as 2%.",
)
@click.option(
    "--max-size-increase",
    metavar="SHARE",
    help="Largest increase of the file size that passes, such as 1%.",
)
@click.option(
    "--max-cost-increase",
    metavar="SHARE",
    help="Largest increase of the instructions that passes, such as 0.5%.",
)
@click.option("--strict", is_flag=True, help="Also fail if anything cannot be compared.")
@click.option(
    "--markdown",
    metavar="FILE.md",
    type=FOLDER,
    help="Also write the comparison as Markdown, for a pull request.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the comparison as JSON.")
@click.pass_context
def compare(
    ctx: click.Context,
    baseline: Path,
    new: Path,
    max_latency_increase: str | None,
    max_error_increase: str | None,
    max_size_increase: str | None,
    max_cost_increase: str | None,
    strict: bool,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Compare new results with a baseline.

    BASELINE and NEW are files or folders of results. Models are matched by file name and
    operating point. Latencies are compared if device, engine, threads, delegate, cores and
    rules are equal; otherwise the row says what differs.

    The exit code is 1 if a given limit is exceeded beyond noise, or if it could not be checked.

    \b
    Example: mmnet-deploy compare main/results results
             mmnet-deploy compare main/results results --max-latency-increase 3% \\
                 --max-error-increase 2% --markdown comment.md
    """
    from mmnet_deploy.cli.present import compare_text
    from mmnet_deploy.files import make_folder, write_text
    from mmnet_deploy.results.compare import NOT_COMPARABLE
    from mmnet_deploy.results.compare import compare as compared

    given = {
        "latency": parse_share(max_latency_increase, "--max-latency-increase"),
        "error": parse_share(max_error_increase, "--max-error-increase"),
        "size": parse_share(max_size_increase, "--max-size-increase"),
        "cost": parse_share(max_cost_increase, "--max-cost-increase"),
    }
    limits = {name: share for name, share in given.items() if share is not None}
    before, after = (read_results([path]).records for path in (baseline, new))
    comparison = compared(before, after, limits)
    if markdown:
        make_folder(markdown.parent)
        write_text(markdown, compare_text.to_markdown(comparison))
    if as_json:
        show_json(compare_text.to_json(comparison))
    else:
        compare_text.print_text(comparison)
    failed = bool(comparison.exceeded)
    for limit in comparison.unchecked:
        say(f"`--max-{limit}-increase` was not checked: no {limit} could be compared.")
        failed = True
    apart = sum(row.verdict == NOT_COMPARABLE for row in comparison.rows)
    if strict and apart:
        say(f"--strict: {apart} row{'s' * (apart > 1)} could not be compared.")
        failed = True
    if failed:
        ctx.exit(1)
