"""How all charts look: colours, the empty chart with its title, and a finished one as SVG or PNG.

A figure has no background and draws its text and lines in two colours that `svg` turns into the page's own, so that it is right
in light and in dark; `png` puts it on white.
"""

import io
import re
import textwrap
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

INK, LINE = "#0a0b0c", "#0d0e0f"  # stand-ins for the page's text and line colours; no other chart uses exactly these
GREY = "#d9dbdf"  # the lines of the light page, for figures on white
RIGHT, WRONG, TRAIN = "#2a78c2", "#d9632b", "#8a8f98"  # told apart without seeing red and green (by eye, light and dark)
SEVERAL = ("#2a78c2", "#d9632b", "#3f9b5f", "#8b5fbf", "#b8860b", "#5d636d")  # for several lines; dashes tell on
WIDTH = 7  # inches, of most charts

STYLE: dict[Any, Any] = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.size": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "text.parse_math": False,  # a class may be called "$5"
    "svg.fonttype": "none",  # text stays text: searchable, and in the page's font
    "svg.hashsalt": "seefar",  # equal figures give equal bytes
}


def chart(height: float, title: str, width: float = WIDTH) -> tuple[Figure, Axes]:
    """An empty figure of that many inches, and its axes under the title."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(wrapped(title, width), loc="left")
    return figure, axes


def wrapped(title: str, width: float = WIDTH) -> str:
    """A title in as many lines as it needs in `width` inches."""
    return "\n".join(textwrap.wrap(title, int(width * 9)))


def shorten(name: str, most: int = 18) -> str:
    """A name that fits beside a chart."""
    return name if len(name) <= most else name[: most - 1] + "…"


def plain_numbers(axis: Axis) -> None:
    """Write 0.001 and 1e-05: the usual powers of ten would be formulas, which STYLE turns off."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def svg(figure: Figure) -> str:
    """The figure as an `<svg>` element in the colours of the page it stands in, no wider than its text is readable."""
    text = _save(figure, "svg", {"Date": None}).decode()
    text = text[text.index("<svg") :]
    width = figure.get_figwidth() * 96  # CSS pixels
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2).replace("<svg", f'<svg style="max-width: {width:.0f}px"', 1)
    return text.replace(INK, "currentColor").replace(LINE, "var(--line)")


def png(figure: Figure, dots: int = 150) -> bytes:
    """The figure as a PNG on white, so many dots an inch."""
    try:
        _draw_lines(figure, GREY)
        return _save(figure, "png", {}, facecolor="white", dpi=dots)
    finally:
        _draw_lines(figure, LINE)  # it may become an svg, too


def _draw_lines(figure: Figure, colour: str) -> None:
    """Axes, ticks and grid in another colour."""
    for axes in figure.axes:
        axes.tick_params(which="both", color=colour, grid_color=colour)
        for spine in axes.spines.values():
            spine.set_edgecolor(colour)


def _save(figure: Figure, kind: str, metadata: dict[str, Any], **options: Any) -> bytes:
    content = io.BytesIO()
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # the browser has the glyph
        figure.savefig(content, format=kind, metadata=metadata, **options)
    return content.getvalue()
