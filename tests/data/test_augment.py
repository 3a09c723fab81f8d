"""Augmentation: each technique against its formula, and the laws they keep together."""

import random
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import Tensor
from torch.nn import functional as F

from seefar.data.augment import (
    affine,
    augment,
    beta,
    brightness_contrast,
    check,
    cutmix,
    cutout,
    flip,
    mirror_mask,
    mix,
    mixes,
    mixup,
    shift,
)
from seefar.errors import UsageError
from seefar.recipes import Augmentation

OFF = Augmentation()
ON = {
    "flip": "random",
    "shift": 2,
    "rotate": 20.0,
    "zoom": 0.2,
    "cutout": 3,
    "brightness": 0.3,
    "contrast": 0.5,
    "mixup": 0.5,
    "cutmix": 1.0,
}
WHOLE = ("flip", "shift", "cutout")  # what leaves whole numbers whole
CHANGES = tuple(name for name in ON if name not in ("mixup", "cutmix"))
FILL = torch.tensor([125.4, 122.6, 113.0])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 16, h: int = 10, w: int = 12) -> Tensor:
    """Random uint8 images `(n, 3, h, w)`, channels last in memory as Batches hands them out."""
    return torch.randint(0, 256, (n, h, w, 3), dtype=torch.uint8, generator=seeded(7)).permute(0, 3, 1, 2)


def only(*names: str) -> Augmentation:
    return replace(OFF, **{name: ON[name] for name in names})


def changed(pixels: Tensor, how: Augmentation, seed: int = 0) -> Tensor:
    """`augment`, with every other image mirrored."""
    return augment(pixels, torch.arange(len(pixels)) % 2 == 1, how, FILL, seeded(seed))


# One technique at a time


def test_flip_mirrors_the_chosen_images_and_twice_is_nothing() -> None:
    pixels, mirrored = batch(), torch.arange(16) % 3 == 0
    flipped = flip(pixels, mirrored)
    assert torch.equal(flipped[mirrored], pixels[mirrored].flip(3))
    assert torch.equal(flipped[~mirrored], pixels[~mirrored])
    assert torch.equal(flip(flipped, mirrored), pixels)


def test_shift_is_pad_by_reflection_and_crop() -> None:
    h, w = 5, 4
    pixels = batch(63, h, w)
    down, right = (moved.reshape(-1) for moved in torch.meshgrid(torch.arange(-4, 5), torch.arange(-3, 4), indexing="ij"))
    shifted = shift(pixels, down, right)
    for image, new, y, x in zip(pixels, shifted, down.tolist(), right.tolist(), strict=True):
        padded = F.pad(image[None].float(), (w - 1, w - 1, h - 1, h - 1), mode="reflect")[0]
        assert torch.equal(new.float(), padded[:, h - 1 - y : 2 * h - 1 - y, w - 1 - x : 2 * w - 1 - x])
    assert torch.equal(shift(pixels, torch.zeros_like(down), torch.zeros_like(down)), pixels)


def test_shift_beyond_reflection_is_refused() -> None:
    with pytest.raises(UsageError, match=r"image of 12 pixels a side was to be moved by 12; reflection fills at most 11"):
        shift(batch(2), torch.tensor([0, 9]), torch.tensor([1, -12]))


def test_all_shifts_occur_alike() -> None:
    numbered = torch.arange(25, dtype=torch.uint8).view(1, 1, 5, 5).expand(5000, 3, 5, 5)
    centres = changed(numbered, only("shift"))[:, 0, 2, 2]  # the place that each image's centre came from
    assert stats.chisquare(centres.bincount(minlength=25)).pvalue > 0.001


def test_affine_by_nothing_is_nothing_and_quarter_turns_are_exact() -> None:
    square, wide = batch(4, 9, 9), batch(4, 6, 9)
    for pixels in (square, wide):
        assert torch.allclose(affine(pixels, torch.zeros(4), torch.ones(4)), pixels.float(), atol=1e-3)
        assert torch.allclose(
            affine(pixels, torch.full((4,), 180.0), torch.ones(4)), pixels.rot90(2, (2, 3)).float(), atol=1e-2
        )
    turned = affine(square, torch.tensor([90.0, 180.0, -90.0, 360.0]), torch.ones(4))
    for image, new, turns in zip(square, turned, (1, 2, 3, 4), strict=True):
        assert torch.allclose(new, image.rot90(turns, (1, 2)).float(), atol=1e-2)


