"""Listing and reading folders and zips that may be damaged or made to do harm; faults 22, 38, 39, 40, 49 and 50."""

import errno
import os
import re
import stat
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.image_files import make_folder, make_zip, picture, pictures

from seefar.data import sources
from seefar.data.images import Skipped
from seefar.data.sources import FolderSource, ZipSource, open_source, printable
from seefar.errors import DataError, DiskError


def read_all(path: Path) -> dict[str, bytes]:
    """What is in a zip, by path."""
    source = ZipSource(path)
    with source:
        return {"/".join(parts): source.read(parts) for parts in source.contents.files}


def left_out(path: Path) -> list[Skipped]:
    source = open_source(path)
    with source:
        return sorted(source.contents.left_out)


def test_folder_and_zip_of_it_hold_the_same(tmp_path: Path) -> None:
    files = pictures({"train/cat": 2, "train/dog": 3})
    folder, archive = make_folder(tmp_path / "set", {"train/cat": 2, "train/dog": 3}), make_zip(tmp_path / "set.zip", files)
    in_folder, in_zip = open_source(folder), open_source(archive)
    assert isinstance(in_folder, FolderSource)
    with in_zip:
        assert in_zip.contents.folders == in_folder.contents.folders == {("train",), ("train", "cat"), ("train", "dog")}
        for source in (in_folder, in_zip):
            assert {"/".join(parts): source.read(parts) for parts in source.contents.files} == files


def test_fault_22_three_sentences(tmp_path: Path) -> None:
    (tmp_path / "notes.zip").write_text("not a zip")
    os.mkfifo(tmp_path / "pipe")
    for name, sentence in (("gone", "there is no folder or zip"), ("notes.zip", "is not a zip file"), ("pipe", "is neither a")):
        with pytest.raises(DataError, match=sentence) as caught:
            open_source(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
        assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="there is no folder or zip"):
        open_source(tmp_path / "notes.zip" / "inside")


def test_fault_37_hidden_files_and_folders(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", {"cat": 1, ".git/cat": 5, "__MACOSX/cat": 1})
    (folder / "cat" / "._0.png").write_bytes(b"fork")
    assert left_out(folder) == [(name, "hidden") for name in (".git", "__MACOSX", "cat/._0.png")]
    archive = make_zip(tmp_path / "set.zip", {".git/": b"", ".git/x": b"", "__MACOSX/cat/._0.png": b"", "cat/0.png": b""})
    assert left_out(archive) == [(name, "hidden") for name in (".git/x", "__MACOSX/cat/._0.png")]


def test_faults_38_and_50_links_and_special_files_are_not_opened(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", {"cat": 1})
    (tmp_path / "secret.png").write_bytes(picture())
    (folder / "cat" / "loop").symlink_to(folder)
    (folder / "cat" / "outside.png").symlink_to(tmp_path / "secret.png")
    (folder / "cat" / "broken.png").symlink_to("nowhere")
    os.mkfifo(folder / "cat" / "pipe.png")
    link, special = "symbolic link, not followed", "not a regular file"
    expected = [("cat/broken.png", link), ("cat/loop", link), ("cat/outside.png", link), ("cat/pipe.png", special)]
    assert left_out(folder) == expected
    (tmp_path / "alias").symlink_to(folder)
    assert left_out(tmp_path / "alias") == expected  # the source itself may be a link


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain name-1 é 🐱", "plain name-1 é 🐱"),
        ("cafe\u0301", "caf\u00e9"),
        ("a\nb", r"a\nb"),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("\udcff\udc80", r"\xff\x80"),
        ("a\\nb", r"a\\nb"),
        ("<script>'\"", "<script>'\""),
        ("\u00a0", r"\xa0"),
        ("-rf", "-rf"),
    ],
)
def test_fault_39_names_are_printable_everywhere(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(st.text(st.characters(categories=["L", "N", "P", "Z", "C", "S"])))
def test_printable_names_have_no_invisible_characters_and_differ_as_the_names_do(name: str) -> None:
    shown = printable(name)
    assert shown.isprintable()
    shown.encode()
    if name.isascii():  # other names may be the same text in two normal forms
        assert shown.encode().decode("unicode_escape") == name


def test_fault_39_names_of_bytes_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "set") + b"/\xff.png")).write_bytes(b"content")
    source = FolderSource(tmp_path / "set")
    assert source.read(source.contents.files[0]) == b"content"


