"""What the corruptions are made of: streams of random numbers, looking up and blurring pixels, and two textures (fog and ice).

Images are float32 `(n, h, w, c)`, and what becomes of one does not depend on those after it.
"""

import math
from collections.abc import Callable

import numpy as np

SIDE = 32  # height of the images that the published lengths in pixels are made for

Fold = Callable[[np.ndarray, int], np.ndarray]  # brings positions outside 0..size-1 back inside


def fresh(rng: np.random.Generator) -> np.random.Generator:
    """A stream for one draw. With a second draw from the same stream, the first image would depend on the number of images."""
    return rng.spawn(1)[0]


def scale_of(pixels: np.ndarray) -> float:
    """How much longer a length in pixels is here than at 32x32."""
    return float(pixels.shape[1] / SIDE)


# What lies outside an image: the three ways of the libraries that the original calls.


def clamp(positions: np.ndarray, size: int) -> np.ndarray:
    """The edge goes on: 0 0 | 0 1 2 | 2 2. In scipy "nearest"; ImageMagick's way."""
    changed: np.ndarray = np.clip(positions, 0, size - 1)
    return changed


def mirror(positions: np.ndarray, size: int) -> np.ndarray:
    """Reflected, the edge not repeated: 2 1 | 0 1 2 | 1 0. In scipy "mirror", in OpenCV BORDER_REFLECT_101."""
    folded = np.abs(positions) % max(1, 2 * size - 2)
    inside: np.ndarray = np.minimum(folded, 2 * size - 2 - folded)
    return inside


def mirror_edge(positions: np.ndarray, size: int) -> np.ndarray:
    """Reflected, the edge repeated: 1 0 | 0 1 2 | 2 1. In scipy "reflect"."""
    folded = positions % (2 * size)
    inside: np.ndarray = np.minimum(folded, 2 * size - 1 - folded)
    return inside


# Looking up, blurring, enlarging


