"""How fast the page of `seefar ui` is with 5,000 runs: until it listens, until it lists, while it scrolls, and in how much memory.

    python benchmarks/runs_page.py [COUNT]

Needs Chromium, and the extras ui and dev. The folders are made by benchmarks/many_runs.py; the machine should do nothing else.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from many_runs import make_runs

SCROLL = """() => new Promise(done => {
  const table = document.querySelector('.table'), times = [];
  let last = performance.now();
  const step = now => {
    times.push(now - last); last = now;
    table.scrollTop += 60;
    times.length < 300 ? requestAnimationFrame(step) : done(times.slice(5));
  };
  requestAnimationFrame(step);
})"""


def measure(count: int = 5000) -> dict[str, Any]:
    """Times in seconds and milliseconds, memory in MiB, frames a second."""
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder) / "runs", count)
        began = time.perf_counter()
        words = [sys.executable, "-m", "seefar", "ui", folder, "--port", "0"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None  # noqa: S101
                address = process.stdout.readline().split(" at ")[1].split()[0]
                found: dict[str, Any] = {"runs": count, "seconds until it listens": time.perf_counter() - began}
                with httpx.Client(base_url=address) as client:
                    while client.get("/api/runs").json()["scanning"]:
                        time.sleep(0.05)
                    found["seconds until all folders were read"] = time.perf_counter() - began
                    found |= _listed(client, count)
                found |= _in_the_browser(address, count)
                found["server, MiB"] = _memory(process.pid)
            finally:
                process.terminate()
    return found


def _listed(client: httpx.Client, count: int) -> dict[str, float]:
    """All rows over HTTP, three times."""
    times = []
    for _ in range(3):
        began, at, seen = time.perf_counter(), "", 0
        while seen < count:
            piece = client.get("/api/runs", params={"since": at}).json()
            at, seen = piece["at"], seen + len(piece["entries"])
        times.append(time.perf_counter() - began)
    return {"seconds to give out all rows": median(times)}


def _in_the_browser(address: str, count: int) -> dict[str, float]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        listed, firsts = [], []
        for _ in range(3):
            page.goto(address)
            page.wait_for_selector(".rows .row:not([hidden])")
            firsts.append(page.evaluate("performance.now()"))
            while not page.evaluate(f"document.getElementById('count').textContent.startsWith('{count:,} ')"):
                time.sleep(0.02)  # playwright's own way evaluates text within the page, which it does not allow
            listed.append(page.evaluate("performance.now()"))
        frames = page.evaluate(SCROLL)
        began = page.evaluate("performance.now()")
        page.locator(".head-cell.at-test button").click()
        sorted_in = page.evaluate("performance.now()") - began
        session = page.context.new_cdp_session(page)
        session.send("HeapProfiler.collectGarbage")
        heap = session.send("Runtime.getHeapUsage")["usedSize"] / 2**20
        browser.close()
    return {
        "page: ms until the first rows": median(firsts),
        "page: ms until all are listed": median(listed),
        "page: frames a second while scrolling": 1000 / (sum(frames) / len(frames)),
        "page: slowest of 100 frames, ms": sorted(frames)[int(len(frames) * 0.99)],
        "page: ms for a click that sorts": sorted_in,
        "page: script's memory, MiB": heap,
    }


def _memory(process: int) -> float:
    """The most memory that a process ever had."""
    return int(Path(f"/proc/{process}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


if __name__ == "__main__":
    print(json.dumps({name: round(value, 2) for name, value in measure(*map(int, sys.argv[1:])).items()}, indent=2))