def test_fault_40_paths_too_long_for_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(20):  # 20 folders with names of 250 characters: more than 4096
        Path("d" * 250).mkdir()
        Path("d" * 250, "x.png").write_bytes(b"x")
        os.chdir("d" * 250)
    source = FolderSource(tmp_path)
    assert len(source.contents.files) >= 16
    assert [skipped.reason for skipped in source.contents.left_out] == ["File name too long"]
    deepest = max(source.contents.files, key=len)
    monkeypatch.chdir(tmp_path)
    try:
        assert source.read(deepest) == b"x"
    except OSError as error:
        assert error.errno == errno.ENAMETOOLONG  # noqa: PT017 (the folder's path fits, the file's may not)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can become nobody")
def test_fault_49_no_permission() -> None:
    script = """if True:
        import os, pathlib, sys
        from seefar.data.sources import open_source
        from seefar.errors import DiskError
        os.setuid(65534)
        for name in sys.argv[1:]:
            try:
                open_source(pathlib.Path(name))
            except DiskError as error:
                print(error.exit_code, error)
    """
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        root.chmod(0o755)
        (root / "set" / "cat").mkdir(parents=True)
        (root / "set" / "cat").chmod(0)
        make_zip(root / "set.zip", {"a": b""}).chmod(0)
        command = [sys.executable, "-c", script, str(root / "set"), str(root / "set.zip")]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert re.match(r"7 cannot list .*/set/cat: Permission denied; allow it", said[0])
    assert re.match(r"7 cannot read .*/set.zip: Permission denied", said[1])


def test_the_state_of_a_folder_changes_with_its_files(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"cat": 2, "dog": 1})
    states = [FolderSource(folder).state, FolderSource(folder).state]
    assert states[0] == states[1]
    (folder / "cat" / "0.png").rename(folder / "dog" / "1.png")
    states.append(FolderSource(folder).state)
    (folder / "cat" / "1.png").write_bytes(b"another")
    states.append(FolderSource(folder).state)
    os.utime(folder / "cat" / "1.png", ns=(1, 1))
    states.append(FolderSource(folder).state)
    (folder / "bird").mkdir()
    states.append(FolderSource(folder).state)
    assert len(set(states)) == 5


def test_files_too_large_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_BYTES", 100)
    for name, size in (("a", 100), ("b", 101)):
        (tmp_path / name).write_bytes(bytes(range(256))[:size])
    archive = make_zip(tmp_path / "c", {name: (tmp_path / name).read_bytes() for name in "ab"})
    folder, zipped = FolderSource(tmp_path), ZipSource(archive)
    with zipped:
        for source in (folder, zipped):
            assert len(source.read(("a",))) == 100
            with pytest.raises(OSError, match="more than 64 MB"):
                source.read(("b",))


