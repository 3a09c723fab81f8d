"""What tests of pages share: Chromium, and a way to wait that pages with a strict policy allow."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Not for the whole session: while it is there no other test of the process could start an event loop."""
    if not CHROMIUM:
        pytest.skip("no chromium here: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


def wait(page: Any, expression: str, seconds: float = 30) -> Any:
    """The value of an expression once it is true; playwright's own way would evaluate text within the page, which it does not allow."""
    late = time.monotonic() + seconds
    while not (found := page.evaluate(expression)):
        assert time.monotonic() < late, expression
        time.sleep(0.02)
    return found
