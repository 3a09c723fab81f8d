"""How all charts look: colours, the empty chart with its title, and a finished one as SVG or PNG.

A figure has no background, and its colours are those of the light page; `svg` turns each into the page's own variable, so that it is
right in light and in dark; `png` puts it on white.
"""

import html
import io
import re
import textwrap
import warnings
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
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
ABOUT = "about"  # marks the title of a figure; behind it, where nothing else moves up without it, the inches that it takes
WIDTH = 4.8  # inches, of most charts: narrow, so that their words can still be read on a phone
SMALL = 9  # points, of the smallest words in a chart
ENLARGED = 1.35  # how much larger than drawn a wide page shows a chart

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
    axes.set_title(wrapped(title, width), loc="left", gid=ABOUT)
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
    """The figure as an `<svg>` element in the colours of the page it stands in, no wider than its text is readable.

    Its title becomes its name: all figures of a page would say the same on top.
    """
    titles = [text for text in figure.findobj(Text) if str(text.get_gid()).startswith(ABOUT)]
    named = [title.get_text() for title in titles]
    for title in titles:
        title.set_text("")
    text = _save(figure, "svg", {"Date": None}).decode()
    for title, words in zip(titles, named, strict=True):
        title.set_text(words)
    text = text[text.index("<svg") :]
    wide, high = figure.get_size_inches()
    head = sum(float(number) for title in titles for number in str(title.get_gid()).split()[1:])  # inches left empty
    kept = f'viewBox="0 {72 * head:g} {72 * wide:g} {72 * (high - head):g}"'
    name = html.escape(" ".join(" ".join(named).split()))
    look = f'<svg role="img" aria-label="{name}" style="max-width: {96 * ENLARGED * wide:.0f}px"'
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2).replace("<svg", look, 1)
    text = re.sub(r'viewBox="[^"]*"', kept, text, count=1)
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
