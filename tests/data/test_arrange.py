"""Which files are images of which split and class; faults 22 to 24, 39, 41, 42, 43 and 46."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seefar.data.arrange import Layout, arrange, lines
from seefar.data.images import Skipped
from seefar.data.sources import Contents
from seefar.errors import DataError

TWO = ("cat/1.png", "dog/1.png")
SPLIT = ("train/cat/1.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png")


def contents(files: Iterable[str], empty: Iterable[str] = (), left_out: Iterable[Skipped] = ()) -> Contents:
    """What a source with these files and empty folders holds."""
    paths = [tuple(file.split("/")) for file in files]
    folders = {path[:depth] for path in paths for depth in range(1, len(path))} | {tuple(path.split("/")) for path in empty}
    return Contents(paths, folders, list(left_out))


def arranged(files: Iterable[str], empty: Iterable[str] = ()) -> Layout:
    return arrange(contents(files, empty), "set")


def ids(layout: Layout) -> list[str]:
    return [image.id for image in layout.images]


def test_train_and_test_folders() -> None:
    layout = arranged(reversed(SPLIT))
    assert layout.classes == ("cat", "dog")
    assert [(image.split, image.label, image.id) for image in layout.images] == [
        ("train", 0, "train/cat/1.png"),
        ("train", 1, "train/dog/1.png"),
        ("test", 0, "test/cat/1.png"),
        ("test", 1, "test/dog/1.png"),
    ]
    assert not layout.test_by_rule
    assert not layout.left_out
    assert not layout.warnings


@pytest.mark.parametrize("prefix", ["", "train/", "set/", "set/train/", "a/b/"])
def test_fault_46_class_folders_alone_and_a_folder_around_everything(prefix: str) -> None:
    layout = arranged(prefix + file for file in TWO)
    inner = "train/" if "train" in prefix else ""
    assert ids(layout) == [inner + file for file in TWO]
    assert ["/".join(image.parts) for image in layout.images] == [prefix + file for file in TWO]
    assert layout.test_by_rule
    assert layout.classes == ("cat", "dog")


@given(st.permutations([*SPLIT, "train/cat/2.png", "val/cat/1.png", "train/cat/x/1.png", "readme.txt"]))
def test_the_order_of_the_file_system_does_not_matter(files: list[str]) -> None:
    one, other = arranged(files), arranged(sorted(files))
    assert (one.images, one.classes, sorted(one.left_out)) == (other.images, other.classes, sorted(other.left_out))


def test_fault_22_empty() -> None:
    with pytest.raises(DataError, match="set is empty; give one with images in <class>") as caught:
        arrange(contents((), left_out=[Skipped(".DS_Store", "hidden")]), "set")
    assert caught.value.details == (".DS_Store: hidden",)
    assert caught.value.exit_code == 3


def test_no_class_folders() -> None:
    with pytest.raises(DataError, match=r"set has no class folders; expected <class>/\*, or train/<class>/\*"):
        arranged(["1.png", "2.png"])


@pytest.mark.parametrize("split", ["train", "test"])
def test_fault_23_empty_class_folder(split: str) -> None:
    other = "test" if split == "train" else "train"
    files = (*SPLIT, f"{other}/ship/1.png", f"{split}/ship/deep/1.png")
    with pytest.raises(DataError, match=f"class 'ship' has no images in {split}; add some, or remove its folder") as caught:
        arranged(files, empty=["train/ship", "test/ship"])
    assert caught.value.details == (f"{split}/ship/deep/1.png: deeper than a class folder",)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize("files", [["cat/1.png"], ["train/cat/1.png", "test/cat/1.png"], ["set/train/cat/1.png"]])
def test_fault_24_single_class(files: list[str]) -> None:
    with pytest.raises(DataError, match="need at least 2 classes, found 1: 'cat'"):
        arranged(files)


def test_fault_39_class_names_are_normalised_and_escaped() -> None:
    names = ["\u202egnp", "-rf", "<script>", "a\nb", "cafe\u0301", "\udcff", "x" * 255]
    layout = arranged(f"{name}/1.png" for name in names)
    assert layout.classes == ("-rf", "<script>", r"\u202egnp", r"\xff", r"a\nb", "caf\u00e9", "x" * 255)
    assert [image.parts[0] for image in layout.images] == [
        "-rf",
        "<script>",
        "\u202egnp",
        "\udcff",
        "a\nb",
        "cafe\u0301",
        "x" * 255,
    ]


def test_fault_39_twins_in_unicode_are_refused_and_both_named() -> None:
    with pytest.raises(DataError, match=r"two class folders in train .* 'cafe\\u0301' and 'caf\\xe9'; rename or merge them"):
        arranged(["caf\u00e9/1.png", "cafe\u0301/1.png"])
    with pytest.raises(DataError, match=r"two files .* 'cat/caf(e\\u0301|\\xe9)' and 'cat/caf(e\\u0301|\\xe9)'; rename"):
        arranged([*TWO, "cat/caf\u00e9", "cat/cafe\u0301"])


def test_fault_39_train_and_test_may_write_a_class_differently() -> None:
    layout = arranged(["train/caf\u00e9/1", "test/cafe\u0301/1", "train/dog/1", "test/dog/1"])
    assert [image.label for image in layout.images if image.id.endswith("caf\u00e9/1")] == [0, 0]


def test_fault_41_class_names_that_look_alike() -> None:
    layout = arranged(["cat/1", "Cat/1", "dog/1", "dog /1", "bird/1"])
    assert layout.classes == ("Cat", "bird", "cat", "dog", "dog ")
    assert layout.warnings == [
        "class names differ only in case or in space around them: 'Cat', 'cat'; they are different classes here",
        "class names differ only in case or in space around them: 'dog', 'dog '; they are different classes here",
    ]


def test_fault_42_files_that_stand_elsewhere() -> None:
    layout = arranged([*SPLIT, "train/cat/old/1.png", "train/1.png", "readme.txt", "val/cat/1.png", "extra/1.png"])
    assert ids(layout) == list(SPLIT)
    assert sorted(layout.left_out) == [
        ("extra/1.png", "in extra/, beside train/ and test/"),
        ("readme.txt", "outside the class folders"),
        ("train/1.png", "outside the class folders"),
        ("train/cat/old/1.png", "deeper than a class folder"),
        ("val/cat/1.png", "in val/, beside train/ and test/"),
    ]


def test_fault_43_different_classes_in_train_and_test() -> None:
    with pytest.raises(
        DataError, match="only in train: 'bird', 'cow'; only in test: 'fish'; both need the same names"
    ) as caught:
        arranged([*SPLIT, "train/cow/1.png", "train/bird/1.png", "test/fish/1.png"])
    assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="different class folders, only in train: 'cat', 'dog'; both"):
        arranged([*SPLIT[:2], "test/1.png"])


def test_fault_43_classes_are_matched_by_name_not_by_position() -> None:
    layout = arranged(["test/dog/1", "train/cat/1", "test/cat/1", "train/dog/1"])
    assert {image.id: layout.classes[image.label] for image in layout.images} == {
        f"{split}/{name}/1": name for split in ("train", "test") for name in ("cat", "dog")
    }


def test_test_without_train() -> None:
    with pytest.raises(DataError, match="set has a folder 'test' but none called 'train'"):
        arranged(["test/cat/1.png", "test/dog/1.png"])


def test_long_lists_are_cut() -> None:
    shown = lines(Skipped(f"{i:02d}.png", "bad") for i in reversed(range(25)))
    assert shown == [f"{i:02d}.png: bad" for i in range(20)] + ["... and 5 more"]
