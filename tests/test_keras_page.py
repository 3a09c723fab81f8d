"""docs/how-to/keras.md: its code runs as it stands, and its tables are what Keras shows."""

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.exporting.trained_networks import as_model, as_trained

from seefar.exporting.keras_file import KerasDraft
from seefar.recipes import RECIPES

PAGE = (Path(__file__).parents[1] / "docs" / "how-to" / "keras.md").read_text()
CODE = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
RECIPE = {"plain": "baseline", "deep": "deep"}
CERTIFICATE = {"agreement": {"same": 1.0}}


@contextlib.contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def rows(table: str) -> list[list[str]]:
    text = PAGE.partition(f"<!-- {table} -->\n\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]


def said_by_keras(layer: Any) -> list[str]:
    shape = " x ".join(f"{side:,}" for side in layer.output.shape[1:])
    return [f"`{layer.name}` ({type(layer).__name__})", shape, f"{layer.count_params():,}"]


@pytest.mark.slow
def test_the_page_runs_and_shows_what_keras_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a few images of noise, with networks that nobody has trained."""
    for recipe in RECIPE.values():
        draft = KerasDraft(as_model(as_trained(RECIPES[recipe].network, 10, 32), 32))
        facts = {"classes": ["cat"], "size": 32, "temperature": 1.3, "certificate": CERTIFICATE}
        (tmp_path / f"{recipe}.keras").write_bytes(draft.finished(facts, []))
    import keras

    rng = np.random.default_rng(0)
    few = (rng.integers(0, 256, (64, 32, 32, 3), np.uint8), rng.integers(0, 10, (64, 1)))
    monkeypatch.setattr(keras.datasets.cifar10, "load_data", lambda: (few, few))
    names: dict[str, Any] = {}
    with inside(tmp_path):
        for block in CODE:
            exec(block, names)  # the page, as a reader would run it
        made = {recipe: keras.models.load_model(f"{recipe}.keras") for recipe in RECIPE.values()}
    assert names["said"]["certificate"] == CERTIFICATE
    assert names["probabilities"].shape == (64, 10)
    assert names["mine"].predict(few[0], verbose=0).shape == (64, 3)

    for table, recipe in RECIPE.items():
        ours, theirs = made[recipe], names[table]
        layers = [layer for layer in ours.layers if layer.name != "pixels"]
        assert [row[1:] for row in rows(table) if row[1]] == [said_by_keras(layer) for layer in layers]
        activations = [getattr(getattr(layer, "activation", None), "__name__", "linear") for layer in theirs.layers]
        classes = [type(layer).__name__ for layer in theirs.layers]
        shown = [
            name + (f", {way}" if way != "linear" and name != "ReLU" else "")
            for name, way in zip(classes, activations, strict=True)
        ]
        assert sorted(row[0] for row in rows(table) if row[0]) == sorted(shown)
        assert learning(ours) == learning(theirs)
        assert f"recipe `{recipe}`, both with {learning(ours):,} parameters" in PAGE


def learning(model: Any) -> int:
    """How many parameters of a Keras model training changes."""
    return sum(weight.numpy().size for weight in model.trainable_weights)
