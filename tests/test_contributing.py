"""CONTRIBUTING.md is followed: each example becomes a file and an entry in a dict of a copy of seefar, and is then used."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
FILES = dict(re.findall(r"^`(src/seefar/\S+\.py)`\n```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
ENTRIES = re.findall(r"^The entry, in `(\w+)` of `(\S+)`:\n```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
LINES = re.findall(r"^In `(\S+)`, (above|below) the line `([^\n]*)`:\n```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
[RECIPE] = re.findall(r"^```python\n(Recipe\(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
TRIALS = re.findall(r"^Try it: `(seefar .*)`$", TEXT, re.MULTILINE)


def test_there_is_an_example_of_each_kind() -> None:
    assert list(FILES) == [
        "src/seefar/networks/strided.py",
        "src/seefar/explaining/gradient.py",
        "src/seefar/data/digits.py",
    ]
    assert [name for name, *_ in ENTRIES] == ["MODELS", "EXPLAINERS", "SOURCES"]
    assert len(LINES) == 4
    assert len(TRIALS) == 4


def follow(where: Path) -> None:
    """Copy seefar, and put into it what CONTRIBUTING.md says: files, entries of dicts, lines beside others, a block for the recipe."""
    shutil.copytree(ROOT / "src", where / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for path, side, line, block in LINES:
        text = (where / path).read_text()
        assert text.count(f"\n{line}\n") == 1, f"{path} has not one line {line!r}"
        gap = "\n\n" if block.startswith("@") else ""
        put = f"\n{block}{gap}{line}\n" if side == "above" else f"\n{line}\n{block}"
        (where / path).write_text(text.replace(f"\n{line}\n", put))
    for name, content in FILES.items():
        assert not (where / name).exists()
        (where / name).write_text(content)
    for (dictionary, path, entry), name in zip(ENTRIES, FILES, strict=True):
        value = entry.strip().rstrip(",").split(": ")[1]
        module = name.removeprefix("src/").removesuffix(".py").replace("/", ".")
        text = (where / path).read_text()
        first_import = re.search(r"^from seefar", text, re.MULTILINE)
        assert first_import is not None
        text = f"{text[: first_import.start()]}from {module} import {value}\n{text[first_import.start() :]}"
        text, count = re.subn(
            rf"^({dictionary}: dict\[.*\] = \{{)\n?",
            lambda found, entry=entry: f"{found[1]}\n{entry}",  # type: ignore[misc]
            text,
            count=1,
            flags=re.MULTILINE,
        )
        assert count == 1, f"{path} has no dict {dictionary}"
        (where / path).write_text(text)
    recipes = where / "src" / "seefar" / "recipes.py"
    opening = "    for recipe in [\n"
    assert recipes.read_text().count(opening) == 1
    recipes.write_text(recipes.read_text().replace(opening, f"{opening}{RECIPE.rstrip()},\n"))


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("copy")
    follow(where)
    return where


def test_the_examples_are_written_as_the_project_is(copy: Path) -> None:
    """Formatter, linter and the rules of test_layout.py; the entries may stand anywhere, so that the files alone are looked at."""
    files = [str(copy / name) for name in FILES]
    for words in (["format", "--check"], ["check"]):
        command = [sys.executable, "-m", "ruff", *words, "--config", str(ROOT / "pyproject.toml"), *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def seefar(copy: Path, command: str) -> str:
    """What a command of the copy prints on stdout."""
    words = command.split()
    assert words[0] == "seefar"
    # One thread: beside other work two wait for each other
    surroundings = os.environ | {"PYTHONPATH": str(copy / "src"), "SEEFAR_HOME": str(copy / "home"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=copy, env=surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_network_of_ones_own_is_trained(copy: Path) -> None:
    [command] = [trial for trial in TRIALS if "strided" in trial]
    run = copy / seefar(copy, f"{command} --epochs 1 --out runs/strided").strip()
    facts = json.loads((run / "recipe.json").read_text())
    assert (facts["model"], facts["kernel"], facts["name"]) == ("strided", 5, "tiny+model=strided+kernel=5+epochs=1")
    assert json.loads((run / "manifest.json").read_text())["ended"] == "finished"


@pytest.mark.slow
def test_an_augmentation_of_ones_own_is_drawn_trained_and_explained(copy: Path) -> None:
    [command] = [trial for trial in TRIALS if "grey" in trial]
    assert (copy / seefar(copy, command).strip()).stat().st_size > 1000
    assert re.search(r"^ *grey ", seefar(copy, "seefar recipes tiny"), re.MULTILINE)
    seefar(copy, "seefar train --data shapes --subset 500 --recipe tiny --set grey=0.5 --epochs 1 --out runs/grey")
    assert json.loads((copy / "runs" / "grey" / "recipe.json").read_text())["grey"] == 0.5


@pytest.mark.slow
def test_a_source_of_ones_own_goes_the_whole_path(copy: Path) -> None:
    [command] = [trial for trial in TRIALS if "digits" in trial]
    assert "report: " in seefar(copy, f"{command} --epochs 1 --out runs/digits")
    assert (copy / "runs" / "digits" / "report.html").exists()


@pytest.mark.slow
def test_a_recipe_of_ones_own_is_listed_and_trained(copy: Path) -> None:
    assert "small_photos" in seefar(copy, "seefar recipes")
    seefar(copy, "seefar train --data digits --recipe small_photos --epochs 1 --out runs/small")
    facts = json.loads((copy / "runs" / "small" / "data.json").read_text())
    assert facts["origin"] == {"data": "digits", "split_seed": 0}
    assert "validation accuracy" in seefar(copy, "seefar evaluate runs/small")  # loads the digits again


@pytest.mark.slow
def test_a_way_to_explain_of_ones_own_is_drawn_and_judged(copy: Path) -> None:
    [command] = [trial for trial in TRIALS if "gradient" in trial]
    seefar(copy, "seefar train --data shapes --recipe tiny --epochs 1 --out runs/tiny")
    printed = seefar(copy, command.replace("RUN", "runs/tiny"))
    assert re.search(r"gradient +0\.\d+ +0\.\d+", printed)
    assert (copy / "runs" / "tiny" / "explained" / "explanation.png").exists()
