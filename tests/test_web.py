"""The pages that run in a browser: what is committed is what their source gives, they are small, and their own tests pass."""

import gzip
import os
import shutil
import subprocess
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]
WEB, BUILT = TREE / "web", TREE / "src" / "seefar" / "web"
LARGEST = 60_000  # bytes of a page's script, compressed: what the pages promise


def npm(*words: str, **surroundings: str) -> str:
    """What npm says in web/; its failure is ours."""
    if shutil.which("npm") is None:
        pytest.skip("no npm here: apt install nodejs npm")
    done = subprocess.run(["npm", *words], cwd=WEB, env=os.environ | surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def installed() -> None:
    """What the pages are built with, exactly as the lock file says."""
    ready = WEB / "node_modules" / "ready"  # as `make web` leaves it
    if not ready.exists() or ready.stat().st_mtime < (WEB / "package-lock.json").stat().st_mtime:
        npm("ci", "--no-audit", "--no-fund")
        ready.touch()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_what_is_committed_is_what_the_source_gives(installed: None, tmp_path: Path) -> None:
    npm("run", "build", SEEFAR_WEB_OUT=str(tmp_path))
    built, committed = contents(tmp_path), contents(BUILT)
    assert sorted(built) == sorted(committed)
    assert [name for name in built if built[name] != committed[name]] == []


@pytest.mark.slow
def test_types_and_parts(installed: None) -> None:
    npm("run", "types")
    assert "passed" in npm("test")


@pytest.mark.parametrize("page", ["playground", "runs"])
def test_a_page_is_small_and_asks_for_nothing_from_elsewhere(page: str) -> None:
    folder = BUILT / page
    assert len(gzip.compress((folder / f"{page}.js").read_bytes(), 9)) < LARGEST
    html = (folder / "index.html").read_text()
    assert "default-src 'none'" in html
    assert "crossorigin" not in html  # pages from disk must not ask with CORS
    assert 'type="module"' not in html
