"""The most exciting images against a search by brute force, patches against planted dots, made images against real ones."""

import numpy as np
import pytest
import torch
from tests.explaining.small_networks import noise, small_network, state
from torch import nn

from seefar.errors import UsageError
from seefar.explaining.capture import as_input
from seefar.explaining.units import SAME, Field, differing, exciting, largest_first, maximise, patch, receptive_field
from seefar.networks.layers import Network
from seefar.recipes import NETWORKS

SIZES = [16, 32, 48]


def values(built: Network, layer: str, images: np.ndarray) -> np.ndarray:
    """The layer's maps, by its own code: (n, channels, h, w)."""
    seen = []
    hook = built.get_submodule(layer).register_forward_hook(lambda _layer, _inputs, output: seen.append(output.clone()))
    with torch.no_grad():
        built.stages(built.stem(built.scale(as_input(built, images))))
    hook.remove()
    found: np.ndarray = seen[0].numpy()
    return found


def stripes(n: int, size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """Three kinds of images that a small network tells apart in a second: lying, standing and no stripes."""
    rng = np.random.default_rng(5)
    labels = np.arange(n) % 3
    wave = 60 * np.sign(np.sin(np.arange(size) * 1.6 + rng.uniform(0, 6, (n, 1))))
    shapes = np.stack([np.broadcast_to(wave[:, :, None], (n, size, size)), np.broadcast_to(wave[:, None], (n, size, size))])
    plain = np.where(labels[:, None, None] == 2, 0, shapes[np.minimum(labels, 1), np.arange(n)])
    pixels = plain[..., None] + rng.uniform(90, 160, (n, 1, 1, 3)) + rng.normal(0, 20, (n, size, size, 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), labels


def trained(model: str) -> Network:
    images, labels = stripes(192)
    built = small_network(model).train()
    optimiser = torch.optim.Adam([p for p in built.parameters() if p.requires_grad], lr=5e-3)
    for step in range(40):
        part = slice(step % 3 * 64, step % 3 * 64 + 64)
        loss = nn.functional.cross_entropy(built(as_input(built, images[part])), torch.tensor(labels[part]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return built.eval()


@pytest.mark.parametrize("batch", [1, 7, 100])
@pytest.mark.parametrize("model", NETWORKS)
def test_the_most_exciting_are_those_of_a_search_by_brute_force(model: str, batch: int) -> None:
    built, images = small_network(model), noise(23)
    compared = 0
    for layer in built.layer_names():
        maps = values(built, layer, images)
        if layer == "stem.0":
            maps = maps.clip(0)  # its own ReLU may follow; the largest values are the same
        largest = maps.max((2, 3))
        units = [3, 0, 7]
        found = exciting(built, images, layer, units, most=4, batch=batch)
        assert found.units == units
        assert (found.positions.dtype, found.values.dtype) == (np.int64, np.float32)
        for row, unit in enumerate(units):
            expected = np.argsort(-largest[:, unit], kind="stable")
            np.testing.assert_allclose(found.values[row], largest[expected[:4], unit], rtol=1e-4, atol=1e-5)
            if -np.diff(largest[expected[:5], unit]).max() > 3 * SAME * largest.max():  # else they are equal but for rounding
                assert found.positions[row].tolist() == expected[:4].tolist()
                compared += 1
            assert found.patches[row].dtype == np.uint8
    assert compared > 6


def test_few_images_are_enough() -> None:
    built, images = small_network("vgg"), noise(3)
    found = exciting(built, images, "stages.1", most=9)
    assert found.positions.shape == (8, 3)
    strength = np.abs(values(built, "stages.1", images)).mean((0, 2, 3))
    assert found.units == np.argsort(-strength, kind="stable")[:8].tolist()


def test_units_differ_in_the_class_of_their_most_exciting_images() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2])
    means = [0, 0, 0, 1, 0, 2]  # the class whose images excite each of six units
    values = np.array([[1.0 if label == means[unit] else 0.0 for unit in range(6)] for label in labels])
    assert differing(list(range(6)), values, labels, 2, 0.0) == [0, 3, 5, 1, 2, 4]
    assert differing([4, 3, 0], values, labels, 2, 0.0) == [4, 3, 0]


def test_with_labels_no_class_has_two_units_before_each_has_one() -> None:
    built = trained("vgg")
    images, labels = stripes(96)
    found = exciting(built, images, "stages.1", most=9, labels=labels)
    meant = [int(np.bincount(labels[row]).argmax()) for row in found.positions]
    different = len(set(meant))
    assert different > 1
    assert len(set(meant[:different])) == different


@pytest.mark.parametrize("batch", [1, 2, 3, 8])
def test_equal_images_come_in_their_order_however_they_are_rounded(batch: int) -> None:
    built, images = small_network("vgg"), noise(2)[[0, 1, 0, 1, 0, 1, 0, 1]]
    shown = 0

    def round_otherwise(_layer: nn.Module, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        """As batches of other sizes, and other processors, do: by some units in the last place, here the more the later."""
        nonlocal shown
        places = torch.arange(shown, shown + len(output))
        shown += len(output)
        return output * (1 + places.view(-1, 1, 1, 1) * torch.finfo(torch.float32).eps)

    built.get_submodule("stages.1").register_forward_hook(round_otherwise)
    found = exciting(built, images, "stages.1", most=5, batch=batch)
    assert (np.diff(found.values) != 0).any()
    for positions in found.positions.tolist():
        first = positions[0]  # the more exciting of the two images
        assert positions == [first, first + 2, first + 4, first + 6, 1 - first]


def test_units_that_are_equal_but_for_rounding_come_in_their_order() -> None:
    built = small_network("vgg", widths=((8,), (12,)))
    weight = built.stages[1][0].weight.data  # type: ignore[index]
    weight[:] = weight[:1] * (1 + torch.arange(12).view(12, 1, 1, 1) * torch.finfo(torch.float32).eps)
    assert exciting(built, noise(3), "stages.1").units == list(range(8))


@pytest.mark.parametrize("seed", range(5))
def test_what_rounding_changes_does_not_change_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    plain = rng.choice(np.linspace(-3, 2, 30, dtype=np.float32), 200)  # each value some seven times
    moved = plain.copy()
    for _ in range(4):  # units in the last place, up and down
        moved = np.where(
            rng.random(200) < 0.5, np.nextafter(moved, np.float32(np.inf)), np.nextafter(moved, np.float32(-np.inf))
        )
    assert (moved != plain).any()
    assert largest_first(moved, 3 * SAME).tolist() == np.argsort(-plain, kind="stable").tolist()


def test_values_are_equal_up_to_a_gap() -> None:
    assert largest_first(np.array([1.0, 3.0, 2.0, 3.1, 2.05, 0.0]), 0.2).tolist() == [1, 3, 2, 4, 0, 5]
    assert largest_first(np.array([0.0, 0.1, 0.2, 0.3]), 0.15).tolist() == [0, 1, 2, 3]  # a dense row
    assert largest_first(np.zeros(0), 0.1).tolist() == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", NETWORKS)
def test_the_receptive_field_is_what_a_place_depends_on(model: str, size: int) -> None:
    built = small_network(model, size)
    rng = np.random.default_rng(1)
    for conv in built.stages.modules():
        if isinstance(conv, nn.Conv2d):  # fast starts as the identity, which sees less than it could
            conv.weight.data = torch.tensor(rng.normal(0, 0.2, conv.weight.shape), dtype=torch.float32)
    for layer in built.layer_names():
        field = receptive_field(built, layer)
        base = noise(1, size)[0]
        shape = values(built, layer, base[None]).shape
        row, column = shape[2] // 2, shape[3] // 2
        first = field.start + row * field.jump
        reached = np.zeros(size, bool)
        for _ in range(6):  # a pooling may hide a change once, hardly always
            changed = np.stack([base] * (size + 1))
            changed[np.arange(size), np.arange(size)] = rng.integers(0, 256, (size, size, 3))  # the i-th in its i-th line
            *after, before = values(built, layer, changed)[:, :, row, column]
            reached |= (np.abs(after - before) > 10 * SAME * np.abs(before).max()).any(1)  # more than rounding
            base = rng.integers(0, 256, base.shape, dtype=np.uint8)
        expected = (np.arange(size) >= first) & (np.arange(size) < first + field.size)
        assert not (reached & ~expected).any(), (layer, field)
        inside = np.flatnonzero(expected)
        # Outermost lines must count, too: else the field would be too large
        assert reached[inside[0]], (layer, field)
        assert reached[inside[-1]], (layer, field)


def test_a_bright_dot_is_where_the_patch_shows_it() -> None:
    built = small_network("vgg")
    for layer in built.modules():
        if isinstance(layer, nn.Conv2d):  # each filter passes on the brightness of the middle pixel
            layer.weight.data.zero_()
            layer.weight.data[:, :, 1, 1] = 1
    images = np.full((3, 16, 16, 3), 50, np.uint8)
    images[1, 8, 5] = 255
    images[2, 0, 15] = 200
    found = exciting(built, images, "stages.0.0", [2], most=2)
    assert found.positions.tolist() == [[1, 2]]
    dot = found.patches[0][0]
    assert dot.shape == (3, 3, 3)
    assert np.array_equal(dot, images[1, 7:10, 4:7])
    corner = found.patches[0][1]
    mean = np.rint(images.mean((0, 1, 2))).astype(np.uint8)
    assert corner[1, 1].tolist() == [200] * 3
    assert np.array_equal(corner[1:, :2], images[2, :2, 14:])
    assert (corner[0] == mean).all()
    assert (corner[:, 2] == mean).all()


def test_a_field_larger_than_the_image_shows_the_image_and_hides_what_is_not_seen() -> None:
    image, colour = noise(1)[0], np.array([1, 2, 3], np.uint8)
    shown = patch(image, Field(20, 4, -9), (0, 2), colour)  # rows -9 to 10, columns -1 to 18
    assert np.array_equal(shown[:11], image[:11])
    assert (shown[11:] == colour).all()
    assert shown.shape == image.shape
    assert (patch(image, Field(3, 1, 40), (0, 0), colour) == colour).all()
    assert (patch(image, Field(3, 1, -40), (0, 0), colour) == colour).all()


@pytest.mark.parametrize("model", NETWORKS)
def test_made_images_excite_more_than_real_ones(model: str) -> None:
    built = trained(model)
    images, _ = stripes(150)
    for layer in ("stages.0.0", "stages.0", "stages.1"):
        real = exciting(built, images, layer, most=150)
        made = maximise(built, layer, real.units, 16, steps=80)
        excited = values(built, layer, made).max((2, 3))[np.arange(8), real.units]
        alive = real.values[:, 0] > real.values[:, -1]
        assert alive.any()
        beaten = (excited[:, None] > real.values).mean(1)[alive]
        assert (beaten > 0.95).mean() > 0.7, (layer, beaten)
        assert beaten.mean() > 0.95, (layer, beaten)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("model", NETWORKS)
def test_the_same_seed_makes_the_same_bytes_and_leaves_no_trace(model: str, size: int) -> None:
    built = small_network(model, size).train()
    before = state(built)
    one = maximise(built, "stages.1", [1, 4], size, steps=4)
    exciting(built, noise(3, size), "stages.1")
    assert (one.shape, one.dtype) == ((2, size, size, 3), np.uint8)
    assert one.tobytes() == maximise(built, "stages.1", [1, 4], size, steps=4).tobytes()
    assert one.tobytes() != maximise(built, "stages.1", [1, 4], size, steps=4, seed=1).tobytes()
    assert state(built) == before


def test_an_odd_size_and_every_layer_can_be_made() -> None:
    built = small_network("fast")
    for layer in built.layer_names():
        assert maximise(built, layer, [0], 21, steps=2).shape == (1, 21, 21, 3)


def test_what_is_not_there_is_refused() -> None:
    built = small_network("vgg")
    with pytest.raises(UsageError, match="give at least one"):
        exciting(built, noise(0), "stages.0")
    with pytest.raises(UsageError, match=r"stages.0 has no unit 8; its units are 0 to 7"):
        exciting(built, noise(2), "stages.0", [8])
    with pytest.raises(UsageError, match="has no unit -1"):
        maximise(built, "stages.0", [-1], 16)
    with pytest.raises(UsageError, match="name at least one"):
        maximise(built, "stages.0", [], 16)
    with pytest.raises(UsageError, match="no layer is called"):
        maximise(built, "stages.5", [0], 16)
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in built.modules())
