"""A model that answers at once and by a rule that a test can say, and pictures for it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seefar.model.answers import Answers
from seefar.model.model import Model

SIZE = 8
DARK = 30  # grey level
LEVELS = np.array([40, 128, 215])  # the grey levels that the three classes stand for


class ByLevel:
    """Knows images by their mean grey level. Keeps the shapes that it was given."""

    name = "a rule"

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def logits(self, pixels: np.ndarray, tta: str) -> np.ndarray:
        return self.compute(pixels, False)[0]

    def compute(self, pixels: np.ndarray, maps: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, np.ndarray | None]:
        self.shapes.append(pixels.shape)
        features = pixels.mean((1, 2)).astype(np.float32)
        logits = -np.abs(features.mean(1, keepdims=True) - LEVELS).astype(np.float32) / 10
        evidence = np.repeat(pixels.mean(3)[:, None, ::4, ::4].astype(np.float32), 3, axis=1)
        return logits, features, evidence if maps else None, None


class NotDark:
    """What is darker than anything it was trained on is unlike it."""

    def unlike(self, answers: Answers) -> np.ndarray:
        result: np.ndarray = answers.features.mean(1) < DARK
        return result


@pytest.fixture
def model() -> Model:
    """Three classes, 8x8 pixels."""
    origin = {"recipe": "rule", "seed": 0}
    familiar: Any = NotDark()
    return Model(ByLevel(), ("dark", "grey", "light"), SIZE, "white", 2.0, familiar, 0.9, origin)


def save(path: Path, level: int, side: int = SIZE) -> Path:
    """A plain picture of a grey level."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(path)
    return path


def level_of(number: int) -> int:
    """Of the picture of that number in `photos`: all three classes in turn, and hard cases between them."""
    return (37 * number) % 256


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seventy pictures in two folders; the working directory is not theirs."""
    for number in range(70):
        save(tmp_path / "photos" / ("a" if number < 30 else "b") / f"{number:03d}.png", level_of(number))
    return tmp_path / "photos"
