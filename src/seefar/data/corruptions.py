"""The 15 corruptions of CIFAR-10-C at five severities, computed here from the published definitions.

Source: Hendrycks and Dietterich 2019, https://arxiv.org/abs/1903.12261. Every constant that a function looks up by severity is
that of ImageNet-C/create_c/make_cifar_c.py in https://github.com/hendrycks/robustness (commit ca36008).

Frost is not theirs: they lay photographs of frost over the images, which we do not have; here a texture is generated. Figures
for frost, and means over all corruptions that contain it, are not comparable with published ones. The others follow the
definitions, but draw other random numbers and round (theirs cut off), so that single images differ from CIFAR-10-C.

The definitions are made for 32x32. Lengths in pixels (radii, streaks, flakes) grow and shrink with the height of the images.

Every function takes float32 `(n, h, w, 3)` in 0..1, a severity and a generator, leaves its input as it is, and returns floats
of the same shape that may lie a little outside 0..1. Every draw comes from a child of the generator (`_fresh`), image by image,
and sums run within one image: what becomes of an image does not depend on those after it.
"""

import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image

from seefar.errors import UsageError, did_you_mean
from seefar.seeds import derive

SEVERITIES = (1, 2, 3, 4, 5)
BLOCK_PIXELS = (
    1 << 19
)  # pixels changed at a time; chosen by hand: 512 images of 32x32, 6 MB. Another value changes what is drawn
SIDE = 32  # height of the images that the published lengths in pixels are made for
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, as in cv2.COLOR_RGB2GRAY of the original

Fold = Callable[[np.ndarray, int], np.ndarray]  # brings positions outside 0..size-1 back inside


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
    noisy: np.ndarray = pixels + deviation * _fresh(rng).standard_normal(pixels.shape, np.float32)
    return noisy


