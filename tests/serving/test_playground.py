"""At the address of a service stands a page on which the first model can be tried; the words for programs are at /docs."""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import pytest
from tests.serving.running import Running

from seefar.serving.pages import Pages
from seefar.serving.service import Service
from seefar.serving.settings import Settings


@contextmanager
def served(file: Path, *options: str, says: str = "") -> Iterator[httpx.Client]:
    """`seefar serve` of a file, which says so much behind its address, and ends in good order."""
    words = [sys.executable, "-m", "seefar", "serve", str(file), "--port", "0", "--threads", "1", "--drain", "0", *options]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings) as service:
        assert service.stdout is not None
        with httpx.Client(base_url=service.stdout.readline().split()[-1], timeout=20) as client:
            try:
                yield client
            finally:
                service.terminate()
        assert service.wait(20) == 0
        assert service.stdout.read() == says
        assert service.stderr is not None
        assert "Traceback" not in service.stderr.read()


@pytest.mark.slow
def test_browsers_get_the_page_and_programs_the_words(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    with served(file) as client:
        page = client.get("/")
        assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
        assert "seefar playground" in page.text
        data = client.get("/data.js")
        assert data.headers["content-type"].startswith("text/javascript")
        assert "seefarModels" in data.text
        assert data.text.endswith('window.seefarDocs = "docs";\n')
        for name in ("playground.js", "playground.css", "index.html"):
            assert client.get(f"/{name}").status_code == 200
        assert "/v1/predict" in client.get("/docs").text
        assert client.get("/playground.txt").status_code == 404
        shutil.copy(exported_too, file)
        assert client.get("/data.js").text == data.text  # made before, of what still serves


@pytest.mark.slow
def test_of_another_file_in_the_place_of_what_serves_nothing_is_shown(
    exported: Path, exported_too: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    with served(file) as client:
        shutil.copy(exported_too, file)
        assert client.get("/data.js").status_code == 404
        assert "curl" in client.get("/").text


@pytest.mark.slow
def test_with_a_token_there_is_no_page_and_the_start_says_so(exported: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("0123456789abcdef")
    said = "with a token there is no page for browsers: it would give them the model; use seefar playground\n"
    with served(exported, "--token", str(tmp_path / "token"), says=said) as client:
        for name in ("", "data.js", "playground.js", "index.html"):
            assert client.get(f"/{name}").status_code == 401
        given = {"authorization": "Bearer 0123456789abcdef"}
        assert "curl" in client.get("/", headers=given).text  # programs get the words
        assert client.get("/data.js", headers=given).status_code == 404


def test_many_who_come_at_once_wait_for_the_same_page() -> None:
    made: list[bytes] = []

    def make(content: bytes, name: str) -> dict[str, bytes]:
        made.append(content)
        time.sleep(0.3)
        return {"data.js": name.encode()}

    model = SimpleNamespace(name="small", digest="0")
    models = SimpleNamespace(get=lambda _: model, content=lambda _: b"bytes")
    pages = Pages(cast("Service", SimpleNamespace(settings=Settings(), playground=make, models=models)))

    async def ask() -> list[bytes]:
        gone, *waiting = [asyncio.create_task(pages._playground("data.js")) for _ in range(20)]
        await asyncio.sleep(0.1)
        gone.cancel()
        return [found.body for found in await asyncio.gather(*waiting) if found is not None]

    assert asyncio.run(ask()) == [b'smallwindow.seefarDocs = "docs";\n'] * 19
    assert made == [b"bytes"]


def test_a_service_without_it_says_how_to_ask(shared: Running) -> None:
    assert "curl" in shared.client.get("/").text
    assert shared.client.get("/data.js").status_code == 404
