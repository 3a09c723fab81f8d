"""At the address of a service stands a page on which the first model can be tried; the words for programs are at /docs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from tests.serving.running import Running

pytestmark = pytest.mark.slow


def test_browsers_get_the_page_and_programs_the_words(exported: Path, exported_too: Path, tmp_path: Path) -> None:
    file = Path(shutil.copy(exported, tmp_path / "small.onnx"))
    words = [sys.executable, "-m", "seefar", "serve", str(file), "--port", "0", "--threads", "1", "--drain", "0"]
    surroundings = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=surroundings) as service:
        assert service.stdout is not None
        with httpx.Client(base_url=service.stdout.readline().split()[-1], timeout=20) as client:
            page = client.get("/")
            assert page.headers["content-security-policy"].startswith(
                "default-src 'none'; script-src 'self' 'wasm-unsafe-eval';"
            )
            assert "seefar playground" in page.text
            data = client.get("/data.js")
            assert data.headers["content-type"].startswith("text/javascript")
            assert "seefarModels" in data.text
            assert data.text.endswith('window.seefarDocs = "docs";\n')
            for name in ("playground.js", "playground.css", "index.html"):
                assert client.get(f"/{name}").status_code == 200
            assert "/v1/predict" in client.get("/docs").text
            assert client.get("/playground.txt").status_code == 404
            # Only what serves is shown: of another file in its place nothing, until it is read again
            shutil.copy(exported_too, file)
            assert client.get("/data.js").text == data.text  # made before, of what still serves
        service.terminate()
        assert service.wait(20) == 0
        assert service.stderr is not None
        assert "Traceback" not in service.stderr.read()


def test_a_service_without_it_says_how_to_ask(shared: Running) -> None:
    assert "curl" in shared.client.get("/").text
    assert shared.client.get("/data.js").status_code == 404
