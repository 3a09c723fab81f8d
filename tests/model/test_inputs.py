"""What may be given to a model, and one sentence for everything else."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import DataError
from seefar.model.inputs import bring, check_pixels

GOOD = np.full((2, 16, 16, 3), 7, np.uint8)


def test_exactly_the_right_array_passes_untouched() -> None:
    assert check_pixels(GOOD, 16) is GOOD
    assert len(check_pixels(GOOD[:0], 16)) == 0


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (GOOD.astype(np.float32), r"holds float32, from 7 to 7; expected uint8 \(n, 16, 16, 3\).*convert the pixels before"),
        (GOOD / 255, "holds float64, from 0.02745 to 0.02745"),
        (np.where(GOOD > 0, np.nan, 1.0), r"not finite \(NaN or infinite\)"),
        (GOOD.astype(np.int64), "holds int64, from 7 to 7"),
        (GOOD.astype(object), "holds object"),
        (GOOD.transpose(0, 3, 1, 2), r"shape \(2, 3, 16, 16\) \(colours first, as torch has them\)"),
        (GOOD[0], r"shape \(16, 16, 3\); expected"),
        (GOOD[..., :1], r"shape \(2, 16, 16, 1\); expected"),
        (np.zeros((2, 20, 16, 3), np.uint8), "20 high and 16 wide; .*`predict` takes any size"),
        ([[1, 2]], "given as list"),
        (None, "given as NoneType"),
    ],
)
def test_every_other_array_gets_one_sentence(array: Any, reason: str) -> None:
    """Fault 82."""
    with pytest.raises(DataError, match=reason) as raised:
        check_pixels(array, 16)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (np.zeros((5, 5), np.uint8), r"shape \(5, 5\); expected uint8 \(h, w, 3\) or \(n, h, w, 3\)"),
        (np.zeros((3, 5, 5), np.uint8), "colours first"),
        (np.zeros((0, 5, 3), np.uint8), "shape"),
        (np.ones((5, 5, 3)), "holds float64"),
        ([3], "given as int; .*a file, a folder or a PIL image"),
    ],
)
def test_things_that_are_no_images_are_refused(given: Any, reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        bring(given, 16, "white")


def test_images_of_every_kind_get_the_answers_of_their_files(run: sf.Run, small_data: Dataset, tmp_path: Path) -> None:
    """One many kinds, one many sizes: a file, a folder, a PIL image, an array, arrays of several sizes in a list."""
    model, rng = sf.load_model(run), np.random.default_rng(0)
    large = [rng.integers(0, 256, shape, dtype=np.uint8) for shape in ((16, 16, 3), (40, 30, 3), (7, 50, 3))]
    for place, pixels in enumerate(large):
        Image.fromarray(pixels).save(tmp_path / f"{place}.png")
    files = sorted(tmp_path.glob("*.png"))
    expected = [answer.probabilities for answer in model.predict(files)]
    for given in (
        tmp_path,
        str(tmp_path),
        large,
        [Image.fromarray(pixels) for pixels in large],
        [files[0], large[1], files[2]],
    ):
        assert [answer.probabilities for answer in model.predict(given)] == expected  # type: ignore[arg-type]
    assert model.predict(large[1])[0].probabilities == expected[1]
    assert model.predict(large[1][None])[0].image == "image 0"
    assert len(model.predict([])) == 0
    np.testing.assert_allclose(list(expected[0].values()), np.sort(model.predict_proba(large[0][None])[0])[::-1], atol=1e-6)


def test_a_pil_image_stays_as_it_is() -> None:
    picture = Image.new("RGBA", (30, 20), (200, 100, 50, 128))
    before = picture.tobytes()
    ((name, brought),) = bring(picture, 8, "black")
    assert name == "image 0"
    assert not isinstance(brought, DataError)
    assert brought.pixels[0, 0].tolist() == [100, 50, 25]
    assert (picture.tobytes(), picture.mode) == (before, "RGBA")


def test_a_pil_image_of_too_many_pixels_is_a_row_with_its_reason(run: sf.Run) -> None:
    with pytest.raises(DataError, match="5000x5000 pixels, more than 16 million"):
        bring(Image.new("L", (5000, 5000)), 8, "white")
