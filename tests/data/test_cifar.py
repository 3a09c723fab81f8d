"""CIFAR from whole, damaged and wrong archives. "Fault n": its number in the list of faults to survive."""

import dataclasses
import hashlib
import pickle
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.data import cifar_archives as make
from tests.data.https_server import authority, running

from seefar.data import cifar
from seefar.data.cifar import VERSIONS, fetch_cifar, load_cifar
from seefar.data.images import Dataset
from seefar.errors import DataError

BINARY, PYTHON, BINARY_100, PYTHON_100 = VERSIONS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("archives")


@pytest.fixture(scope="module")
def archive(folder: Path) -> Callable[[str, str], Path]:
    """The path of a faultless archive, made once."""

    def get(data: str, kind: str) -> Path:
        path = folder / f"{data}-{kind}.tar.gz"
        return path if path.exists() else make.whole(path, data, kind)

    return get


@pytest.fixture(scope="module")
def cifar10(folder) -> Dataset:
    return load_cifar("cifar10", make.whole_by_tarfile(folder / "cifar10-tarfile.tar.gz"), verified=False)


@pytest.fixture
def publish(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes the files of these paths the published ones, by size and digest, and nothing else."""

    def publish(*published: tuple[cifar.Version, Path], urls: tuple[str, ...] = ()) -> None:
        versions = []
        for version in VERSIONS:
            content = next((path.read_bytes() for mine, path in published if mine is version), b"")
            digest = hashlib.sha256(content).hexdigest()
            archive = dataclasses.replace(version.archive, size=len(content), sha256=digest, urls=urls)
            versions.append(dataclasses.replace(version, archive=archive))
        monkeypatch.setattr(cifar, "VERSIONS", tuple(versions))

    return publish


def failure(path: Path, data: str = "cifar10", *, verified: bool = False) -> str:
    with pytest.raises(DataError) as caught:
        load_cifar(data, path, verified)
    assert caught.value.exit_code == 3
    return str(caught.value)


def same(one: Dataset, other: Dataset) -> bool:
    parts = ("name", "modes", "sizes", "classes", "skipped", "test_by_rule")
    return (
        one.train.digest == other.train.digest
        and one.test.digest == other.test.digest
        and all(getattr(one, part) == getattr(other, part) for part in parts)
    )


def test_the_constants_are_what_they_should_be():
    archives = [version.archive for version in VERSIONS]
    for archive in archives:
        assert len(archive.sha256) == 64
        assert set(archive.sha256) <= set("0123456789abcdef")
        assert all(url.startswith("https://") and url.endswith(f"/{archive.file}") for url in archive.urls)
        assert archive.urls[-1].startswith("https://www.cs.toronto.edu/~kriz/")
    for values in zip(*[(archive.file, archive.size, archive.sha256, archive.urls) for archive in archives], strict=True):
        assert len(set(values)) == 4


def test_pixels_labels_names_and_ids_are_where_they_belong(cifar10):
    assert cifar10.classes == tuple(make.NAMES["cifar10"])
    for images, first in ((cifar10.train, 0), (cifar10.test, 50_000)):
        split = images.ids[0].split("/")[0]
        assert images.ids[:2] + images.ids[-1:] == (f"{split}/00000", f"{split}/00001", f"{split}/{len(images) - 1:05d}")
        np.testing.assert_array_equal(images.labels, make.labels("cifar10")[first : first + len(images)])
        for i in (0, 1, 9_999, len(images) - 1):
            record = make.planes()[first + i]
            for y, x, c in ((0, 0, 0), (0, 3, 0), (5, 7, 1), (31, 0, 2), (31, 31, 2)):
                assert images.pixels[i, y, x, c] == record[1024 * c + 32 * y + x]
    numbers = np.concatenate([images.pixels[:, 0, :4, 0] for images in (cifar10.train, cifar10.test)])
    np.testing.assert_array_equal(np.ascontiguousarray(numbers).view(">u4")[:, 0], np.arange(60_000))


def test_what_a_data_set_says_of_itself(cifar10):
    assert cifar10.name == "cifar10"
    assert cifar10.modes == {"train": {"RGB": 50_000}, "test": {"RGB": 10_000}}
    assert cifar10.sizes == {"train": {"32x32": 50_000}, "test": {"32x32": 10_000}}


def test_the_python_version_gives_the_same_images(archive, cifar10):
    dataset = load_cifar("cifar10", archive("cifar10", "python"), verified=False)
    assert same(dataset, cifar10)
    assert dataset.source == "CIFAR-10 (python version) from cifar10-python.tar.gz, NOT verified"


@pytest.mark.slow
def test_both_versions_of_cifar_100_give_the_fine_labels(archive):
    binary, python = (load_cifar("cifar100", archive("cifar100", kind), verified=False) for kind in ("binary", "python"))
    assert same(binary, python)
    assert binary.classes == tuple(make.NAMES["cifar100"])
    np.testing.assert_array_equal(binary.train.labels, make.labels("cifar100")[:50_000])
    assert binary.train.counts().tolist() == [500] * 100
    assert binary.test.counts().tolist() == [100] * 100


def test_a_published_archive_is_accepted_and_said_to_be(archive, publish, cifar10, monkeypatch):
    path = archive("cifar10", "binary")
    publish((BINARY, path))
    monkeypatch.chdir(path.parent)
    dataset = load_cifar("cifar10", Path(path.name))
    assert same(dataset, cifar10)
    assert dataset.source == "CIFAR-10 (binary version), size and SHA-256 as published"
    assert dataset.origin == {"data": "cifar10", "archive": str(path)}
    assert dataset.warnings == ()


def test_an_unverified_archive_is_said_to_be_one(cifar10, folder):
    assert cifar10.origin == {"data": "cifar10", "archive": str(folder / "cifar10-tarfile.tar.gz"), "unverified": True}
    assert cifar10.source == "CIFAR-10 (binary version) from cifar10-tarfile.tar.gz, NOT verified"
    assert len(cifar10.warnings) == 1
    assert "cifar10-tarfile.tar.gz was not verified" in cifar10.warnings[0]


def test_without_archive_the_cache_comes_first_then_the_network(archive, publish, own_home, cifar10, tmp_path, monkeypatch):
    ca, context = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SEEFAR_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    binary, python = archive("cifar10", "binary"), archive("cifar10", "python")
    cache = own_home / "archives"
    cache.mkdir()
    with running(binary.read_bytes(), context) as server:
        publish((BINARY, binary), (PYTHON, python), urls=(server.url("good"),))
        shutil.copy(python, cache / PYTHON.archive.file)
        cached = load_cifar("cifar10")
        assert server.requests == []
        (cache / PYTHON.archive.file).unlink()
        told = []
        downloaded = load_cifar("cifar10", progress=lambda done, total: told.append((done, total)))
        assert fetch_cifar("cifar10") == cache / BINARY.archive.file
        assert len(server.requests) == 1
        assert told[-1] == (binary.stat().st_size,) * 2
    for dataset, kind in ((cached, "python"), (downloaded, "binary")):
        assert same(dataset, cifar10)
        assert dataset.source == f"CIFAR-10 ({kind} version), size and SHA-256 as published"
        assert dataset.origin == {"data": "cifar10"}


def test_of_two_archives_in_the_cache_the_binary_one_is_used(own_home):
    (own_home / "archives").mkdir()
    for version in (PYTHON, BINARY):
        (own_home / "archives" / version.archive.file).write_bytes(b"\x1f\x8b")
    for use in (load_cifar, fetch_cifar):
        with pytest.raises(DataError, match=r"cifar-10-binary\.tar\.gz is 2 bytes, expected 170,052,171; delete it and run"):
            use("cifar10")


def test_fault_1_a_cut_archive(tmp_path):
    path = tmp_path / "cifar-10-binary.tar.gz"
    with path.open("wb") as file:
        file.write(b"\x1f\x8b")
        file.truncate(91_002_112)
    message = failure(path, verified=True)
    assert "cifar-10-binary.tar.gz is 91,002,112 bytes, expected 170,052,171 (binary version) or 170,498,071 (python" in message
    assert "expected 168,513,733 (binary version) or 169,001,437 (python version)" in failure(path, "cifar100", verified=True)


def test_fault_1_a_cut_archive_that_nobody_verifies(archive, tmp_path):
    whole = archive("cifar10", "binary").read_bytes()
    path = tmp_path / "a.tar.gz"
    path.write_bytes(whole[: len(whole) // 3])
    assert "a.tar.gz is damaged" in failure(path)


def test_fault_2_a_flipped_bit(archive, publish, tmp_path):
    publish((BINARY, archive("cifar10", "binary")))
    content = bytearray(archive("cifar10", "binary").read_bytes())
    expected = hashlib.sha256(content).hexdigest()
    content[len(content) // 2] ^= 8
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    message = failure(path, verified=True)
    assert f"SHA-256 {hashlib.sha256(content).hexdigest()}, expected {expected} for CIFAR-10 (binary version)" in message
    assert "--unverified" in message


def test_fault_3_a_web_page(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"<!DOCTYPE html>")
    for verified in (True, False):
        assert "is not a gzip file (starts with '<!DOC')" in failure(path, verified=verified)


@pytest.fixture
def bin10() -> dict[str, bytes]:
    return dict(make.pieces("cifar10", "binary"))


def test_fault_11_hostile_members_are_ignored(tmp_path, bin10, cifar10):
    names = make.FOLDERS["cifar10", "binary"]
    evil = [
        make.piece("../../x", b"evil"),
        make.piece(str(tmp_path / "x"), b"evil"),
        make.piece(f"{names}/test_batch.bin", type=tarfile.SYMTYPE, link="/etc/passwd"),
        make.piece(f"{names}/../test_batch.bin", b"evil"),
        make.piece(f"{names}/data_batch_6.bin", b"evil"),
        make.piece("cifar-100-binary/train.bin", b"evil"),
    ]
    (tmp_path / "in" / "here").mkdir(parents=True)
    path = make.write(tmp_path / "in" / "here" / "a.tar.gz", bin10.pop("names"), *evil, *bin10.values())
    assert same(load_cifar("cifar10", path, verified=False), cifar10)
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_fault_12_a_missing_member(tmp_path, bin10):
    message = failure(make.write(tmp_path / "a.tar.gz", *[bin10[f"data_batch_{i}"] for i in (2, 1, 3)]))
    missing = [
        f"cifar-10-batches-bin/{file}"
        for file in ("batches.meta.txt", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin")
    ]
    assert f"a.tar.gz lacks {', '.join(missing)};" in message


def test_fault_12_a_member_that_comes_twice(tmp_path, bin10):
    message = failure(make.write(tmp_path / "a.tar.gz", bin10["data_batch_2"], bin10["names"], bin10["data_batch_2"]))
    assert "names cifar-10-batches-bin/data_batch_2.bin twice" in message


def test_fault_12_none_of_the_members(tmp_path):
    message = failure(make.write(tmp_path / "a.tar.gz", make.piece("holiday.jpg", b"")))
    assert "holds none of the files of CIFAR-10; give cifar-10-binary.tar.gz or cifar-10-python.tar.gz" in message


@pytest.mark.parametrize(
    ("data", "member", "size", "message"),
    [
        ("cifar10", "cifar-10-batches-bin/data_batch_3.bin", 30_729_999, "30,729,999 bytes, expected 30,730,000"),
        ("cifar10", "cifar-10-batches-bin/test_batch.bin", 0, "0 bytes, expected 30,730,000"),
        ("cifar10", "cifar-10-batches-py/test_batch", 30_719_999, "30,719,999 bytes, expected 30,720,000 to 31,720,000"),
        ("cifar10", "cifar-10-batches-py/batches.meta", 65_537, "65,537 bytes, expected 0 to 65,536"),
        ("cifar100", "cifar-100-binary/train.bin", 30_740_000, "30,740,000 bytes, expected 153,700,000"),
        ("cifar100", "cifar-100-binary/test.bin", 30_740_001, "30,740,001 bytes, expected 30,740,000"),
    ],
)
def test_fault_13_a_member_of_the_wrong_size(tmp_path, data, member, size, message):
    path = make.write(tmp_path / "a.tar.gz", make.piece(member, bytes(size)))
    assert failure(path, data) == f"{member.split('/')[1]}: {message}; get the archive again"


@pytest.mark.parametrize(
    ("data", "file", "record", "column", "value", "allowed"),
    [
        ("cifar10", "data_batch_1", 0, 0, 10, "0 to 9"),
        ("cifar10", "test_batch", 9_999, 0, 255, "0 to 9"),
        ("cifar100", "test", 1_234, 1, 100, "0 to 99"),
        ("cifar100", "test", 1_234, 0, 20, "0 to 19"),
    ],
)
def test_fault_14_a_label_out_of_range(tmp_path, data, file, record, column, value, allowed):
    records = make.records(data, file)
    records[record, column] = value
    path = make.write(tmp_path / "a.tar.gz", make.piece(f"{make.FOLDERS[data, 'binary']}/{file}.bin", records.tobytes()))
    assert (
        failure(path, data) == f"{file}.bin: record {record} has the label {value}, allowed is {allowed}; get the archive again"
    )


@pytest.mark.parametrize(
    ("value", "found"), [(10, "10"), (-1, "-1"), (True, "a bool"), ("1", "a bytes"), (10**30, "10000000000000000000")]
)
def test_fault_14_a_label_out_of_range_in_a_pickle(tmp_path, value, found):
    batch = make.batch("cifar10", "test_batch")
    batch["data"] = np.zeros_like(batch["data"])
    batch["labels"][77] = value
    path = make.write(tmp_path / "a.tar.gz", make.piece("cifar-10-batches-py/test_batch", pickle.dumps(batch, 4)))
    assert failure(path) == f"test_batch: record 77 has the label {found}, allowed is 0 to 9; get the archive again"


def test_a_class_with_too_few_images(tmp_path, bin10):
    records = make.records("cifar10", "data_batch_4")
    cat = np.flatnonzero(records[:, 0] == 3)[0]
    records[cat, 0] = 5
    bin10["data_batch_4"] = make.piece("cifar-10-batches-bin/data_batch_4.bin", records.tobytes())
    assert "has 4,999 train images of class 'cat', expected 5,000" in failure(
        make.write(tmp_path / "a.tar.gz", *bin10.values())
    )


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return make_canary, (str(self.canary),)


def make_canary(path: str) -> None:
    Path(path).touch()


def test_fault_16_a_pickle_that_runs_something(tmp_path):
    canary = tmp_path / "canary"
    evil = pickle.dumps(Evil(canary), 2)
    big = make.piece("cifar-10-batches-py/data_batch_1", evil + bytes(30_800_000))
    small = make.piece("cifar-10-batches-py/batches.meta", evil)
    for file, piece in {"data_batch_1": big, "batches.meta": small}.items():
        message = failure(make.write(tmp_path / "a.tar.gz", piece))
        assert message.startswith(f"refused: {file} asks for ")
        assert message.endswith("test_cifar.make_canary")
    assert not canary.exists()


@pytest.mark.parametrize("verified", [True, False])
def test_fault_18_an_archive_of_the_other_data_set(tmp_path, publish, verified):
    path = make.write(tmp_path / "a.tar.gz", make.piece("cifar-100-python/meta", make.Python2().dumps(make.meta("cifar100"))))
    publish((PYTHON_100, path))
    message = failure(path, verified=verified)
    assert "this is CIFAR-100 (python version), not CIFAR-10; use --data cifar100, or give cifar-10-binary.tar.gz" in message


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["a"] * 10, "found 10 (1 different)"),
        (list("abcdefghi"), "found 9 (9 different)"),
        (list("abcdefghijk"), "found 11 (11 different)"),
        ([*"abcdefghi", "\x1b[2J"], "found 10 (10 different, not all printable)"),
        ([*"abcdefghi", "ü"], "not all printable"),
        ([*"abcdefghi", "\0"], "not all printable"),
    ],
)
def test_class_names_that_are_none(tmp_path, names, found):
    path = make.write(tmp_path / "a.tar.gz", make.piece("cifar-10-batches-bin/batches.meta.txt", "\n".join(names).encode()))
    assert "batches.meta.txt must hold 10 different printable class names" in failure(path)
    assert found in failure(path)


@pytest.mark.parametrize("name", ["a", "", "\x7f", 3, None, ["k"]])
def test_pickled_class_names_that_are_none(tmp_path, name):
    content = pickle.dumps({"label_names": [*"abcdefghi", name]}, 4)
    path = make.write(tmp_path / "a.tar.gz", make.piece("cifar-10-batches-py/batches.meta", content))
    assert "batches.meta must hold 10 different printable class names, found 10" in failure(path)


def test_a_path_that_is_no_file(tmp_path):
    for path in (tmp_path / "none.tar.gz", tmp_path):
        with pytest.raises(DataError, match=r"there is no archive .*; check the spelling, or leave out --archive") as caught:
            load_cifar("cifar10", path)
        assert str(path) in str(caught.value)