def look_up(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The images whose pixel (y, x) is pixel (rows, columns) of the old ones.

    Args:
        pixels: `(n, h, w, c)`.
        rows, columns: integers inside the image, which broadcast to `(n, h, w)`.
    """
    n, h, w, channels = pixels.shape
    places = (np.arange(n) * h)[:, None, None] + rows
    found: np.ndarray = pixels.reshape(-1, channels).take(places * w + columns, axis=0)
    return found


def bilinear(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray, fold: Fold) -> np.ndarray:
    """Likewise for places between pixels, floats `(n, h, w)` that may lie outside: each of the four around has its share."""
    h, w = pixels.shape[1:3]
    upper, left = np.floor(rows), np.floor(columns)
    down, right = (rows - upper).astype(np.float32), (columns - left).astype(np.float32)
    total = np.zeros_like(pixels)
    for i, row_share in enumerate((1 - down, down)):
        inside_rows = fold(upper.astype(np.int64) + i, h)
        for j, column_share in enumerate((1 - right, right)):
            near = look_up(pixels, inside_rows, fold(left.astype(np.int64) + j, w))
            total += (row_share * column_share)[..., None] * near
    return total


def gaussian(size: int, sigma: float, truncate: float, fold: Fold) -> np.ndarray:
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


def blur(pixels: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Apply one matrix to the rows and one to the columns of images `(n, h, w, c)`."""
    blurred: np.ndarray = rows @ pixels.transpose(0, 3, 1, 2) @ columns.T
    return np.ascontiguousarray(blurred.transpose(0, 2, 3, 1))


def enlarge(size: int, factor: float) -> np.ndarray:
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


def disk(radius: float, softness: float) -> np.ndarray:
    """A disk of whole pixels, softened by a Gaussian that ends after one pixel: float64 `(k, k)`; its sum is 1."""
    places = np.arange(-int(radius), int(radius) + 1)
    disk = places[:, None] ** 2 + places**2 <= radius**2
    soft = np.exp(-(np.arange(-1, 2) ** 2) / (2 * softness**2))
    softened = np.zeros((len(disk) + 2, len(disk) + 2))
    for row, column in np.ndindex(3, 3):
        softened[row : row + len(disk), column : column + len(disk)] += soft[row] * soft[column] * disk
    kernel: np.ndarray = softened / softened.sum()
    return kernel


def stretch(kernel: np.ndarray, scale: float) -> np.ndarray:
    """A kernel of squares as wide as `scale` pixels, spread by area over whole pixels: float32 `(k, k)`, the same sum."""
    half = math.ceil(len(kernel) * scale / 2 - 0.5)
    old, new = (np.arange(len(kernel) + 1) - len(kernel) / 2) * scale, np.arange(-half, half + 2) - 0.5
    shared = np.minimum(new[1:, None], old[1:]) - np.maximum(new[:-1, None], old[:-1])
    shares = np.maximum(shared, 0) / scale
    stretched: np.ndarray = (shares @ kernel @ shares.T).astype(np.float32)
    return stretched


def smear(pixels: np.ndarray, radius: float, sigma: float, degrees: np.ndarray) -> np.ndarray:
    """Blur to one side along a line: half a Gaussian, as ImageMagick's motion blur, which the original calls.

    Args:
        pixels: `(n, h, w, c)`.
        radius: half the length of the line in pixels of 32x32; sigma likewise.
        degrees: float `(n,)`: 0 looks to the right, 90 downwards.

    Source: MotionBlurImage in MagickCore/effect.c, https://github.com/ImageMagick/ImageMagick
    """
    h, w = pixels.shape[1:3]
    sigma *= scale_of(pixels)
    steps = np.arange(2 * math.ceil(radius * scale_of(pixels)) + 1)
    weights = np.exp(-(steps**2) / (2 * sigma**2))
    weights = weights[weights > 1e-3]  # chosen by hand: the rest is less than a level, and takes half of the time
    weights /= weights.sum()
    radians = np.deg2rad(degrees)[:, None]
    smeared = np.zeros_like(pixels)
    for step, weight in enumerate(weights.astype(np.float32)):
        down, right = (np.ceil(step * part - 0.5).astype(np.int64) for part in (np.sin(radians), np.cos(radians)))
        rows, columns = clamp(np.arange(h) + down, h), clamp(np.arange(w) + right, w)
        smeared += weight * look_up(pixels, rows[:, :, None], columns[:, None, :])
    return smeared


# Textures


def plasma(n: int, size: int, decay: float, rng: np.random.Generator) -> np.ndarray:
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
        jittered: np.ndarray = sums / 4 + amplitude * fresh(rng).uniform(-amplitude, amplitude, sums.shape)
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


ICE = np.array([0.80, 0.91, 1.0], np.float32)  # bluish white; chosen by hand, as are the numbers of `ice_needles`


def ice_needles(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Needles of ice in three directions 60 degrees apart, denser in some places: float32 `(n, h, w, 3)` in 0..1.

    Each direction is noise whose spectrum is cut to what changes slowly along it and fast across; its peaks are the needles.
    """
    n, h, w = pixels.shape[:3]
    # in cycles per side of 32 pixels
    down, right = np.fft.fftfreq(h)[:, None] * SIDE * scale_of(pixels), np.fft.rfftfreq(w) * SIDE * scale_of(pixels)
    spectra = np.fft.rfft2(fresh(rng).standard_normal((n, 4, h, w), np.float32))

    def noise(which: int, spectrum: np.ndarray) -> np.ndarray:
        field = np.fft.irfft2(spectra[:, which] * spectrum, (h, w))
        field -= field.mean(axis=(1, 2), keepdims=True)
        scaled: np.ndarray = field / np.maximum(field.std(axis=(1, 2), keepdims=True), 1e-9)
        return scaled

    first = fresh(rng).uniform(0, np.pi / 3, (n,))[:, None, None]
    needles = np.zeros((n, h, w))
    for which in range(3):
        angle = first + which * np.pi / 3
        along, across = right * np.cos(angle) + down * np.sin(angle), down * np.cos(angle) - right * np.sin(angle)
        kept = np.exp(-((along / 1.5) ** 2) / 2 - ((np.abs(across) - 6) / 2.5) ** 2 / 2)
        needles = np.maximum(needles, np.clip((noise(which, kept) - 0.4) / 1.2, 0, 1))
    cover = np.clip(0.5 + 0.35 * noise(3, np.exp(-((down**2 + right**2) / 2.0**2) / 2)), 0, 1)
    shades: np.ndarray = ((0.3 + 0.7 * needles) * cover)[..., None].astype(np.float32)
    coloured: np.ndarray = ICE * shades
    return coloured
