"""Rows to images: colour and grey are recognised, tables are padded, ranges are kept, and what is no image is refused."""

import numpy as np
import pytest

from seefar.data.rows import Layout, RowsError, as_rows, layout_of
from seefar.errors import UsageError

RNG = np.random.default_rng(0)
COLOUR = RNG.integers(256, size=(5, 16, 16, 3), dtype=np.uint8)


def test_pixels_of_the_wanted_size_stay_as_they_are_flattened_or_not() -> None:
    rows, shape = as_rows(COLOUR)
    assert shape == (16, 16, 3)
    for known in (shape, None):
        layout = layout_of(rows, known, 16)
        assert layout == Layout(16, 3, 0, 255, 16)
        assert (layout.images(rows) == COLOUR).all()


def test_a_grey_image_has_three_equal_channels() -> None:
    for grey in (COLOUR[..., 0], COLOUR[..., :1]):
        rows, shape = as_rows(grey)
        images = layout_of(rows, shape, 16).images(rows)
        assert images.shape == COLOUR.shape
        assert (images == COLOUR[..., :1]).all()


def test_a_list_of_images_is_taken_and_a_table_left_alone() -> None:
    rows, shape = as_rows(list(COLOUR))
    assert (rows == COLOUR.reshape(5, -1)).all()
    assert shape == (16, 16, 3)
    table = [[1.0, 2.0], [3.0, 4.0]]
    assert as_rows(table) == (table, None)


@pytest.mark.parametrize(
    ("features", "side", "channels"),
    [(1, 1, 1), (2, 2, 1), (3, 1, 3), (4, 2, 1), (5, 3, 1), (64, 8, 1), (192, 8, 3), (193, 14, 1)],
)
def test_how_features_are_laid_out(features: int, side: int, channels: int) -> None:
    layout = layout_of(np.zeros((2, features)), None, 8)
    assert (layout.side, layout.channels) == (side, channels)


def test_no_number_of_features_is_both_a_colour_and_a_grey_image() -> None:
    """Law: else the layout would be a guess."""
    colour = {3 * side**2 for side in range(1, 600)}
    assert not colour & {side**2 for side in range(1, 1100)}
    assert all((layout_of(np.zeros((1, n)), None, 8).channels == 3) == (n in colour) for n in range(1, 3000))


def test_a_table_is_padded_with_black_and_scaled_by_the_range_that_was_seen() -> None:
    rows = np.array([[-1.0, 0.0, 1.0, 3.0, 3.0]])
    layout = layout_of(rows, None, 8)
    small = Layout(layout.side, layout.channels, layout.low, layout.high, 3)
    assert small.images(rows)[0, ..., 0].tolist() == [[0, 64, 128], [255, 255, 0], [0, 0, 0]]
    assert small.images(np.array([[-9.0, 0.0, 1.0, 9.0, 3.0]])).tolist() == small.images(rows).tolist()  # clipped


@pytest.mark.parametrize("kind", [np.int64, np.float32, np.float64])
def test_numbers_that_are_pixels_of_another_type_give_the_same_pixels(kind: type) -> None:
    rows = COLOUR.reshape(5, -1).astype(kind)
    assert (rows.min(), rows.max()) == (0, 255)
    assert (layout_of(rows, None, 16).images(rows) == COLOUR).all()


def test_constant_rows_are_black() -> None:
    assert not layout_of(np.full((3, 4), 7.0), None, 8).images(np.full((3, 4), 7.0)).any()


def test_images_are_resized_as_files_are() -> None:
    import io

    from PIL import Image

    from seefar.data.decode import decode

    file = io.BytesIO()
    Image.fromarray(COLOUR[0]).save(file, "PNG")
    rows, shape = as_rows(COLOUR[:1])
    for size in (8, 24):
        assert (layout_of(rows, shape, size).images(rows)[0] == decode(file.getvalue(), size).pixels).all()


def test_many_rows_are_made_in_blocks() -> None:
    rows = RNG.integers(256, size=(2500, 64), dtype=np.uint8)
    assert (layout_of(rows, None, 8).images(rows)[..., 0].reshape(2500, 64) == rows).all()


def test_bytes_after_shares_are_refused() -> None:
    """They would all be white."""
    shares = COLOUR.reshape(5, -1) / 255
    with pytest.raises(RowsError, match="uint8, and those learned from were not: they reached from 0 to 1; give both"):
        layout_of(shares, None, 16).images(COLOUR.reshape(5, -1))


@pytest.mark.parametrize(
    ("shape", "sentence"),
    [
        ((4, 3, 16, 16), r"found \(4, 3, 16, 16\); give X.transpose\(0, 2, 3, 1\)"),
        ((4, 16, 16, 4), r"must be \(n, h, w\), \(n, h, w, 1\) or \(n, h, w, 3\); found \(4, 16, 16, 4\)$"),
        ((4, 16, 12, 3), "must be square; found 16 x 12 pixels: crop or pad them first"),
    ],
)
def test_what_is_no_square_image_is_refused(shape: tuple[int, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        as_rows(np.zeros(shape))


@pytest.mark.parametrize("size", [7, 513])
def test_sizes_out_of_range_are_refused(size: int) -> None:
    with pytest.raises(UsageError, match=f"size is {size}; allowed is 8 to 512 pixels"):
        layout_of(np.zeros((1, 4)), None, size)
