"""The built-in image set: ten shapes drawn by a seeded generator, so that everything can be tried without a download.

Every image shows one object on a ground, each with colours and a texture of its own; the object's size, turn and place, the
light and the noise vary too. None of that depends on the class, so only the outline tells it. An outline is a signed distance
(negative inside): one field of numbers gives the smooth edge, the bevel and the soft shadow, with nothing drawn larger first.

Source: the distance from a box is Inigo Quilez's, "2D distance functions", iquilezles.org.
"""

import math
from collections.abc import Callable

import numpy as np

from seefar.data.images import Dataset, ImageSet
from seefar.errors import UsageError
from seefar.seeds import derive

SIZE = 32  # height and width in pixels, as CIFAR's
BLOCK = 250  # images drawn at a time: 1 MB for each field of numbers; a multiple of ten, so that the classes take turns
TRAIN, TEST = 10_000, 2_000  # enough that a small network passes 85 % in half a minute on two cores; measured, n=2
STEPS = np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2  # the pixels' centres, seen from the middle of the image
X, Y = STEPS[None, None, :], STEPS[None, :, None]  # both spread over (BLOCK, SIZE, SIZE)
SOURCE = (
    "seefar's built-in shapes: 32x32 pictures of ten shapes drawn by a seeded generator; not photographs, and not CIFAR-10, "
    "so an accuracy on them compares with no published one."
)


def load_shapes(seed: int = 0, train: int = TRAIN, test: int = TEST) -> Dataset:
    """Draw the built-in image set.

    The same arguments give the same bytes on every call. A set of another size begins with the same images.

    Args:
        seed: any integer; another one draws other images of the same kinds.
        train: number of training images, at least 10. The classes take turns, so they are balanced.
        test: likewise for the test images, which share no image with the training images.

    Returns:
        A Dataset of 32x32 colour images in ten classes.

    Raises:
        UsageError: fewer images than classes.
    """
    return Dataset(
        name="shapes",
        train=_draw_split("train", train, seed),
        test=_draw_split("test", test, seed),
        source=SOURCE,
        origin={"data": "shapes"} if (seed, train, test) == (0, TRAIN, TEST) else {},  # `load` gives the usual set only
        modes={"train": {"RGB": train}, "test": {"RGB": test}},
        sizes={"train": {f"{SIZE}x{SIZE}": train}, "test": {f"{SIZE}x{SIZE}": test}},
    )


def _draw_split(split: str, n: int, seed: int) -> ImageSet:
    if n < len(OUTLINES):
        raise UsageError(f"shapes needs at least {len(OUTLINES)} {split} images, one for each class; found {n}")
    pixels = np.empty((n, SIZE, SIZE, 3), np.uint8)
    for block, start in enumerate(range(0, n, BLOCK)):
        rng = np.random.default_rng(derive(seed, f"shapes {split}", block))
        pixels[start : start + BLOCK] = _draw_block(rng)[: n - start]
    labels = np.arange(n, dtype=np.int64) % len(OUTLINES)
    return ImageSet(pixels, labels, tuple(OUTLINES), tuple(f"{split}/{i:05d}" for i in range(n)))