def test_affine_is_that_of_scipy() -> None:
    pixels = batch(5, 9, 14)
    degrees, factors = torch.tensor([0.0, 0.0, 33.0, -120.0, 10.0]), torch.tensor([1.7, 0.6, 1.0, 1.0, 0.8])
    new = affine(pixels, degrees, factors).numpy()
    centre = np.array([4.0, 6.5])
    for i, (angle, factor) in enumerate(zip(np.deg2rad(degrees.numpy()), factors.numpy(), strict=True)):
        to_old = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) / factor  # of (row, column)
        for channel in range(3):
            image = pixels[i, channel].double().numpy()
            expected = ndimage.affine_transform(image, to_old, centre - to_old @ centre, order=1, mode="reflect")
            np.testing.assert_allclose(new[i, channel], expected, atol=0.01)


def test_turns_and_zooms_fill_their_range_each_way() -> None:
    """A ramp along x at the centre has the slope `cos / factor`, one along y shows the sine."""
    ramp = torch.stack([torch.arange(9.0).expand(9, 9), torch.arange(9.0).view(9, 1).expand(9, 9), torch.zeros(9, 9)])
    pixels = (10 * ramp).byte().expand(2000, 3, 9, 9)
    for how in (only("rotate"), only("zoom"), only("rotate", "zoom")):
        new = changed(pixels, how)
        along_x, along_y = ((new[:, i, 4, 5] - new[:, i, 4, 3]).double() / 20 for i in (0, 1))
        factors, degrees = 1 / along_x.hypot(along_y), torch.atan2(along_y, along_x).rad2deg()
        for values, bound in ((factors - 1, how.zoom), (degrees, how.rotate)):
            if bound == 0:
                assert values.abs().max().item() < 1e-4
            else:
                assert stats.kstest(values.numpy(), stats.uniform(-bound, 2 * bound).cdf).pvalue > 0.001
    assert abs(np.corrcoef(factors.numpy(), degrees.numpy())[0, 1]) < 0.1


def test_cutout_paints_one_square_in_each_image_and_nothing_else() -> None:
    pixels = batch(2, 6, 7)
    painted = cutout(pixels, torch.tensor([0, 2]), torch.tensor([3, 1]), 4, FILL)
    for image, new, y, x in zip(pixels, painted, (0, 2), (3, 1), strict=True):
        expected = image.clone()
        expected[:, y : y + 4, x : x + 4] = torch.tensor([125, 123, 113], dtype=torch.uint8).view(3, 1, 1)
        assert torch.equal(new, expected)
    exact = cutout(pixels.float(), torch.tensor([0, 2]), torch.tensor([3, 1]), 4, FILL)
    assert torch.equal(exact[1, :, 2, 1], FILL)


def test_cutout_squares_lie_inside_and_everywhere_alike() -> None:
    black = torch.zeros(6000, 3, 6, 7, dtype=torch.uint8)
    painted = changed(black, only("cutout")).any(1)
    assert painted.sum((1, 2)).eq(9).all()
    rows, columns = (painted.any(axis).byte().argmax(1) for axis in (2, 1))
    assert painted[torch.arange(6000), rows + 2, columns + 2].all()
    assert stats.chisquare((rows * 5 + columns).bincount(minlength=4 * 5)).pvalue > 0.001
    assert changed(black, replace(OFF, cutout=6)).any(1).sum((1, 2)).eq(36).all()


def test_brightness_and_contrast_follow_their_formula() -> None:
    pixels = batch(3)
    added, factors = torch.tensor([0.0, 30.0, -5.0]), torch.tensor([1.0, 1.0, 0.4])
    new = brightness_contrast(pixels, added, factors)
    means = pixels.double().mean((1, 2, 3))
    for i in range(3):
        expected = means[i] + factors[i] * (pixels[i].double() - means[i]) + added[i]
        assert torch.allclose(new[i].double(), expected, atol=1e-3)


def test_brightness_and_contrast_fill_their_range_each_way() -> None:
    pixels = torch.tensor([120, 130], dtype=torch.uint8).view(1, 1, 1, 2).expand(2000, 3, 1, 2)
    new = changed(pixels, only("brightness", "contrast"))[:, 0, 0].double()
    added, factors = (new.mean(1) - 125) / 255, (new[:, 1] - new[:, 0]) / 10
    assert stats.kstest(added.numpy(), stats.uniform(-0.3, 0.6).cdf).pvalue > 0.001
    assert stats.kstest(factors.numpy(), stats.uniform(0.5, 1.0).cdf).pvalue > 0.001
    assert abs(np.corrcoef(added.numpy(), factors.numpy())[0, 1]) < 0.1


# Mixing


def mixed(how: Augmentation, seed: int, side: int = 9) -> tuple[Tensor, Tensor]:
    """Eight images of one value each, 0, 10, ..., 70, each of its own class."""
    flat = (10 * torch.arange(8, dtype=torch.uint8)).view(8, 1, 1, 1).expand(8, 3, side, side)
    return mix(flat, torch.arange(8), 8, how, seeded(seed))


