"""The report: everything that a set of results says, as one HTML file.

The file needs nothing beside it and asks nothing of the network; its own content policy
forbids both. Without script all of it can be read; the script sorts tables.

    sections   what is said, worked out from the records
    trade_offs, devices, bars, repeating   parts of it
    plots      small charts as SVG
    page.html, style.css, script.js   how it looks
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mmnet_deploy.charts.dots import shown
from mmnet_deploy.files import write_bytes
from mmnet_deploy.report import plots, sections
from mmnet_deploy.results.latency import Latency, milliseconds, shown_interval
from mmnet_deploy.results.store import StoredResults
from mmnet_deploy.version import __version__

LONGEST = 1000  # characters of any text from outside; layers of some converters are that long


def _clean(value: Any) -> Any:
    """Text on one line without what cannot be printed; other values as they are."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return shown(value, LONGEST)
    return "" if value is None else value


def _interval(latency: Latency) -> str:
    """The interval, and why it is open where it is."""
    words = shown_interval(latency.low_us, latency.high_us)
    return f"{words}: {latency.remedy.rstrip('.')}" if latency.remedy else words


def _environment() -> jinja2.Environment:
    here = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(
        loader=here,
        autoescape=True,
        finalize=_clean,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "interval": _interval,
        "finite": lambda value: value if math.isfinite(value) else "",
        # The command as it is: two spaces in a file's name are two.
        "command": lambda text: Markup.escape(text),
        "ms": lambda us: "–" if us is None else milliseconds(us),
        "thousandths": lambda value: f"{1000 * value:.3f}",
        "kib": lambda value: f"{value / 1024:,.0f}",
        "megabytes": lambda value: f"{value / 1e6:.1f}",
        "percent": lambda share: f"{100 * share:.1f}",
    }
    environment.globals |= {"plots": plots, "version": __version__}
    return environment


def _asset(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def render(stored: StoredResults, *, title: str = "", emulated: bool = False) -> str:
    """The page.

    Args:
        stored: Results, and what was skipped, which the page says.
        title: Its heading; the default says what is in it.
        emulated: Whether the chart shows emulated phones beside real devices.
    """
    style, script = _asset("style.css"), _asset("script.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    template = _environment().get_template("page.html")
    return template.render(
        report=sections.build(stored, title, emulated),
        style=Markup(style),
        script=Markup(script),
        script_hash=digest,
    )


def write(stored: StoredResults, path: Path, *, title: str = "", emulated: bool = False) -> Path:
    """Write the page in one step; see `render`.

    Raises:
        OutputError: The file cannot be written.
    """
    page = render(stored, title=title, emulated=emulated)
    return write_bytes(path, page.encode("utf-8", "replace"))


__all__: Sequence[str] = ("render", "write")