def _draw_block(rng: np.random.Generator) -> np.ndarray:
    """Draw BLOCK images whose classes take turns: uint8 `(BLOCK, SIZE, SIZE, 3)`. All ranges are chosen by hand, by eye."""
    # Where the object lies, and how far each pixel is from the outline.
    radius, stretch, turn = _uniform(rng, 6.5, 10), _uniform(rng, 0.92, 1.08), _uniform(rng, 0, 2 * np.pi)
    room = 14 - 1.2 * radius
    x, y = X - room * _uniform(rng, -1, 1), Y - room * _uniform(rng, -1, 1)
    distance = _distances(x, y, radius, stretch, turn)

    # The hues of object and ground lie apart, and one of the two is lighter, so that there is always something to see.
    hue, light, contrast = _uniform(rng, 0, 1), _uniform(rng, 0.45, 0.6), _uniform(rng, 0.1, 0.2)
    contrast *= np.sign(_uniform(rng, -1, 1))
    object_colours = _textures(rng, hue, light + contrast)
    ground_colours = _textures(rng, hue + _uniform(rng, 0.25, 0.75), light - contrast)

    # The light falls from one side: the ground is brighter there, the bevel catches it, and the shadow lies on the other side.
    from_angle = _uniform(rng, 0, 2 * np.pi)
    light_x, light_y = np.cos(from_angle), np.sin(from_angle)
    ambient = _uniform(rng, 0.8, 1.1) + _uniform(rng, 0, 0.012) * (X * light_x + Y * light_y)
    slope_y, slope_x = np.gradient(distance, axis=(1, 2))
    bevel = np.clip(1 + distance / _uniform(rng, 1.5, 5), 0, 1) * (slope_x * light_x + slope_y * light_y)
    reach = _uniform(rng, 1, 3)
    shadow_distance = _distances(x + reach * light_x, y + reach * light_y, radius, stretch, turn)
    shadow = _uniform(rng, 0.2, 0.6) * np.clip(0.5 - shadow_distance / 3, 0, 1)  # with an edge 3 pixels soft

    objects = object_colours * (ambient * (1 + _uniform(rng, 0.2, 0.5) * bevel))[:, None]
    images = ground_colours * (ambient * (1 - shadow))[:, None]
    cover = np.clip(0.5 - distance, 0, 1)  # the part of the pixel that the object covers
    images += cover[:, None] * (objects - images)
    images += _uniform(rng, 0, 0.03)[:, None] * rng.standard_normal(images.shape, np.float32)
    pixels: np.ndarray = (np.clip(images, 0, 1) * 255 + 0.5).astype(np.uint8)
    return pixels.transpose(0, 2, 3, 1)


