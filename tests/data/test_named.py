"""Published sets by name: from a server with TLS, with files made to their structure; none was downloaded from its mirrors here."""

import contextlib
import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from tests.data.https_server import authority, running
from tests.data.own_files import idx

from seefar.cli import main
from seefar.data import named
from seefar.data.image_set import ImageSet
from seefar.data.images import Dataset
from seefar.data.load import NAMED, load, names
from seefar.data.named import SETS
from seefar.errors import DataError, UsageError


def test_the_constants_are_what_they_should_be() -> None:
    assert tuple(SETS) == NAMED
    assert set(NAMED) < set(names())
    files = [archive for found in SETS.values() for archive in found.archives]
    assert len({archive.file for archive in files}) == len({archive.sha256 for archive in files}) == len(files) == 16
    for archive in files:
        assert len(archive.sha256) == 64
        assert all(url.startswith("https://") for url in archive.urls)


def images(n: int, side: int, channels: int) -> tuple[np.ndarray, np.ndarray]:
    """Each image with its number in its first pixels, so that none can change places unseen."""
    shape = (n, side, side) if channels == 1 else (n, side, side, channels)
    pixels = np.zeros(shape, np.uint8)
    pixels.reshape(n, -1)[:, :4] = np.arange(n, dtype=">u4").view(np.uint8).reshape(-1, 4)
    return pixels, np.arange(n) % 10


def packed(array: np.ndarray) -> bytes:
    import gzip

    return gzip.compress(idx(array.astype(np.uint8)), 1)


def contents(name: str) -> list[bytes]:
    """The files of a set, made to the published structure."""
    found = SETS[name]
    sets = [images(count, found.side, found.channels) for count in found.images.values()]
    if name == "svhn":
        files = []
        for pixels, labels in sets:
            content = io.BytesIO()
            savemat(
                content, {"X": pixels.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels)[:, None].astype(np.uint8)}
            )
            files.append(content.getvalue())
        return files
    if name == "cifar10.1":
        files = []
        for array in (sets[0][0], sets[0][1].astype(np.int32)):
            content = io.BytesIO()
            np.save(content, array)
            files.append(content.getvalue())
        return files
    return [packed(array) for pair in sets for array in pair]


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Makes files the published ones of a set, each on a server of its own; gives what the servers were asked."""
    ca, context = authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(ca))
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "SEEFAR_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    with contextlib.ExitStack() as stack:

        def publish(name: str, files: list[bytes], behaviour: str = "good") -> list[list[tuple[str, str | None, str]]]:
            servers = [stack.enter_context(running(content, context)) for content in files]
            archives = tuple(
                replace(archive, size=len(content), sha256=hashlib.sha256(content).hexdigest(), urls=(server.url(behaviour),))
                for archive, content, server in zip(SETS[name].archives, files, servers, strict=True)
            )
            monkeypatch.setitem(SETS, name, replace(SETS[name], archives=archives))
            return [server.requests for server in servers]

        yield publish


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        pytest.param("mnist", True, marks=pytest.mark.slow),
        pytest.param("svhn", True, marks=pytest.mark.slow),
        ("mnist", False),
        ("fashion-mnist", False),
        ("kmnist", False),
        ("svhn", False),
    ],
)
def test_a_set_is_downloaded_once_verified_and_read(
    name: str, whole: bool, publish: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not whole:
        monkeypatch.setitem(SETS, name, replace(SETS[name], images={"train": 200, "test": 100}))
    asked, found = publish(name, contents(name)), SETS[name]
    told: list[tuple[int, int]] = []
    data = named.load_named(name, found.side, 0, lambda done, total: told.append((done, total)))
    assert told[-1] == (sum(archive.size for archive in found.archives),) * 2
    assert data.name == name
    assert data.classes == found.classes
    for split, part in (("train", data.train), ("test", data.test)):
        pixels, labels = images(found.images[split], found.side, found.channels)
        assert np.array_equal(part.pixels[..., 0], pixels if found.channels == 1 else pixels[..., 0])
        assert np.array_equal(part.labels, labels)
    assert data.source == f"{found.title}, size and SHA-256 as published"
    again = load(**data.origin)
    assert again.train.digest == data.train.digest
    assert [len(one) for one in asked] == [1] * len(asked)
    if found.side == 28:
        assert load(name).train.size == 32


def few(n: int) -> Dataset:
    pixels, labels = images(n, 32, 3)
    whole = ImageSet(pixels, labels.astype(np.int64), tuple("abcdefghij"), tuple(map(str, range(n))))
    return Dataset("cifar10", whole, whole, "CIFAR-10, as it is", origin={"data": "cifar10"})


def test_cifar_10_1_tests_networks_that_learned_from_cifar_10(
    publish: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    publish("cifar10.1", contents("cifar10.1"))
    monkeypatch.setattr(named, "load_cifar", lambda name, progress: few(100))
    data = load("cifar10.1")
    assert (data.name, len(data.train), len(data.test)) == ("cifar10-1", 100, 2000)
    assert np.array_equal(data.test.pixels, images(2000, 32, 3)[0])
    assert data.source == "CIFAR-10.1, size and SHA-256 as published, for testing; CIFAR-10, as it is, for training"
    assert load(**data.origin).test.digest == data.test.digest


def test_other_files_under_the_right_digest_are_refused(publish: Callable[..., list[str]]) -> None:
    pixels, labels = images(20, 28, 1)
    publish("mnist", [packed(pixels), packed(labels), packed(pixels), packed(labels)])
    with pytest.raises(DataError, match=r"the train files of MNIST hold uint8 \(20, 28, 28\) and 20 labels, expected uint8"):
        load("mnist")
    publish("svhn", [b"MATLAB 5.0 MAT-file" + bytes(200)] * 2)
    with pytest.raises(DataError, match="holds no X and y as SVHN's files do"):
        load("svhn")


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        ("wrong", "sent other bytes: SHA-256"),
        ("html", "sent something that is not a npy file (starts with '<!DOC')"),
        ("404", "HTTP status 404"),
    ],
)
def test_a_mirror_that_sends_something_else(
    behaviour: str, sentence: str, publish: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], own_home: Path
) -> None:
    publish("cifar10.1", contents("cifar10.1"), behaviour)
    assert main(["data", "fetch", "cifar10.1"]) == 3
    said = capsys.readouterr().err
    assert sentence in said
    assert f"or put the file at {own_home / 'archives' / 'cifar10.1_v6_data.npy'}, or use --data shapes" in said


def test_fetch_prints_the_files_and_clean_deletes_them(
    publish: Callable[..., list[str]], capsys: pytest.CaptureFixture[str], own_home: Path
) -> None:
    publish("cifar10.1", contents("cifar10.1"))
    assert main(["data", "fetch", "cifar10.1"]) == 0
    paths = capsys.readouterr().out.split()
    assert [Path(path).name for path in paths] == ["cifar10.1_v6_data.npy", "cifar10.1_v6_labels.npy"]
    assert main(["data", "clean", "--archives"]) == 0
    assert not [path for path in paths if Path(path).exists()]


def test_options_that_do_not_go_with_a_name() -> None:
    for options, sentence in (
        ({"group": "x"}, "--group is for files of images, and mnist has nothing of the kind"),
        ({"archive": "x.gz"}, "--archive goes with --data cifar10 or cifar100"),
    ):
        with pytest.raises(UsageError, match=sentence):
            load("mnist", **options)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=r"cifar10.1 is 32x32 pixels"):
        load("cifar10.1", size=64)
