"""What a set of images is called."""

from pathlib import Path

import pytest

from seefar.data.names import name_of, slug


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/home/anna/My Birds", "my-birds"),
        ("/home/anna/birds.zip", "birds"),
        ("/home/anna/birds.v2", "birds-v2"),
        ("/home/anna/quickdraw/data", "quickdraw"),
        ("/home/anna/quickdraw/Images/train", "quickdraw"),
        ("/home/anna/quickdraw/dataset.zip", "quickdraw"),
        ("/data/images", "images"),  # no folder above it says more
        ("/data", "data"),
        ("/home/anna/日本", "images"),  # it says something, if not in letters that every disk takes
        ("/", "images"),
    ],
)
def test_the_folder_names_the_images_and_the_one_above_it_where_that_says_nothing(path: str, name: str) -> None:
    assert name_of(Path(path)) == name


@pytest.mark.parametrize(("name", "expected"), [("Été 2024!", "ete-2024"), ("a" * 99, "a" * 60), ("../..", ""), ("日本", "")])
def test_a_name_is_fit_for_a_folder(name: str, expected: str) -> None:
    assert slug(name) == expected
