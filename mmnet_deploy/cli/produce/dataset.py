"""`mmnet-deploy dataset`: synth, check, stats."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mmnet_deploy.cli import signals
from mmnet_deploy.cli.console import FOLDER, print_table, progress, say, show, show_json
from mmnet_deploy.cli.data_options import MASK_VALUES


@click.group()
def dataset() -> None:
    """Make, check and describe data sets.

    \b
    A data set is a folder of splits, in which a picture and its mask have the same stem:
      DIR/train/image/NAME.jpg   DIR/train/mask/NAME.png
      DIR/test/image/NAME.jpg    DIR/test/mask/NAME.png
    """


@dataset.command()
@click.argument("folder", metavar="DIR", type=FOLDER)
@click.option(
    "--count", default=200, show_default=True, help="Number of pairs, in all splits together."
)
@click.option(
    "--size", default=256, show_default=True, help="Height and width of the pictures in pixels."
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    help="Seed of the portraits: the same seed gives the same files.",
)
def synth(folder: Path, count: int, size: int, seed: int) -> None:
    """Draw synthetic portraits with exact soft mattes into DIR.

    The same command continues a data set that was interrupted.

    Example: mmnet-deploy dataset synth portraits --count 500 --seed 1
    """
    from mmnet_deploy.portraits.synthetic import write_dataset

    with signals.keeping(lambda: "The same command draws the rest of the data set."):
        written = write_dataset(folder, count=count, size=size, seed=seed, progress=progress)
    parts = ", ".join(f"{pairs} in {split}" for split, pairs in written.items())
    say(f"Wrote {sum(written.values())} synthetic pairs to {folder}: {parts}.")


_SPLITS = click.option(
    "--split", "splits", multiple=True, help="Split to read; repeatable. Default: all."
)


@dataset.command()
@click.argument("root", metavar="DIR", type=FOLDER)
@_SPLITS
@MASK_VALUES
@click.pass_context
def check(ctx: click.Context, root: Path, splits: tuple[str, ...], mask_values: str) -> None:
    """Read every file of DIR and list everything that is wrong.

    The exit code is 1 if anything is wrong.

    Example: mmnet-deploy dataset check portraits
    """
    from mmnet_deploy.portraits import dataset as data
    from mmnet_deploy.portraits.masks import parse_mask_values

    summaries = data.examine(root, splits, progress, parse_mask_values(mask_values))
    problems = [problem for summary in summaries for problem in summary.problems]
    for problem in problems:
        show(str(problem))
    pairs = sum(summary.pairs for summary in summaries)
    names = ", ".join(summary.split for summary in summaries)
    if problems:
        say(f"{len(problems)} problem{'s' * (len(problems) > 1)} in {root} ({names}).")
        ctx.exit(1)
    say(f"{pairs} pairs in {root} ({names}): no problems.")


@dataset.command()
@click.argument("root", metavar="DIR", type=FOLDER)
@_SPLITS
@MASK_VALUES
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def stats(root: Path, splits: tuple[str, ...], mask_values: str, as_json: bool) -> None:
    """Describe the splits of DIR: pairs, sizes, share of foreground.

    Example: mmnet-deploy dataset stats portraits
    """
    from mmnet_deploy.portraits import dataset as data
    from mmnet_deploy.portraits.masks import parse_mask_values

    summaries = data.examine(root, splits, progress, parse_mask_values(mask_values))
    if as_json:
        names = ("minimum", "median", "maximum")
        content = {
            summary.split: {
                "pairs": summary.pairs,
                "problems": len(summary.problems),
                "width_px": dict(zip(names, summary.width_px, strict=True)),
                "height_px": dict(zip(names, summary.height_px, strict=True)),
                "foreground_share": dict(zip(names, summary.foreground_share, strict=True)),
            }
            for summary in summaries
        }
        show_json(json.dumps(content, indent=1))
        return
    print_table(
        ("split", "pairs", "width (px)", "height (px)", "foreground (%)", "problems"),
        [
            (
                summary.split,
                str(summary.pairs),
                " … ".join(str(value) for value in summary.width_px),
                " … ".join(str(value) for value in summary.height_px),
                " … ".join(f"{100 * value:.1f}" for value in summary.foreground_share),
                str(len(summary.problems)),
            )
            for summary in summaries
        ],
        title="Minimum … median … maximum",
    )
