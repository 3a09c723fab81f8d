"""Augmentation: training images changed a batch at a time, on the device where they lie.

Every random number is drawn on the CPU and then moved, so that a seed changes the images alike on every device. `augment`,
`mirror_mask` and `mix` each take exactly one number from the generator they are given, whatever is on, and derive a stream for every
technique from it: switching one technique on leaves what the others draw as it was.

The functions named after a technique draw nothing. They take what was drawn, so that each can be used and tested alone; they
never change their input, and what they return is channels last in memory.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from seefar.errors import UsageError
from seefar.recipes import Augmentation
from seefar.seeds import derive


def check(how: Augmentation, size: int) -> None:
    """Raise UsageError if `shift` or `cutout` is too large for images of `size` pixels a side."""
    if how.shift > size - 1:
        raise UsageError(
            f"shift is {how.shift}, but reflection fills a gap of at most {size - 1} pixels in images of {size}x{size}; "
            f"use --set shift=0 to {size - 1}"
        )
    if how.cutout > size:
        raise UsageError(
            f"cutout is {how.cutout}, but the square must fit into images of {size}x{size}; use --set cutout=0 to {size}"
        )


def mixes(how: Augmentation) -> bool:
    """Whether images are mixed with others, and labels with them."""
    return how.mixup > 0 or how.cutmix > 0


def mirror_mask(how_flip: str, start: Tensor, epoch: int, generator: torch.Generator) -> Tensor:
    """Which images are mirrored in this epoch.

    "alternating" shows every image in both orientations in any two successive epochs, which "random" does for half of them only.

    Args:
        how_flip: "none", "random" or "alternating".
        start: bool `(b,)`: drawn once a run for every image, and used by "alternating" alone.
        epoch: counted from 1.
        generator: on the CPU; one number is taken from it.

    Returns:
        bool `(b,)`, on the device of `start`.

    Source: Keller Jordan 2024, section 3.6, https://arxiv.org/abs/2404.00498
    """
    seed = _seed(generator)
    if how_flip == "none":
        return torch.zeros_like(start)
    if how_flip == "random":
        return _to(torch.rand(len(start), generator=_stream(seed, "flip")) < 0.5, start.device)
    return start ^ (epoch % 2 == 0)


def augment(pixels: Tensor, mirrored: Tensor, how: Augmentation, fill: Tensor, generator: torch.Generator) -> Tensor:
    """Change a batch, each image in its own way: flip, shift, turn and zoom, brightness and contrast, cutout, in this order.

    Cutout comes last so that its colour stays what it is. Mixing is another function (`mix`): it changes the labels too.

    Args:
        pixels: uint8 `(b, 3, h, w)`.
        mirrored: bool `(b,)`: the images to flip (see `mirror_mask`); not looked at if `how.flip` is "none".
        how: what is done, and how much.
        fill: float `(3,)`, 0..255: the colour of cutout, the mean of the training images.
        generator: on the CPU; one number is taken from it.

    Returns:
        `(b, 3, h, w)`: uint8 if flip, shift and cutout are all that is on, else float32 in 0..255. It is `pixels` itself where
        nothing is on.

    Raises:
        UsageError: `shift` or `cutout` is too large for the images.
    """
    b, _, h, w = pixels.shape
    check(how, min(h, w))
    seed = _seed(generator)
    if how.flip != "none":
        pixels = flip(pixels, mirrored)
    if how.shift:
        down, right = torch.randint(-how.shift, how.shift + 1, (2, b), generator=_stream(seed, "shift"))
        pixels = shift(pixels, down, right)
    if how.rotate or how.zoom:
        degrees = _uniform(b, how.rotate, _stream(seed, "rotate"))
        factors = 1 + _uniform(b, how.zoom, _stream(seed, "zoom"))
        pixels = affine(pixels, degrees, factors)
    if how.brightness or how.contrast:
        added = 255 * _uniform(b, how.brightness, _stream(seed, "brightness"))
        factors = 1 + _uniform(b, how.contrast, _stream(seed, "contrast"))
        pixels = brightness_contrast(pixels, added, factors)
    if pixels.is_floating_point():
        pixels = pixels.clamp(0, 255)
    if how.cutout:
        stream = _stream(seed, "cutout")
        top = torch.randint(h - how.cutout + 1, (b,), generator=stream)
        left = torch.randint(w - how.cutout + 1, (b,), generator=stream)
        pixels = cutout(pixels, top, left, how.cutout, fill)
    return pixels


def mix(pixels: Tensor, labels: Tensor, classes: int, how: Augmentation, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Mix each image with another of the batch, and their labels in the same proportion: one draw of the share for the whole batch.

    Args:
        pixels: uint8 or float32 `(b, 3, h, w)`, 0..255.
        labels: int64 `(b,)`.
        classes: how many classes there are.
        how: which of mixup and cutmix is on; with neither, images and labels only change their form.
        generator: on the CPU; one number is taken from it.

    Returns:
        Pixels float32 `(b, 3, h, w)` and targets float32 `(b, classes)`, whose rows sum to 1.
    """
    seed = _seed(generator)
    pixels, targets = pixels.float(), F.one_hot(labels, classes).float()
    if not mixes(how):
        return pixels, targets
    b, _, h, w = pixels.shape
    partners = _to(torch.randperm(b, generator=_stream(seed, "partners")), pixels.device)
    both = how.mixup > 0 and how.cutmix > 0
    if how.cutmix == 0 or (both and float(torch.rand((), generator=_stream(seed, "mixup or cutmix"))) < 0.5):
        return mixup(pixels, targets, partners, beta(how.mixup, _stream(seed, "mixup")))
    stream = _stream(seed, "cutmix")
    kept = beta(how.cutmix, stream)
    row, column = (int(torch.randint(side, (), generator=stream)) for side in (h, w))
    return cutmix(pixels, targets, partners, kept, row, column)


