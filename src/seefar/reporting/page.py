"""report.html, report.json and the model card of a run, all from the same numbers. Nothing is computed or drawn here."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from seefar.recipe_fields import from_json
from seefar.reporting import content, words
from seefar.reporting.model_card import model_card
from seefar.reporting.page_pictures import page_pictures
from seefar.reporting.style import png, svg
from seefar.runs.folder import Run

PLAYGROUND = "playground/index.html"  # the page on which the network can be tried, where `seefar playground` has made one


def write_report(run: Run) -> Path:
    """Write `report.html`, `report.json`, the model card `README.md`, and the charts as PNG into `figures/`; return the page's path.

    What has not been done yet (a look at the test images, say) is left out, and the page says with which command to do it.

    Raises:
        ModelFileError: the run is unfinished or damaged.
    """
    run.verify()
    found = content.numbers(run)
    drawn = {name: draw() for name, draw in content.drawings(run, found).items()}
    for name, figure in drawn.items():
        run.write_bytes(f"figures/{name}.png", png(figure))
    charts = {_short(name): figure for name, figure in drawn.items()}
    tried = {"try_it": run.has(PLAYGROUND), "in_browser": from_json(run.recipe()).network.in_browser}
    run.write_bytes("report.html", render("report.html", {**found, **page_pictures(run, found), **tried}, charts))
    run.write("report.json", found)
    run.write_bytes("README.md", model_card(found).encode())
    return run.path / "report.html"


def render(template: str, values: dict[str, Any], charts: Mapping[str, Figure]) -> bytes:
    """A page from a template, with its charts, the one script that it may run, and that script's digest."""
    environment = Environment(loader=PackageLoader("seefar.reporting"), autoescape=True, undefined=StrictUndefined)
    environment.filters |= {"percent": words.percent, "json": _json, "without_sheet": _without_sheet}
    script = (files("seefar.reporting") / "templates" / "report.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    drawn = {name: Markup(svg(figure)) for name, figure in charts.items()}  # noqa: S704 (matplotlib has escaped it)
    page = environment.get_template(template)
    return page.render(values, charts=drawn, script=Markup(script), script_digest=digest).encode()  # noqa: S704 (ours)


def _short(name: str) -> str:
    """A chart's name as templates have it, whatever the split: recalls-test is recalls."""
    return name.removesuffix("-test").removesuffix("-validation").replace("-", "_")


def _json(value: Any) -> Markup:
    """JSON that can stand inside a script element: no tag can be closed or opened by it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704 (just escaped)


def _without_sheet(mistakes: dict[str, Any]) -> dict[str, Any]:
    """All but the picture, which the style sheet holds already."""
    return {name: value for name, value in mistakes.items() if name != "sheet"}