@pytest.mark.parametrize("how", [only("mixup"), only("cutmix"), only("mixup", "cutmix")], ids=["mixup", "cutmix", "both"])
def test_targets_are_the_share_of_each_image_in_the_pixels(how: Augmentation) -> None:
    own_shares, partners = set(), set()
    for seed in range(60):
        pixels, targets = mixed(how, seed)
        assert pixels.dtype == targets.dtype == torch.float32
        assert torch.allclose(targets.sum(1), torch.ones(8))
        # The mean of an image says what it is made of: own share times own value, and the rest.
        assert torch.allclose(pixels.mean((1, 2, 3)), targets @ (10 * torch.arange(8.0)), atol=1e-3)
        own_shares.update(targets.diagonal()[targets.diagonal() < 1].tolist())
        partners.update((i, int(j)) for i, j in targets.fill_diagonal_(0).nonzero().tolist())
    assert len(own_shares) > 10
    assert len(partners) > 50  # of 8 * 7


def test_cutmix_pastes_the_rectangle_of_the_paper() -> None:
    pixels, targets = torch.stack([torch.zeros(3, 20, 10), torch.ones(3, 20, 10)]), torch.eye(2)
    partners = torch.tensor([1, 0])
    for kept, row, column, rows, columns in (
        (0.75, 10, 5, (5, 15), (3, 7)),  # half of each side: 10 and 5, of which the halves are 5 and 2
        (0.75, 1, 9, (0, 6), (7, 10)),  # cut off at the edge
        (1.0, 3, 3, (3, 3), (3, 3)),
        (0.0, 10, 5, (0, 20), (0, 10)),
    ):
        new, shares = cutmix(pixels, targets, partners, kept, row, column)
        expected = torch.zeros(3, 20, 10)
        expected[:, slice(*rows), slice(*columns)] = 1
        assert torch.equal(new[0], expected)
        assert torch.equal(new[1], 1 - expected)
        pasted = expected[0].sum().item() / 200
        assert torch.allclose(shares, torch.tensor([[1 - pasted, pasted], [pasted, 1 - pasted]]))


def test_a_batch_is_mixed_in_one_way_and_each_way_is_as_likely() -> None:
    whole = [bool(mixed(only("mixup", "cutmix"), seed)[0].frac().eq(0).all()) for seed in range(300)]
    assert 120 < sum(whole) < 180  # cutmix leaves whole numbers, mixup does not
    assert all(bool(mixed(only("cutmix"), seed)[0].frac().eq(0).all()) for seed in range(20))
    assert not any(bool(mixed(only("mixup"), seed)[0].frac().eq(0).all()) for seed in range(20))


def test_an_image_mixed_with_itself_is_itself() -> None:
    pixels, targets = batch(4).float(), torch.eye(4)
    for new, shares in (mixup(pixels, targets, torch.arange(4), 0.3), cutmix(pixels, targets, torch.arange(4), 0.3, 5, 5)):
        assert torch.equal(new, pixels)
        assert torch.equal(shares, targets)


def test_without_mixing_targets_are_the_labels() -> None:
    pixels, labels = batch(4), torch.tensor([2, 0, 1, 2])
    new, targets = mix(pixels, labels, 5, only("flip", "cutout"), seeded(0))
    assert torch.equal(new, pixels.float())
    assert torch.equal(targets, torch.eye(5)[labels])


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_shares_have_the_beta_distribution(alpha: float) -> None:
    generator = seeded(3)
    shares = [beta(alpha, generator) for _ in range(1000)]
    assert stats.kstest(shares, stats.beta(alpha, alpha).cdf).pvalue > 0.001


# Which images are mirrored


def test_alternating_shows_both_orientations_in_any_two_epochs() -> None:
    start = torch.rand(100, generator=seeded(1)) < 0.5
    masks = [mirror_mask("alternating", start, epoch, seeded(epoch)) for epoch in range(1, 7)]
    assert torch.equal(masks[0], start)
    assert all((before ^ after).all() for before, after in pairwise(masks))


def test_random_and_no_flips() -> None:
    start = torch.ones(10_000, dtype=torch.bool)
    one, again, other = (mirror_mask("random", start, 1, seeded(seed)) for seed in (0, 0, 1))
    assert torch.equal(one, again)
    assert one.float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert (one == other).float().mean().item() == pytest.approx(0.5, abs=0.02)
    assert not mirror_mask("none", start, 1, seeded(0)).any()


# What all of them keep


def test_what_is_not_named_changes_nothing_and_each_field_alone_does() -> None:
    assert [field.name for field in fields(Augmentation)] == list(ON)
    assert changed(pixels := batch(), OFF) is pixels
    assert [name for name in ON if mixes(only(name))] == ["mixup", "cutmix"]
    for name in CHANGES:
        assert not torch.equal(changed(batch(), only(name)).float(), batch().float())