def flip(pixels: Tensor, mirrored: Tensor) -> Tensor:
    """Mirror left to right the images for which `mirrored`, bool `(b,)`, is true.

    Source: Krizhevsky et al. 2012, section 4.1, https://proceedings.neurips.cc/paper/2012/hash/c399862d3b9d6b76c8436e924a68c45b-Abstract.html
    """
    h, w = pixels.shape[2:]
    columns = torch.arange(w, device=pixels.device)
    columns = torch.where(_to(mirrored, pixels.device)[:, None], w - 1 - columns, columns)
    return _look_up(pixels, torch.arange(h, device=pixels.device)[None], columns)


def shift(pixels: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """Move each image by whole pixels; the gap shows what lies inside the edge, reflected (the edge itself is not repeated).

    It is the same as to pad by reflection and to crop, the usual augmentation for CIFAR, without the padded copy.

    Args:
        pixels: `(b, 3, h, w)`, any number format.
        down: int64 `(b,)` on the CPU, -(h-1) to h-1: pixels towards the lower edge.
        right: int64 `(b,)` on the CPU, -(w-1) to w-1: pixels towards the right edge.

    Raises:
        UsageError: an image is moved by its own side or more.

    Source: He et al. 2016, section 4.2 (pad and crop), https://arxiv.org/abs/1512.03385; by reflection: Keller Jordan 2024,
        section 3.1, https://arxiv.org/abs/2404.00498
    """
    lines = []
    for moved, side in ((down, pixels.shape[2]), (right, pixels.shape[3])):
        if int(moved.abs().max()) > side - 1:
            raise UsageError(
                f"an image of {side} pixels a side was to be moved by {int(moved.abs().max())}; reflection fills at most {side - 1}"
            )
        wanted = torch.arange(side, device=pixels.device) - _to(moved, pixels.device)[:, None]
        lines.append(side - 1 - (side - 1 - wanted.abs()).abs())  # reflected at 0, then at side - 1
    return _look_up(pixels, *lines)


def affine(pixels: Tensor, degrees: Tensor, factors: Tensor) -> Tensor:
    """Turn and zoom each image about its centre, in one bilinear look-up; what comes from outside is reflected at the edge.

    Args:
        pixels: `(b, 3, h, w)`, 0..255.
        degrees: `(b,)`: the angle, counter-clockwise.
        factors: `(b,)`, above 0: 2 shows everything twice as large, so that the outer part is lost.

    Returns:
        float32 `(b, 3, h, w)`.

    Source: Jaderberg et al. 2015 (the look-up), equations 1 and 5, https://arxiv.org/abs/1506.02025
    """
    h, w = pixels.shape[2:]
    angles = degrees.deg2rad()
    cosine, sine = angles.cos() / factors, angles.sin() / factors
    zero = torch.zeros_like(cosine)
    # From where in the old image each pixel of the new one comes. Both sides run from -1 to 1 here, hence h / w.
    to_old = torch.stack([cosine, -sine * h / w, zero, sine * w / h, cosine, zero], 1).view(-1, 2, 3)
    grid = F.affine_grid(_to(to_old, pixels.device), list(pixels.shape), align_corners=False)
    turned = F.grid_sample(pixels.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return turned.contiguous(memory_format=torch.channels_last)


def brightness_contrast(pixels: Tensor, added: Tensor, factors: Tensor) -> Tensor:
    """`mean + factor * (pixel - mean) + added`, where the mean is that of the image over all pixels and channels.

    Args:
        pixels: `(b, 3, h, w)`, 0..255.
        added: `(b,)`, in the unit of the pixels.
        factors: `(b,)`: 1 leaves the contrast, 0 leaves nothing but the mean.

    Returns:
        float32 `(b, 3, h, w)`, which may lie outside 0..255: `augment` clamps it.

    Source: Howard 2013, section 2, https://arxiv.org/abs/1312.5402
    """
    pixels = pixels.float().contiguous(memory_format=torch.channels_last)
    factor, added = (_to(values, pixels.device).view(-1, 1, 1, 1) for values in (factors, added))
    mean = pixels.mean((1, 2, 3), keepdim=True)
    return torch.addcmul(mean * (1 - factor) + added, pixels, factor)


def cutout(pixels: Tensor, top: Tensor, left: Tensor, side: int, fill: Tensor) -> Tensor:
    """Paint a square in each image.

    The square of the paper may hang over the edge; this one never does, so that every image loses the same area.

    Args:
        pixels: `(b, 3, h, w)`, uint8 or float.
        top: int64 `(b,)`, 0 to h - side: the first row of the square.
        left: int64 `(b,)`, 0 to w - side: its first column.
        side: pixels.
        fill: float `(3,)`: the colour, rounded if the pixels are uint8.

    Returns:
        `(b, 3, h, w)` in the number format of `pixels`.

    Source: DeVries and Taylor 2017, https://arxiv.org/abs/1708.04552
    """
    device = pixels.device
    painted = pixels.permute(0, 2, 3, 1).clone(memory_format=torch.contiguous_format)
    square = torch.arange(side, device=device)
    images = torch.arange(len(pixels), device=device)[:, None, None]
    rows = (_to(top, device)[:, None] + square)[:, :, None]
    columns = (_to(left, device)[:, None] + square)[:, None, :]
    colour = _to(fill, device)
    painted[images, rows, columns] = (colour if pixels.is_floating_point() else colour.round()).to(pixels.dtype)
    return painted.permute(0, 3, 1, 2)


def mixup(pixels: Tensor, targets: Tensor, partners: Tensor, kept: float) -> tuple[Tensor, Tensor]:
    """Lay each image over its partner: `kept * own + (1 - kept) * partner`, images and targets alike.

    Args:
        pixels: float32 `(b, 3, h, w)`.
        targets: float32 `(b, classes)`.
        partners: int64 `(b,)`: whom each image is mixed with.
        kept: the share of its own that each image keeps, 0..1.

    Source: Zhang et al. 2018, https://arxiv.org/abs/1710.09412
    """
    mixed = torch.lerp(pixels[partners], pixels, kept).contiguous(memory_format=torch.channels_last)
    return mixed, torch.lerp(targets[partners], targets, kept)


def cutmix(pixels: Tensor, targets: Tensor, partners: Tensor, kept: float, row: int, column: int) -> tuple[Tensor, Tensor]:
    """Paste a rectangle of its partner into each image, at the same place; the targets are mixed by area.

    Args:
        pixels: float32 `(b, 3, h, w)`.
        targets: float32 `(b, classes)`.
        partners: int64 `(b,)`: whom each image gets the rectangle from.
        kept: the share that each image would keep, 0..1, if no rectangle was cut off at the edge. The targets follow the area
            that was really pasted.
        row, column: the centre of the rectangle, inside the image.

    Source: Yun et al. 2019, equations 1 and 2, https://arxiv.org/abs/1905.04899
    """
    h, w = pixels.shape[2:]
    half_h, half_w = (int(side * (1 - kept) ** 0.5) // 2 for side in (h, w))  # halves, as in the code of the paper
    rows = slice(max(row - half_h, 0), min(row + half_h, h))
    columns = slice(max(column - half_w, 0), min(column + half_w, w))
    mixed = pixels.clone(memory_format=torch.channels_last)
    mixed[:, :, rows, columns] = pixels[:, :, rows, columns][partners]
    pasted = (rows.stop - rows.start) * (columns.stop - columns.start) / (h * w)
    return mixed, torch.lerp(targets, targets[partners], pasted)


def beta(alpha: float, generator: torch.Generator) -> float:
    """One number in 0..1 from the Beta distribution with both parameters `alpha` (above 0): near 0 or 1 if it is small.

    torch.distributions has no generator, so it is made as there: the share of one gamma variable in the sum of two.
    """
    own, other = torch._standard_gamma(torch.full((2,), alpha, dtype=torch.float64), generator=generator).tolist()
    return float(own / (own + other))


def _look_up(pixels: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """The image whose pixel (y, x) is pixel (rows[y], columns[x]) of the old one; rows `(b or 1, h)`, columns `(b or 1, w)`.

    One index_select of whole pixels: on a CPU four times as fast as `pixels[b, :, y, x]` (measured, 128 images of 32x32, n=60).
    """
    b, channels, h, w = pixels.shape
    lines = torch.arange(b, device=pixels.device)[:, None] * h + rows
    places = (lines * w)[:, :, None] + columns[:, None, :]
    flat = pixels.permute(0, 2, 3, 1).reshape(-1, channels)  # a view if the pixels are channels last
    return flat.index_select(0, places.view(-1)).view(b, h, w, channels).permute(0, 3, 1, 2)


def _seed(generator: torch.Generator) -> int:
    """The one number that is taken from the caller's generator."""
    return int(torch.randint(2**63 - 1, (), generator=generator))


def _stream(seed: int, purpose: str) -> torch.Generator:
    return torch.Generator().manual_seed(derive(seed, purpose))


def _uniform(n: int, bound: float, generator: torch.Generator) -> Tensor:
    """float32 `(n,)` in [-bound, bound]."""
    return (2 * torch.rand(n, generator=generator) - 1) * bound


def _to(values: Tensor, device: torch.device) -> Tensor:
    """Moved to the device; to a GPU without waiting for what it is still busy with."""
    return values.to(device, non_blocking=device.type == "cuda")
