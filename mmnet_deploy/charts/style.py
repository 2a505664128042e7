"""Looks that all charts share, and the files that they are saved in."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.figure import Figure

from mmnet_deploy.errors import UsageError
from mmnet_deploy.files import write_bytes

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


@dataclasses.dataclass(frozen=True)
class Size:
    """How large a chart is; all lengths in points.

    Attributes:
        width_pt, height_pt: Of a chart with one panel.
        panel_width_pt, panel_height_pt: What another column or row of panels adds.
        most_columns: Of panels.
        metrics_pt: What several metrics add to width and height, since the legends move from
            the right to below the panels.
        legend_below: Whether the legends stand below the panels, not on their right.
        dpi: Of a PNG.
    """

    width_pt: float
    height_pt: float
    panel_width_pt: float
    panel_height_pt: float
    most_columns: int = 3
    metrics_pt: tuple[float, float] = (0.0, 0.0)
    legend_below: bool = False
    dpi: int = DPI


SIZES = {
    "column": Size(241.0, 310.0, 0.0, 190.0, most_columns=1, legend_below=True, dpi=300),
    "page": Size(460.0, 317.0, 215.0, 235.0, metrics_pt=(0.0, 50.0)),
    "slide": Size(480.0, 270.0, 240.0, 0.0, most_columns=4, metrics_pt=(96.0, 54.0), dpi=400),
}
"""By name: one column of a paper (85 mm), the width of its page, a slide of 16:9."""

DOTTED, SHORT_DASHED, DASHED = (0.0, (1.2, 1.2)), (0.0, (3.0, 1.4)), (0.0, (5.0, 2.5))
DASH_DOTTED = (0.0, (6.0, 1.8, 1.2, 1.8))
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


class ShownFigure(Figure):
    """A figure that was composed under `style` and that a notebook shows by itself.

    Matplotlib's own are shown only once `pyplot` has been imported, which nothing else needs.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """IPython's form: a PNG, and how wide it is shown, in pixels of 1/96 inch."""
        content = io.BytesIO()
        with style():
            self.savefig(content, format="png", dpi=DPI, metadata=_METADATA["png"])
        return content.getvalue(), {"width": round(96 * self.get_figwidth())}


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


def save(figure: Figure, path: Path, dpi: int = DPI) -> None:
    """Write a figure that was composed under `style`; the file appears when it is whole.

    Raises:
        UsageError: `path` has another suffix.
        OutputError: The file cannot be written.
    """
    kind = file_kind(path)
    # In memory first: at a full disk, Matplotlib's writers raise more than the system's error.
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=kind, dpi=dpi, metadata=_METADATA[kind])
    write_bytes(path, content.getvalue())


_SVG, _XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_INLINE = "inline-chart"
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def inline_svg(figure: Figure) -> str:
    """A figure that was composed under `style` as an element of an HTML page.

    Its style sheet is for itself alone, and screen readers pass it over: the page has to say in
    words what it shows. Equal figures give equal text.
    """
    written = io.BytesIO()
    with style():
        figure.savefig(written, format="svg", metadata=_NO_METADATA)
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _XLINK)
    svg = ElementTree.fromstring(written.getvalue())
    svg.set("class", _INLINE)
    svg.set("aria-hidden", "true")
    for sheet in svg.iter(f"{{{_SVG}}}style"):
        # One rule, for all elements: of this chart, not of the page.
        sheet.text = f".{_INLINE} {sheet.text}"
    return ElementTree.tostring(svg, encoding="unicode")
