"""One function loads everything; options that do not go together are refused before anything is read."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from seefar.data.load import load
from seefar.errors import DataError, UsageError


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve images of 40x30 pixels in two classes."""
    rng = np.random.default_rng(0)
    for i in range(12):
        path = tmp_path / "My Photos" / ("cat", "dog")[i % 2] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)).save(path)
    return tmp_path / "My Photos"


@pytest.mark.parametrize(
    ("data", "options", "sentence"),
    [
        ("shapes", {"size": 64}, "shapes is 32x32 pixels; --size is for folders"),
        ("shapes", {"archive": "x.tar.gz"}, "--archive goes with --data cifar10 or cifar100, not with 'shapes'"),
        ("cifar10", {"unverified": True}, "--unverified needs --archive FILE"),
        ("somewhere", {"size": 7}, "size is 7; allowed is 8 to 512 pixels"),
        ("somewhere", {"size": 513}, "size is 513; allowed is 8 to 512 pixels"),
    ],
)
def test_options_that_do_not_go_together_are_refused(data: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(data, **options)
    assert sentence in str(caught.value)


def test_an_unknown_name_gets_the_nearest_one_and_all_of_them() -> None:
    with pytest.raises(
        DataError, match=r"no data set of that name \(did you mean 'shapes'\?\); the names are cifar10, cifar100, mnist, "
    ):
        load("shape")


def test_a_folder_is_loaded_the_same_again_from_its_origin(photos: Path) -> None:
    data = load(photos, size=16, split_seed=5)
    again = load(**data.origin)
    assert (again.train.digest, again.test.digest) == (data.train.digest, data.test.digest)
    assert data.name == "my-photos"
    assert data.split_seed == 5
    assert load(photos, size=16, split_seed=6).test.ids != data.test.ids


def test_a_name_is_taken_made_fit_for_a_folder_and_kept_when_they_are_loaded_again(photos: Path) -> None:
    data = load(photos, size=16, name="My Birds!")
    assert data.name == load(**data.origin).name == "my-birds"
    assert data.train.digest == load(photos, size=16).train.digest
    assert load("shapes", subset=100, name="a few").name == "a-few"
    for name in ("", "../..", "日本"):
        with pytest.raises(UsageError, match="expected letters or digits, such as my-birds"):
            load(photos, size=16, name=name)


def test_a_subset_is_balanced_seeded_and_loaded_the_same_again() -> None:
    whole, data = load("shapes"), load("shapes", subset=6000)
    assert data.name == "shapes-6000"
    assert data.train.counts().tolist() == [600] * 10
    assert set(data.train.ids) < set(whole.train.ids)
    assert data.test.digest == whole.test.digest
    assert load(**data.origin).train.digest == data.train.digest
    assert load("shapes", subset=6000, split_seed=1).train.digest != data.train.digest
    assert load("shapes", subset=10_000).train.digest == whole.train.digest
    for count in (99, 10_001):
        with pytest.raises(UsageError, match=rf"subset is {count}; allowed is 100 to 10000, the training images"):
            load("shapes", subset=count)


def test_the_built_in_set_is_never_passed_off_as_another() -> None:
    data = load("shapes")
    assert data.name == "shapes"
    assert "not CIFAR-10" in data.source
    assert data.origin == {"data": "shapes", "split_seed": 0}