def _uniform(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """One random number for each image, that spreads over its pixels: float32 `(BLOCK, 1, 1)`."""
    numbers: np.ndarray = rng.uniform(low, high, (BLOCK, 1, 1)).astype(np.float32)
    return numbers


def _distances(x: np.ndarray, y: np.ndarray, radius: np.ndarray, stretch: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Signed distances in pixels from the outline in each image, negative inside: float32 `(BLOCK, SIZE, SIZE)`."""
    along = (x * np.cos(turn) + y * np.sin(turn)) / (radius * stretch)
    across = (y * np.cos(turn) - x * np.sin(turn)) / (radius / stretch)
    distances = np.empty((BLOCK, SIZE, SIZE), np.float32)
    for label, outline in enumerate(OUTLINES.values()):
        members = slice(label, None, len(OUTLINES))
        distances[members] = outline(along[members], across[members])
    distances *= radius
    return distances


def _textures(rng: np.random.Generator, hue: np.ndarray, light: np.ndarray) -> np.ndarray:
    """Two related colours for each image, mixed by stripes, checks or clouds: float32 `(BLOCK, 3, SIZE, SIZE)`, about 0..1."""
    turn, frequency = _uniform(rng, 0, 2 * np.pi), 2 * np.pi / _uniform(rng, 4, 14)
    cos, sin = np.cos(turn) * frequency, np.sin(turn) * frequency
    clouds = _clouds(rng, 4) + _clouds(rng, 9)
    warp = _uniform(rng, 0, 3) * clouds  # turns stripes into marble
    stripes = np.sin(X * cos + Y * sin + _uniform(rng, 0, 2 * np.pi) + warp)
    checks = np.sin(Y * cos - X * sin + _uniform(rng, 0, 2 * np.pi)) * stripes
    kind = rng.integers(3, size=(BLOCK, 1, 1))
    pattern = np.where(kind == 0, stripes, np.where(kind == 1, checks, clouds))
    mix = np.clip(0.5 + _uniform(rng, 0.4, 1.5) * pattern, 0, 1)[:, None]
    one, other = _colours(rng, hue, light), _colours(rng, hue, light)
    textures: np.ndarray = one + mix * (other - one)
    return textures


def _colours(rng: np.random.Generator, hue: np.ndarray, light: np.ndarray) -> np.ndarray:
    """A colour near the hue (1 is the full circle) and lightness (0..1) for each image: float32 `(BLOCK, 3, 1, 1)`."""
    hue, light = hue + _uniform(rng, -0.08, 0.08), light + _uniform(rng, -0.1, 0.1)
    channels = np.array([0, 1 / 3, 2 / 3], np.float32)[:, None, None]
    waves = np.cos(2 * np.pi * (hue[:, None] + channels))
    colours: np.ndarray = light[:, None] + _uniform(rng, 0.05, 0.3)[:, None] * waves
    return colours


def _clouds(rng: np.random.Generator, cells: int) -> np.ndarray:
    """Random numbers on a lattice of `cells` by `cells`, blended smoothly: float32 `(BLOCK, SIZE, SIZE)`, -1..1."""
    lattice = rng.uniform(-1, 1, (BLOCK, cells, cells)).astype(np.float32)
    offsets = np.linspace(0, cells - 1, SIZE, dtype=np.float32)[:, None] - np.arange(cells, dtype=np.float32)
    blend = 0.5 + 0.5 * np.cos(np.pi * np.clip(offsets, -1, 1))
    clouds: np.ndarray = blend @ lattice @ blend.T
    return clouds


# The outlines. Each takes coordinates in units of the object's radius, x along its axis, and returns signed distances in the
# same unit. Their areas are alike (within a quarter of the unit disc's), so that brightness does not tell the class.


def _star(x: np.ndarray, y: np.ndarray, points: int, outer: float, inner: float) -> np.ndarray:
    """A star; with `inner = outer * cos(pi / points)` it has no notches and is a regular polygon."""
    half = math.pi / points
    angle = np.abs(np.arctan2(y, x) % (2 * half) - half)  # folded onto half a point: the notch is at 0, the tip at `half`
    tip_x, tip_y = outer * math.cos(half), outer * math.sin(half)
    edge = math.hypot(tip_x - inner, tip_y)
    r = np.hypot(x, y)
    distance: np.ndarray = ((r * np.cos(angle) - inner) * tip_y - r * np.sin(angle) * (tip_x - inner)) / edge
    return distance


def _box(x: np.ndarray, y: np.ndarray, half_length: float, half_width: float) -> np.ndarray:
    dx, dy = np.abs(x) - half_length, np.abs(y) - half_width
    distance: np.ndarray = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)
    return distance


def _teardrop(x: np.ndarray, y: np.ndarray, length: float, radius: float) -> np.ndarray:
    """A disc round (length, 0) and the two tangents to it from the tip at the origin."""
    sin = radius / length  # of half the angle at the tip
    cos = math.sqrt(1 - sin**2)
    y = np.abs(y)
    tangent, disc = y * cos - x * sin, np.hypot(x - length, y) - radius
    return np.where(x * cos + y * sin < length * cos, tangent, disc)


def _heart(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Two drops that lean together, and a wide one that fills the groove between them."""
    cos, sin = math.cos(0.41), math.sin(0.41)
    x, y = x + 1.2, np.abs(y)
    leaning = _teardrop(x * cos + y * sin, y * cos - x * sin, 1.5, 0.64)
    distance: np.ndarray = np.minimum(leaning, _teardrop(x, y, 0.9, 0.676))
    return distance


def _arrow(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    head = np.maximum((x + np.abs(y) - 1.5) * math.sqrt(0.5), 0.35 - x)
    distance: np.ndarray = np.minimum(head, _box(x + 0.5, y, 1, 0.32))
    return distance


OUTLINES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "arrow": _arrow,
    "crescent": lambda x, y: np.maximum(np.hypot(x, y) - 1.25, 0.95 - np.hypot(x - 0.65, y)),
    "cross": lambda x, y: np.minimum(_box(x, y, 1.25, 0.4), _box(x, y, 0.4, 1.25)),
    "disc": lambda x, y: np.hypot(x, y) - 1,
    "drop": lambda x, y: _teardrop(x + 1.6, y, 2.2, 0.82),
    "heart": _heart,
    "ring": lambda x, y: np.abs(np.hypot(x, y) - 0.95) - 0.27,
    "square": lambda x, y: _box(x, y, 0.9, 0.9),
    "star": lambda x, y: _star(x, y, points=5, outer=1.5, inner=0.65),
    "triangle": lambda x, y: _star(x, y, points=3, outer=1.5, inner=0.75),
}
