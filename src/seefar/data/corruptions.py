"""The 15 corruptions of CIFAR-10-C at five severities, computed here from the published definitions.

Source: Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261. Every constant that a function looks up by severity is
that of ImageNet-C/create_c/make_cifar_c.py in https://github.com/hendrycks/robustness (commit ca36008).

Frost is not theirs: they lay photographs of frost over the images, which we do not have; here a texture is generated. Figures
for frost, and means over all corruptions that contain it, are not comparable with published ones. The others follow the
definitions, but draw other random numbers and round (theirs cut off), so that single images differ from CIFAR-10-C.

The definitions are made for 32x32. Lengths in pixels (radii, streaks, flakes) grow and shrink with the height of the images.

Every function takes float32 `(n, h, w, 3)` in 0..1, a severity and a generator, leaves its input as it is, and returns floats
of the same shape that may lie a little outside 0..1. Every draw comes from a child of the generator (`fresh`), image by image,
and sums run within one image: what becomes of an image does not depend on those after it.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from seefar.data.corruption_filters import (
    bilinear,
    blur,
    clamp,
    disk,
    enlarge,
    fresh,
    gaussian,
    ice_needles,
    look_up,
    mirror,
    mirror_edge,
    plasma,
    scale_of,
    smear,
    stretch,
)
from seefar.errors import UsageError, did_you_mean
from seefar.seeds import derive

SEVERITIES = (1, 2, 3, 4, 5)
# Pixels changed at a time; chosen by hand: 512 images of 32x32, 6 MB. Another value changes what is drawn
BLOCK_PIXELS = 1 << 19
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as in cv2.COLOR_RGB2GRAY of the original


def corrupt(pixels: np.ndarray, name: str, severity: int, seed: int = 0) -> np.ndarray:
    """Corrupt images. The first ones come out the same however many follow.

    Args:
        pixels: uint8 `(n, h, w, 3)`, 0..255.
        name: one of CORRUPTIONS.
        severity: 1 (slight) to 5 (strong).
        seed: of the noise, angles and textures.

    Returns:
        uint8 `(n, h, w, 3)`.

    Raises:
        UsageError: `name` or `severity` is unknown.
    """
    if name not in CORRUPTIONS:
        raise UsageError(
            f"no corruption is called {name!r}{did_you_mean(name, CORRUPTIONS)}; there are {', '.join(CORRUPTIONS)}"
        )
    if severity not in SEVERITIES:
        raise UsageError(f"severity is {severity!r}, but it must be one of {', '.join(map(str, SEVERITIES))}")
    corrupted = np.empty_like(pixels)
    step = max(1, BLOCK_PIXELS // math.prod(pixels.shape[1:3]))
    for block, start in enumerate(range(0, len(pixels), step)):
        rng = np.random.default_rng(derive(seed, f"corruption:{name}", severity, block))
        part = pixels[start : start + step].astype(np.float32) / 255
        corrupted[start : start + step] = _levels(CORRUPTIONS[name](part, severity, rng))
    return corrupted


# Noise


def gaussian_noise(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of one standard deviation everywhere: poor light."""
    deviation = (0.04, 0.06, 0.08, 0.09, 0.10)[severity - 1]
    noisy: np.ndarray = pixels + deviation * fresh(rng).standard_normal(pixels.shape, np.float32)
    return noisy


