"""Files of images in their own forms: what is right is read, what lies or is broken gets one sentence and takes no memory."""

import gzip
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from tests.data.own_files import (
    idx,
    pictures,
    png,
    write_hugging_face,
    write_idx,
    write_medmnist,
    write_parquet,
    write_table,
)

from seefar.cli import main
from seefar.data import own_files
from seefar.data.load import load
from seefar.data.parquet import Columns, ParquetSource
from seefar.errors import DataError, UsageError


def test_a_medmnist_file_with_its_own_validation_images(tmp_path: Path) -> None:
    data = load(write_medmnist(tmp_path / "bloodmnist.npz"), size=28)
    assert data.name == "bloodmnist"
    assert (len(data.train), len(data.test), len(data.validation), data.test_by_rule) == (120, 90, 30, False)
    assert np.array_equal(data.train.pixels[:90], pictures(90)[0])
    assert len(data.held_out(0.1)[1]) == 30
    assert load(**data.origin).train.digest == data.train.digest
    assert data.sizes == {"train": {"28x28": 120}, "test": {"28x28": 90}}


@pytest.mark.parametrize(
    "names", [("x_train", "y_train", "x_test", "y_test"), ("train_images", "train_labels", "test_images", "test_labels")]
)
def test_an_npz_file_with_the_names_of_keras_or_medmnist(tmp_path: Path, names: tuple[str, ...]) -> None:
    (x, y), (other, answers) = pictures(30), pictures(30, 1)
    np.savez(tmp_path / "a.npz", **dict(zip(names, (x, y, other, answers), strict=True)))
    data = load(tmp_path / "a.npz", size=28)
    assert np.array_equal(data.train.pixels, x)
    assert np.array_equal(data.test.pixels, other)


def test_an_npz_file_of_images_and_labels_is_split_by_rule_and_groups_are_found(tmp_path: Path) -> None:
    x, y = pictures(60)
    np.savez(
        tmp_path / "a.npz", images=x / 255.0, labels=[("oak", "ash", "elm")[i] for i in y], groups=np.arange(60) // 3 * 3 + y
    )
    data = load(tmp_path / "a.npz")
    assert data.test_by_rule
    assert data.classes == ("ash", "elm", "oak")
    assert data.train.size == 32
    assert data.grouped_by == "groups"
    assert not set(data.train.groups) & set(data.test.groups)
    with pytest.raises(UsageError, match="holds no train_patient; it has groups, images, labels"):
        load(tmp_path / "a.npz", group="patient")


