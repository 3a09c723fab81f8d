"""Corruptions against cases worked by hand, Pillow, statistics of the noise, and the laws that they share."""

import numpy as np
import pytest
from PIL import Image
from tests.data.image_files import jpeg

from seefar.data import corruption_filters as filters
from seefar.data import corruptions as module
from seefar.data.corruptions import CORRUPTIONS, GROUPS, SEVERITIES, corrupt
from seefar.data.shapes import load_shapes
from seefar.errors import UsageError

SAME_FOR_ALL = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}  # nothing is drawn


@pytest.fixture(scope="module")
def shapes() -> np.ndarray:
    return load_shapes(train=10, test=24).test.pixels


def grey(level: int = 128, n: int = 16, side: int = 32) -> np.ndarray:
    return np.full((n, side, side, 3), level, np.uint8)


def difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    return one.astype(np.float64) - other


def test_fifteen_corruptions_stand_in_four_groups():
    assert len(CORRUPTIONS) == 15
    assert [name for names in GROUPS.values() for name in names] == list(CORRUPTIONS)
    assert all(function.__name__ == name for name, function in CORRUPTIONS.items())


# Laws of all


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_same_seed_same_bytes_however_many_images(name: str, shapes: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BLOCK_PIXELS", 8 * 32 * 32)
    kept = shapes.copy()
    for severity in (1, 5):
        whole = corrupt(shapes, name, severity)
        assert (whole.shape, whole.dtype) == (shapes.shape, np.uint8)
        for n in (1, 7, 11):  # 11: one block and a part of the next
            np.testing.assert_array_equal(corrupt(shapes[:n], name, severity), whole[:n])
        assert np.array_equal(corrupt(shapes, name, severity, seed=1), whole) == (name in SAME_FOR_ALL)
    np.testing.assert_array_equal(shapes, kept)


@pytest.mark.parametrize("name", sorted(set(CORRUPTIONS) - SAME_FOR_ALL))
def test_equal_images_are_changed_each_in_its_own_way(name: str, shapes: np.ndarray, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BLOCK_PIXELS", 2 * 32 * 32)
    changed = corrupt(np.repeat(shapes[:1], 4, axis=0), name, 5)
    assert len({image.tobytes() for image in changed}) == 4  # within a block and from block to block


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_severity_grows(name: str, shapes: np.ndarray):
    steps = [np.sqrt(np.mean(difference(corrupt(shapes, name, severity), shapes) ** 2)) for severity in SEVERITIES]
    assert steps[0] > 0
    if name == "motion_blur":  # published severities 3 and 4 share their sigma: equal but for the angles
        assert steps[0] < steps[1] < min(steps[2:4]) <= max(steps[2:4]) < steps[4]
    elif name in ("glass_blur", "elastic_transform", "frost"):  # the published constants go up and down
        assert steps[4] > 0.5 * steps[0]
    else:
        assert steps == sorted(steps)
        assert steps[4] > 1.2 * steps[0]


@pytest.mark.parametrize("shape", [(16, 16), (48, 48), (20, 36)])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_other_sizes(name: str, shape: tuple[int, int], shapes: np.ndarray):
    pixels = np.stack([np.asarray(Image.fromarray(image).resize(shape[::-1])) for image in shapes[:3]])
    changed = corrupt(pixels, name, 5)
    assert (changed.shape, changed.dtype) == (pixels.shape, np.uint8)
    assert 1 < np.abs(difference(changed, pixels)).mean() < 130


def test_a_length_in_pixels_grows_with_the_image():
    """A point of an image twice as large is blurred about twice as wide (0.82 and 1.78 pixels)."""
    widths = []
    for side in (32, 64):
        point = np.zeros((1, side, side, 3), np.float32)
        point[0, side // 2, side // 2] = 1
        line = CORRUPTIONS["defocus_blur"](point, 5, np.random.default_rng(0))[0, :, :, 0].sum(axis=0)
        assert line.sum() == pytest.approx(1, abs=1e-5)
        widths.append((line @ (np.arange(side) - side // 2) ** 2) ** 0.5)
    assert widths == pytest.approx([(2 / 3) ** 0.5, (19 / 6) ** 0.5], rel=1e-4)  # weights 1 1 1 / 3 and 1/2 1 1 1 1 1 1/2 / 6


def test_no_images_give_no_images():
    for name in CORRUPTIONS:
        assert corrupt(grey(n=0), name, 3).shape == (0, 32, 32, 3)


@pytest.mark.parametrize("name", [*GROUPS["blur"], "elastic_transform", "contrast", "pixelate"])
@pytest.mark.parametrize("severity", [1, 4, 5])
def test_a_flat_image_stays(name: str, severity: int):
    """Kernels sum to one, and nothing comes in from outside the image."""
    flat = np.full((3, 32, 32, 3), (250, 128, 3), np.uint8)
    assert np.abs(difference(corrupt(flat, name, severity), flat)).max() <= 1


def test_errors_say_what_there_is(shapes: np.ndarray):
    with pytest.raises(
        UsageError, match=r"'gausian_noise' \(did you mean 'gaussian_noise'\?\).* impulse_noise, .*jpeg_compression"
    ):
        corrupt(shapes, "gausian_noise", 1)
    for severity in (0, 6, -1):
        with pytest.raises(UsageError, match=f"severity is {severity}, .* 1, 2, 3, 4, 5"):
            corrupt(shapes, "fog", severity)


# Noise


@pytest.mark.parametrize(("severity", "deviation"), [(1, 0.04), (2, 0.06), (3, 0.08), (4, 0.09), (5, 0.10)])
def test_gaussian_noise_has_the_published_deviation(severity: int, deviation: float):
    added = difference(corrupt(grey(), "gaussian_noise", severity), grey()) / 255
    assert abs(added.mean()) < 5 * deviation / added.size**0.5
    assert added.std() == pytest.approx(deviation, rel=0.02)


@pytest.mark.parametrize(("severity", "photons"), [(1, 500), (2, 250), (3, 100), (4, 75), (5, 50)])
def test_shot_noise_is_poisson(severity: int, photons: int):
    for level in (40, 128):
        added = difference(corrupt(grey(level), "shot_noise", severity), grey(level)) / 255
        assert added.mean() == pytest.approx(0, abs=0.002)
        assert added.var() == pytest.approx(level / 255 / photons, rel=0.05)  # variance = mean, in photons


@pytest.mark.parametrize(("severity", "share"), [(1, 0.01), (2, 0.02), (3, 0.03), (4, 0.05), (5, 0.07)])
def test_impulse_noise_changes_its_share(severity: int, share: float):
    changed = corrupt(grey(), "impulse_noise", severity)
    assert set(np.unique(changed)) == {0, 128, 255}
    sigma = (share / 2 / changed.size) ** 0.5
    for level in (0, 255):
        assert abs((changed == level).mean() - share / 2) < 5 * sigma


# Blur


def test_defocus_by_hand():
    """At severity 5 the disk of radius 1.5 is 3x3; softened by e^-50 it stays so: a point becomes nine ninths."""
    point = grey(0, 1)
    point[0, 10, 20] = 180
    expected = grey(0, 1)
    expected[0, 9:12, 19:22] = 20
    np.testing.assert_array_equal(corrupt(point, "defocus_blur", 5), expected)


def test_glass_without_a_blur_takes_the_colour_of_itself_or_its_neighbours():
    """At severity 1 the blur is less than a pixel wide and does nothing: left, above, left above and itself, a quarter each."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(8, 32, 32, 3), dtype=np.uint8)
    changed = corrupt(pixels, "glass_blur", 1)
    inner = changed[:, 2:, 2:]
    sources = {(dy, dx): pixels[:, 2 + dy : 32 + dy, 2 + dx : 32 + dx] for dy in (-1, 0) for dx in (-1, 0)}
    hits = np.stack([(inner == source).all(axis=3) for source in sources.values()])
    assert hits.any(axis=0).all()
    assert np.abs(hits.mean(axis=(1, 2, 3)) - 0.25).max() < 0.03
    np.testing.assert_array_equal(changed[:, :2], pixels[:, :2])  # the original leaves two rows and columns
    np.testing.assert_array_equal(changed[:, :, :2], pixels[:, :, :2])


@pytest.mark.parametrize("degrees", [0.0, 90.0])
def test_motion_by_hand(degrees: float):
    """A point smeared along a line: half a Gaussian on the side from which it came, nothing across."""
    point = np.zeros((1, 32, 32, 1), np.float32)
    point[0, 16, 16] = 1
    smeared = filters.smear(point, 6, 2, np.array([degrees]))[0, :, :, 0]
    line = smeared[16] if degrees == 0 else smeared[:, 16]
    half = np.exp(-(np.arange(13) ** 2) / 8)
    np.testing.assert_allclose(line[16:3:-1], half / half.sum(), atol=0.001)
    assert smeared.sum() == pytest.approx(line.sum(), abs=1e-6) == pytest.approx(1, abs=1e-5)


def test_the_matrices_are_those_of_scipy():
    """Blur and enlargement are written as matrices; scipy, which the original calls, says what they have to do."""
    from scipy import ndimage

    image = np.random.default_rng(0).random((32, 32)).astype(np.float32)
    for sigma, truncate, fold, mode in ((0.4, 4, filters.clamp, "nearest"), (6.4, 3, filters.mirror_edge, "reflect")):
        matrix = filters.gaussian(32, sigma, truncate, fold)
        expected = ndimage.gaussian_filter(image, sigma, mode=mode, truncate=truncate)
        np.testing.assert_allclose(matrix @ image @ matrix.T, expected, atol=1e-5)
    for factor in (1.0, 1.01, 1.03, 1.04, 1.25, 2.25):
        cut = int(np.ceil(32 / factor))
        top = (32 - cut) // 2
        longer = ndimage.zoom(image[top : top + cut, top : top + cut], factor, order=1)
        trim = (len(longer) - 32) // 2
        matrix = filters.enlarge(32, factor)
        np.testing.assert_allclose(matrix @ image @ matrix.T, longer[trim : trim + 32, trim : trim + 32], atol=1e-5)
    places = np.random.default_rng(1).uniform(-40, 70, (2, 1, 32, 32))
    for fold, mode in ((filters.mirror_edge, "reflect"), (filters.mirror, "mirror"), (filters.clamp, "nearest")):
        found = filters.bilinear(image[None, :, :, None], *places, fold)[0, :, :, 0]
        np.testing.assert_allclose(found, ndimage.map_coordinates(image, places[:, 0], order=1, mode=mode), atol=1e-4)


# Weather


def test_brightness_by_hand():
    """+0.1 of the full range is 25.5 levels on the largest value; the others grow in the same ratio. Black becomes grey."""
    pixels = np.array([[[[100, 50, 0], [0, 0, 0], [250, 125, 25]]]], np.uint8)
    np.testing.assert_array_equal(corrupt(pixels, "brightness", 2), [[[[126, 63, 0], [26, 26, 26], [255, 128, 26]]]])


def test_fog_keeps_black_black_and_never_passes_the_brightest_value(shapes: np.ndarray):
    np.testing.assert_array_equal(corrupt(grey(0, 2), "fog", 5), grey(0, 2))
    dark = shapes // 2
    assert (corrupt(dark, "fog", 5).max(axis=(1, 2, 3)) <= dark.max(axis=(1, 2, 3))).all()


def test_fog_is_a_map_from_0_to_1_that_is_smoother_with_a_higher_decay():
    rough, smooth = (filters.plasma(16, 32, decay, np.random.default_rng(0)) for decay in (1.75, 3))
    for maps in (rough, smooth):
        np.testing.assert_array_equal(maps.min(axis=(1, 2)), 0)
        np.testing.assert_array_equal(maps.max(axis=(1, 2)), 1)
    assert np.abs(np.diff(smooth)).mean() < 0.8 * np.abs(np.diff(rough)).mean()


def test_snow_and_frost_only_add_light_at_severity_1():
    for name in ("snow", "frost"):
        added = difference(corrupt(grey(60), name, 1), grey(60))
        assert added.min() >= 0
        assert added.mean() > 1


def test_frost_is_bluish():
    means = corrupt(grey(60), "frost", 5).mean(axis=(0, 1, 2))
    assert means[0] < means[1] < means[2]


# Digital


@pytest.mark.parametrize(("severity", "factor"), [(1, 0.75), (2, 0.5), (3, 0.4), (4, 0.3), (5, 0.15)])
def test_contrast_by_hand(severity: int, factor: float):
    """Half of the pixels at 50, half at 150: each stands `factor` times 50 from the mean, 100; another channel is its own."""
    pixels = np.zeros((1, 4, 4, 3), np.uint8)
    pixels[..., :2], pixels[..., 0], pixels[..., 2] = 50, 50, 200
    pixels[:, 2:, :, 0] = 150
    changed = corrupt(pixels, "contrast", severity)
    np.testing.assert_allclose(changed[0, :2, :, 0], 100 - 50 * factor, atol=0.5)
    np.testing.assert_allclose(changed[0, 2:, :, 0], 100 + 50 * factor, atol=0.5)
    np.testing.assert_array_equal(changed[..., 1:], pixels[..., 1:])


@pytest.mark.parametrize(("severity", "side"), [(1, 30), (2, 28), (3, 27), (4, 24), (5, 20)])
def test_pixelate_against_pillow(severity: int, side: int, shapes: np.ndarray):
    box = Image.Resampling.BOX
    expected = [np.asarray(Image.fromarray(image).resize((side, side), box).resize((32, 32), box)) for image in shapes[:4]]
    np.testing.assert_array_equal(corrupt(shapes[:4], "pixelate", severity), expected)


@pytest.mark.parametrize(("severity", "quality"), [(1, 80), (2, 65), (3, 58), (4, 50), (5, 40)])
def test_jpeg_against_pillow(severity: int, quality: int, shapes: np.ndarray):
    expected = [jpeg(image, quality) for image in shapes[:4]]
    np.testing.assert_array_equal(corrupt(shapes[:4], "jpeg_compression", severity), expected)


def test_elastic_severity_1_moves_straight_lines_to_straight_lines():
    """Without the field the transform is affine: a ramp of grey stays a ramp, its second differences are nought."""
    ramp = np.broadcast_to(np.arange(64, 192, 4, dtype=np.float32)[:, None, None] / 255, (6, 32, 32, 3))
    rng = np.random.default_rng(0)
    warped = CORRUPTIONS["elastic_transform"](ramp, 1, rng)[:, 12:20, 12:20]  # away from the reflection at the edge
    assert np.abs(np.diff(warped, 2, axis=1)).max() < 1e-4
    assert np.abs(np.diff(warped, 2, axis=2)).max() < 1e-4
    assert np.abs(warped - ramp[:, 12:20, 12:20]).max() > 0.01