def shot_noise(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Count photons: Poisson noise, stronger where it is bright. The number is that of photons in a white pixel."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    return fresh(rng).poisson(pixels * np.float64(photons)) / photons


def impulse_noise(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Salt and pepper: set a share of the values, channel by channel, to 0 or 1 with equal chance."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    drawn = fresh(rng).random(pixels.shape, np.float32)
    return np.where(drawn < share, drawn < share / 2, pixels)


# Blur


def defocus_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Convolve with a small disk whose edge is softened: out of focus. At 32x32 the kernel has 3x3 or 5x5 places."""
    radius, softness = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    kernel = stretch(disk(radius, softness), scale_of(pixels))
    margin = len(kernel) // 2
    h, w = pixels.shape[1:3]
    rows, columns = (mirror(np.arange(-margin, side + margin), side) for side in (h, w))
    padded = pixels[:, rows[:, None], columns]
    blurred = np.zeros_like(pixels)
    for row, column in np.argwhere(kernel > 0):
        blurred += kernel[row, column] * padded[:, row : row + h, column : column + w]
    return blurred


def glass_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Blur, give every pixel the colour of a near one, and blur again: frosted glass.

    The original means to exchange two pixels, but both sides of its exchange are views of the array, so that one is copied
    and the other stays. CIFAR-10-C was made like that; so is this. At 32x32 a pixel takes its own colour or that of the one to
    the left, above, or both.
    """
    sigma, delta, times = ((0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2))[severity - 1]
    n, h, w = pixels.shape[:3]
    delta = max(1, round(delta * scale_of(pixels)))
    rows_blur, columns_blur = (gaussian(side, sigma * scale_of(pixels), 4, clamp) for side in (h, w))
    blurred = blur(pixels, rows_blur, columns_blur)
    rows, columns = np.arange(h)[:, None], np.arange(w)
    inside = (rows > delta) & (rows <= h - delta) & (columns > delta) & (columns <= w - delta)
    for _ in range(times):
        moves = fresh(rng).integers(-delta, delta, size=(n, h, w, 2)) * inside[:, :, None]
        blurred = look_up(blurred, rows + moves[..., 0], columns + moves[..., 1])
    return blur(blurred, rows_blur, columns_blur)


def motion_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Smear each image at an angle of its own, at most 45 degrees from the horizontal: a moving camera."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    return smear(pixels, radius, sigma, fresh(rng).uniform(-45, 45, (len(pixels),)))


def zoom_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """The mean of the image and of larger and larger versions of it: a camera that moves towards the thing.

    A step of the zoom is 1 %, less than a pixel of 32, so that several steps give the same version; each of them counts.
    """
    factors = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1], 0.01)  # rounding adds the end itself to some
    h, w = pixels.shape[1:3]
    versions: dict[bytes, tuple[np.ndarray, np.ndarray, int]] = {}
    for factor in [1.0, *factors.tolist()]:  # the 1.0 is the image itself, which counts besides
        rows, columns = enlarge(h, factor), enlarge(w, factor)
        key = rows.tobytes() + columns.tobytes()
        versions[key] = (rows, columns, versions[key][2] + 1 if key in versions else 1)
    channels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    total = np.zeros_like(channels)
    for rows, columns, times in versions.values():
        total += np.float32(times) * rows @ channels @ columns.T
    return total.transpose(0, 2, 3, 1) / (len(factors) + 1)


# Weather


