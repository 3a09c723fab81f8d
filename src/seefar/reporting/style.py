"""How all charts look: colours, the empty chart with its title, and a finished one as SVG or PNG.

A figure has no background, and its colours are those of the light page; `svg` turns each into the page's own variable, so that it is
right in light and in dark; `png` puts it on white.
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

# Stand-ins for the page's text, lines, and ground; no other chart uses exactly these
INK, LINE, PAPER = "#0a0b0c", "#0d0e0f", "#fefdfc"
GREY = "#d9dbdf"  # the lines of the light page, for figures on white
RIGHT, WRONG, TRAIN = "#2a78c2", "#d9632b", "#8a8f98"  # told apart without seeing red and green (by eye, light and dark)
SEVERAL = ("#2a78c2", "#d9632b", "#3f9b5f", "#8b5fbf", "#b8860b", "#5d636d")  # for several lines; dashes tell on
# A class has one colour everywhere. "Muted" of Paul Tol's schemes and a grey, https://personal.sron.nl/~pault; the darkest is lightened
CLASSES = ("#5a4fcf", "#cc6677", "#ddaa33", "#117733", "#88ccee", "#882255", "#44aa99", "#999933", "#aa4499", "#848a93")
# What the style sheet of the page calls them: each has a lighter twin on the dark page
VARIABLES = {INK: "currentColor", LINE: "var(--line)", PAPER: "var(--card)"} | {
    colour: f"var(--{name})"
    for name, colour in {
        "right": RIGHT,
        "miss": WRONG,
        "train": TRAIN,
        **{f"s{place}": colour for place, colour in enumerate(SEVERAL[2:], start=2)},
        **{f"c{place}": colour for place, colour in enumerate(CLASSES)},
    }.items()
}
WIDTH = 5.4  # inches, of most charts: narrow, so that their words can still be read on a phone
SMALL = 9  # points, of the smallest words in a chart
ENLARGED = 1.25  # how much larger than drawn a wide page shows a chart

STYLE: dict[Any, Any] = {
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": LINE,
    "axes.titlesize": 10,
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
    return "\n".join(textwrap.wrap(title, int(width * 10)))


def class_colour(label: int) -> str:
    """The colour of a class by its number; beyond ten they come again."""
    return CLASSES[label % len(CLASSES)]


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
    width = figure.get_figwidth() * 96 * ENLARGED  # CSS pixels
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2).replace("<svg", f'<svg style="max-width: {width:.0f}px"', 1)
    for colour, variable in VARIABLES.items():
        text = text.replace(f": {colour}", f": {variable}")
    return text


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
