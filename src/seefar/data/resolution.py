"""Training at a lower resolution: how large the images are shown at a moment of the run, and how they are made smaller."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 2000  # images that are held in float32 at once: 25 MB at 32 pixels


def side_at(resolution: Sequence[tuple[float, float]], progress: float, size: int) -> int:
    """How many pixels a side the images have at a moment of the run.

    A network whose last layer takes the largest value over the map works at any size. A step on images of 20 instead of 32 pixels
    takes 0.4 of the time, and most of what is learned early can be seen in them; the end is at full size, which the network
    is tested at. Source: Howard 2018, https://www.fast.ai/posts/2018-04-30-dawnbench-fastai.html (progressive resizing)

    Args:
        resolution: the recipe's: pairs of the share of the run from which on it holds, and the share of the side.
        progress: share of the run that lies behind, 0..1.
        size: height and width of the images in pixels.
    """
    return round([share for start, share in resolution if start <= progress][-1] * size)


def shrink(pixels: Tensor, side: int) -> Tensor:
    """Images of another size: each new pixel is the mean of the old ones that it covers.

    Args:
        pixels: uint8 `(n, h, h, 3)`.
        side: pixels a side, at most h.

    Returns:
        uint8 `(n, side, side, 3)`; `pixels` itself where that is their size.
    """
    if side == pixels.shape[1]:
        return pixels
    small = torch.empty((len(pixels), side, side, 3), dtype=torch.uint8, device=pixels.device)
    for old, new in zip(pixels.split(BLOCK), small.split(BLOCK), strict=True):
        new.copy_(F.adaptive_avg_pool2d(old.permute(0, 3, 1, 2).float(), side).round_().permute(0, 2, 3, 1))
    return small


def steps_done(resolution: Sequence[tuple[float, float]], time: float) -> float:
    """The share of its steps that a run has done after a share of its time: small images are done with sooner.

    A step takes as long as its images have pixels (measured for `fast`: 0.38 and 0.68 of the time at 20 and 26 of 32 pixels, where
    0.39 and 0.66 of the pixels are).

    Args:
        resolution: the recipe's.
        time: share of the time that has passed, 0..1.
    """
    ends = [*(start for start, _ in resolution[1:]), 1.0]
    work = [(end - start) * side**2 for (start, side), end in zip(resolution, ends, strict=True)]
    left = time * sum(work)
    for (start, side), part in zip(resolution, work, strict=True):
        if left < part:
            return start + left / side**2
        left -= part
    return 1.0