def snow(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Whiten the image a little and lay falling flakes over it: bright grains of noise, enlarged and smeared downwards."""
    mean, deviation, zoom, least, radius, sigma, kept = (
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    )[severity - 1]
    n, h, w = pixels.shape[:3]
    zoom = max(1.0, zoom * scale_of(pixels))  # a flake has at least a pixel
    grains = np.float32(mean) + np.float32(deviation) * fresh(rng).standard_normal((n, h, w), np.float32)
    grains = enlarge(h, zoom) @ grains @ enlarge(w, zoom).T
    grains[grains < least] = 0
    flakes = smear(np.minimum(grains, 1)[..., None], radius, sigma, fresh(rng).uniform(-135, -45, (n,)))
    whitened = np.maximum(pixels, (pixels @ LUMA)[..., None] * 1.5 + 0.5)
    snowy: np.ndarray = kept * pixels + (1 - kept) * whitened + flakes + flakes[:, ::-1, ::-1]
    return snowy


def frost(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Lay ice over the image: a GENERATED texture of bluish needles, not the photographs of the original.

    Only the two shares are published ones. The figures are not comparable with those for the frost of CIFAR-10-C.
    """
    own, ice = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    frosted: np.ndarray = own * pixels + ice * ice_needles(pixels, rng)
    return frosted


def fog(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Add a bank of fog (a plasma fractal) and dim the sum so that the brightest value could stay what it was."""
    density, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    n, h, w = pixels.shape[:3]
    brightest = pixels.max(axis=(1, 2, 3), keepdims=True)
    bank = plasma(n, 1 << (max(h, w) - 1).bit_length(), decay, rng)[:, :h, :w, None]
    foggy: np.ndarray = (pixels + density * bank) * (brightest / (brightest + density))
    return foggy


def brightness(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Raise the value of HSV (the largest of red, green and blue), at most to 1. The ratios of the three stay."""
    added = (0.05, 0.1, 0.15, 0.2, 0.3)[severity - 1]
    value = pixels.max(axis=3, keepdims=True)
    raised = np.minimum(value + added, 1)
    # black has no hue: it becomes grey
    bright: np.ndarray = np.where(value > 0, pixels * (raised / np.where(value > 0, value, 1)), raised)
    return bright


# Digital


def contrast(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Shrink the distance of the values from the mean of their channel in the image."""
    factor = (0.75, 0.5, 0.4, 0.3, 0.15)[severity - 1]
    means = pixels.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    flatter: np.ndarray = (pixels - means) * factor + means
    return flatter


def elastic_transform(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Move three points of each image at random and the rest along with them, then shift every pixel by a smooth random field.

    Severity 1 has no field. The constants are shares of the side: strength and smoothness of the field, reach of the points.

    Source: Simard et al. 2003 (the field), https://doi.org/10.1109/ICDAR.2003.1227801
    """
    n, h, w = pixels.shape[:3]
    strength, sigma, reach = ((0, 0, 0.08), (0.05, 0.2, 0.07), (0.08, 0.06, 0.06), (0.1, 0.04, 0.05), (0.1, 0.03, 0.03))[
        severity - 1
    ]
    centre, arm = np.array([h // 2, w // 2]), max(1, min(h, w) // 3)
    points = centre + arm * np.array([[1, 1], [-1, 1], [-1, -1]])  # row and column of each
    moved = points + fresh(rng).uniform(-reach * h, reach * h, (n, 3, 2))
    # For each image the 3x2 matrix that says where in the old image a place (row, column, 1) of the new one comes from.
    to_old = np.linalg.solve(np.concatenate([moved, np.ones((n, 3, 1))], 2), np.broadcast_to(points * 1.0, (n, 3, 2)))
    rows, columns = np.arange(h, dtype=np.float64)[:, None], np.arange(w, dtype=np.float64)
    factors = to_old[:, :, :, None, None]
    old_rows, old_columns = (factors[:, 0, i] * rows + factors[:, 1, i] * columns + factors[:, 2, i] for i in (0, 1))
    warped = bilinear(pixels, old_rows, old_columns, mirror)
    if not strength:
        return warped
    field = fresh(rng).uniform(-1, 1, (n, 2, h, w))
    field = strength * h * (gaussian(h, sigma * h, 3, mirror_edge) @ field @ gaussian(w, sigma * h, 3, mirror_edge).T)
    return bilinear(warped, rows + field[:, 0], columns + field[:, 1], mirror_edge)


def pixelate(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Reduce the image to a share of its side and enlarge it again, both with Pillow's box filter."""
    share = (0.95, 0.9, 0.85, 0.75, 0.65)[severity - 1]
    h, w = pixels.shape[1:3]
    small = (max(1, int(w * share)), max(1, int(h * share)))
    box = Image.Resampling.BOX
    return _by_pillow(pixels, lambda image: image.resize(small, box).resize((w, h), box))


def jpeg_compression(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Write as JPEG of low quality, by Pillow, and read again."""
    quality = (80, 65, 58, 50, 40)[severity - 1]

    def through_jpeg(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=quality)
        return Image.open(file)

    return _by_pillow(pixels, through_jpeg)


def _levels(pixels: np.ndarray) -> np.ndarray:
    """uint8 in 0..255, rounded and clipped, from floats in 0..1."""
    levels: np.ndarray = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels


def _by_pillow(pixels: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    changed = [np.asarray(change(Image.fromarray(image))) for image in _levels(pixels)]
    return np.reshape(changed, pixels.shape).astype(np.float32) / 255


CORRUPTIONS: dict[str, Callable[[np.ndarray, int, np.random.Generator], np.ndarray]] = {
    "gaussian_noise": gaussian_noise,
    "shot_noise": shot_noise,
    "impulse_noise": impulse_noise,
    "defocus_blur": defocus_blur,
    "glass_blur": glass_blur,
    "motion_blur": motion_blur,
    "zoom_blur": zoom_blur,
    "snow": snow,
    "frost": frost,
    "fog": fog,
    "brightness": brightness,
    "contrast": contrast,
    "elastic_transform": elastic_transform,
    "pixelate": pixelate,
    "jpeg_compression": jpeg_compression,
}
GROUPS: dict[str, tuple[str, ...]] = {
    "noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "weather": ("snow", "frost", "fog", "brightness"),
    "digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
}
