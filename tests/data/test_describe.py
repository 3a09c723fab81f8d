"""Descriptions against straightforward numpy, and leaks against planted ones. "Fault n": its number in the list of faults."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.image_files import jpeg

from seefar.data import describe as module
from seefar.data.describe import describe, describe_images, examples, leaks, mean_images
from seefar.data.images import Dataset, ImageSet
from seefar.data.shapes import load_shapes
from seefar.errors import DataError

CLASSES = ("cat", "dog", "owl")
CIFAR = Path(__file__).parents[3] / "shared" / "data" / "cifar10-jpeg.zip"


def image_set(pixels: np.ndarray, labels: list[int] | np.ndarray, split: str = "train", classes: tuple = CLASSES) -> ImageSet:
    return ImageSet(pixels, np.array(labels, np.int64), classes, tuple(f"{split}/{i}" for i in range(len(pixels))))


def noise(n: int, size: int = 12, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(n, size, size, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def shapes() -> tuple[ImageSet, ImageSet]:
    dataset = load_shapes(train=2_000, test=100)
    return dataset.train, dataset.test


@pytest.fixture
def replaced(shapes: tuple[ImageSet, ImageSet]) -> Callable[..., ImageSet]:
    """Makes the test set in which some images, by position, were replaced."""

    def make(images: dict[int, np.ndarray], labels: dict[int, int] | None = None) -> ImageSet:
        pixels, new_labels = shapes[1].pixels.copy(), shapes[1].labels.copy()
        for position, image in images.items():
            pixels[position] = image
        for position, label in (labels or {}).items():
            new_labels[position] = label
        return ImageSet(pixels, new_labels, shapes[1].classes, shapes[1].ids)

    return make


# Describe


@pytest.mark.parametrize("block_bytes", [1, 1_000, 4 << 20])
def test_description_against_numpy(block_bytes: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    pixels = noise(31)
    pixels[:, :, :, 2] //= 2
    found = describe_images(image_set(pixels, [0] * 20 + [1] * 5 + [2] * 6))
    flat = pixels.reshape(-1, 3).astype(np.int64)
    luma = (flat @ np.array([19_595, 38_470, 7_471]) + 0x8000) >> 16  # 0.299, 0.587, 0.114, as Pillow rounds them
    assert (found.images, found.size, found.counts) == (31, 12, {"cat": 20, "dog": 5, "owl": 6})
    assert found.imbalance == 4
    np.testing.assert_allclose(found.channel_means, flat.mean(axis=0), atol=0.00051)
    np.testing.assert_allclose(found.channel_deviations, flat.std(axis=0), atol=0.00051)
    assert found.channel_histograms == [np.histogram(flat[:, c], 32, (0, 256))[0].tolist() for c in range(3)]
    assert found.brightness_histogram == np.histogram(luma, 32, (0, 256))[0].tolist()
    assert found.duplicates == found.conflicts == []


def test_counts_add_up(shapes: tuple[ImageSet, ImageSet]):
    found = describe_images(shapes[0])
    assert sum(found.counts.values()) == found.images == 2_000
    for histogram in (*found.channel_histograms, found.brightness_histogram):
        assert len(histogram) == 32
        assert sum(histogram) == 2_000 * 32 * 32


def test_a_single_colour_has_no_deviation():
    found = describe_images(image_set(np.full((3, 8, 8, 3), (0, 77, 255), np.uint8), [0, 1, 2]))
    assert found.channel_means == [0, 77, 255]
    assert found.channel_deviations == [0, 0, 0]


def test_description_and_leaks_are_json_as_they_are(shapes: tuple[ImageSet, ImageSet]):
    for value in (asdict(describe_images(shapes[1])), asdict(leaks(shapes[0], shapes[0][5:9]))):
        assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_a_data_set_is_described_split_by_split(shapes: tuple[ImageSet, ImageSet]):
    found = describe(Dataset("drawn", *shapes, "made up"))
    assert (found.train, found.test) == (describe_images(shapes[0]), describe_images(shapes[1]))
    assert found.leaks == leaks(*shapes)


def test_a_class_without_images_has_no_imbalance_ratio():
    found = describe_images(image_set(noise(3), [0, 0, 2]))
    assert found.counts == {"cat": 2, "dog": 0, "owl": 1}
    assert found.imbalance is None


def test_no_images_are_refused():
    with pytest.raises(DataError, match="no images to describe") as caught:
        describe_images(image_set(noise(0), []))
    assert caught.value.exit_code == 3


def test_fault_45_equal_images_and_conflicting_labels():
    pixels = noise(8)
    pixels[5] = pixels[1]
    pixels[[4, 7]] = pixels[2]
    pixels[6] = pixels[3, :, ::-1]  # a mirror image is another image
    found = describe_images(image_set(pixels, [0, 1, 2, 0, 2, 1, 0, 0]))
    assert found.duplicates == [["train/1", "train/5"], ["train/2", "train/4", "train/7"]]
    assert found.conflicts == [{"train/2": "owl", "train/4": "owl", "train/7": "cat"}]


# Pictures


@pytest.mark.parametrize("block_bytes", [1_000, 4 << 20])
def test_mean_images_against_numpy(block_bytes: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BLOCK_BYTES", block_bytes)
    images = image_set(noise(40), [0, 2, 2, 0] * 10)
    found = mean_images(images)
    assert (found.shape, found.dtype) == ((3, 12, 12, 3), np.uint8)
    for label in (0, 2):
        exact = images.pixels[images.labels == label].mean(axis=0)
        assert np.abs(found[label] - exact).max() <= 0.5
    assert not found[1].any(), "a class without images is black"


def test_examples_come_class_by_class(shapes: tuple[ImageSet, ImageSet]):
    chosen = examples(shapes[0], per_class=3, seed=1)
    assert chosen.labels.tolist() == [label for label in range(10) for _ in range(3)]
    assert set(chosen.ids) <= set(shapes[0].ids)
    assert chosen.ids == examples(shapes[0], per_class=3, seed=1).ids
    assert chosen.ids != examples(shapes[0], per_class=3, seed=2).ids
    assert chosen.ids[:3] == examples(shapes[0], per_class=7, seed=1).ids[:3]


def test_a_small_class_gives_all_it_has():
    images = image_set(noise(10), [0] * 8 + [2] * 2)
    assert examples(images, per_class=4).labels.tolist() == [0, 0, 0, 0, 2, 2]


# Leaks


def test_fault_44_planted_leaks_are_found_and_nothing_else(
    shapes: tuple[ImageSet, ImageSet], replaced: Callable[..., ImageSet]
):
    train = shapes[0]
    assert leaks(*shapes).count == 0
    test = replaced(
        {
            3: train.pixels[1_003],
            14: train.pixels[24, :, ::-1],
            35: jpeg(train.pixels[45]),
            56: jpeg(train.pixels[1_996])[:, ::-1],
            77: train.pixels[7],
        },
        labels={77: 8},
    )
    found = leaks(train, test)
    assert found.images == 100
    assert found.counts == {"exact": 2, "mirrored": 1, "near": 1, "near mirrored": 1}
    assert found.test_ids == ["test/00003", "test/00014", "test/00035", "test/00056", "test/00077"]
    assert found.count == 5
    assert found.other_label == 1
    assert found.near_searched
    listed = {leak.test: (leak.train, leak.kind, leak.same_label) for leak in found.leaks}
    assert listed == {
        "test/00003": ("train/01003", "exact", True),
        "test/00014": ("train/00024", "mirrored", True),
        "test/00035": ("train/00045", "near", True),
        "test/00056": ("train/01996", "near mirrored", True),
        "test/00077": ("train/00007", "exact", False),
    }
    differences = {leak.test: leak.rms for leak in found.leaks}
    expected = np.sqrt(np.mean((test.pixels[35].astype(float) - train.pixels[45]) ** 2))
    assert differences["test/00035"] == pytest.approx(expected, abs=0.006)
    assert differences["test/00003"] == differences["test/00014"] == 0


@pytest.mark.parametrize(("size", "found"), [(8, 20), (15, 58), (32, 60), (50, 60)])  # JPEG spoils 8x8 pixels too much
def test_re_encoded_and_resized_images_are_found_at_any_size(size: int, found: int, shapes: tuple[ImageSet, ImageSet]):
    originals = shapes[0].pixels[:60]
    train = np.stack([np.asarray(Image.fromarray(image).resize((size, size))) for image in originals])
    smaller = np.stack([np.asarray(Image.fromarray(image).resize((40, 40)).resize((size, size))) for image in originals])
    labels = np.zeros(60)
    assert leaks(image_set(train, labels), image_set(np.stack([*map(jpeg, train)]), labels, "test")).count >= found
    assert leaks(image_set(train, labels), image_set(smaller, labels, "test")).count == 60
    assert leaks(image_set(train[:30], labels[:30]), image_set(train[30:], labels[30:], "test")).count == 0


def test_flat_images_of_different_colours_are_no_copies():
    flat = np.repeat(np.arange(0, 240, 20, dtype=np.uint8), 12 * 12 * 3).reshape(12, 12, 12, 3)
    labels = [0] * 6
    assert leaks(image_set(flat[::2], labels), image_set(flat[1::2], labels, "test")).count == 0


def test_seas_with_a_horizon_are_no_copies_of_one_another():
    """Alike at large, with details of their own."""
    rng = np.random.default_rng(0)
    horizon = np.where(np.arange(32) < 16, 200, 90)[:, None, None]
    seas = (horizon + rng.normal(0, 10, (20, 32, 32, 3))).astype(np.uint8)
    labels = [0] * 10
    assert leaks(image_set(seas[:10], labels), image_set(seas[10:], labels, "test")).count == 0


def test_the_surest_fifty_are_listed_and_all_are_counted(shapes: tuple[ImageSet, ImageSet]):
    train = shapes[0][:80]
    pixels = np.concatenate([np.stack([*map(jpeg, train.pixels[:30])]), train.pixels[30:]])
    found = leaks(train, ImageSet(pixels, train.labels, train.classes, tuple(f"test/{i}" for i in range(80))))
    assert found.counts == {"exact": 50, "mirrored": 0, "near": 30, "near mirrored": 0}
    assert found.count == 80
    assert [leak.kind for leak in found.leaks] == ["exact"] * 50


def test_a_symmetric_image_counts_once():
    half = noise(2, 16)[:, :, :8]
    pixels = np.concatenate([half, half[:, :, ::-1]], axis=2)
    found = leaks(image_set(pixels, [0, 1]), image_set(pixels, [0, 1], "test"))
    assert found.counts == {"exact": 2, "mirrored": 0, "near": 0, "near mirrored": 0}


def test_sets_too_large_for_near_copies_say_so(shapes: tuple[ImageSet, ImageSet], monkeypatch: pytest.MonkeyPatch):
    train = shapes[0][:50]
    copies = np.stack([jpeg(train.pixels[0]), train.pixels[1]])
    test = ImageSet(copies, train.labels[:2], train.classes, ("test/0", "test/1"))
    monkeypatch.setattr(module, "NEAR_PAIRS", 100)
    assert leaks(train, test).counts == {"exact": 1, "mirrored": 0, "near": 1, "near mirrored": 0}
    monkeypatch.setattr(module, "NEAR_PAIRS", 99)
    found = leaks(train, test)
    assert not found.near_searched
    assert found.counts == {"exact": 1, "mirrored": 0, "near": 0, "near mirrored": 0}


def test_an_empty_set_leaks_nothing(shapes: tuple[ImageSet, ImageSet]):
    train, test = shapes
    assert leaks(train, test[:0]).count == leaks(train[:0], test).count == 0


@pytest.mark.slow
def test_cifar10_repeats_some_training_images_in_test():
    """The JPEG copy of CIFAR-10 has no exact repeats and 137 near ones; all 137 pairs were looked at."""
    if not CIFAR.exists():
        pytest.skip(f"{CIFAR} is not on this machine")
    from seefar.data.load import load

    dataset = load(CIFAR)
    found = leaks(dataset.train, dataset.test)
    assert found.counts["exact"] == found.counts["mirrored"] == 0
    assert 130 <= found.count <= 144  # JPEG decoders differ by a level here and there
    assert found.other_label == 0
