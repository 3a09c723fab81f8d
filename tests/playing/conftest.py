"""What these tests start from: a browser, and a page that complains of nothing and asks for nothing from elsewhere."""

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[playwright.sync_api.Browser]":  # type: ignore[name-defined] # noqa: F821
    if not CHROMIUM:
        pytest.skip("no chromium here: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def opened(browser) -> Iterator[Callable]:  # type: ignore[no-untyped-def]
    """Opens a page from disk or from an address; afterwards it has complained of nothing and asked for nothing but its own files."""
    complaints: list[str] = []
    requests: list[str] = []
    pages = []

    def open_page(where: Path | str, width: int = 1280, height: int = 900, **options: object):  # type: ignore[no-untyped-def]
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        address = where.as_uri() if isinstance(where, Path) else where
        page.goto(address)
        pages.append((page, address.rpartition("/")[0]))
        return page

    yield open_page
    for page, home in pages:
        assert complaints == []
        assert [url for url in requests if not url.startswith((home, "data:", "blob:"))] == []
        page.close()


def wait(page, expression: str, seconds: float = 30):  # type: ignore[no-untyped-def]
    """The value of an expression once it is true; playwright's own way would evaluate text within the page, which it does not allow."""
    late = time.monotonic() + seconds
    while not (found := page.evaluate(expression)):
        assert time.monotonic() < late, expression
        time.sleep(0.02)
    return found
