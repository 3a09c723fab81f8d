"""Training at a lower resolution: how large the images are shown at a moment of the run, and how they are made smaller."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

BLOCK = 250  # images that are held in float32 at once: 3 MB at 32 pixels, so that they stay in the processor's cache


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
    height = pixels.shape[1]
    if side == height:
        return pixels
    # Which old rows a new one covers, 0 or 1, (side, h); columns likewise, as numbers of three colours, (side * 3, h * 3)
    covered = F.adaptive_avg_pool1d(torch.eye(height, device=pixels.device), side).T.sign().contiguous()
    across = torch.kron(covered, torch.eye(3, device=pixels.device))
    counts = covered.sum(1)[:, None] * across.sum(1)  # how many old pixels are in a new one, (side, side * 3)
    small = torch.empty((len(pixels), side, side, 3), dtype=torch.uint8, device=pixels.device)
    for old, new in zip(pixels.split(BLOCK), small.split(BLOCK), strict=True):
        rows = covered @ old.view(len(old), height, -1).float()
        sums = rows @ across.T  # whole numbers, so exact: as products three times as fast as adaptive_avg_pool2d
        new.copy_((sums / counts).round_().reshape(new.shape))
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
