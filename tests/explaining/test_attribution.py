"""Maps that agree with captum and with arithmetic by hand, whatever the batch, the network and the state around them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from tests.explaining.small_networks import state, unsettle
from torch import Tensor, nn

from seefar.data.images import ImageSet
from seefar.errors import UsageError
from seefar.explaining.attribution import EXPLAINERS, GREY, attribute, mean_colour
from seefar.explaining.capture import as_input
from seefar.networks.layers import Network
from seefar.recipe_fields import change, find
from seefar.recipes import NETWORKS
from seefar.training.new_network import new_network

CAMS = ("grad_cam", "grad_cam_plus_plus", "layer_cam")
PIXELS = ("integrated_gradients", "gradient_shap", "occlusion")


def pictures(n: int, size: int, seed: int = 0) -> np.ndarray:
    """Soft shapes in many colours."""
    coarse = np.random.default_rng(seed).integers(0, 256, (n, size // 4, size // 4, 3), dtype=np.uint8)
    return coarse.repeat(4, axis=1).repeat(4, axis=2)


def some_network(model: str, classes: int = 3, size: int = 16, **changes: object) -> Network:
    """A small network with random weights, whose logits are some units apart."""
    fields: dict[str, object] = {"widths": [[8], [8]]} | ({"dense": 8} if model == "vgg" else {}) | changes
    recipe = change(find("tiny" if model == "vgg" else "fast"), fields)
    pixels = pictures(26, size, seed=9)
    labels = np.arange(26) % classes
    train = ImageSet(pixels, labels, tuple(f"c{i}" for i in range(classes)), tuple(f"{i}" for i in range(26)))
    network = new_network(recipe, 0, train)
    with torch.no_grad():
        spread = network.eval()(as_input(network, pixels)).std(0).mean()
        network.classifier.weight *= 5 / spread
    return network


@pytest.fixture(params=["vgg", "fast"])
def network(request: pytest.FixtureRequest) -> Network:
    return some_network(request.param)


class Toy(Network):
    """Stages of a 1x1 convolution and ReLU that keep the size, and one dense layer: all gradients can be written down."""

    def __init__(self, channels: list[int], size: int, classes: int = 2) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        stages = [
            nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.ReLU())
            for before, after in zip([3, *channels], channels, strict=False)
        ]
        self.stages = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(channels[-1] * size * size, classes))
        for parameter in self.parameters():
            nn.init.normal_(parameter, generator=generator)


def values(toy: Toy, image: np.ndarray) -> list[np.ndarray]:
    """What each stage gives for an image `(h, w, 3)`, `(channels, h, w)`, in float64 by numpy."""
    maps, found = image.transpose(2, 0, 1) / 255, []
    for stage in toy.stages:
        weight = stage[0].weight.detach().double().numpy()[:, :, 0, 0]
        maps = np.maximum(np.einsum("oc,chw->ohw", weight, maps), 0)
        found.append(maps)
    return found


def of_logit(toy: Toy, target: int, size: int) -> np.ndarray:
    """The gradient of a logit by what the last stage gives: the dense layer's row."""
    return toy.classifier.weight.detach().double().numpy()[target].reshape(-1, size, size)


def test_grad_cam_plus_plus_by_hand() -> None:
    toy, images, targets = Toy([4], 4), pictures(3, 4), np.array([0, 1, 1])
    images = images + np.random.default_rng(0).integers(0, 9, images.shape, dtype=np.uint8)
    found = attribute(toy, images, targets, "grad_cam_plus_plus")
    for image, target, found_map in zip(images, targets, found, strict=True):
        [maps] = values(toy, image)
        expected = np.zeros((4, 4))
        for channel, gradient in zip(maps, of_logit(toy, target, 4), strict=True):
            weight = 0.0
            for y in range(4):
                for x in range(4):
                    g = gradient[y, x]
                    weight += g**2 / (2 * g**2 + channel.sum() * g**3) * max(g, 0)
            expected += weight * channel
        np.testing.assert_allclose(found_map, np.maximum(expected, 0), rtol=1e-4, atol=1e-6)
    assert found.max() > 0


def test_layer_cam_by_hand_in_each_stage_and_over_all() -> None:
    toy, images, targets = Toy([4, 3], 4), pictures(3, 4), np.array([0, 1, 1])
    images = images + np.random.default_rng(0).integers(0, 9, images.shape, dtype=np.uint8)
    both = []
    for image, target in zip(images, targets, strict=True):
        first, second = values(toy, image)
        gradient = of_logit(toy, target, 4)
        weight = toy.stages[1][0].weight.detach().double().numpy()[:, :, 0, 0]
        gradient_of_first = np.einsum("oc,ohw->chw", weight, gradient * (second > 0))
        both.append(
            [
                np.maximum((maps * np.maximum(slopes, 0)).sum(0), 0)
                for maps, slopes in ((first, gradient_of_first), (second, gradient))
            ]
        )
    for place in (0, 1):
        found = attribute(toy, images, targets, "layer_cam", f"stages.{place}")
        np.testing.assert_allclose(found, [maps[place] for maps in both], rtol=1e-4, atol=1e-6)
    scaled = [np.mean([one / one.max() for one in maps], axis=0) for maps in both]
    np.testing.assert_allclose(attribute(toy, images, targets, "layer_cam"), scaled, rtol=1e-4, atol=1e-6)


