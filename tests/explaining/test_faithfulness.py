"""Curves by hand, and maps that are true against maps of a network that knows nothing."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.explaining.small_networks import state, unsettle
from torch import nn

import seefar as sf
from seefar.data.images import Dataset, ImageSet
from seefar.errors import UsageError
from seefar.explaining.attribution import EXPLAINERS, attribute
from seefar.explaining.faithfulness import faithfulness, random_maps, randomised, sanity
from seefar.model.load import load_model
from seefar.networks.layers import Network


class Linear(Network):
    """One dense layer on the pixels of 4x4 images, so that with 16 steps a pixel goes at each."""

    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Identity())
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
        nn.init.normal_(self.classifier.weight, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def linear() -> Linear:
    return Linear()


def noise(n: int, size: int = 4) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 256, (n, size, size, 3), dtype=np.uint8)


def chance(linear: Linear, image: np.ndarray, target: int) -> float:
    """The probability of the target for an image `(4, 4, 3)`, by hand."""
    weight, bias = (tensor.detach().double().numpy() for tensor in (linear.classifier.weight, linear.classifier.bias))
    logits = weight @ (image.transpose(2, 0, 1).ravel() / 255) + bias
    return float(np.exp(logits[target]) / np.exp(logits).sum())


def test_deletion_and_insertion_by_hand_on_a_linear_network(linear: Linear) -> None:
    from scipy.ndimage import gaussian_filter

    image, target = noise(1)[0].astype(np.float64), 1
    importance = np.random.default_rng(1).permutation(16).reshape(4, 4)
    blurred = np.stack([gaussian_filter(image[:, :, c], 1.0) for c in range(3)], axis=-1)  # a quarter of 4 pixels
    down, up = [chance(linear, image, target)], [chance(linear, blurred, target)]
    without, back = image.copy(), blurred.copy()
    for rank in range(15, -1, -1):
        pixel = importance == rank
        without[pixel] = 127.5
        back[pixel] = image[pixel]
        down.append(chance(linear, without, target))
        up.append(chance(linear, back, target))
    found = faithfulness(linear, noise(1), np.array([target]), importance[None].astype(np.float32))
    assert found.steps == [step / 16 for step in range(17)]
    np.testing.assert_allclose(found.deletion_curve, down, atol=1e-5)
    np.testing.assert_allclose(found.insertion_curve, up, atol=1e-5)
    for area, curve in ((found.deletion, down), (found.insertion, up)):
        assert area == pytest.approx((sum(curve) - (curve[0] + curve[-1]) / 2) / 16, abs=1e-5)


def test_the_true_order_is_better_than_its_reverse_and_random_lies_between(linear: Linear) -> None:
    images, targets = noise(40), np.arange(40) % 2
    maps = attribute(linear, images, targets, "integrated_gradients")
    true, reverse = faithfulness(linear, images, targets, maps), faithfulness(linear, images, targets, -maps)
    assert true.deletion < true.random_deletion < reverse.deletion
    assert true.insertion > true.random_insertion > reverse.insertion
    assert true.random_deletion == reverse.random_deletion


def test_curves_end_where_they_must_and_images_do_not_mix(linear: Linear) -> None:
    images, targets = noise(40), np.arange(40) % 2  # more than go in one pass
    maps = np.random.default_rng(2).random((40, 4, 4), dtype=np.float32)
    found = faithfulness(linear, images, targets, maps)
    plain = np.mean([chance(linear, image, target) for image, target in zip(images, targets, strict=True)])
    for curve, end in (
        (found.deletion_curve, 0),
        (found.random_deletion_curve, 0),
        (found.insertion_curve, -1),
        (found.random_insertion_curve, -1),
    ):
        assert len(curve) == len(found.steps)
        assert curve[end] == pytest.approx(plain, abs=1e-5)
    for values, mean in ((found.deletion_by_image, found.deletion), (found.insertion_by_image, found.insertion)):
        assert np.mean(values) == pytest.approx(mean)
    alone = faithfulness(linear, images[35:36], targets[35:36], maps[35:36])
    assert alone.deletion_by_image == pytest.approx([found.deletion_by_image[35]], abs=1e-5)
    assert alone.insertion_by_image == pytest.approx([found.insertion_by_image[35]], abs=1e-5)


def test_equal_values_go_in_an_order_of_the_seed(linear: Linear) -> None:
    images, targets, flat = noise(3), np.array([0, 1, 0]), np.zeros((3, 4, 4), np.float32)
    one, again, other = (faithfulness(linear, images, targets, flat, seed) for seed in (0, 0, 1))
    assert one == again
    assert one.deletion_curve != other.deletion_curve
    rows = -np.arange(16, dtype=np.float32).reshape(1, 4, 4).repeat(3, axis=0)
    assert one.deletion_curve != faithfulness(linear, images, targets, rows).deletion_curve


def test_what_cannot_be_scored_is_refused(linear: Linear) -> None:
    images, targets, maps = noise(2), np.array([0, 1]), np.zeros((2, 4, 4), np.float32)
    with pytest.raises(UsageError, match="there are no images"):
        faithfulness(linear, images[:0], targets[:0], maps[:0])
    with pytest.raises(UsageError, match=r"the maps have the shape \(2, 4, 3\)"):
        faithfulness(linear, images, targets, maps[:, :, :3])
    with pytest.raises(UsageError, match="not finite"):
        faithfulness(linear, images, targets, maps * np.nan)
    with pytest.raises(UsageError, match="class 2 is asked for"):
        faithfulness(linear, images, np.array([0, 2]), maps)


def test_random_maps_are_smooth_and_follow_the_seed() -> None:
    maps = random_maps(5, 32, 0)
    assert maps.shape == (5, 32, 32)
    assert maps.dtype == np.float32
    assert np.array_equal(maps, random_maps(5, 32, 0))
    np.testing.assert_allclose(
        maps[:2], random_maps(2, 32, 0), atol=1e-6
    )  # enlarged in parts that depend on how many there are
    assert not np.array_equal(maps, random_maps(5, 32, 1))
    assert np.abs(np.diff(maps, axis=1)).max() < 0.15
    assert np.ptp(maps, axis=(1, 2)).min() > 0.3
    assert random_maps(0, 8, 0).shape == (0, 8, 8)


def squares(n: int, seed: int, split: str) -> ImageSet:
    """A square in the colour of its class somewhere on noise of any tint: the evidence is there and nowhere else."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    tints = 127 + rng.uniform(-60, 60, (n, 1, 1, 3))
    pixels = np.clip(tints + rng.normal(0, 50, (n, 16, 16, 3)), 0, 255).astype(np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        y, x = rng.integers(0, 12, 2)
        picture[y : y + 5, x : x + 5] = np.roll([230, 60, 60], label)
    return ImageSet(pixels, labels.astype(np.int64), ("red", "green", "blue"), tuple(f"{split}/{i}" for i in range(n)))


@pytest.fixture(scope="module", params=["tiny", "fast"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    folder: Path = tmp_path_factory.mktemp("squares")
    data = Dataset(name="squares", train=squares(900, 1, "train"), test=squares(60, 2, "test"), source="squares on noise")
    fields = {
        "tiny": {"widths": [[16], [32]], "epochs": 4, "batch_size": 32, "learning_rate": 3e-3},
        "fast": {"widths": [[16, 16], [32, 32]], "epochs": 3, "batch_size": 60},
    }[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(folder / "home"))
        run = sf.train(data, request.param, out=folder / "run", quiet=True, precision="fp32", **fields)
    return load_model(run, "cpu").network


@pytest.mark.parametrize("method", ["grad_cam", "layer_cam"])
def test_a_trained_networks_maps_are_true_and_those_of_random_weights_are_not(trained: Network, method: str) -> None:
    images, targets = (array[:45] for array in (squares(60, 2, "test").pixels, squares(60, 2, "test").labels))
    own = faithfulness(trained, images, targets, attribute(trained, images, targets, method))
    assert own.insertion > own.random_insertion + 0.1
    assert own.deletion < own.random_deletion - 0.1
    found = [sanity(trained, images, targets, method, seed=seed) for seed in range(3)]
    gain = np.mean([one.insertion - one.random_insertion for one in found])
    assert gain < 0.06  # measured: -0.02 to 0.03
    assert gain < (own.insertion - own.random_insertion) / 2
    assert all(abs(one.similarity) < 0.5 for one in found)


def test_random_weights_are_all_new_and_the_network_is_untouched(trained: Network) -> None:
    images = squares(6, 3, "test").pixels
    before = {name: value.clone() for name, value in trained.state_dict().items()}
    trained.train()
    one, again, other = (randomised(trained, images, seed) for seed in (0, 0, 1))
    assert all(torch.equal(value, before[name]) for name, value in trained.state_dict().items())
    assert trained.training
    for name, parameter in one.named_parameters():
        if parameter.requires_grad:
            assert not torch.equal(parameter, before[name])
        assert torch.equal(parameter, again.get_parameter(name))
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    for name, buffer in one.named_buffers():
        if "running_mean" in name:
            assert buffer.eq(0).all()
        elif "running_var" in name:
            assert buffer.eq(1).all()
        elif "num_batches" not in name:
            assert torch.equal(buffer, before[name])


def test_a_map_of_the_image_alone_is_found_out(linear: Linear, monkeypatch: pytest.MonkeyPatch) -> None:
    images, targets = noise(4), np.array([0, 1, 0, 1])
    monkeypatch.setitem(EXPLAINERS, "brightness", lambda _network, images, _targets, _layer: images.mean(3, dtype=np.float32))
    monkeypatch.setitem(EXPLAINERS, "flat", lambda _network, images, _targets, _layer: np.ones(images.shape[:3], np.float32))
    assert sanity(linear, images, targets, "brightness").similarity == pytest.approx(1)
    assert sanity(linear, images, targets, "flat").similarity == 0
    result = sanity(linear, images, targets, "integrated_gradients")
    assert -1 < result.similarity < 1
    assert result == sanity(linear, images, targets, "integrated_gradients")
    assert result != sanity(linear, images, targets, "integrated_gradients", seed=1)


def test_scoring_leaves_the_network_as_it_was(linear: Linear) -> None:
    images, targets, maps = noise(2), np.array([0, 1]), np.zeros((2, 4, 4), np.float32)
    unsettle(linear)
    before = state(linear)
    faithfulness(linear, images, targets, maps)
    sanity(linear, images, targets, "integrated_gradients")
    assert state(linear) == before
