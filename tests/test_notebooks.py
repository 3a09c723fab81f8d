"""The notebooks: executed from top to bottom, made from their scripts, fit to be read by a learner on a code-hosting page."""

import ast
import getpass
import re
import socket
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tests.conftest import script

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("jupytext")
pytest.importorskip("nbclient")

FOLDER = Path(__file__).parents[1] / "notebooks"
NAMES = ("1-explore", "2-train", "3-understand", "4-enhance", "5-your-own-images")
LARGEST = 1_500_000  # bytes: code-hosting pages do not show large notebooks


@pytest.fixture(scope="module")
def make() -> ModuleType:
    """notebooks/make.py as a module."""
    return script(FOLDER / "make.py")


def stored(name: str) -> Any:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(name: str) -> str:
    return "\n".join(cell.source for cell in stored(name).cells if cell.cell_type == "code")


def prose(name: str) -> str:
    return "\n\n".join(cell.source for cell in stored(name).cells if cell.cell_type == "markdown")


def outputs(name: str) -> list[Any]:
    return [output for cell in stored(name).cells if cell.cell_type == "code" for output in cell.outputs]


def test_these_are_all() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == list(NAMES)
    assert all(f"[{name}]({name}.ipynb)" in (FOLDER / "README.md").read_text() for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_is_made_from_its_script(name: str, make: ModuleType) -> None:
    made, there = make.read(name), stored(name)
    assert [(cell.cell_type, cell.source) for cell in there.cells] == [(cell.cell_type, cell.source) for cell in made.cells]
    assert [cell.id for cell in there.cells] == [cell.id for cell in made.cells]
    assert there.metadata == made.metadata
    assert all(not cell.metadata for cell in there.cells)


@pytest.mark.parametrize("name", NAMES)
def test_it_was_executed_in_order_without_errors_and_warnings(name: str) -> None:
    cells = [cell for cell in stored(name).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert len(outputs(name)) >= len(cells) * 2 / 3
    for output in outputs(name):
        assert output.output_type != "error"
        assert "Warning" not in output.get("text", "")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_names_no_machine(name: str) -> None:
    text = (FOLDER / f"{name}.ipynb").read_text()
    assert len(text) < LARGEST
    readable = re.sub(r"[A-Za-z0-9+/=]{200,}", "", text)  # without pictures
    for private in (str(Path.home()), str(FOLDER.parent), socket.gethostname(), "/tmp/", "/home/", "\\u001b"):
        assert private not in readable
    assert getpass.getuser() == "root" or getpass.getuser() not in readable


@pytest.mark.parametrize("name", NAMES)
def test_it_uses_the_public_api_alone(name: str) -> None:
    import seefar as sf

    tree = ast.parse(code(name))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imported] == ["import seefar as sf"]
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sf"
    }
    assert used <= set(sf.__all__)


@pytest.mark.parametrize("name", NAMES)
def test_it_teaches(name: str) -> None:
    """A title and what one will learn first; then questions, each with its answer; and where to go on."""
    cells = stored(name).cells
    assert re.match(r"# \d · \w.*\n\n\*\*What you will learn\*\*\n\n- ", cells[0].source)
    text = prose(name)
    questions, answers = text.count("**Question "), text.count("<summary>Answer</summary>")
    assert questions == answers >= 2
    assert [int(number) for number in re.findall(r"\*\*Question (\d+)\.", text)] == list(range(1, questions + 1))
    assert text.count("<details>") == text.count("</details>") == answers
    assert "## What you know now" in text
    assert re.search(r"\]\(\d-[\w-]+\.ipynb\)", cells[-1].source)
    for link in re.findall(r"\]\(([\w-]+\.ipynb)\)", text):
        assert (FOLDER / link).exists()


@pytest.mark.parametrize("name", NAMES)
def test_code_is_short(name: str) -> None:
    """Where code in a notebook is long, the API is to be mended; and it must be read without scrolling sideways."""
    for cell in stored(name).cells:
        if cell.cell_type == "code":
            lines = cell.source.split("\n")
            assert len(lines) <= 20
            assert max(map(len, lines)) <= 110


def run_make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / "make.py"), *arguments], capture_output=True, text=True, check=False, cwd=FOLDER.parent
    )


@pytest.mark.slow
@pytest.mark.timeout(3600)  # three minutes where nothing else goes on
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_from_top_to_bottom(name: str, tmp_path: Path) -> None:
    done = run_make(name, "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    made = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    there = stored(name)
    assert [len(cell.get("outputs", ())) for cell in made.cells] == [len(cell.get("outputs", ())) for cell in there.cells]


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_on_real_images(name: str, tmp_path: Path, real_images: Path) -> None:
    done = run_make(name, "--data", str(real_images), "--out", str(tmp_path))
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / f"{name}.ipynb").stat().st_size < LARGEST


@pytest.mark.slow
def test_an_error_in_a_notebook_stops_its_making(tmp_path: Path, make: ModuleType) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(FOLDER)!r}); import make, nbformat; "
        "make.execute(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell('1 / 0')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "ZeroDivisionError" in done.stderr