def test_groups_of_some_splits_of_an_npz_file_are_not_enough(tmp_path: Path) -> None:
    (x, y), (other, answers) = pictures(30), pictures(30, 1)
    arrays = {"train_images": x, "train_labels": y, "test_images": other, "test_labels": answers}
    np.savez(tmp_path / "a.npz", **arrays, train_groups=np.arange(30))
    with pytest.raises(UsageError, match="groups are given for train, and images for train, test; give both for the same"):
        load(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", **arrays, train_groups=np.arange(30), test_groups=np.arange(30, 60))
    assert load(tmp_path / "a.npz").test.groups[0] == "30"


@pytest.mark.parametrize("packed", [True, False])
def test_idx_files_of_real_digits_by_folder_or_by_one_of_them(tmp_path: Path, packed: bool) -> None:
    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    folder = write_idx(
        tmp_path / "digits", (images[:1500], digits.target[:1500]), (images[1500:], digits.target[1500:]), packed
    )
    data = load(folder, size=8)
    assert data.name == "digits"
    assert data.classes == tuple("0123456789")
    assert np.array_equal(data.train.pixels[..., 1], images[:1500])
    assert data.test.labels.tolist() == digits.target[1500:].tolist()
    one = load(folder / f"t10k-labels-idx1-ubyte{'.gz' * packed}", size=8)
    assert (one.train.digest, one.name) == (data.train.digest, "digits")


def test_shards_of_parquet_as_hugging_face_lays_them_out(tmp_path: Path) -> None:
    data = load(write_hugging_face(tmp_path / "trees"), size=28)
    assert data.name == "trees"
    assert data.classes == ("ash", "elm", "oak")
    assert (len(data.train), len(data.test), data.test_by_rule) == (90, 90, False)
    assert data.train.ids[44] == "train/train-00000-of-00002_44.png"
    assert np.array_equal(data.train.pixels, pictures(90)[0])
    again = load(**data.origin)  # from the cache
    assert (again.train.digest, again.test.digest) == (data.train.digest, data.test.digest)


def test_every_usual_name_of_a_split_is_known_in_shards(tmp_path: Path) -> None:
    names = {"training-00000-of-00001": 30, "dev-00000-of-00001": 6, "testing-0": 9}
    for seed, (name, count) in enumerate(names.items()):
        x, y = pictures(count, seed)
        write_parquet(tmp_path / "data" / f"{name}.parquet", [png(image) for image in x], y.tolist(), ("ash", "elm", "oak"))
    data = load(tmp_path)
    assert (len(data.train), len(data.validation), len(data.test), data.test_by_rule) == (36, 6, 9, False)


def test_a_stray_parquet_file_does_not_take_over_a_folder_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = pictures(60)
    for i, image in enumerate(x):
        path = tmp_path / ("test" if i % 4 == 0 else "train") / ("ash", "elm", "oak")[y[i]] / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
    write_parquet(tmp_path / "meta.parquet", [png(x[0])] * 3, [0, 1, 2], ("ash", "elm", "oak"))
    monkeypatch.setattr(own_files, "shards_in", lambda path: pytest.fail("the tree was walked"))
    data = load(tmp_path)
    assert (len(data.train), len(data.test)) == (45, 15)


def test_stretches_of_a_shard_are_read_forward_and_each_row_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyarrow import parquet as pq

    contents = [bytes([i % 256, i // 256]) for i in range(600)]
    names = ("ash", "elm", "oak")
    whole = write_parquet(tmp_path / "a.parquet", contents, [0] * 600, names)
    pq.write_table(pq.read_table(whole), whole, row_group_size=600)
    parts = write_parquet(tmp_path / "b.parquet", contents, [0] * 600, names)
    opened, rows = [], []

    class Counting(pq.ParquetFile):
        def __init__(self, source: Any) -> None:
            opened.append(source)
            super().__init__(source)

        def iter_batches(self, *args: Any, **options: Any) -> Any:
            for batch in super().iter_batches(*args, **options):
                rows.append(len(batch))
                yield batch

    monkeypatch.setattr(pq, "ParquetFile", Counting)
    for path in (whole, parts):
        source = ParquetSource([(str(path), 600)], Columns("image", True, "label", names))
        opened.clear()
        rows.clear()
        for first in range(0, 600, 50):
            assert list(source.items(first, first + 50)) == contents[first : first + 50]
        assert (len(opened), sum(rows)) == (1, 600)
        assert list(source.items(130, 170)) == contents[130:170]  # backwards, too
        interleaved = zip(source.items(10, 90), source.items(20, 100), strict=True)
        assert list(interleaved) == list(zip(contents[10:90], contents[20:100], strict=True))
        rows.clear()
        assert list(source.items(590, 600)) == contents[590:]
        assert sum(rows) == (25 if path == parts else 600 - 128)  # row groups between are passed over


def test_one_parquet_file_with_labels_as_texts_and_a_column_of_groups(tmp_path: Path) -> None:
    x, y = pictures(60)
    names = [("oak", "ash", "elm")[i] for i in y]
    path = write_parquet(tmp_path / "trees.parquet", [png(image) for image in x], names, None, tree=np.arange(60) // 3 * 3 + y)
    data = load(path, group="tree")
    assert data.classes == ("ash", "elm", "oak")
    assert data.test_by_rule
    assert not set(data.train.groups) & set(data.test.groups)
    assert len({*data.train.groups, *data.test.groups}) == 60
    assert load(path, group="_([0-9]+).png").train.groups[0].isdecimal()


def test_a_table_with_splits_labels_that_are_numbers_bom_crlf_quotes_and_blank_lines(tmp_path: Path) -> None:
    write_table(tmp_path)
    rows = [
        '\ufeff"Path";Label;split',
        "img/000.png;10;train",
        '"img/001.png";9;train',
        "",
        "img/002.png;10;val",
        "img/003.png;9;test",
    ]
    rows += ["img/004.png;10;test", "img/005.png;10;train", "./img/006.png; 9 ;TRAIN"]
    (tmp_path / "labels.csv").write_bytes("\r\n".join(rows).encode())
    data = load(tmp_path / "labels.csv", size=28)
    assert data.classes == ("9", "10")
    assert data.train.ids == tuple(f"img/00{i}.png" for i in (0, 1, 5, 6, 2))
    assert data.validation == ("img/002.png",)
    assert data.test.ids == ("img/003.png", "img/004.png")
    assert data.train.labels.tolist() == [1, 0, 1, 0, 1]


def test_a_table_with_a_column_of_groups_uses_it_unless_another_is_named(tmp_path: Path) -> None:
    table = write_table(tmp_path / "My Deer" / "data")
    data = load(table)
    assert (data.name, data.grouped_by) == ("my-deer", "group")
    assert not set(data.train.groups) & set(data.test.groups)
    assert data.train.groups[0].startswith("deer 0-")
    assert load(table, group="img/(..)").train.groups[0] == "00"
    assert load(**data.origin).train.groups == data.train.groups  # from the cache


def test_a_table_is_read_again_when_an_image_changes(tmp_path: Path) -> None:
    table = write_table(tmp_path)
    before = load(table).train.digest
    (tmp_path / "img" / "000.png").write_bytes(png(pictures(1, 9)[0][0]))
    assert load(table).train.digest != before


def test_a_column_of_labels_by_another_name(tmp_path: Path) -> None:
    table = write_table(tmp_path, header="path,group,label")
    table.write_text(table.read_text().replace("path,group,label", "file_name,who,species"))
    with pytest.raises(DataError, match="has no column 'label', only file_name, who, species"):
        load(table)
    assert load(table, label="species", group="who").classes == ("kind 0", "kind 1", "kind 2")
    with pytest.raises(UsageError, match=r"no column 'specis' \(did you mean 'species'\?\)"):
        load(table, label="specis")


def test_columns_are_named_in_capitals_or_not(tmp_path: Path) -> None:
    table = write_table(tmp_path, header="path,group,label")
    table.write_text(table.read_text().replace("path,group,label", "Path,Patient,Species"))
    for label, group in (("Species", "Patient"), ("species", "patient"), ("SPECIES", " Patient")):
        data = load(table, label=label, group=group)
        assert data.classes == ("kind 0", "kind 1", "kind 2")
        assert (data.grouped_by, data.train.groups[0][:6]) == ("patient", "deer 0")


def test_options_of_other_forms_are_refused(tmp_path: Path) -> None:
    npz = write_medmnist(tmp_path / "a.npz")
    table = write_table(tmp_path / "b")
    for path, options, sentence in (
        (npz, {"label": "x"}, "--label is for csv and parquet, and a.npz is npz"),
        (table, {"white": 1}, "--white is for npz, and labels.csv is csv"),
        (tmp_path / "b", {"label": "x"}, "--label is for other files than folders"),
        ("shapes", {"group": "x"}, "--group is for files of images, and shapes has nothing of the kind"),
        (
            write_idx(tmp_path / "c", pictures(3, channels=1), pictures(3, channels=1)),
            {"group": "x"},
            "IDX files say nothing of groups",
        ),
    ):
        with pytest.raises(UsageError, match=sentence):
            load(path, **options)


def npy(shape: str, dtype: str = "|u1", content: bytes = b"", version: bytes = b"\x01\x00") -> bytes:
    """An array file whose header says what it likes."""
    header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + version + len(header).to_bytes(2, "little") + header + content


def write_npz(path: Path, packing: int = zipfile.ZIP_DEFLATED, **arrays: bytes) -> Path:
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, content in arrays.items():
            archive.writestr(f"{name}.npy", content)
    return path


def npz_of(**arrays: Any) -> Callable[[Path], Path]:
    return lambda folder: write_npz(folder / "a.npz", **arrays)


LABELS = npy("(4,)", content=bytes([0, 1, 0, 1]))
IMAGES = npy("(4, 8, 8)", content=bytes(range(256)))


class Evil:
    """Would run a program if it were unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("touch /tmp/seefar-was-here",)


def objects(folder: Path) -> Path:
    np.savez(folder / "a.npz", images=np.array([Evil()] * 4, object), labels=np.arange(4) % 2)
    return folder / "a.npz"


def truncated(folder: Path) -> Path:
    path = write_medmnist(folder / "a.npz")
    path.write_bytes(path.read_bytes()[:-3000])
    return path


def damaged(folder: Path) -> Path:
    path = write_medmnist(folder / "a.npz")
    content = bytearray(path.read_bytes())
    content[5000:5100] = bytes(100)
    path.write_bytes(content)
    return path


def packed_lie(folder: Path) -> Path:
    """The table of contents claims a terabyte, too."""
    path = write_npz(folder / "a.npz", images=npy("(1024, 1024, 1024, 1024)"), labels=LABELS)
    content = path.read_bytes()
    at = content.index(b"PK\x01\x02") + 24
    path.write_bytes(content[:at] + (2**32 - 2).to_bytes(4, "little") + content[at + 4 :])
    return path


def encrypted(folder: Path) -> Path:
    """As both tables say; zipfile cannot write such files."""
    path = write_npz(folder / "a.npz", images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    return path


def lzma(folder: Path) -> Path:
    """Damaged, too."""
    path = write_npz(folder / "a.npz", zipfile.ZIP_LZMA, images=IMAGES, labels=LABELS)
    content = bytearray(path.read_bytes())
    content[60:90] = b"\xff" * 30
    path.write_bytes(content)
    return path


NPZ = {
    "encrypted": (encrypted, "a.npz: images is encrypted; save it without a password"),
    "lzma": (lzma, "a.npz: images is compressed by a method that is not read"),
    "truncated": (truncated, "is a damaged npz file"),
    "damaged": (damaged, "a.npz"),
    "terabytes": (
        npz_of(images=npy("(1024, 1024, 1024, 1024)"), labels=LABELS),
        "claims 1,024 x 1,024 x 1,024 x 1,024 of uint8",
    ),
    "terabytes in the table of contents": (packed_lie, "which cannot come from"),
    "negative size": (npz_of(images=npy("(-4, 8, 8)"), labels=LABELS), "claims -4 x 8 x 8"),
    "too short": (npz_of(images=npy("(4, 8, 8)", content=bytes(9)), labels=LABELS), "and holds 9"),
    "objects": (objects, "Python objects, which are not read because they can run code"),
    "no header": (npz_of(images=b"hello", labels=LABELS), "is no array"),
    "header of nothing": (npz_of(images=npy("(4,", content=bytes(9)), labels=LABELS), "is no array"),
    "version 9": (npz_of(images=npy("(4, 8, 8)", version=b"\x09\x00"), labels=LABELS), "npy version"),
    "type of nothing": (npz_of(images=npy("(4, 8, 8)", "|x9"), labels=LABELS), "is no array"),
    "texts": (npz_of(images=npy("(4, 8, 8)", "|S1", bytes(256)), labels=LABELS), "not numbers"),
    "negative labels": (
        npz_of(images=IMAGES, labels=npy("(4,)", "|i1", bytes([0, 1, 255, 1]))),
        "reach down to -1; negative ones say that a label is unknown",
    ),
    "unequal counts": (npz_of(images=IMAGES, labels=npy("(3,)", content=bytes([0, 1, 0]))), "4 train images and 3 labels"),
    "no labels": (
        npz_of(train_images=IMAGES, train_labels=LABELS, test_images=IMAGES),
        "holds no test_labels beside test_images",
    ),
    "other names": (npz_of(foo=IMAGES), "a.npz holds foo; expected are train_images and train_labels"),
    "no arrays": (npz_of(), "holds no arrays"),
    "no zip": (lambda folder: (folder / "a.npz").write_bytes(b"hello") and folder / "a.npz", "is a damaged npz file"),
}


def fails(capsys: pytest.CaptureFixture[str], path: Path, sentence: str) -> None:
    """`seefar data describe` says one sentence and leaves with exit code 3."""
    assert main(["data", "describe", str(path), "--size", "8"]) == 3
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert "Traceback" not in said


@pytest.mark.parametrize("name", NPZ)
def test_an_npz_file_that_lies_or_is_broken(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write, sentence = NPZ[name]
    fails(capsys, write(tmp_path), sentence)
    assert not Path("/tmp/seefar-was-here").exists()


GREY = np.arange(4 * 64, dtype=np.uint8).reshape(4, 8, 8)
BITS = np.array([0, 1, 0, 1], np.uint8)
IDX: dict[str, tuple[str, bytes | None, str]] = {
    "truncated": ("train-images-idx3-ubyte.gz", gzip.compress(idx(GREY))[:-20], "train-images-idx3-ubyte.gz is damaged"),
    "short": ("train-images-idx3-ubyte.gz", gzip.compress(idx(GREY)[:-9]), "ends after 247 of 256 bytes"),
    "long": ("train-images-idx3-ubyte.gz", gzip.compress(idx(GREY) + b"!"), "goes on after the 256 bytes"),
    "terabytes": (
        "train-images-idx3-ubyte.gz",
        gzip.compress(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3),
        "claims 4,294,967,295 x 4,294,967,295 x 4,294,967,295 bytes",
    ),
    "floats": ("train-images-idx3-ubyte.gz", gzip.compress(idx(GREY, 13)), "starts with 00000d03, which is no IDX file"),
    "no IDX": ("train-images-idx3-ubyte.gz", b"<!DOCTYPE html>", "starts with 3c21444f"),
    "empty": ("train-images-idx3-ubyte.gz", b"", "ends after 0 of 4 bytes"),
    "unequal counts": ("train-labels-idx1-ubyte.gz", gzip.compress(idx(BITS[:3])), "4 train images and 3 labels"),
    "no labels": ("train-labels-idx1-ubyte.gz", None, "there is no file of train labels beside train-images-idx3-ubyte.gz"),
}


@pytest.mark.parametrize("name", IDX)
def test_idx_files_that_lie_or_are_broken(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, content, sentence = IDX[name]
    folder = write_idx(tmp_path / "a", (GREY, BITS), (GREY, BITS))
    (folder / file).unlink() if content is None else (folder / file).write_bytes(content)
    fails(capsys, folder, sentence)


def test_two_sets_of_idx_files_in_a_folder_are_told_apart_by_one_of_them(tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "a", (GREY, BITS), (GREY, BITS))
    for file in [*folder.iterdir()]:
        file.with_name(f"emnist-{file.name}").write_bytes(file.read_bytes())
    with pytest.raises(DataError, match="several sets of images, '', 'emnist-'"):
        load(folder, size=8)
    assert len(load(folder / "emnist-train-images-idx3-ubyte.gz", size=8).train) == 4


def parquet_with(**change: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        x, y = pictures(6)
        columns: dict[str, Any] = {"images": [png(image) for image in x], "labels": y.tolist(), "names": ("a", "b", "c")}
        return write_parquet(folder / "a.parquet", **(columns | change))

    return write


def cut_parquet(folder: Path) -> Path:
    path = parquet_with()(folder)
    path.write_bytes(path.read_bytes()[:-500])
    return path


def bytes_changed(folder: Path) -> Path:
    path = parquet_with()(folder)
    content = bytearray(path.read_bytes())
    content[40:400] = b"\xff" * 360
    path.write_bytes(content)
    return path


def lying_footer(folder: Path) -> Path:
    """The table of contents claims 127 rows where there are 6."""
    path = parquet_with()(folder)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = content.index(b"\x16\x0c", footer)
    path.write_bytes(content[:at] + b"\x16\xfe" + content[at + 2 :])
    return path


PARQUET = {
    "truncated": (cut_parquet, "a.parquet is a damaged Parquet file"),
    "overwritten": (bytes_changed, "a.parquet"),
    "lying": (lying_footer, "a.parquet"),
    "no parquet": (
        lambda folder: (folder / "a.parquet").write_bytes(b"PAR1") and folder / "a.parquet",
        "is a damaged Parquet file",
    ),
    "html": (
        lambda folder: (folder / "a.parquet").write_bytes(b"<!DOCTYPE") and folder / "a.parquet",
        "is a damaged Parquet file",
    ),
    "negative labels": (parquet_with(labels=[0, 1, 2, -1, 1, 2]), "row 3 has the label -1; allowed is 0 to 2"),
    "labels too large": (parquet_with(labels=[0, 1, 2, 0, 1, 3]), "row 5 has the label 3; allowed is 0 to 2"),
    "no label": (parquet_with(labels=[0, 1, 2, 0, 1, None]), "row 5 has no label"),
    "names twice": (parquet_with(names=("a", "b", "a")), "the names must be different"),
    "no picture": (parquet_with(images=[None] * 6), "6 of 6 images cannot be used"),
    "not images": (parquet_with(images=[b"hello"] * 6), "6 of 6 images cannot be used"),
}


@pytest.mark.parametrize("name", PARQUET)
def test_a_parquet_file_that_lies_or_is_broken(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write, sentence = PARQUET[name]
    path = write(tmp_path)
    assert main(["data", "describe", str(path), "--size", "8"]) == 3
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
    assert all(line.startswith(("error: ", "  ")) for line in said.splitlines())


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    folder = write_hugging_face(tmp_path / "trees")
    (folder / "data" / "train-00001-of-00002.parquet").unlink()
    for path in (folder, folder / "data" / "train-00000-of-00002.parquet"):
        with pytest.raises(DataError, match="shard 1 of 2 of 'train' is missing; give the folder that holds all shards"):
            load(path)


def test_several_columns_of_labels_are_asked_about(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    path = parquet_with()(tmp_path)
    table = parquet.read_table(path).append_column("coarse", pa.array([0, 1, 0, 1, 0, 1]))
    features = {"image": {"_type": "Image"}, "label": {"names": ["a", "b", "c"], "_type": "ClassLabel"}}
    features["coarse"] = {"names": ["x", "y"], "_type": "ClassLabel"}
    parquet.write_table(table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})}), path)
    with pytest.raises(DataError, match="several columns of labels: label, coarse; say which one with --label"):
        load(path)
    assert load(path, label="coarse").classes == ("x", "y")


TABLES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "labels.csv is empty; its first line must name the columns path and label"),
    "only a header": (b"path,label\n", "labels.csv names no images"),
    "no header": (b"img/000.png,cat\n", "has no column 'path', only img/000.png, cat"),
    "absolute": (b"path,label\n/etc/passwd,a\n", "line 2: '/etc/passwd' is an absolute path"),
    "drive": (b"path,label\nC:\\a.png,a\n", "is an absolute path"),
    "outside": (b"path,label\nimg/../../x.png,a\n", "line 2: 'img/../../x.png' leads out of the folder of the table"),
    "backslashes": (b"path,label\n..\\x.png,a\n", "leads out of the folder"),
    "missing": (b"path,label\nimg/999.png,a\n", "line 2: there is no file 'img/999.png' beside the table"),
    "link": (b"path,label\nimg/link.png,a\n", "line 2: img/link.png is a symbolic link, not followed"),
    "linked folder": (b"path,label\nlinked/000.png,a\n", "line 2: linked is a symbolic link, not followed"),
    "folder": (b"path,label\nimg,a\n", "line 2: img is not a regular file"),
    "pipe": (b"path,label\nimg/pipe,a\n", "line 2: img/pipe is not a regular file"),
    "twice": (b"path,label\nimg/000.png,a\n./img//000.png,b\n", "line 3: img/000.png was named in line 2 already"),
    "no label": (b"path,label\nimg/000.png,\n", "line 2: img/000.png has no label"),
    "no path": (b"path,label\n,a\n", "line 2: the path is empty"),
    "no group": (b"path,label,group\nimg/000.png,a,\n", "line 2: img/000.png has no group"),
    "unknown split": (
        b"path,label,split\nimg/000.png,a,holdout\n",
        "line 2: the split is 'holdout'; allowed is train, val or test",
    ),
    "only test": (b"path,label,split\nimg/000.png,a,test\nimg/001.png,b,test\n", "names no image of split train"),
    "one class": (b"path,label\nimg/000.png,a\nimg/001.png,a\n", "need at least 2 classes, found 1 in labels.csv: 'a'"),
    "too many cells": (b"path,label\nimg/000.png,red, green\n", "line 2: 3 cells and 2 columns"),
    "open quote": (b'path,label\n"img/000.png,a\n', "is no CSV file"),
    "quote in the middle": (b'path,label\n"img"/000.png,a\n', "is no CSV file"),
    "endless cell": (b"path,label\n" + b"a" * 200_000 + b",a\n", "is no CSV file"),
    "zero byte": (b"path,label\nimg/\x00.png,a\n", "labels.csv"),
    "latin-1": (b"path,label\nimg/000.png,b\xe4r\n", "labels.csv is not UTF-8 (at byte"),
    "utf-16": ("path,label\nimg/000.png,a\n".encode("utf-16"), "labels.csv is not UTF-8"),
    "columns twice": (b"path,label,Label\n", "names a column twice"),
    "faked line": ("path,label\nimg/\u202e\x1b[31m.png,a\n".encode(), "there is no file 'img/\\\\u202e\\\\x1b[31m.png'"),
}


@pytest.fixture
def beside(tmp_path: Path) -> Path:
    """A folder of a table with images, links and a pipe beside it."""
    write_table(tmp_path, 6)
    (tmp_path / "img" / "link.png").symlink_to("000.png")
    (tmp_path / "linked").symlink_to("img")
    os.mkfifo(tmp_path / "img" / "pipe")
    return tmp_path


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_lies_or_is_broken(name: str, beside: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content, sentence = TABLES[name]
    (beside / "labels.csv").write_bytes(content)
    fails(capsys, beside / "labels.csv", sentence)


def test_a_damaged_image_of_a_table_is_named_and_can_be_left_out(beside: Path) -> None:
    write_table(beside, 30, header="path,label")
    (beside / "img" / "004.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="1 of 30 images cannot be used") as caught:
        load(beside / "labels.csv")
    assert caught.value.details[0].startswith("img/004.png: not an image")
    assert [one.id for one in load(beside / "labels.csv", skip_bad=True).skipped] == ["img/004.png"]


def test_files_that_claim_terabytes_are_refused_within_a_fixed_memory(tmp_path: Path) -> None:
    """Nothing is allocated for what a header claims: the whole program stays where it was before."""
    paths = [NPZ[name][0](make(tmp_path / name)) for name in ("terabytes", "terabytes in the table of contents")]
    folder = write_idx(tmp_path / "idx", (GREY, BITS), (GREY, BITS))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(IDX["terabytes"][1] or b"")
    paths += [folder, PARQUET["lying"][0](make(tmp_path / "parquet"))]
    code = (
        "import resource, sys; from seefar.data.load import load; from seefar.errors import SeefarError\n"
        "import pyarrow.parquet, seefar.data.own_files\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in sys.argv[1:]:\n"
        "    try: load(path, size=8)\n"
        "    except SeefarError as error: print(type(error).__name__)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    run = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, text=True, check=True)
    *errors, grown = run.stdout.split()
    assert errors == ["DataError"] * 4
    assert int(grown) < 60_000  # kilobytes: what is imported to read them


def make(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_bomb_of_zeros_grows_only_with_what_arrives(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as file:
        file.write(bytes([0, 0, 8, 3]) + (2000).to_bytes(4, "big") + (600).to_bytes(4, "big") * 2 + bytes(1000))
    folder = write_idx(tmp_path / "a", (GREY, BITS), (GREY, BITS))
    (folder / "train-images-idx3-ubyte.gz").write_bytes(packed.getvalue())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="claims 2,000 x 600 x 600 bytes, and cannot hold them"):
        load(folder, size=8)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
