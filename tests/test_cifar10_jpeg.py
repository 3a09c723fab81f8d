"""`scripts/cifar10_jpeg.py`: the zip of JPEGs that the figures come from, made from the images themselves."""

import io
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin
from tests.conftest import script

import seefar as sf
from seefar.data.images import Dataset

SCRIPT = script(Path(__file__).parents[1] / "scripts" / "cifar10_jpeg.py")


@pytest.fixture
def made(small_data: Dataset, tmp_path: Path) -> Path:
    SCRIPT.write_zip(small_data, tmp_path / "new folder" / "small.zip")
    return tmp_path / "new folder" / "small.zip"


def test_the_zip_holds_each_image_under_its_class_and_number_in_the_original_order(small_data: Dataset, made: Path) -> None:
    with zipfile.ZipFile(made) as archive:
        names = archive.namelist()
        for split, images in (("train", small_data.train), ("test", small_data.test)):
            own = [name for name in names if name.startswith(split)]
            assert own == [f"{split}/class {number % 3}/{number:05d}.jpg" for number in range(len(images))]
            for name, pixels in zip(own, images.pixels, strict=True):
                jpeg = io.BytesIO()
                Image.fromarray(pixels).save(jpeg, "JPEG")  # Pillow's defaults
                assert archive.read(name) == jpeg.getvalue()
    assert len(names) == 210
    assert [path.name for path in made.parent.iterdir()] == ["small.zip"]


def test_the_jpegs_have_the_settings_of_those_of_the_figures(made: Path) -> None:
    """Quality 75: the first row of each table of the JPEG standard (annex K), halved and rounded up."""
    with zipfile.ZipFile(made) as archive:
        jpeg = JpegImagePlugin.JpegImageFile(io.BytesIO(archive.read("test/class 0/00000.jpg")))
    assert {number: table[:8] for number, table in jpeg.quantization.items()} == {
        0: [8, 6, 5, 8, 12, 20, 26, 31],
        1: [9, 9, 12, 24, 50, 50, 50, 50],
    }
    assert JpegImagePlugin.get_sampling(jpeg) == 2  # 4:2:0
    assert "progressive" not in jpeg.info


def test_the_same_images_give_the_same_bytes(small_data: Dataset, made: Path, tmp_path: Path) -> None:
    SCRIPT.write_zip(small_data, tmp_path / "again.zip", sys.executable)
    assert (tmp_path / "again.zip").read_bytes() == made.read_bytes()


def test_seefar_reads_the_zip(small_data: Dataset, made: Path) -> None:
    found = sf.load(made, size=16)
    assert found.classes == small_data.classes
    for images, original in ((found.train, small_data.train), (found.test, small_data.test)):
        assert images.counts().tolist() == original.counts().tolist()
        assert sorted(id_.split("/")[-1] for id_ in images.ids) == [f"{number:05d}.jpg" for number in range(len(original))]
        mean = {id_.split("/")[-1]: pixels.mean() for id_, pixels in zip(images.ids, images.pixels, strict=True)}
        assert [mean[name] for name in sorted(mean)] == pytest.approx(original.pixels.mean((1, 2, 3)), abs=2)


def test_an_encoder_that_fails_leaves_no_zip(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(SCRIPT.sf, "load", lambda data, archive: small_data)
    monkeypatch.setattr(sys, "argv", ["cifar10_jpeg.py", "--out", str(tmp_path / "new.zip"), "--encoder", "false"])
    assert SCRIPT.main() == 1
    assert "error: " in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_check_knows_the_zip_of_the_figures_by_its_bytes_or_by_its_jpegs(
    made: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def check() -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["cifar10_jpeg.py", "--check", str(made)])
        return SCRIPT.main(), capsys.readouterr().out

    code, words = check()
    assert code == 1
    assert "not the JPEGs of our figures" in words
    monkeypatch.setattr(SCRIPT, "JPEGS", SCRIPT.digest_of_jpegs(made))
    code, words = check()
    assert code == 0
    assert "zipped in another way" in words
    monkeypatch.setattr(SCRIPT, "PUBLISHED", SCRIPT.sha256(made))
    code, words = check()
    assert code == 0
    assert "the zip of our figures" in words


def test_an_existing_zip_is_never_written_over(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = made.read_bytes()
    monkeypatch.setattr(sys, "argv", ["cifar10_jpeg.py", "--out", str(made)])
    with pytest.raises(SystemExit):
        SCRIPT.main()
    assert made.read_bytes() == before


@pytest.mark.slow
def test_the_zip_beside_the_checkout_is_that_of_the_figures_and_can_be_zipped_again(
    real_images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert SCRIPT.compared(real_images) == (True, "the zip of our figures, byte for byte")
    with zipfile.ZipFile(real_images) as archive:
        by_number = sorted(archive.namelist(), key=lambda name: (name < "train", name[-9:]))
        jpegs = [archive.read(name) for name in by_number]
    monkeypatch.setattr(SCRIPT, "encoded", lambda pixels, encoder: jpegs)
    SCRIPT.write_zip(in_original_order(sf.load(real_images)), tmp_path / "again.zip")
    assert SCRIPT.compared(tmp_path / "again.zip")[0]


def in_original_order(data: Dataset) -> Dataset:
    """As CIFAR-10's archive would give it: by number, not by class."""
    train, test = (images[np.argsort([id_[-9:] for id_ in images.ids])] for images in (data.train, data.test))
    return Dataset(data.name, train, test, data.source)
