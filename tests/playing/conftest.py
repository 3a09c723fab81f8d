"""What these tests start from: a page that complains of nothing and asks for nothing from elsewhere."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest


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
