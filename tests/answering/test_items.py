"""What is listed: in the order given, sorted within folders and zips, nothing hidden, nothing behind a link, every fault in a sentence."""

import io
import itertools
import os
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.answering.conftest import save
from tests.data.image_files import make_zip, picture

from seefar.answering.items import Item, Reader, items
from seefar.data.folder import read_images
from seefar.data.sources import ZipSource
from seefar.errors import DataError


def names(what: Sequence[object], stdin: bytes = b"") -> list[str]:
    return [item.name for item in items([str(word) for word in what], Reader(), io.BytesIO(stdin))]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with everything in it; the working directory is its parent."""
    monkeypatch.chdir(tmp_path)
    for name in ("b/2.png", "b/10.png", "a.png", "b.png", "c/deep/x.JPG", ".hidden.png", ".folder/x.png", "__MACOSX/x.png"):
        save(tmp_path / "all" / name, 1)
    (tmp_path / "all" / "notes.txt").write_text("no picture")
    (tmp_path / "all" / "nameless").write_bytes(picture(3))
    (tmp_path / "all" / "link.png").symlink_to(tmp_path / "all" / "a.png")
    (tmp_path / "all" / "folder-link").symlink_to(tmp_path / "all" / "b")
    os.mkfifo(tmp_path / "all" / "pipe.png")
    return tmp_path / "all"


def test_a_folder_is_what_prediction_has_always_read_in_the_same_order(root: Path) -> None:
    expected = [name for name, _ in read_images([root], 8, "white")]
    assert names([root]) == expected
    assert [Path(name).relative_to(root).as_posix() for name in expected] == [
        "a.png",
        "b/10.png",
        "b/2.png",
        "b.png",
        "c/deep/x.JPG",
        "nameless",
    ]


def test_the_order_is_that_of_the_words(root: Path) -> None:
    assert names(["all/b.png", "all/b", "all/a.png", "all/b.png"]) == [
        "all/b.png",
        "all/b/10.png",
        "all/b/2.png",
        "all/a.png",
        "all/b.png",
    ]


def test_a_file_is_taken_as_it_is_behind_a_link_and_whatever_it_holds(root: Path) -> None:
    assert names(["all/link.png", "all/notes.txt"]) == ["all/link.png", "all/notes.txt"]


def test_a_zip_is_known_by_content_and_lists_its_images_sorted(root: Path) -> None:
    entries = {"z/2.png": picture(2), "z/1.png": picture(1), "notes.txt": b"x", "plain": picture(4), ".hidden.png": picture(5)}
    make_zip(root / "photos.data", entries)
    reader = Reader()
    found = list(items([str(root / "photos.data")], reader))
    assert [item.name.removeprefix(f"{root}/") for item in found] == [
        "photos.data/plain",
        "photos.data/z/1.png",
        "photos.data/z/2.png",
    ]
    assert [reader.read(item) for item in found] == [picture(4), picture(1), picture(2)]
    reader.close()


def test_threads_that_come_together_open_a_zip_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, opened = str(make_zip(root / "photos.zip", {"1.png": picture(1)})), list[str]()
    enter = ZipSource.__enter__

    def slowly(self: ZipSource) -> None:
        opened.append(path)
        time.sleep(0.05)
        enter(self)

    monkeypatch.setattr(ZipSource, "__enter__", slowly)
    reader = Reader()
    with ThreadPoolExecutor(4) as pool:
        assert len(set(map(id, pool.map(reader.open_zip, [path] * 4)))) == 1
    assert opened == [path]
    reader.close()


def test_a_pattern_stands_for_what_a_shell_would_have_put_there(root: Path) -> None:
    assert names(["all/b*"]) == ["all/b/10.png", "all/b/2.png", "all/b.png"]
    assert names(["all/[ab].png"]) == ["all/a.png", "all/b.png"]
    assert names(["all/[b]/**"]) == ["all/b/10.png", "all/b/2.png"]
    assert names(["all/**/1*.png"]) == ["all/b/10.png", "all/folder-link/10.png"]  # whoever writes ** means all of it


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(root: Path) -> None:
    save(root / "[ab].png", 1)
    assert names(["all/[ab].png"]) == ["all/[ab].png"]


def test_stdin_names_one_file_a_line_whatever_their_names(root: Path) -> None:
    listed = b"all/a.png\r\n\nall/none.png\nall/b\n" + os.fsencode("all/grün\udcff.png")
    found = names(["all/b.png", "-"], listed)
    assert found == ["all/b.png", "all/a.png", "all/none.png", "all/b", "all/grün\\xff.png"]


def test_stdin_is_not_read_before_it_is_needed(root: Path) -> None:
    endless = itertools.repeat(b"all/a.png\n")
    found = items(["-"], Reader(), endless)  # type: ignore[arg-type]
    assert [item.name for item in itertools.islice(found, 3)] == ["all/a.png"] * 3


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("none.png", "there is no image or folder none.png; check the spelling"),
        ("all/none*.png", r"nothing matches all/none\*.png; check the spelling"),
        ("all/pipe.png", "is neither a file nor a folder"),
        ("empty", "there are no images in empty; choose another folder"),
        ("empty.zip", "there are no images in empty.zip; choose another zip"),
        ("damaged.zip", "damaged.zip is a damaged zip file"),
        ("a\0b", "cannot be the name of a file"),
        ("-", "stdin names no file"),
    ],
)
def test_what_is_not_there_is_one_sentence(root: Path, word: str, sentence: str) -> None:
    """Fault 78: exit 3 each."""
    Path("empty").mkdir()
    make_zip(Path("empty.zip"), {"notes.txt": b"x"})
    Path("damaged.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(DataError, match=sentence):
        names(["all/a.png", word])


def test_all_words_are_looked_at_before_the_first_item(root: Path) -> None:
    with pytest.raises(DataError):
        items(["all", "none.png"], Reader())


def test_a_folder_that_cannot_be_listed_is_an_item_with_its_reason(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = {item.name: item for item in items(["all"], Reader())}
    assert list(found) == ["all/a.png", "all/b", "all/b.png", "all/c/deep/x.JPG", "all/nameless"]
    with pytest.raises(OSError, match="cannot be listed: Permission denied"):
        Reader().read(found["all/b"])


def test_a_pipe_or_a_folder_on_stdin_has_its_reason_and_nothing_waits_for_it(root: Path) -> None:
    pipe, folder = items(["-"], Reader(), io.BytesIO(b"all/pipe.png\nall/b\n"))
    with pytest.raises(OSError, match="a pipe, not a file"):
        Reader().read(pipe)
    with pytest.raises(OSError, match="Is a directory"):
        Reader().read(folder)


def test_an_entry_of_a_zip_that_is_damaged_is_trouble_of_that_entry_alone(root: Path) -> None:
    path = make_zip(root / "photos.zip", {"1.png": picture(1), "2.png": picture(2)}, compression=0)
    content = bytearray(path.read_bytes())
    content[content.index(picture(1)) + 20] ^= 255
    path.write_bytes(content)
    reader = Reader()
    first, second = items([str(path)], reader)
    with pytest.raises(OSError, match="damaged zip file"):
        reader.read(first)
    assert reader.read(second) == picture(2)
    reader.close()


def test_what_is_held_does_not_grow_with_what_was_listed(tmp_path: Path) -> None:
    """Names of one folder at a time: thirty folders take what one takes."""
    for folder in range(30):
        (tmp_path / f"{folder:02d}").mkdir()
        for number in range(200):
            (tmp_path / f"{folder:02d}" / f"{number:03d}.png").touch()
    tracemalloc.start()
    try:
        count = sum(isinstance(item, Item) for item in items([str(tmp_path)], Reader()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 6000
    assert peak < 150_000  # 6,000 items would take 1.5 MB
