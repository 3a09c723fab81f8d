"""Batches of few sizes: the same answers whatever the number of images, from several threads at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seefar as sf
from seefar.errors import ModelFileError, UsageError
from seefar.model.onnx_engine import OnnxEngine

PIXELS = np.random.default_rng(0).integers(0, 256, (150, 16, 16, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def engine(exported: Path) -> OnnxEngine:
    return OnnxEngine(exported.read_bytes(), 16, maps=True)


@pytest.mark.parametrize(
    ("threads", "images", "batches"),
    [
        (1, 0, [1]),
        (1, 3, [4]),
        (1, 40, [32, 8]),
        (2, 3, [4]),
        (2, 8, [4, 4]),
        (2, 40, [16, 16, 8]),
        (2, 150, [32, 32, 32, 32, 32]),
    ],
)
def test_batches_are_powers_of_two(
    exported: Path, monkeypatch: pytest.MonkeyPatch, threads: int, images: int, batches: list[int]
) -> None:
    """And every thread has some."""
    engine = OnnxEngine(exported.read_bytes(), 16, maps=True, threads=threads)
    sizes: list[int] = []
    run = engine.run

    def watched(pixels: np.ndarray, maps: bool = False) -> dict[str, np.ndarray]:
        sizes.append(len(pixels))
        return run(pixels, maps)

    monkeypatch.setattr(engine, "run", watched)
    logits, features, maps, probabilities = engine.compute(PIXELS[:images], maps=True)
    assert maps is not None
    assert probabilities is not None
    assert {len(logits), len(features), len(maps), len(probabilities)} == {images}
    assert sorted(sizes, reverse=True) == batches


def test_larger_images_come_in_smaller_batches(exported: Path) -> None:
    content = exported.read_bytes()
    assert [OnnxEngine(content, size, maps=True).batch for size in (8, 32, 64, 100, 224, 1000)] == [32, 32, 8, 2, 1, 1]


def test_an_answer_does_not_depend_on_the_other_images(engine: OnnxEngine) -> None:
    together = engine.compute(PIXELS[:40])[0]
    alone = np.concatenate([engine.compute(PIXELS[place : place + 1])[0] for place in range(40)])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_threads_may_ask_at_once(engine: OnnxEngine) -> None:
    expected = engine.compute(PIXELS)[0]
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: engine.compute(PIXELS)[0], range(12)):
            np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_it_cannot_do_is_said(exported: Path) -> None:
    engine: Any = OnnxEngine(exported.read_bytes(), 16, maps=False)
    with pytest.raises(UsageError, match="no class-activation maps"):
        engine.compute(PIXELS[:1], maps=True)
    with pytest.raises(ModelFileError, match="ONNX Runtime refuses it"):
        OnnxEngine(b"no file", 16, maps=True)


def test_maps_come_only_when_asked_for(exported: Path) -> None:
    model = sf.load_model(exported)
    assert model.answers(PIXELS[:3]).maps is None
    assert model.answers(PIXELS[:3], maps=True).maps is not None