def test_a_stage_that_says_nothing_leaves_zeros_and_not_nan() -> None:
    toy = Toy([4], 4)
    nn.init.constant_(toy.classifier.weight, -1.0)  # no gradient is positive
    for method in CAMS:
        assert (attribute(toy, pictures(2, 4), np.array([0, 1]), method) == 0).all()


def test_grad_cam_is_captums_enlarged(network: Network) -> None:
    from captum.attr import LayerGradCam

    images, targets = pictures(4, 16), np.array([0, 1, 2, 0])
    for name in ("", *network.layer_names()):
        layer = network.get_submodule(name or "stages.1")
        raw = LayerGradCam(network, layer).attribute(
            as_input(network, images), torch.from_numpy(targets), relu_attributions=True
        )
        expected = F.interpolate(raw, (16, 16), mode="bilinear", align_corners=False)[:, 0].detach()
        np.testing.assert_allclose(attribute(network, images, targets, "grad_cam", name), expected, rtol=1e-4, atol=1e-5)
        assert expected.max() > 0


def test_maps_before_a_relu_that_overwrites_them_are_those_before() -> None:
    fast = some_network("fast")
    images, targets = pictures(3, 16), np.array([0, 1, 2])
    before = fast.stem[0](fast.scale(as_input(fast, images))).detach().requires_grad_()
    logits = fast.head(fast.stages(before.relu()))
    (gradient,) = torch.autograd.grad(logits.gather(1, torch.from_numpy(targets)[:, None]).sum(), before)
    assert before.min() < 0
    alpha = 1 / (2 + gradient.relu() * before.sum((2, 3), keepdim=True).relu())
    expected: dict[str, Tensor] = {
        "grad_cam": (gradient.mean((2, 3), keepdim=True) * before).sum(1).relu(),
        "grad_cam_plus_plus": ((alpha * gradient.relu()).sum((2, 3), keepdim=True) * before).sum(1).relu(),
        "layer_cam": (gradient.relu() * before).sum(1).relu(),
    }
    for method, maps in expected.items():
        enlarged = F.interpolate(maps.detach()[:, None], (16, 16), mode="bilinear", align_corners=False)[:, 0]
        np.testing.assert_allclose(attribute(fast, images, targets, method, "stem.0"), enlarged, rtol=1e-4, atol=1e-5)
    assert fast.stem[1].inplace


def test_integrated_gradients_are_captums(network: Network) -> None:
    from captum.attr import IntegratedGradients

    images, targets = pictures(2, 16), np.array([2, 1])
    inputs = as_input(network, images).requires_grad_()
    baseline = mean_colour(network).expand_as(inputs)
    expected = IntegratedGradients(network).attribute(inputs, baseline, torch.from_numpy(targets), n_steps=128).sum(1)
    found = attribute(network, images, targets, "integrated_gradients")
    np.testing.assert_allclose(found, expected.detach(), rtol=1e-3, atol=1e-4)


def test_integrated_gradients_add_up_to_what_the_image_changed(network: Network) -> None:
    images, targets = pictures(8, 16), np.arange(8) % 3
    with torch.no_grad():
        plain = network(mean_colour(network).expand(1, 3, 16, 16))[0].numpy()
        change = network(as_input(network, images)).numpy()[np.arange(8), targets] - plain[targets]
    large = np.abs(change) > 1
    assert large.sum() >= 4
    total = attribute(network, images, targets, "integrated_gradients").sum((1, 2))
    np.testing.assert_allclose(total[large], change[large], rtol=0.02)


def test_on_a_linear_network_integrated_gradients_are_the_weights_times_the_change_and_shap_is_near() -> None:
    toy, image = Toy([1], 8), pictures(1, 8)
    toy.stages = nn.Sequential(nn.Identity())
    toy.head = nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
    weight = toy.classifier.weight.detach().numpy()[1].reshape(3, 8, 8)
    expected = ((image[0].transpose(2, 0, 1) - GREY) / 255 * weight).sum(0)
    np.testing.assert_allclose(attribute(toy, image, np.array([1]), "integrated_gradients")[0], expected, rtol=1e-3, atol=1e-5)
    noisy = attribute(toy, image, np.array([1]), "gradient_shap")[0]
    assert 0.97 < np.corrcoef(noisy.ravel(), expected.ravel())[0, 1] < 0.99999


