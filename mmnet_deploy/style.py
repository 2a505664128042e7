"""Looks that all charts share, and the files that they are saved in."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import written_aside

DPI, PT_PER_INCH = 200, 72.0
MARGIN_PT = 6.0

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#444444",
    "axes.formatter.limits": (-6, 9),
    "axes.formatter.useoffset": False,
    "axes.grid": True,
    "axes.labelsize": 9.0,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.family": ["sans-serif"],
    # The first is what we measure; viewers of an SVG that lack it take one as wide.
    "font.sans-serif": ["DejaVu Sans", "Verdana", "Arial", "Helvetica", "sans-serif"],
    "font.size": 8.5,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,  # TrueType: publishers refuse Type 3
    "svg.fonttype": "none",  # text stays text: small, searchable, selectable
    "svg.hashsalt": "mmnet-deploy",
    "text.hinting": "no_hinting",  # labels are as wide in every format
    "text.parse_math": False,  # a `$` in a name is a dollar sign
    "xtick.color": "#444444",
    "xtick.labelsize": 8.5,
    "xtick.major.width": 0.7,
    "ytick.color": "#444444",
    "ytick.labelsize": 8.5,
    "ytick.major.width": 0.7,
}
INK, SOFT, QUIET = "#1a1a1a", "#4a4a4a", "#6b6b6b"


@contextlib.contextmanager
def style() -> Iterator[None]:
    """Our looks whatever the user's matplotlibrc says."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        # A name in a script that the font lacks shows as boxes; in an SVG it is right.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        yield


# Without a date, equal charts are equal bytes.
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None},
    "png": {},
    "pdf": {"CreationDate": None},
}


def file_kind(path: Path) -> str:
    """`svg`, `png` or `pdf`, by the suffix.

    Raises:
        UsageError: `path` has another suffix.
    """
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _METADATA:
        raise UsageError(f"The chart's file must end in .svg, .png or .pdf. Received: {path.name}.")
    return kind


def save(figure: Figure, path: Path) -> None:
    """Write a figure that was composed under `style`; the file appears when it is whole.

    Raises:
        UsageError: `path` has another suffix.
        OutputError: The file cannot be written.
    """
    kind = file_kind(path)
    with style(), written_aside(path) as aside:
        figure.savefig(aside, format=kind, metadata=_METADATA[kind])