def test_zip_entries_that_lead_elsewhere_are_left_out(tmp_path: Path) -> None:
    names = ["/etc/passwd", "../up.png", "cat/../../up.png", "cat\\a.png", "C:/a.png", "cat/a\0.png"]
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            entry = zipfile.ZipInfo("x" * len(name))
            entry.filename = name  # past the repairs that ZipInfo makes
            file.writestr(entry, b"evil")
        link = zipfile.ZipInfo("cat/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(link, "/etc/passwd")
        device = zipfile.ZipInfo("cat/device.png")
        device.external_attr = (stat.S_IFCHR | 0o777) << 16
        file.writestr(device, b"")
        file.writestr("cat/good.png", b"good")
    assert read_all(path) == {"cat/good.png": b"good"}
    expected = [(printable(name), "unsafe path") for name in names]
    expected += [("cat/link.png", "symbolic link, not followed"), ("cat/device.png", "not a regular file")]
    assert left_out(path) == sorted(expected)


def patched(path: Path, offset: int, field: bytes) -> Path:
    """The zip file with a field of the first entry in its table of contents overwritten."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02") + offset
    content[start : start + len(field)] = field
    path.write_bytes(content)
    return path


def test_encrypted_entries_are_left_out(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"cat/a.png": b"1", "cat/b.png": b"2"}), 8, b"\x01\x00")
    assert left_out(path) == [("cat/a.png", "encrypted")]
    assert read_all(path) == {"cat/b.png": b"2"}


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_without_bounds_is_not_read(tmp_path: Path, method: int) -> None:
    source = ZipSource(make_zip(tmp_path / "a.zip", {"a.png": picture()}, method))
    with source, pytest.raises(OSError, match=f"zip compression method {method}; only stored and deflated are read"):
        source.read(("a.png",))


def test_zip_bombs_of_one_entry(tmp_path: Path) -> None:
    source = ZipSource(make_zip(tmp_path / "a.zip", {"zeros.png": b"\0" * 20_000_000, "text.png": b"0123456789" * 100}))
    with source:
        with pytest.raises(OSError, match="compressed more than 1000 times"):
            source.read(("zeros.png",))
        assert len(source.read(("text.png",))) == 1000


def test_an_entry_that_lies_about_its_size_is_not_decompressed_further(tmp_path: Path) -> None:
    path = patched(make_zip(tmp_path / "a.zip", {"a.png": b"\0" * 20_000_000}), 24, struct.pack("<I", 1000))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"damaged zip file.*a\.png: Bad CRC"):
            read_all(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_overlapping_entries_refuse_the_zip(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "a.zip", {"a.png": b"1" * 100, "b.png": b"1" * 100}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    second = content.rindex(b"PK\x01\x02")
    content[second + 42 : second + 46] = struct.pack("<I", 20)  # where the second entry is said to begin
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"damaged zip file \(its entries overlap\); copy, download or make it again") as caught:
        read_all(path)
    assert caught.value.exit_code == 3
    source = ZipSource(path)
    opened = os.listdir("/proc/self/fd")  # noqa: PTH208
    with pytest.raises(DataError), source:
        pass
    assert os.listdir("/proc/self/fd") == opened  # noqa: PTH208 (closed again)
    path = make_zip(tmp_path / "b.zip", {"a.png": b"1" * 100}, zipfile.ZIP_STORED)
    with pytest.raises(DataError, match="overlap its table of contents"):
        read_all(patched(path, 20, struct.pack("<I", 5000)))


def test_a_name_twice_refuses_the_zip(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("cat/a.png", b"1")
        file.writestr("./cat//a.png", b"2")
    with pytest.raises(DataError, match=r"cat/a\.png is in it twice"):
        read_all(path)


WHOLE = pictures({"train/cat": 3, "train/dog": 3})


def test_a_zip_cut_anywhere_is_refused_in_one_sentence(tmp_path: Path) -> None:
    content = make_zip(tmp_path / "a.zip", WHOLE).read_bytes()
    for kept in range(4, len(content) - 1, 37):
        (tmp_path / "cut.zip").write_bytes(content[:kept])
        with pytest.raises(DataError, match=r"cut\.zip is a damaged zip file") as caught:
            read_all(tmp_path / "cut.zip")
        assert "\n" not in str(caught.value)


@settings(max_examples=300)
@given(st.data())
def test_damaged_zips_give_files_or_seefars_errors(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.zip"
    content = bytearray(make_zip(path, WHOLE).read_bytes())
    table = content.index(b"PK\x01\x02")
    places = st.integers(table, len(content) - 1) | st.integers(4, len(content) - 1)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=4)):
        content[place] = value
    path.write_bytes(content)
    source = ZipSource(path)
    try:
        with source:
            for parts in source.contents.files:
                try:
                    source.read(parts)
                except OSError as error:
                    assert error.strerror  # noqa: PT017 (any outcome but another exception is right)
    except (DataError, DiskError) as error:
        assert "damaged.zip" in str(error)  # noqa: PT017