def test_occlusion_is_captums(network: Network) -> None:
    from captum.attr import Occlusion

    images, targets = pictures(2, 16), np.array([2, 1])
    inputs = as_input(network, images)
    expected = Occlusion(network).attribute(
        inputs,
        sliding_window_shapes=(3, 2, 2),
        strides=(3, 1, 1),
        baselines=inputs.mean((2, 3), keepdim=True).expand_as(inputs),
        target=torch.from_numpy(targets),
    )
    np.testing.assert_allclose(attribute(network, images, targets, "occlusion"), expected[:, 0].detach(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("colour", [(0, 0, 0), (255, 255, 255), (17, 101, 203)])
def test_hiding_nothing_changes_exactly_nothing(network: Network, colour: tuple[int, int, int]) -> None:
    images = np.tile(np.array(colour, np.uint8), (2, 16, 16, 1))
    assert (attribute(network, images, np.array([0, 1]), "occlusion") == 0).all()


def test_the_mean_colour_is_the_training_images_or_grey() -> None:
    standard = mean_colour(some_network("vgg")).flatten()
    np.testing.assert_allclose(standard, pictures(26, 16, seed=9).mean((0, 1, 2)), rtol=1e-4)
    assert mean_colour(some_network("vgg", pixels="unit")).flatten().tolist() == [GREY] * 3


@pytest.mark.parametrize("method", EXPLAINERS)
def test_the_batch_size_does_not_matter(network: Network, method: str) -> None:
    images, targets = pictures(7, 16), np.arange(7) % 3
    maps = [attribute(network, images, targets, method, batch=batch) for batch in (1, 3, 7)]
    size = np.abs(maps[0]).max()
    assert size > 0
    for other in maps[1:]:
        np.testing.assert_allclose(other, maps[0], atol=1e-5 * size)
    alone = attribute(network, images[4:5], targets[4:5], method)
    np.testing.assert_allclose(alone, maps[0][4:5], atol=1e-5 * size)


@pytest.mark.parametrize("classes", [2, 13])
@pytest.mark.parametrize("size", [16, 32, 48])
@pytest.mark.parametrize("model", NETWORKS)
def test_every_method_works_for_every_network(model: str, size: int, classes: int) -> None:
    network = some_network(model, classes, size)
    images, targets = pictures(2, size), np.array([0, classes - 1])
    images.setflags(write=False)  # as those of an ImageSet
    for method in EXPLAINERS:
        maps = attribute(network, images[-1:], targets[-1:], method)
        assert maps.shape == (1, size, size)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()
        assert (maps.min() >= 0) == (method in CAMS)
    for name in network.layer_names():
        for method in CAMS:
            maps = attribute(network, images, targets, method, name)
            assert maps.shape == (2, size, size)
            assert maps.min() >= 0
    assert attribute(network, images[:0], targets[:0], "grad_cam").shape == (0, size, size)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_the_network_is_as_it_was_even_after_an_error(network: Network, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unsettle(network)
    before, images, targets = state(network), pictures(2, 16), np.array([0, 1])
    attribute(network, images, targets, method)
    assert state(network) == before

    def fail(_values: Tensor) -> Tensor:
        raise ZeroDivisionError

    monkeypatch.setattr(network.head, "forward", fail)
    with pytest.raises(ZeroDivisionError):
        attribute(network, images, targets, method)
    assert state(network) == before


def test_chance_is_the_same_each_time_and_leaves_the_global_state(network: Network) -> None:
    images, targets = pictures(2, 16), np.array([0, 1])
    maps = []
    for seed in (3, 4):
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        numpys, torchs = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
        maps.append(attribute(network, images, targets, "gradient_shap"))
        assert np.array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002
        assert torch.equal(torch.get_rng_state(), torchs)
    assert np.array_equal(*maps)


@pytest.mark.parametrize("method", EXPLAINERS)
def test_what_the_caller_switched_does_not_matter(network: Network, method: str) -> None:
    images, targets = pictures(1, 16), np.array([1])
    expected = attribute(network, images, targets, method)
    for around in (torch.no_grad(), torch.inference_mode(), torch.autocast("cpu", torch.bfloat16)):
        with around:
            assert np.array_equal(attribute(network, images, targets, method), expected)


def test_what_does_not_exist_is_refused(network: Network) -> None:
    images, targets = pictures(2, 16), np.array([0, 1])
    with pytest.raises(UsageError, match=r"'gradcam' \(did you mean 'grad_cam'\?\); there are grad_cam, .*occlusion"):
        attribute(network, images, targets, "gradcam")
    for method in EXPLAINERS:
        with pytest.raises(UsageError, match=r"no layer is called 'stages.7'"):
            attribute(network, images, targets, method, "stages.7")
    for odd in (-1, 3):
        with pytest.raises(UsageError, match=f"class {odd} is asked for, and the network knows 3; allowed is 0 to 2"):
            attribute(network, images, np.array([0, odd]), "grad_cam")
    with pytest.raises(UsageError, match="give one class number an image"):
        attribute(network, images, np.array([0]), "grad_cam")
