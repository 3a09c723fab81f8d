"""Values that show themselves in notebooks: which ones is said by their class, how they look by whoever can draw.

A data set must not know of reports (see the floors in docs/architecture.md), so `import seefar` hands the way down.
"""

from collections.abc import Callable


def _as_text(value: object) -> str | None:
    """Nothing can draw yet: the front end shows `repr` instead."""
    return None


_draw: Callable[[object], str | None] = _as_text


class Shown:
    """A value that notebooks show as more than text: Jupyter, VS Code, Colab, marimo and Quarto ask for `_repr_html_`."""

    def _repr_html_(self) -> str | None:
        return _draw(self)


def draw_with(draw: Callable[[object], str | None]) -> None:
    """From now on values are drawn by this function: one in, HTML that needs nothing else out."""
    global _draw
    _draw = draw
