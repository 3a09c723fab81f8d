"""Training at a lower resolution: the right size at each moment, and each small pixel the mean of what it covers."""

import numpy as np
import pytest
import torch
from PIL import Image

from seefar.data.resolution import BLOCK, shrink, side_at, steps_done

STEPS = ((0.0, 0.625), (0.5, 0.8125), (0.8, 1.0))


@pytest.mark.parametrize(
    ("progress", "side"), [(0, 20), (0.25, 20), (0.4999, 20), (0.5, 26), (0.7999, 26), (0.8, 32), (0.999, 32), (1, 32)]
)
def test_the_side_follows_the_run(progress: float, side: int) -> None:
    assert side_at(STEPS, progress, 32) == side


def test_one_pair_is_one_size() -> None:
    assert {side_at(((0.0, 1.0),), progress, 28) for progress in (0, 0.5, 1)} == {28}


def test_full_size_is_no_copy() -> None:
    pixels = torch.zeros(2, 8, 8, 3, dtype=torch.uint8)
    assert shrink(pixels, 8) is pixels


def test_half_the_side_takes_the_mean_of_four() -> None:
    pixels = torch.randint(0, 256, (BLOCK + 7, 8, 8, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = pixels.float().reshape(-1, 4, 2, 4, 2, 3).mean((2, 4)).round()
    assert torch.equal(shrink(pixels, 4).float(), expected)
    assert shrink(pixels, 4).is_contiguous()


@pytest.mark.parametrize(("size", "side"), [(32, 20), (32, 26), (28, 17), (5, 3), (5, 1)])
def test_every_size_is_torchs_own_mean_to_the_bit(size: int, side: int) -> None:
    pixels = torch.randint(0, 256, (20, size, size, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    expected = torch.nn.functional.adaptive_avg_pool2d(pixels.permute(0, 3, 1, 2).float(), side).round().permute(0, 2, 3, 1)
    assert torch.equal(shrink(pixels, side), expected.to(torch.uint8))


def test_an_uneven_size_is_near_to_pillows_box_filter() -> None:
    smooth = np.linspace(0, 255, 32)[:, None, None] * np.ones((1, 32, 3)) * np.linspace(0.5, 1, 32)[None, :, None]
    image = smooth.astype(np.uint8)
    small = shrink(torch.from_numpy(image)[None], 20)[0].numpy().astype(int)
    box = np.asarray(Image.fromarray(image).resize((20, 20), Image.Resampling.BOX)).astype(int)
    assert np.abs(small - box).max() <= 3


@pytest.mark.parametrize("time", [0, 0.1, 0.3, 0.7, 0.99])
def test_time_and_steps_are_the_same_at_one_size(time: float) -> None:
    assert steps_done(((0.0, 1.0),), time) == pytest.approx(time)
    assert steps_done(((0.0, 0.5), (0.4, 0.5)), time) == pytest.approx(time)


def test_steps_rise_with_time_from_nothing_to_all_of_them() -> None:
    seen = [steps_done(STEPS, moment / 100) for moment in range(101)]
    assert seen[0] == 0
    assert seen[-1] == 1
    assert seen == sorted(seen)
    work = [0.5 * 0.625**2, 0.3 * 0.8125**2, 0.2]
    assert steps_done(STEPS, work[0] / sum(work)) == pytest.approx(0.5)
    assert steps_done(STEPS, (work[0] + work[1]) / sum(work)) == pytest.approx(0.8)
