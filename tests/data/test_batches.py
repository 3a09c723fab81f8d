"""Batches: every image once an epoch, in an order of seed and epoch alone; what it looks like depends on nothing else either."""

import numpy as np
import pytest
import torch
from tests.conftest import images
from torch import Tensor

from seefar.data import batches as module
from seefar.data.batches import Batches, Lengths, sampling_order
from seefar.data.images import ImageSet
from seefar.recipes import Augmentation, Sampling

OFF = Augmentation()
ALL = Augmentation(flip="random", shift=2, rotate=10.0, zoom=0.1, cutout=4, brightness=0.1, contrast=0.1, mixup=0.4, cutmix=0.4)


def make(data: ImageSet, size: int, how: Augmentation = OFF, seed: int = 0, leave_out: float = 0.0, **options: int) -> Batches:
    """Batches of so many images."""
    return Batches(data, Sampling(batch_size=size, leave_out=leave_out), how, seed, torch.device("cpu"), **options)


def order(seed: int, epoch: int) -> list[float]:
    batches = make(images(23, 0, "train"), 5, seed=seed)
    return [float(image.double().mean()) for batch in batches.epoch(epoch) for image in batch.pixels]


def test_an_epoch_has_every_image_once_with_its_label() -> None:
    data = images(23, 0, "train")
    batches = make(data, 5)
    seen = list(batches.epoch(1))
    assert [(batch.start, batch.stop, batch.total) for batch in seen] == [(0, 5, 5)] * 4 + [(0, 3, 3)]
    assert batches.lengths.steps_in(1) == 5
    expected = {image.tobytes(): int(label) for image, label in zip(data.pixels, data.labels, strict=True)}
    found = {
        np.ascontiguousarray(image.permute(1, 2, 0).numpy()).tobytes(): int(label)
        for batch in seen
        for image, label in zip(batch.pixels, batch.labels, strict=True)
    }
    assert found == expected
    assert all(torch.equal(batch.labels, batch.targets) for batch in seen)


def test_the_order_depends_on_seed_and_epoch_alone() -> None:
    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2)
    assert order(0, 1) != order(1, 1)


def test_batches_are_channels_last_so_that_convolutions_need_not_copy() -> None:
    for how in (OFF, ALL):
        pixels = next(make(images(8, 0, "train"), 4, how).epoch(1)).pixels
        assert pixels.shape == (4, 3, 16, 16)
        assert pixels.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("skip", [0, 1, 4, 5])
def test_an_epoch_taken_up_in_the_middle_goes_on_with_the_same_images(skip: int) -> None:
    whole, rest = (list(make(images(23, 0, "train"), 5, ALL, seed=3).epoch(2, skip=s)) for s in (0, skip))
    assert len(rest) == 5 - skip
    for a, b in zip(whole[skip:], rest, strict=True):
        assert torch.equal(a.pixels, b.pixels)
        assert torch.equal(a.targets, b.targets)


def test_augmented_images_differ_from_epoch_to_epoch_and_targets_are_shares() -> None:
    batches = make(images(20, 0, "train"), 20, ALL)
    first, second = next(batches.epoch(1)), next(batches.epoch(2))
    assert not torch.equal(first.pixels.sort(0).values, second.pixels.sort(0).values)
    assert torch.allclose(first.targets.sum(1), torch.ones(20))
    assert torch.equal(first.labels, first.targets.argmax(1))


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_share_the_batch_of_one(processes: int) -> None:
    data = images(23, 0, "train")
    whole = list(make(data, 6, ALL).epoch(1))
    parts = [list(make(data, 6, ALL, process=p, processes=processes).epoch(1)) for p in range(processes)]
    for number, batch in enumerate(whole):
        assert torch.equal(batch.pixels, torch.cat([part[number].pixels for part in parts]))
        assert torch.equal(batch.targets, torch.cat([part[number].targets for part in parts]))
        bounds = [(part[number].start, part[number].stop, part[number].total) for part in parts]
        assert [start for start, _, _ in bounds] == [0, *(stop for _, stop, _ in bounds[:-1])]
        assert bounds[-1][1:] == (len(batch.labels), len(batch.labels))


def test_sampling_shows_rare_classes_as_often_as_the_others() -> None:
    labels = torch.tensor([0] * 9000 + [1] * 900 + [2] * 100)
    shown = torch.bincount(labels[sampling_order(labels, torch.Generator().manual_seed(0))])
    assert shown.sum() == 10_000
    assert (shown - 10_000 / 3).abs().max() < 250  # five deviations


def test_even_batches_are_what_a_run_with_balanced_sampling_sees() -> None:
    data = images(60, 0, "train")
    uneven = data[np.flatnonzero((data.labels != 2) | (np.arange(60) < 9))]
    batches = Batches(uneven, Sampling(batch_size=43, balance="sampling"), OFF, 0, torch.device("cpu"))
    counts = sum(torch.bincount(next(batches.epoch(n)).labels, minlength=3) for n in range(1, 41))
    assert (counts / counts.sum() - 1 / 3).abs().max() < 0.05  # type: ignore[union-attr]


