"""How fast the playground of a run is in Chromium: python benchmarks/playground.py RUN; the table of docs/benchmarks.md."""

import argparse
import gzip
import shutil
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from seefar.playing.folder import page_files
from seefar.playing.server import server_of

ROUNDS = 5
EACH = """(() => {
    const times = [], pixels = seefar.studio.shown.pixels;
    for (let i = 0; i < 60; i++) {
        const began = performance.now();
        seefar.answer(pixels);
        times.push(performance.now() - began);
    }
    return times.sort((a, b) => a - b)[30];
})()"""
FRAMES = """new Promise(done => {
    let frames = 0, slider = document.querySelector("#slide-turn");
    const began = performance.now(), step = () => {
        slider.value = String(++frames % 180);
        slider.dispatchEvent(new Event("input"));
        performance.now() - began < 3000 ? requestAnimationFrame(step) : done(frames / 3);
    };
    requestAnimationFrame(step);
})"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    files = page_files(parser.parse_args().run)
    for name, content in files.items():
        print(f"{name}: {len(content):,} bytes, {len(gzip.compress(content, 9)):,} compressed")
    with server_of(files) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        found = [measured(f"http://127.0.0.1:{server.server_address[1]}/") for _ in range(ROUNDS)]
        server.shutdown()
    for name in found[0]:
        print(f"{name}: {statistics.median(one[name] for one in found):.1f} (median of {ROUNDS})")


def measured(address: str) -> dict[str, float]:
    """A browser of its own, as somebody has it who opens the page for the first time."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page: Any = browser.new_page(viewport={"width": 1280, "height": 900})
        began = time.monotonic()
        page.goto(address)
        page.wait_for_selector(".spoken[data-verdict]")
        first = time.monotonic() - began
        while not page.evaluate("seefar.bank.none || (seefar.bank.all && seefar.bank.done === seefar.bank.all)"):
            time.sleep(0.05)
        ready = time.monotonic() - began
        found = {"seconds to the first answer": first, "seconds to all training images": ready}
        found |= {"ms an image": page.evaluate(EACH), "frames a second while a slider moves": page.evaluate(FRAMES)}
        browser.close()
        return found


if __name__ == "__main__":
    main()
