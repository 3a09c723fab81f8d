"""Folders and zips as data sets, from end to end; faults 26 to 28, 35, 37, 38, 40 and 46 to 49."""

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.data.image_files import SPLIT, make_folder, make_zip, picture, pictures, same

from seefar.data import collect
from seefar.data import folder as module
from seefar.data.decode import Decoded
from seefar.data.folder import load_folder, read_images
from seefar.data.sources import FolderSource
from seefar.data.splits import carve
from seefar.errors import DataError, DiskError, OutOfMemoryError


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small data set with train and test folders."""
    return make_folder(tmp_path / "My Birds", SPLIT)


def test_a_folder_with_train_and_test(root: Path) -> None:
    data = load_folder(root, size=8)
    assert data.name == "my-birds"
    assert data.source == "12 images in 2 classes from My Birds"
    assert data.origin == {"data": str(root), "size": 8, "background": "white", "split_seed": 0, "skip_bad": False}
    assert data.classes == ("cat", "dog")
    assert data.train.ids == tuple(f"train/{name}/{i}.png" for name in ("cat", "dog") for i in range(4))
    assert data.test.ids == tuple(f"test/{name}/{i}.png" for name in ("cat", "dog") for i in range(2))
    assert data.train.labels.tolist() == [0] * 4 + [1] * 4
    assert np.array_equal(data.train.pixels[5], np.asarray(Image.open(root / "train" / "dog" / "1.png")))
    assert data.modes == {"train": {"RGB": 8}, "test": {"RGB": 4}}
    assert data.sizes == {"train": {"8x8": 8}, "test": {"8x8": 4}}
    assert (data.skipped, data.warnings, data.test_by_rule) == ((), (), False)


def test_a_zip_of_the_folder_gives_the_same_images(root: Path, tmp_path: Path) -> None:
    files = pictures(SPLIT)
    archive = make_zip(tmp_path / "My Birds.v2.zip", files)
    wrapped = make_zip(tmp_path / "no suffix", {f"My Birds/{path}": content for path, content in files.items()})
    from_folder, from_zip, from_wrapped = (load_folder(path, size=8) for path in (root, archive, wrapped))
    assert from_folder.train.digest == from_zip.train.digest == from_wrapped.train.digest
    assert from_folder.test.digest == from_zip.test.digest == from_wrapped.test.digest
    assert (from_zip.name, from_wrapped.name) == ("my-birds-v2", "no-suffix")
    assert from_zip.source == "12 images in 2 classes from My Birds.v2.zip"


@pytest.mark.parametrize(
    ("folder", "name"), [("Été 2024!", "ete-2024"), ("日本", "images"), ("a" * 99, "a" * 60), ("x.zip", "x")]
)
def test_names_are_fit_for_files(tmp_path: Path, folder: str, name: str) -> None:
    assert load_folder(make_folder(tmp_path / folder, SPLIT), size=8).name == name


def test_fault_26_extreme_imbalance(tmp_path: Path) -> None:
    data = load_folder(make_folder(tmp_path, {"cat": 500, "dog": 3}), size=8)
    assert data.train.counts().tolist() == [400, 2]
    assert data.test.counts().tolist() == [100, 1]


BAD = {"empty.png": b"", "text.jpg": b"hello", "cut.png": picture()[:60], "cut.jpeg": picture(0, "JPEG")[:300]}


@pytest.mark.parametrize("zipped", [False, True])
def test_fault_27_bad_images_are_listed_or_left_out(tmp_path: Path, zipped: bool) -> None:
    files = pictures(SPLIT) | {f"train/cat/{name}": content for name, content in BAD.items()}
    path = make_zip(tmp_path / "set", files) if zipped else make_folder(tmp_path / "set", SPLIT)
    if not zipped:
        for name, content in BAD.items():
            (path / "train" / "cat" / name).write_bytes(content)
    with pytest.raises(DataError, match=r"4 of 16 images cannot be used; repair or remove them, .* --skip-bad") as caught:
        load_folder(path, size=8)
    reasons = ["cut.jpeg: truncated", "cut.png: truncated", "empty.png: empty file"]
    assert caught.value.details[:3] == tuple(f"train/cat/{reason}" for reason in reasons)
    assert caught.value.details[3].startswith("train/cat/text.jpg: not an image")
    assert caught.value.exit_code == 3

    data = load_folder(path, size=8, skip_bad=True)
    assert data.train.counts().tolist() == [4, 4]
    assert [f"{id_}: {reason}" for id_, reason in data.skipped] == list(caught.value.details)
    assert data.warnings == ("4 bad images left out (the first: train/cat/cut.jpeg: truncated)",)
    assert data.origin["skip_bad"]
    assert same(data, load_folder(path, size=8, skip_bad=True))


def test_a_class_whose_images_are_all_bad(root: Path) -> None:
    for file in (root / "test" / "dog").iterdir():
        file.write_bytes(b"")
    with pytest.raises(DataError, match="class 'dog' has no images in test") as caught:
        load_folder(root, skip_bad=True)
    assert caught.value.details == ("test/dog/0.png: empty file", "test/dog/1.png: empty file")


def test_fault_28_content_counts_not_the_name(root: Path) -> None:
    (root / "train" / "cat" / "jpeg.png").write_bytes(picture(1, "JPEG"))
    (root / "train" / "cat" / "IMG_0001").write_bytes(picture(2))
    (root / "train" / "cat" / "notes.txt").write_bytes(picture(3))
    data = load_folder(root, size=8)
    assert {"train/cat/jpeg.png", "train/cat/IMG_0001", "train/cat/notes.txt"} < set(data.train.ids)
    assert data.skipped == ()
    (root / "train" / "cat" / "IMG_0001").write_bytes(picture(2)[:60])
    with pytest.raises(DataError, match="1 of 15 images"):  # begins as an image, so it was meant to be one
        load_folder(root, size=8)


def test_faults_29_33_and_35_modes_sizes_and_animations_are_counted(root: Path) -> None:
    for i in range(2, 25):
        Image.new("L", (i, i)).save(root / "train" / "cat" / f"grey{i}.png")
    frames = [Image.new("RGB", (8, 8), colour).quantize(4) for colour in ("red", "blue")]
    for name in ("a.gif", "b.gif"):
        frames[0].save(root / "test" / "dog" / name, save_all=True, append_images=frames[1:])
    data = load_folder(root, size=8)
    assert data.modes == {"train": {"L": 23, "RGB": 8}, "test": {"RGB": 4, "P": 2}}
    assert data.sizes["train"]["8x8"] == 9
    assert data.sizes["train"]["other"] == 3
    assert len(data.sizes["train"]) == 21
    assert data.warnings == ("2 animated images: the first frame is used",)


def test_faults_37_38_and_42_what_is_left_out_is_counted(root: Path) -> None:
    for name in ("Thumbs.db", "readme.txt", "empty.csv"):
        (root / "train" / "cat" / name).write_bytes(b"" if name == "empty.csv" else b"BM is not enough")
    (root / "train" / ".DS_Store").write_bytes(b"x")
    (root / "train" / "cat" / "link.png").symlink_to(root / "train" / "cat" / "0.png")
    os.mkfifo(root / "train" / "cat" / "pipe.png")
    make_folder(root, {"train/cat/old": 2, "val/cat": 3})
    data = load_folder(root, size=8)
    assert len(data.train) == 8
    assert len(data.skipped) == 11
    assert data.warnings == (
        "2 files left out: deeper than a class folder (the first: train/cat/old/0.png)",
        "3 files left out: in val/, beside train/ and test/ (the first: val/cat/0.png)",
        "1 file left out: not a regular file (the first: train/cat/pipe.png)",
        "3 files left out: not an image (the first: train/cat/Thumbs.db)",
        "1 file left out: symbolic link, not followed (the first: train/cat/link.png)",
    )


def test_a_class_of_files_in_formats_that_are_not_read(root: Path) -> None:
    for split in ("train", "test"):
        (root / split / "ship").mkdir()
        Image.new("RGB", (8, 8)).save(root / split / "ship" / "1.tif")
    with pytest.raises(DataError, match="class 'ship' has no images in train") as caught:
        load_folder(root)
    assert caught.value.details == ("test/ship/1.tif: not an image", "train/ship/1.tif: not an image")


def test_fault_40_a_path_too_long_is_a_bad_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    while len(os.getcwd()) < 3850:  # the system takes 4096 bytes at most  # noqa: PTH109
        Path("d" * 100).mkdir()
        os.chdir("d" * 100)
    make_folder(Path(), SPLIT)
    Path("train", "cat", "x" * 250 + ".png").write_bytes(picture())
    with pytest.raises(DataError, match="1 of 13 images") as caught:
        load_folder(Path.cwd())
    assert caught.value.details == (f"train/cat/{'x' * 250}.png: File name too long",)
    assert len(load_folder(Path.cwd(), skip_bad=True).train) == 8


def test_fault_46_test_split_off_by_rule(tmp_path: Path) -> None:
    data = load_folder(make_folder(tmp_path / "set", {"cat": 10, "dog": 6}), size=8, split_seed=5)
    assert data.test_by_rule
    assert data.split_seed == 5
    assert data.test.counts().tolist() == [2, 1]
    assert not set(data.train.ids) & set(data.test.ids)
    assert set(data.train.ids) | set(data.test.ids) == {f"cat/{i}.png" for i in range(10)} | {f"dog/{i}.png" for i in range(6)}
    assert data.modes == {"train": {"RGB": 13}, "test": {"RGB": 3}}
    other = load_folder(tmp_path / "set", size=8, split_seed=6)
    assert other.test.ids != data.test.ids
    whole = load_folder(make_folder(tmp_path / "again", {"train/cat": 10, "train/dog": 6}), size=8, split_seed=5)
    assert whole.test.ids == tuple(f"train/{id_}" for id_ in data.test.ids)
    assert carve(data.train, 0.2, 5, "test")[1].ids != data.test.ids


def test_fault_47_the_second_load_decodes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[int, int]] = []
    first = load_folder(root, size=8, progress=lambda done, total: told.append((done, total)))
    assert told == [(12, 12)]
    with monkeypatch.context() as patch:
        patch.delattr(collect, "decode_each")
        assert same(load_folder(root, size=8), first)
        (root.parent / "alias").symlink_to(root)
        assert same(load_folder(root.parent / "alias", size=8), first)
        for options in ({"size": 9}, {"background": "black"}, {"split_seed": 1}, {"skip_bad": True}):
            with pytest.raises(NameError):
                load_folder(root, **{"size": 8, **options})  # type: ignore[arg-type]
    (root / "train" / "cat" / "0.png").write_bytes(picture(99))
    assert load_folder(root, size=8).train.digest != first.train.digest


def test_a_zip_written_again_is_decoded_again(tmp_path: Path) -> None:
    files = pictures(SPLIT)
    path = make_zip(tmp_path / "a.zip", files)
    first = load_folder(path, size=8)
    make_zip(path, {**files, "train/cat/0.png": picture(99)})
    assert load_folder(path, size=8).train.digest != first.train.digest


def test_a_cache_that_cannot_be_written_is_a_warning_without_a_path(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEFAR_HOME", "/proc/nowhere")
    data = load_folder(root, size=8)
    assert len(data.train) == 8
    assert re.match(r"the decoded images could not be kept for the next time \(.*\); see SEEFAR_HOME$", data.warnings[0])
    assert "/" not in data.warnings[0]


def test_fault_48_a_file_that_vanishes_meanwhile_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def open_and_lose(path: Path) -> FolderSource:
        source = FolderSource(path)
        (root / "train" / "cat" / "2.png").unlink()
        return source

    monkeypatch.setattr(module, "open_source", open_and_lose)
    with pytest.raises(DataError, match="1 of 12 images") as caught:
        load_folder(root)
    assert caught.value.details == ("train/cat/2.png: No such file or directory",)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become nobody")
def test_fault_49_unreadable_files_are_named_and_counted() -> None:
    script = """if True:
        import os, pathlib, sys, PIL.Image
        from seefar.data.folder import load_folder, read_images
        from seefar.errors import DiskError
        PIL.Image.init()
        os.setuid(65534)
        root = pathlib.Path(sys.argv[1])
        try:
            load_folder(root)
        except DiskError as error:
            print(error.exit_code, error, *error.details, sep="|")
        print([str(result) for _, result in read_images([root / "train" / "cat" / "1.png"], 8, "white")])
    """
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        root = make_folder(Path(name), SPLIT)
        for i in (1, 3):
            (root / "train" / "cat" / f"{i}.png").chmod(0)
        said = subprocess.run([sys.executable, "-c", script, name], capture_output=True, text=True, check=True).stdout
    assert "7|2 of 12 files cannot be read, the first is train/cat/1.png (Permission denied); allow it" in said
    assert "|train/cat/1.png: Permission denied|train/cat/3.png: Permission denied\n['Permission denied']" in said


def test_a_zip_damaged_inside_is_refused_even_with_skip_bad(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", pictures(SPLIT))
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 255
    path.write_bytes(content)
    with pytest.raises(
        DataError, match=r"a\.zip is a damaged zip file \(train/cat/0\.png: .*\); copy, download or make it again"
    ):
        load_folder(path, skip_bad=True)


def test_entries_that_a_zip_may_not_have_are_bad_images(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", pictures(SPLIT) | {"train/cat/zeros.png": bytes(20_000_000)})
    with pytest.raises(DataError, match="1 of 13 images") as caught:
        load_folder(path)
    assert caught.value.details == ("train/cat/zeros.png: compressed more than 1000 times",)


def test_not_enough_memory_is_a_sentence(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **options: object) -> None:
        raise MemoryError

    monkeypatch.setattr(np, "empty", full)
    with pytest.raises(OutOfMemoryError, match="12 images of 512x512 pixels take 0 GB of memory, more than there is") as caught:
        load_folder(root, size=512)
    assert caught.value.exit_code == 6


def test_read_images_in_the_order_given(root: Path) -> None:
    (root / "bad.png").write_bytes(b"")
    files = [root / "train" / "dog" / "0.png", root / "bad.png", root / "train" / "cat" / "0.png"]
    found = read_images(files, 8, "white")
    assert [name for name, _ in found] == [str(file) for file in files]
    good, bad, other = (result for _, result in found)
    assert isinstance(good, Decoded)
    assert np.array_equal(good.pixels, np.asarray(Image.open(files[0])))
    assert isinstance(bad, DataError)
    assert str(bad) == "empty file"
    assert isinstance(other, Decoded)


def test_read_images_of_a_folder(root: Path) -> None:
    (root / "notes.txt").write_text("no image")
    (root / ".hidden.png").write_bytes(picture())
    (root / "train" / "IMG_1").write_bytes(picture())
    (root / "train" / "bad.jpg").write_bytes(b"bad")
    names = [name for name, _ in read_images([root], 8, "white")]
    assert names == sorted(names)
    assert len(names) == 14
    assert {str(root / "train" / "IMG_1"), str(root / "train" / "bad.jpg")} < set(names)


def test_read_images_that_are_not_there(root: Path) -> None:
    (root / "empty").mkdir()
    os.mkfifo(root / "pipe")
    sentences = {
        "gone.png": "there is no image or folder",
        "empty": "there are no images in",
        "pipe": "is neither a file nor a",
    }
    for name, sentence in sentences.items():
        with pytest.raises(DataError, match=sentence) as caught:
            read_images([root / "train" / "cat" / "0.png", root / name], 8, "white")
        assert str(root / name) in str(caught.value)
    with pytest.raises(DiskError, match=r"cannot read .*: File name too long"):
        read_images([root / ("x" * 300)], 8, "white")


@pytest.mark.slow
@pytest.mark.alone
def test_the_real_images_decode_in_seconds_and_then_come_from_the_cache(real_images: Path) -> None:
    start = time.perf_counter()
    first = load_folder(real_images)
    decoded = time.perf_counter()
    again = load_folder(real_images)
    cached = time.perf_counter()
    assert first.train.counts().tolist() == [5000] * 10
    assert first.test.counts().tolist() == [1000] * 10
    assert first.modes == {"train": {"RGB": 50000}, "test": {"RGB": 10000}}
    assert (first.name, first.skipped, first.warnings) == ("cifar10-jpeg", (), ())
    assert same(first, again)
    assert decoded - start < 40  # 6 s on two free cores
    assert cached - decoded < 2  # 0.3 s on two free cores