@pytest.mark.parametrize("names", [*((name,) for name in CHANGES), CHANGES], ids="+".join)
def test_format_range_and_input_are_kept(names: tuple[str, ...]) -> None:
    how = only(*names)
    pixels = torch.where(batch() < 128, 0, 255).byte().contiguous(memory_format=torch.channels_last)
    before = pixels.clone()
    new = changed(pixels, how)
    assert torch.equal(pixels, before)
    assert new.shape == pixels.shape
    assert new.dtype == (torch.uint8 if set(names) <= set(WHOLE) else torch.float32)
    assert new.is_contiguous(memory_format=torch.channels_last)
    assert 0 <= new.min().item() <= new.max().item() <= 255
    assert torch.equal(changed(pixels.contiguous(), how), new)  # however the pixels lie in memory


@pytest.mark.parametrize("name", ["mixup", "cutmix"])
def test_mixing_keeps_format_range_and_input(name: str) -> None:
    for pixels in (batch(), batch().float()):
        before = pixels.clone()
        new, _ = mix(pixels, torch.arange(16) % 3, 3, only(name), seeded(5))
        assert torch.equal(pixels, before)
        assert new.is_contiguous(memory_format=torch.channels_last)
        assert not torch.equal(new, pixels.float())
        assert 0 <= new.min().item() <= new.max().item() <= 255


def test_the_seed_decides_and_global_random_numbers_are_left_alone() -> None:
    before = torch.get_rng_state(), random.getstate(), str(np.random.get_state())  # noqa: NPY002
    for how in (*map(only, ON), only(*ON)):
        start, labels = torch.zeros(16, dtype=torch.bool), torch.arange(16)
        results = []
        for seed in (0, 0, 1):
            generator = seeded(seed)
            mirrored = mirror_mask(how.flip, start, 1, generator)
            results.append(mix(augment(batch(), mirrored, how, FILL, generator), labels, 16, how, generator)[0])
        assert torch.equal(results[0], results[1])
        assert not torch.equal(results[0], results[2])
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), str(np.random.get_state()))  # noqa: NPY002


def test_successive_batches_of_one_generator_differ() -> None:
    generator = seeded(0)
    first, second = (augment(batch(), torch.zeros(16), only("shift"), FILL, generator) for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("name", ["rotate", "zoom", "brightness", "contrast"])
def test_switching_one_on_leaves_flips_and_shifts_as_they_were(name: str) -> None:
    """Switched on, but so little that nothing else than other draws could change a pixel."""
    expected = changed(batch(), only("flip", "shift")).float()
    found = changed(batch(), replace(only("flip", "shift"), **{name: 1e-6}))
    assert torch.allclose(found, expected, atol=0.01)


def test_cutout_leaves_flips_and_shifts_as_they_were_and_they_leave_cutout() -> None:
    moved, both = changed(batch(), only("flip", "shift")), changed(batch(), only("flip", "shift", "cutout"))
    square = changed(torch.zeros_like(moved), only("cutout")).bool()
    assert square.any(1).sum((1, 2)).eq(9).all()
    assert torch.equal(both[~square], moved[~square])
    assert torch.equal(both[square], changed(torch.zeros_like(moved), only("cutout"))[square])
    everything = changed(torch.zeros_like(moved), only(*CHANGES))
    assert torch.equal(everything.eq(FILL.view(3, 1, 1)), square)


def test_each_step_takes_one_number_whatever_is_on() -> None:
    start = torch.zeros(16, dtype=torch.bool)
    states = []
    for how in (OFF, only("flip"), only(*ON)):
        for step in (
            lambda how, generator: mirror_mask(how.flip, start, 1, generator),
            lambda how, generator: augment(batch(), start, how, FILL, generator),
            lambda how, generator: mix(batch(), torch.arange(16), 16, how, generator),
        ):
            generator = seeded(0)
            step(how, generator)
            states.append(torch.randint(2**40, (), generator=generator).item())
    assert len(set(states)) == 1
    assert states[0] != torch.randint(2**40, (), generator=seeded(0)).item()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        (
            "shift",
            12,
            "shift is 12, but reflection fills a gap of at most 11 pixels in images of 12x12; use --set shift=0 to 11",
        ),
        ("cutout", 13, "cutout is 13, but the square must fit into images of 12x12; use --set cutout=0 to 12"),
    ],
)
def test_what_the_images_are_too_small_for_is_refused(name: str, value: int, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(replace(OFF, **{name: value}), 12)
    assert str(caught.value) == sentence
    with pytest.raises(UsageError):  # augment asks too, of the shorter side
        changed(batch(2, 12, 14), replace(OFF, **{name: value}))
    check(replace(OFF, shift=11, cutout=12), 12)
    changed(batch(2, 12, 14), replace(OFF, shift=11, cutout=12))
