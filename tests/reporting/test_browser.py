"""The report in a real browser: nothing fetched, nothing sticking out, readable in light and dark."""

import shutil
from pathlib import Path

import pytest
from tests.conftest import SMALL

import seefar as sf

pytestmark = pytest.mark.slow

SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 375, "height": 812}}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a short run on the built-in images."""
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = sf.run("shapes", "tiny", out=folder / "run", quiet=True, **(SMALL | {"pixels": "standard"}))
    return run.path / "report.html"


def open_page(browser, path: Path, size: str = "desktop", at: str = "", **options: object):  # type: ignore[no-untyped-def]
    """The page, at a section, after which nothing was complained of or fetched, and nothing sticks out."""
    page = browser.new_page(viewport=SIZES[size], **options)
    complaints: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(path.as_uri() + at)
    assert complaints == []
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_report_stands_alone_and_fits(browser, report: Path, size: str, scheme: str) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, size, color_scheme=scheme)
    assert page.locator("section").count() >= 7
    assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    ink, paper = page.evaluate("[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]")
    assert contrast(luminance(ink), luminance(paper)) > 7
    page.evaluate("document.querySelectorAll('details').forEach(folded => { folded.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
    cut = "[...document.querySelectorAll('figure, .scroll')].filter(one => one.scrollWidth > one.clientWidth + 1)"
    assert page.evaluate(f"{cut}.map(one => one.textContent.trim().slice(0, 80))") == []
    text = page.locator("figure svg text").first
    assert contrast(luminance(text.evaluate("element => getComputedStyle(element).fill")), luminance(paper)) > 7
    page.close()


@pytest.mark.parametrize(("size", "screens"), [("desktop", 1), ("phone", 2)])
def test_the_first_screen_holds_figure_images_matrix_and_sentences(browser, report: Path, size: str, screens: int) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, size)
    for part in (".big", ".shots li:last-child", ".cells", ".questions"):
        box = page.locator(part).bounding_box()
        assert box["y"] + box["height"] <= screens * SIZES[size]["height"], part
    assert page.locator(".shots li").count() == 12
    assert page.locator("details.fold[open]").count() == 0
    page.close()


@pytest.mark.parametrize("way", ["hover", "focus", "tap"])
def test_an_image_shows_where_the_network_looked(browser, report: Path, way: str) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, "phone" if way == "tap" else "desktop", has_touch=way == "tap")
    shot = page.locator(".shot").nth(3)
    seen = "element => getComputedStyle(element.querySelector('.map')).opacity"
    assert shot.evaluate(seen) == "0"
    getattr(shot, way)()
    assert shot.evaluate(seen) == "1"
    page.close()


def test_links_and_printing_unfold(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, at="#matrix")  # not a section, but within one
    assert page.locator("#matrix").is_visible()
    assert not page.locator("#made pre").is_visible()
    page.locator("nav a[href='#made']").click()
    assert page.locator("#made pre").is_visible()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("details.fold[open]").count() == 2
    page.close()


def test_the_page_is_small_and_there_at_once(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    assert report.stat().st_size < 3_000_000
    paints = []
    for _ in range(5):  # other work on the machine can only delay it
        page = open_page(browser, report)
        page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        page.close()
    assert min(paints) < 500  # milliseconds


def test_a_click_sorts_the_class_table_and_another_turns_it(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, at="#results")
    head = page.locator("#report thead th").nth(2)

    def recalls() -> list[float]:
        return [
            float(value)
            for value in page.eval_on_selector_all("#report tbody tr", "rows => rows.map(r => r.cells[2].dataset.value)")
        ]

    before = recalls()
    head.locator("button").click()
    assert recalls() == sorted(before, reverse=True)
    assert head.get_attribute("aria-sort") == "descending"
    head.locator("button").click()
    assert recalls() == sorted(before)
    page.locator("#report thead th button").first.click()
    names = page.locator("#report tbody th").all_text_contents()
    assert names == sorted(names)
    page.close()


@pytest.mark.parametrize("way", ["hover", "focus", "tap"])
def test_a_cell_of_the_matrix_shows_its_mistakes(browser, report: Path, way: str) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, "phone" if way == "tap" else "desktop", "#results", has_touch=way == "tap")
    cell = page.locator("#matrix button.wrong").first
    cell.scroll_into_view_if_needed()
    getattr(cell, way)()
    words = page.locator("#examples p").text_content()
    assert words.startswith(cell.get_attribute("aria-label").split(":")[0])
    assert page.locator("#examples figure").count() == min(int(cell.get_attribute("data-count")), 8)
    assert cell.get_attribute("aria-pressed") == "true"
    assert page.evaluate("getComputedStyle(document.querySelector('#examples .picture')).backgroundImage").startswith(
        'url("data:'
    )
    page.close()


def test_the_mistakes_can_be_filtered_by_true_and_called_class(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, at="#mistakes")
    kept = page.evaluate("JSON.parse(document.getElementById('kept').textContent)")
    wanted = kept["rows"][0]
    page.select_option("#filter-true", str(wanted["true"]))
    page.select_option("#filter-predicted", str(wanted["predicted"]))
    chosen = [row for row in kept["rows"] if (row["true"], row["predicted"]) == (wanted["true"], wanted["predicted"])]
    assert page.locator("#gallery figure").count() == len(chosen)
    shown = page.locator("#gallery figure").first.text_content()
    assert shown.startswith(f"{kept['classes'][wanted['true']]} → {kept['classes'][wanted['predicted']]}")
    assert f"{wanted['probabilities'][0][1]:.1f} %" in shown
    sure = [row["probabilities"][0][1] for row in kept["rows"]]
    assert sure == sorted(sure, reverse=True)
    page.select_option("#filter-true", "")
    page.select_option("#filter-predicted", "")
    assert page.locator("#count").text_content() == f"24 of {len(kept['rows'])} pictures"
    page.locator("#more").click()
    assert page.locator("#gallery figure").count() == min(72, len(kept["rows"]))
    page.close()


def test_counts_become_shares_of_the_row(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    page = open_page(browser, report, at="#results")
    first = page.locator("#matrix button").first
    assert first.inner_text() == first.get_attribute("data-count")
    page.locator("#shares").check()
    assert float(first.inner_text()) == pytest.approx(float(first.get_attribute("data-share").split("\xa0")[0]), abs=0.51)
    page.close()


def test_without_scripts_everything_is_there_to_be_read(browser, report: Path) -> None:  # type: ignore[no-untyped-def]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator("#gallery figure").count() == 24
    assert page.locator("#matrix tbody tr").count() == 10
    assert not page.locator("#gallery").is_visible()
    page.locator("#mistakes summary").click()
    assert page.locator("#gallery").is_visible()
    assert not page.locator("#filters").is_visible()
    context.close()


def test_the_comparison_of_two_runs_stands_alone_too(browser, report: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    other = shutil.copytree(report.parent, tmp_path / "other")
    made = sf.report(report.parent, other, out=tmp_path / "comparison.html")
    for size in SIZES:
        open_page(browser, made, size).close()


def luminance(colour: str) -> float:
    """Relative luminance of "rgb(r, g, b)". Source: WCAG 2.2."""
    channels = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: float, other: float) -> float:
    """Contrast ratio of two luminances, 1 to 21. Source: WCAG 2.2."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)
