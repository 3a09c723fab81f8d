"""The report in a real browser: nothing fetched, nothing sticking out, readable in light and dark."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import SMALL

import seefar as sf

pytestmark = pytest.mark.slow

CHROMIUM = shutil.which("chromium")
WIDTHS = {"desktop": (1280, 900), "phone": (375, 800)}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a short run on the built-in images."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = sf.run("shapes", "tiny", out=folder / "run", quiet=True, **(SMALL | {"pixels": "standard"}))
    return run.path / "report.html"


@pytest.fixture(scope="module")
def browser() -> "Iterator[playwright.sync_api.Browser]":  # type: ignore[name-defined] # noqa: F821
    if not CHROMIUM:
        pytest.skip("no chromium here: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = [
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ]
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield launched
        launched.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_stands_alone_and_fits(browser, report: Path, width: str, scheme: str) -> None:  # type: ignore[no-untyped-def]
    page = browser.new_page(viewport=dict(zip(("width", "height"), WIDTHS[width], strict=True)), color_scheme=scheme)
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(report.as_uri())
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS[width][0]
    assert page.locator("section").count() >= 7
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")

    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert contrast(luminance(ink), luminance(paper)) > 7
    text = page.locator("figure svg text").first
    assert contrast(luminance(text.evaluate("element => getComputedStyle(element).fill")), luminance(paper)) > 7
    page.close()


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)". Source: WCAG 2.2."""
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    """Contrast ratio of two luminances, 1 to 21. Source: WCAG 2.2."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
