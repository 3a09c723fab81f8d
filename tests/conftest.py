"""What many tests start from: a home of their own, a small data set, a run trained on it."""

import functools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from seefar.data import load
from seefar.data.images import Dataset, ImageSet

REAL_IMAGES = Path(__file__).parents[2] / "shared" / "data" / "cifar10-jpeg.zip"


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No test reads or writes the real cache and ledger."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SEEFAR_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def own_threads() -> Iterator[None]:
    """Who asks for other threads asks for the whole process: in the tests after it, sums would be added up in another order."""
    threads = torch.get_num_threads()
    yield
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)


@pytest.fixture(autouse=True, scope="session")
def shapes_are_drawn_once() -> None:
    """Drawing them takes two seconds, and they cannot be changed. tests/data/test_shapes.py draws its own."""
    load.SOURCES["shapes"] = functools.cache(load.SOURCES["shapes"])


@pytest.fixture
def real_images() -> Path:
    """CIFAR-10 as JPEG, where it lies beside the checkout."""
    if not REAL_IMAGES.exists():
        pytest.skip(f"the real images are not here: {REAL_IMAGES}")
    return REAL_IMAGES


def images(n: int, seed: int, split: str, classes: int = 3, size: int = 16) -> ImageSet:
    """Noise around a colour for each class: a network learns it in an epoch."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    colours = np.linspace(40, 215, classes)[labels][:, None, None, None] * np.array([1, 0.5, 0.8])
    pixels = np.clip(colours + rng.normal(0, 20, (n, size, size, 3)), 0, 255).astype(np.uint8)
    names = tuple(f"class {i}" for i in range(classes))
    return ImageSet(pixels, labels.astype(np.int64), names, tuple(f"{split}/{i:05d}" for i in range(n)))


@pytest.fixture
def small_data() -> Dataset:
    """120 training and 30 test images of 16x16 pixels in three classes that are easy to tell apart."""
    return Dataset(
        name="colours", train=images(120, 1, "train"), test=images(30, 2, "test"), source="noise around three colours"
    )


SMALL = {"widths": [[8], [8]], "dense": 16, "epochs": 3, "batch_size": 16, "precision": "fp32"}
"""Recipe fields for a training of a second."""
