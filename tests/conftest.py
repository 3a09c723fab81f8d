"""What many tests start from: a home of their own, a small data set, a run trained on it."""

import functools
import importlib.util
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from tests.browsing import browser  # noqa: F401  (a fixture)

from seefar.data import load
from seefar.data.images import Dataset, ImageSet

THREADS = torch.get_num_threads()  # as a new process has them
REAL_IMAGES = Path(__file__).parents[2] / "shared" / "data" / "cifar10-jpeg.zip"


def script(path: Path) -> ModuleType:
    """A script that is no part of the package, as a module; those beside it can be imported by it, as when it is run."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def wait_for_end_of(processes: Iterable[str]) -> None:
    """Processes, by number, end with the one that started them, if not at once: Python's own tracker leaves last."""
    late = time.monotonic() + 30
    while left := [process for process in processes if Path(f"/proc/{process}").exists()]:
        assert time.monotonic() < late, left
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """No test reads or writes the real cache and ledger."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("SEEFAR_HOME", str(home))
    return home


@pytest.fixture(autouse=True)
def usual_threads() -> Iterator[None]:
    """Who asks for other threads, a fixture of a whole module too, asks for the whole process, and later sums would round differently."""
    torch.set_num_threads(THREADS)
    yield
    torch.set_num_threads(THREADS)


@pytest.fixture(autouse=True, scope="session")
def nothing_waits_for_the_disk() -> Iterator[None]:
    """A quarter of a small training is waiting until its files are on the disk, which only a power cut would show."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


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


def colours() -> Dataset:
    """120 training and 90 test images of 16x16 pixels in three classes that are easy to tell apart."""
    return Dataset("colours", images(120, 1, "train"), images(90, 2, "test"), "noise around three colours")


@pytest.fixture
def small_data() -> Dataset:
    """The same as a fixture."""
    return colours()


SMALL = {"widths": [[8], [8]], "dense": 16, "epochs": 3, "batch_size": 16, "precision": "fp32"}
"""Recipe fields for a training of a second."""