def test_epochs_that_leave_images_out_are_shorter_but_the_first() -> None:
    lengths = Lengths(10, 3, 0.5)
    assert [lengths.images_in(epoch) for epoch in (1, 2, 3)] == [10, 6, 6]
    assert [lengths.steps_in(epoch) for epoch in (1, 2)] == [4, 2]
    assert [lengths.steps_before(epoch) for epoch in (1, 2, 3, 4)] == [0, 4, 6, 8]
    assert [Lengths(10, 3).steps_before(epoch) for epoch in (1, 2, 3)] == [0, 4, 8]
    assert Lengths(1, 1, 0.9).images_in(2) == 1
    assert Lengths(10, 8, 0.1).images_in(2) == 10


def shown(batches: Batches, epoch: int, losses: torch.Tensor, skip: int = 0) -> list[int]:
    """The places of the images of an epoch, each of which is given its loss."""
    places = []
    for batch in batches.epoch(epoch, skip):
        batches.note(batch, losses[batch.places], torch.zeros(len(batch.places), 3), epoch)
        places += batch.places.tolist()
    return places


def test_the_images_that_were_easiest_when_last_shown_are_left_out() -> None:
    batches = make(images(20, 0, "train"), 5, leave_out=0.5)
    assert sorted(shown(batches, 1, torch.arange(20.0))) == list(range(20))
    second = shown(batches, 2, torch.zeros(20))  # those that were shown are easy now
    assert sorted(second) == list(range(10, 20))
    assert second != sorted(second)
    assert sorted(shown(batches, 3, torch.zeros(20))) == list(range(10))


@pytest.mark.parametrize("skip", [0, 1, 2])
def test_an_epoch_that_leaves_images_out_is_taken_up_from_the_memory_alone(skip: int) -> None:
    losses = torch.rand(20, generator=torch.Generator().manual_seed(0))
    whole = make(images(20, 0, "train"), 4, leave_out=0.4)
    shown(whole, 1, losses)
    memories, places = [], []
    for batch in whole.epoch(2):
        memories.append(whole.memory["losses"].clone())
        whole.note(batch, 1 - losses[batch.places], torch.zeros(len(batch.places), 3), 2)
        places += batch.places.tolist()
    rest = make(images(20, 0, "train"), 4, leave_out=0.4)
    rest.memory["losses"] = memories[skip]
    assert shown(rest, 2, 1 - losses, skip) == places[4 * skip :]


def test_answers_are_remembered_by_epoch_with_their_sign() -> None:
    """An image that was not shown in an epoch has no number there."""
    data = images(12, 0, "train")
    batches = make(data, 5, leave_out=0.5, remember=True)
    logits = torch.randn(12, 3, generator=torch.Generator().manual_seed(0))
    shown_in = []
    for epoch in (1, 2):
        places = []
        for batch in batches.epoch(epoch):
            batches.note(batch, torch.rand(len(batch.places)), logits[batch.places], epoch)
            places += batch.places.tolist()
        shown_in.append(places)
    answers = batches.memory["answers"].float()
    assert answers.shape == (2, 12)
    labels = torch.tensor(data.labels)
    expected = logits.softmax(1)[torch.arange(12), labels] * torch.where(logits.argmax(1) == labels, 1, -1)
    assert torch.allclose(answers[0], expected, atol=1e-3)
    assert sorted(torch.nonzero(~answers[1].isnan()).flatten().tolist()) == sorted(shown_in[1])
    assert len(shown_in[1]) < 12


def test_images_are_shown_at_the_size_that_is_asked_for() -> None:
    batches = make(images(20, 0, "train"), 4)
    sides = {6: 8, 7: 8, 8: 12, 9: 16, 10: 16}
    seen = [batch.pixels.shape[2:] for batch in batches.epoch(2, side_at=lambda step: sides[step])]
    assert seen == [(8, 8), (8, 8), (12, 12), (16, 16), (16, 16)]
    assert next(batches.epoch(3)).pixels.shape[2:] == (16, 16)


def test_of_very_many_images_each_batch_is_made_smaller_with_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def batches() -> list[Tensor]:
        made = Batches(images(40, 0, "train", size=16), Sampling(batch_size=16), Augmentation(), 3, torch.device("cpu"))
        return [batch.pixels for batch in made.epoch(1, side_at=lambda step: 10)]

    kept = batches()
    monkeypatch.setattr(module, "KEPT", 10)
    assert all(torch.equal(one, other) for one, other in zip(kept, batches(), strict=True))


def test_the_images_are_shared_with_the_batches_and_not_changed() -> None:
    given = images(40, 0, "train", size=16)
    before = given.pixels.copy()
    made = Batches(given, Sampling(batch_size=16), Augmentation(flip="random", shift=2, cutout=4), 3, torch.device("cpu"))
    for batch in made.epoch(1):
        batch.pixels.mul_(0)
    assert made.pixels.data_ptr() == given.pixels.ctypes.data
    assert np.array_equal(given.pixels, before)
