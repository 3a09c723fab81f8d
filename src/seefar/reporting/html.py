"""The pieces that notebooks show: a frame with a title, sentences, tables, pictures, small images.

Some pages strip all styles from them (GitHub): so tables are tables, and pictures carry their size.
"""

import io
from collections.abc import Iterable, Sequence

import numpy as np
from markupsafe import Markup
from PIL import Image

from seefar.reporting.picture import Picture
from seefar.reporting.pictures import address, tiled
from seefar.reporting.tables import Table

SHOWN_AT = 48  # pixels a side to which smaller images are enlarged, each pixel a square (chosen by hand)
GAP = 1  # pixels between two images

LINE = "1px solid rgba(128,128,128,.35)"
CELL = f"text-align:{{}};padding:.2em .7em;border-bottom:{LINE};vertical-align:middle"


def frame(title: str, *parts: Markup) -> Markup:
    """A title and what stands below it."""
    head = Markup('<p style="margin:.3em 0"><b>{}</b></p>').format(title)
    return Markup('<div style="max-width:62em;overflow-x:auto;line-height:1.45">{}</div>').format(
        Markup("\n").join([head, *parts])
    )


def sentences(lines: Iterable[str]) -> Markup:
    """Sentences, one below the other."""
    return Markup("\n").join(Markup('<p style="margin:.25em 0">{}</p>').format(line) for line in lines if line)


def part(name: str, lines: Sequence[str]) -> Markup:
    """What is said of one part, behind its name."""
    return Markup('<p style="margin:.4em 0"><b>{}</b> · {}</p>').format(name, " ".join(lines))


def table(made: Table) -> Markup:
    """A table; numbers stand on the right, and sums in bold letters."""
    styles = [CELL.format("right" if made.is_number(column) else "left") for column in range(len(made.columns))]

    def row(cells: Sequence[str], tag: str) -> Markup:
        one = Markup("<{tag} style='{style}'>{cell}</{tag}>")
        return Markup("").join(one.format(tag=tag, style=style, cell=cell) for style, cell in zip(styles, cells, strict=True))

    body = [row(cells, "td") for cells in made.rows] + ([row(made.sums, "th")] if made.sums else [])
    return Markup(
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5em 0"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(row(made.columns, "th"), Markup("\n").join(Markup("<tr>{}</tr>").format(cells) for cells in body))


def shown(made: Picture) -> Markup:
    """A picture in its size, or in the width of the page."""
    return Markup('<p><img alt="{}" width="{}" style="max-width:100%;border-radius:.4em" src="{}"></p>').format(
        made.name, made.width, address("png", made.png)
    )


def small(pixels: np.ndarray, columns: int = 0) -> Markup:
    """Small images, uint8 `(n, h, w, 3)`, side by side; with `columns`, in rows of so many."""
    framed = np.pad(pixels, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    sheet = tiled(framed, min(columns or len(pixels), len(pixels)), empty=255)
    content = io.BytesIO()
    Image.fromarray(sheet[:-GAP, :-GAP]).save(content, "JPEG", quality=95, subsampling=0)  # a third of a PNG of photographs
    width = round(sheet.shape[1] * max(SHOWN_AT / pixels.shape[1], 1))
    return Markup('<img alt="images" width="{}" style="image-rendering:pixelated" src="{}">').format(
        width, address("jpeg", content.getvalue())
    )