def shot_noise(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Count photons: Poisson noise, stronger where it is bright. The number is that of photons in a white pixel."""
    photons = (500, 250, 100, 75, 50)[severity - 1]
    return _fresh(rng).poisson(pixels * np.float64(photons)) / photons


def impulse_noise(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Salt and pepper: set a share of the values, channel by channel, to 0 or 1 with equal chance."""
    share = (0.01, 0.02, 0.03, 0.05, 0.07)[severity - 1]
    drawn = _fresh(rng).random(pixels.shape, np.float32)
    return np.where(drawn < share, drawn < share / 2, pixels)


# Blur


def defocus_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Convolve with a small disk whose edge is softened: out of focus. At 32x32 the kernel has 3x3 or 5x5 places."""
    radius, softness = ((0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1))[severity - 1]
    kernel = _stretch(_disk(radius, softness), _scale(pixels))
    margin = len(kernel) // 2
    h, w = pixels.shape[1:3]
    rows, columns = (_mirror(np.arange(-margin, side + margin), side) for side in (h, w))
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
    delta = max(1, round(delta * _scale(pixels)))
    rows_blur, columns_blur = (_gaussian(side, sigma * _scale(pixels), 4, _clamp) for side in (h, w))
    blurred = _blur(pixels, rows_blur, columns_blur)
    rows, columns = np.arange(h)[:, None], np.arange(w)
    inside = (rows > delta) & (rows <= h - delta) & (columns > delta) & (columns <= w - delta)
    for _ in range(times):
        moves = _fresh(rng).integers(-delta, delta, size=(n, h, w, 2)) * inside[:, :, None]
        blurred = _look_up(blurred, rows + moves[..., 0], columns + moves[..., 1])
    return _blur(blurred, rows_blur, columns_blur)


def motion_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Smear each image at an angle of its own, at most 45 degrees from the horizontal: a moving camera."""
    radius, sigma = ((6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5))[severity - 1]
    return _smear(pixels, radius, sigma, _fresh(rng).uniform(-45, 45, (len(pixels),)))


def zoom_blur(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """The mean of the image and of larger and larger versions of it: a camera that moves towards the thing.

    A step of the zoom is 1 %, less than a pixel of 32, so that several steps give the same version; each of them counts.
    """
    factors = np.arange(1, (1.06, 1.11, 1.16, 1.21, 1.26)[severity - 1], 0.01)  # rounding adds the end itself to some
    h, w = pixels.shape[1:3]
    versions: dict[bytes, tuple[np.ndarray, np.ndarray, int]] = {}
    for factor in [1.0, *factors.tolist()]:  # the 1.0 is the image itself, which counts besides
        rows, columns = _enlarge(h, factor), _enlarge(w, factor)
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
    zoom = max(1.0, zoom * _scale(pixels))  # a flake has at least a pixel
    grains = np.float32(mean) + np.float32(deviation) * _fresh(rng).standard_normal((n, h, w), np.float32)
    grains = _enlarge(h, zoom) @ grains @ _enlarge(w, zoom).T
    grains[grains < least] = 0
    flakes = _smear(np.minimum(grains, 1)[..., None], radius, sigma, _fresh(rng).uniform(-135, -45, (n,)))
    whitened = np.maximum(pixels, (pixels @ LUMA)[..., None] * 1.5 + 0.5)
    snowy: np.ndarray = kept * pixels + (1 - kept) * whitened + flakes + flakes[:, ::-1, ::-1]
    return snowy


def frost(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Lay ice over the image: a GENERATED texture of bluish needles, not the photographs of the original.

    Only the two shares are published ones. The figures are not comparable with those for the frost of CIFAR-10-C.
    """
    own, ice = ((1, 0.2), (1, 0.3), (0.9, 0.4), (0.85, 0.4), (0.75, 0.45))[severity - 1]
    frosted: np.ndarray = own * pixels + ice * _ice(pixels, rng)
    return frosted


def fog(pixels: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Add a bank of fog (a plasma fractal) and dim the sum so that the brightest value could stay what it was."""
    density, decay = ((0.2, 3), (0.5, 3), (0.75, 2.5), (1, 2), (1.5, 1.75))[severity - 1]
    n, h, w = pixels.shape[:3]
    brightest = pixels.max(axis=(1, 2, 3), keepdims=True)
    bank = _plasma(n, 1 << (max(h, w) - 1).bit_length(), decay, rng)[:, :h, :w, None]
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
    moved = points + _fresh(rng).uniform(-reach * h, reach * h, (n, 3, 2))
    # For each image the 3x2 matrix that says where in the old image a place (row, column, 1) of the new one comes from.
    to_old = np.linalg.solve(np.concatenate([moved, np.ones((n, 3, 1))], 2), np.broadcast_to(points * 1.0, (n, 3, 2)))
    rows, columns = np.arange(h, dtype=np.float64)[:, None], np.arange(w, dtype=np.float64)
    factors = to_old[:, :, :, None, None]
    old_rows, old_columns = (factors[:, 0, i] * rows + factors[:, 1, i] * columns + factors[:, 2, i] for i in (0, 1))
    warped = _bilinear(pixels, old_rows, old_columns, _mirror)
    if not strength:
        return warped
    field = _fresh(rng).uniform(-1, 1, (n, 2, h, w))
    field = strength * h * (_gaussian(h, sigma * h, 3, _mirror_edge) @ field @ _gaussian(w, sigma * h, 3, _mirror_edge).T)
    return _bilinear(warped, rows + field[:, 0], columns + field[:, 1], _mirror_edge)


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


# Random numbers and levels


def _fresh(rng: np.random.Generator) -> np.random.Generator:
    """A stream for one draw. With a second draw from the same stream, the first image would depend on the number of images."""
    return rng.spawn(1)[0]


def _levels(pixels: np.ndarray) -> np.ndarray:
    """uint8 in 0..255, rounded and clipped, from floats in 0..1."""
    levels: np.ndarray = np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)
    return levels


def _by_pillow(pixels: np.ndarray, change: Callable[[Image.Image], Image.Image]) -> np.ndarray:
    changed = [np.asarray(change(Image.fromarray(image))) for image in _levels(pixels)]
    return np.reshape(changed, pixels.shape).astype(np.float32) / 255


def _scale(pixels: np.ndarray) -> float:
    """How much longer a length in pixels is here than at 32x32."""
    return float(pixels.shape[1] / SIDE)


# What lies outside an image: the three ways of the libraries that the original calls.


def _clamp(positions: np.ndarray, size: int) -> np.ndarray:
    """The edge goes on: 0 0 | 0 1 2 | 2 2. In scipy "nearest"; ImageMagick's way."""
    changed: np.ndarray = np.clip(positions, 0, size - 1)
    return changed


def _mirror(positions: np.ndarray, size: int) -> np.ndarray:
    """Reflected, the edge not repeated: 2 1 | 0 1 2 | 1 0. In scipy "mirror", in OpenCV BORDER_REFLECT_101."""
    folded = np.abs(positions) % max(1, 2 * size - 2)
    inside: np.ndarray = np.minimum(folded, 2 * size - 2 - folded)
    return inside


def _mirror_edge(positions: np.ndarray, size: int) -> np.ndarray:
    """Reflected, the edge repeated: 1 0 | 0 1 2 | 2 1. In scipy "reflect"."""
    folded = positions % (2 * size)
    inside: np.ndarray = np.minimum(folded, 2 * size - 1 - folded)
    return inside


# Looking up, blurring, enlarging


def _look_up(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The images whose pixel (y, x) is pixel (rows, columns) of the old ones.

    Args:
        pixels: `(n, h, w, c)`.
        rows, columns: integers inside the image, which broadcast to `(n, h, w)`.
    """
    n, h, w, channels = pixels.shape
    places = (np.arange(n) * h)[:, None, None] + rows
    found: np.ndarray = pixels.reshape(-1, channels).take(places * w + columns, axis=0)
    return found


def _bilinear(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray, fold: Fold) -> np.ndarray:
    """Likewise for places between pixels, floats `(n, h, w)` that may lie outside: each of the four around has its share."""
    h, w = pixels.shape[1:3]
    upper, left = np.floor(rows), np.floor(columns)
    down, right = (rows - upper).astype(np.float32), (columns - left).astype(np.float32)
    total = np.zeros_like(pixels)
    for i, row_share in enumerate((1 - down, down)):
        inside_rows = fold(upper.astype(np.int64) + i, h)
        for j, column_share in enumerate((1 - right, right)):
            near = _look_up(pixels, inside_rows, fold(left.astype(np.int64) + j, w))
            total += (row_share * column_share)[..., None] * near
    return total


def _gaussian(size: int, sigma: float, truncate: float, fold: Fold) -> np.ndarray:
    """Gaussian blur of one side as a matrix, float32 `(size, size)`: what part of each new pixel comes from each old one.

    As in scipy.ndimage.gaussian_filter, the kernel ends at `truncate` standard deviations.
    """
    radius = int(truncate * sigma + 0.5)
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-(offsets**2) / (2 * sigma**2))
    places = np.arange(size)[:, None]
    matrix = np.zeros((size, size))
    np.add.at(matrix, (places, fold(places + offsets, size)), weights / weights.sum())
    return matrix.astype(np.float32)


def _blur(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Apply one matrix to the rows and one to the columns of images `(n, h, w, c)`."""
    blurred: np.ndarray = rows @ pixels.transpose(0, 3, 1, 2) @ columns.T
    return np.ascontiguousarray(blurred.transpose(0, 2, 3, 1))


def _enlarge(size: int, factor: float) -> np.ndarray:
    """Linear enlargement of the middle of one side as a matrix, float32 `(size, size)`.

    It keeps the quirks of the original, which cuts out whole pixels, calls scipy.ndimage.zoom, which rounds the new length and
    lays the first and last pixels upon one another, and cuts again: a factor may do nothing, or shift by part of a pixel.
    """
    cut = math.ceil(size / factor)
    top = (size - cut) // 2
    longer = round(cut * factor)
    trim = (longer - size) // 2
    places = (np.arange(size) + trim) * (cut - 1) / max(1, longer - 1)
    lower = np.floor(places).astype(int)
    matrix = np.zeros((size, size))
    np.add.at(matrix, (np.arange(size), top + lower), 1 - (places - lower))
    np.add.at(matrix, (np.arange(size), top + np.minimum(lower + 1, cut - 1)), places - lower)
    return matrix.astype(np.float32)


def _disk(radius: float, softness: float) -> np.ndarray:
    """A disk of whole pixels, softened by a Gaussian that ends after one pixel: float64 `(k, k)`; its sum is 1."""
    places = np.arange(-int(radius), int(radius) + 1)
    disk = places[:, None] ** 2 + places**2 <= radius**2
    soft = np.exp(-(np.arange(-1, 2) ** 2) / (2 * softness**2))
    softened = np.zeros((len(disk) + 2, len(disk) + 2))
    for row, column in np.ndindex(3, 3):
        softened[row : row + len(disk), column : column + len(disk)] += soft[row] * soft[column] * disk
    kernel: np.ndarray = softened / softened.sum()
    return kernel


def _stretch(kernel: np.ndarray, scale: float) -> np.ndarray:
    """A kernel of squares as wide as `scale` pixels, spread by area over whole pixels: float32 `(k, k)`, the same sum."""
    half = math.ceil(len(kernel) * scale / 2 - 0.5)
    old, new = (np.arange(len(kernel) + 1) - len(kernel) / 2) * scale, np.arange(-half, half + 2) - 0.5
    shared = np.minimum(new[1:, None], old[1:]) - np.maximum(new[:-1, None], old[:-1])
    shares = np.maximum(shared, 0) / scale
    stretched: np.ndarray = (shares @ kernel @ shares.T).astype(np.float32)
    return stretched


def _smear(pixels: np.ndarray, radius: float, sigma: float, degrees: np.ndarray) -> np.ndarray:
    """Blur to one side along a line: half a Gaussian, as ImageMagick's motion blur, which the original calls.

    Args:
        pixels: `(n, h, w, c)`.
        radius: half the length of the line in pixels of 32x32; sigma likewise.
        degrees: float `(n,)`: 0 looks to the right, 90 downwards.

    Source: MotionBlurImage in MagickCore/effect.c, https://github.com/ImageMagick/ImageMagick
    """
    h, w = pixels.shape[1:3]
    sigma *= _scale(pixels)
    steps = np.arange(2 * math.ceil(radius * _scale(pixels)) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights = weights[weights > 1e-3]  # chosen by hand: the rest is less than a level, and takes half of the time
    weights /= weights.sum()
    radians = np.deg2rad(degrees)[:, None]
    smeared = np.zeros_like(pixels)
    for step, weight in enumerate(weights.astype(np.float32)):
        down, right = (np.ceil(step * part - 0.5).astype(np.int64) for part in (np.sin(radians), np.cos(radians)))
        rows, columns = _clamp(np.arange(h) + down, h), _clamp(np.arange(w) + right, w)
        smeared += weight * _look_up(pixels, rows[:, :, None], columns[:, None, :])
    return smeared


# Textures


def _plasma(n: int, size: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """Height maps by the diamond-square algorithm: float32 `(n, size, size)` in 0..1, whose opposite edges fit together.

    Args:
        n: how many.
        size: a power of two.
        decay: by which the random part is divided from each scale to the next finer one; high is smooth.

    Source: Fournier et al. 1982, https://doi.org/10.1145/358523.358553; the amplitude (100 squared at first) is the original's.
    """
    maps = np.zeros((n, size, size))
    step, amplitude = size, 100.0

    def jittered(sums: np.ndarray) -> np.ndarray:
        jittered: np.ndarray = sums / 4 + amplitude * _fresh(rng).uniform(-amplitude, amplitude, sums.shape)
        return jittered

    while step >= 2:
        half = step // 2
        corners = maps[:, ::step, ::step]
        pairs = corners + np.roll(corners, -1, axis=1)
        maps[:, half::step, half::step] = jittered(pairs + np.roll(pairs, -1, axis=2))
        centres = maps[:, half::step, half::step]
        maps[:, ::step, half::step] = jittered(centres + np.roll(centres, 1, 1) + corners + np.roll(corners, -1, 2))
        maps[:, half::step, ::step] = jittered(centres + np.roll(centres, 1, 2) + corners + np.roll(corners, -1, 1))
        step, amplitude = half, amplitude / decay
    maps -= maps.min(axis=(1, 2), keepdims=True)
    unit: np.ndarray = (maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9)).astype(np.float32)
    return unit


ICE = np.array([0.80, 0.91, 1.0], np.float32)  # bluish white; chosen by hand, as are the numbers of `_ice`


def _ice(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Needles of ice in three directions 60 degrees apart, denser in some places: float32 `(n, h, w, 3)` in 0..1.

    Each direction is noise whose spectrum is cut to what changes slowly along it and fast across; its peaks are the needles.
    """
    n, h, w = pixels.shape[:3]
    # in cycles per side of 32 pixels
    down, right = np.fft.fftfreq(h)[:, None] * SIDE * _scale(pixels), np.fft.rfftfreq(w) * SIDE * _scale(pixels)
    spectra = np.fft.rfft2(_fresh(rng).standard_normal((n, 4, h, w), np.float32))

    def noise(which: int, spectrum: np.ndarray) -> np.ndarray:
        field = np.fft.irfft2(spectra[:, which] * spectrum, (h, w))
        field -= field.mean(axis=(1, 2), keepdims=True)
        scaled: np.ndarray = field / np.maximum(field.std(axis=(1, 2), keepdims=True), 1e-9)
        return scaled

    first = _fresh(rng).uniform(0, np.pi / 3, (n,))[:, None, None]
    needles = np.zeros((n, h, w))
    for which in range(3):
        angle = first + which * np.pi / 3
        along, across = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
        kept = np.exp(-((along / 1.5) ** 2) / 2 - ((np.abs(across) - 6) / 2.5) ** 2 / 2)
        needles = np.maximum(needles, np.clip((noise(which, kept) - 0.4) / 1.2, 0, 1))
    cover = np.clip(0.5 + 0.35 * noise(3, np.exp(-((down**2 + right**2) / 2.0**2) / 2)), 0, 1)
    ice: np.ndarray = ((0.3 + 0.7 * needles) * cover)[..., None].astype(np.float32)
    coloured: np.ndarray = ICE * ice
    return coloured
