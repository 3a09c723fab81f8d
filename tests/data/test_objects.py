"""Data sets of torch and of Hugging Face: what they offer is enough, neither library is needed."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.own_files import pictures, png

from seefar.data.images import Dataset
from seefar.errors import DataError, UsageError

PIXELS, LABELS = pictures(30, side=16)
ROWS = [(Image.fromarray(image), int(label)) for image, label in zip(PIXELS, LABELS, strict=True)]


def test_pil_images_tensors_and_arrays_give_the_same() -> None:
    for rows in (
        ROWS,
        [(image, label) for image, label in zip(PIXELS, LABELS, strict=True)],
        [
            (torch.from_numpy(image).permute(2, 0, 1) / 255, torch.tensor(label))
            for image, label in zip(PIXELS, LABELS, strict=True)
        ],
    ):
        data = Dataset.from_torch(rows, rows)
        assert np.array_equal(data.train.pixels, PIXELS)
        assert data.train.labels.tolist() == LABELS.tolist()
        assert (data.name, data.origin) == ("torch", {})


def test_pil_images_of_unequal_size_are_brought_to_32_or_what_is_asked() -> None:
    rows = [*ROWS[:-1], (ROWS[-1][0].resize((40, 24)), 2)]
    assert Dataset.from_torch(rows).train.size == 32
    assert Dataset.from_torch(rows, size=24).train.size == 24
    assert Dataset.from_torch(ROWS).train.size == 16


@pytest.mark.parametrize(
    ("rows", "error", "sentence"),
    [
        ([PIXELS[0]], DataError, "item 0 of train is no pair of image and label but a ndarray"),
        ([], DataError, "there are no images in train"),
        ([(PIXELS[0], 0), (PIXELS[0][:8], 1)], DataError, r"shapes such as \(8, 16, 3\) and \(16, 16, 3\)"),
        ([("a.png", 0)], DataError, "not numbers"),
        (iter(ROWS), UsageError, "which has no length or cannot be indexed"),
        ([(b"no image", 0)], DataError, "image 0 of train cannot be used: not an image"),
        (
            [(Image.new("RGB", (20000, 2000)), 0)],
            DataError,
            "image 0 of train cannot be used: 20000x2000 pixels, more than 16 million",
        ),
    ],
)
def test_what_is_no_data_set_of_images_gets_a_sentence(rows: Any, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        Dataset.from_torch(rows)


class Image_:  # noqa: N801 (as `datasets` calls its feature, but for PIL's name)
    """A feature: the column holds images."""


Image_.__name__ = "Image"


class ClassLabel:
    """A feature: the column holds classes."""

    def __init__(self, names: list[str]) -> None:
        self.names = names


class Value:
    """A feature: anything else."""


class Split:
    """What a split of `datasets` offers: features, a length, rows by number, columns by name."""

    def __init__(self, features: Mapping[str, Any], **columns: Any) -> None:
        self.features, self.columns = features, columns

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def __getitem__(self, key: Any) -> Any:
        return self.columns[key] if isinstance(key, str) else {name: values[key] for name, values in self.columns.items()}


class Streamed:
    """A data set that is read as it arrives, `streaming=True`: it has no length, and no rows by number."""

    def __init__(self) -> None:
        self.features = FEATURES

    def __getitem__(self, number: int) -> Any:
        raise NotImplementedError  # as torch's IterableDataset does, of which it is one


class Formatted(Split):
    """As `with_format` leaves it: rows are of another library, or lack columns; without a format they are as before."""

    def __init__(self, kind: str | None, rows: Split, images: Any) -> None:
        super().__init__(rows.features, **(rows.columns | {"img": images}))
        self.format, self.rows = {"type": kind, "columns": list(rows.columns)}, rows

    def with_format(self, kind: str | None) -> Split:
        return self if kind == self.format["type"] else self.rows


FEATURES = {"img": Image_(), "kind": ClassLabel(["ash", "elm", "oak"]), "tree": Value()}


def split(**changes: Any) -> Split:
    columns = {"img": [image for image, _ in ROWS], "kind": LABELS.tolist(), "tree": [f"{i // 6}-{i % 3}" for i in range(30)]}
    return Split(FEATURES, **(columns | changes))


def test_a_data_set_of_hugging_face_tells_its_columns_and_classes() -> None:
    data = Dataset.from_hugging_face(split(), name="trees")
    assert (data.name, data.classes, data.test_by_rule) == ("trees", ("ash", "elm", "oak"), True)
    whole = Dataset.from_hugging_face({"train": split(), "validation": split(), "test": split(), "unlabelled": None})
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (60, 30, 30)
    assert np.array_equal(whole.test.pixels, PIXELS)
    other = Dataset.from_hugging_face({"training": split(), "dev": split(), "testing": split()})
    assert (len(other.train), len(other.validation), len(other.test)) == (60, 30, 30)


def test_undecoded_images_and_a_column_of_groups() -> None:
    data = Dataset.from_hugging_face(split(img=[{"bytes": png(image), "path": None} for image in PIXELS]), group="tree")
    assert data.grouped_by == "tree"
    assert not set(data.train.groups) & set(data.test.groups)
    assert len({*data.train.groups, *data.test.groups}) == 15


def test_a_format_hides_no_picture_and_a_transform_stays() -> None:
    """As `datasets` 5.2.0 does it: torch gives tensors of any shape, pandas and arrow give no images at all."""
    uneven = split(img=[image.resize((16 + i % 2, 16)) for i, (image, _) in enumerate(ROWS)])
    tensors = [torch.zeros(3, 16, 16 + i % 2) for i in range(30)]
    expected = Dataset.from_hugging_face(uneven).train
    assert Dataset.from_hugging_face(Formatted("torch", uneven, tensors)).train.digest == expected.digest
    darker = [Image.fromarray(image // 2) for image in PIXELS]
    data = Dataset.from_hugging_face({name: Formatted("custom", split(), darker) for name in ("train", "test")})
    assert np.array_equal(data.train.pixels, PIXELS // 2)
    features = FEATURES | {"img": Value()}  # of arrays, whose type a format knows, and plain rows do not
    arrays = Split(features, **(split().columns | {"img": (PIXELS // 4).tolist()}))
    with pytest.raises(DataError, match="it is unclear which number is white"):
        Dataset.from_hugging_face(arrays, image="img")
    data = Dataset.from_hugging_face({name: Formatted("numpy", arrays, PIXELS // 4) for name in ("train", "test")}, image="img")
    assert np.array_equal(data.train.pixels, PIXELS // 4)


def test_what_is_unclear_in_a_data_set_of_hugging_face_gets_a_sentence() -> None:
    two = Split(FEATURES | {"coarse": ClassLabel(["x", "y"])}, **split().columns, coarse=[0, 1] * 15)
    for data, options, error, sentence in (
        (two, {}, DataError, "it is unclear which column holds the labels: kind, coarse; say label="),
        (
            split(),
            {"label": "kin"},
            UsageError,
            r"there is no column 'kin' \(did you mean 'kind'\?\); there are img, kind, tree",
        ),
        (split(kind=[-1, *LABELS[1:].tolist()]), {}, DataError, "negative ones say that a label is unknown"),
        ({"test": split()}, {}, DataError, "there is no split 'train' among 'test'"),
        (ROWS, {}, UsageError, "expected a Hugging Face Dataset or DatasetDict, found a list"),
        (Streamed(), {}, UsageError, "expected a Hugging Face Dataset or DatasetDict, found a Streamed"),
        (Split(FEATURES, img=PIXELS), {}, DataError, "row 0 has no 'kind': a transform of the data set leaves it out"),
    ):
        with pytest.raises(error, match=sentence):
            Dataset.from_hugging_face(data, **options)
    assert Dataset.from_hugging_face(two, label="coarse").classes == ("x", "y")
