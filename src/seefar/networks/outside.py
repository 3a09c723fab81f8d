"""A module from outside as one of our networks: any `nn.Module` that takes scaled images and gives a number a class.

One pair of images is followed through it. That shows where its stages end (the last layer at each resolution), which layer gives the
answer and from what, and how that is made of the last feature maps. Nobody else has to know that the network is not ours.
"""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seefar import recipes
from seefar.errors import UsageError, did_you_mean
from seefar.network_source import TIMM, load, parameters, users_code
from seefar.networks.global_randomness import global_randomness
from seefar.networks.layers import ACTIVATIONS, Network
from seefar.networks.passes import Pass, passes

SAME_SIDE = (
    0.6  # a layer whose map is smaller than this share of the side at which a stage began begins another (chosen by hand)
)
SAME_STAGES = 4  # what makes maps smaller by less than that is a block, not a row of stages (chosen by hand)
NEAR = 1e-3  # share of the largest logit within which two ways to compute logits are the same


class Outside(Network):
    """The adapter: `scale`, and behind it the module, called `body`.

    Its own first weights are kept as its constructor draws them, from a seed. Layers are named as the module names them.

    Args:
        how: the fields of the recipe.
        classes: how many to tell apart.
        size: height and width of the images in pixels.

    Attributes:
        body: the module.
        pool: how the last layer's input is made of the last maps: "mean" or "max" of each channel, "flatten"; "" if otherwise.
        stated: where its makers say how images are to be scaled, mean and deviation of each channel in 0..1.

    Raises:
        UsageError: what the module does is no classifier of images, or its code fails; the sentence says what and where.
    """

    prefix = "body."
    parts = ("scale", "body")
    in_a_row = False
    draws_globally = True

    def __init__(self, how: recipes.Outside, classes: int, size: int) -> None:
        super().__init__()
        self.how, self.size, self._classes = how, size, classes
        self.stated: tuple[Sequence[float], Sequence[float]] | None = None
        with global_randomness(0):  # what it draws besides its weights is the same whenever it is built
            self.body = self._built()
        if not any(parameter.requires_grad for parameter in self.body.parameters()):
            raise UsageError(f"{how.source} has no parameters that could learn; its layers have to be attributes of the module")
        self.channels_last = True
        self._follow()

    def _built(self) -> nn.Module:
        """The module anew."""
        source, offered = self.how.source, {"classes": self._classes, "size": self.size}
        if source.startswith(f"{TIMM}:"):
            from seefar.networks.timm_networks import classifier

            made, self.stated = classifier(source.partition(":")[2], self._classes, self.size)
            return made
        network = load(source, self.how.sha256)
        offered |= {
            name: value for name, value in vars(self.how).items() if value is not None and name not in ("source", "sha256")
        }
        taken = {name: value for name, value in offered.items() if name in parameters(network, source)}
        with users_code(source, "cannot be built"):
            body = network(**taken)
        if not isinstance(body, nn.Module):
            raise UsageError(f"{source} gave {type(body).__name__}; it has to return a torch.nn.Module")
        return body

    def _follow(self) -> None:
        """Find out how the module is made. Raises UsageError if it is no classifier."""
        side, source = self.size, self.how.source
        shown = torch.randint(0, 256, (2, 3, side, side), generator=torch.Generator().manual_seed(0))
        mode = self.body.training
        self.eval()
        try:
            output, found = self._first_pass(shown)
            check_logits(source, output, 2, self._classes)
            with users_code(source, "fails on a single image"), torch.no_grad():
                check_logits(source, self(shown[:1]), 1, self._classes)
        finally:
            self.body.train(mode)
        last = _classifier(source, found, self._classes)
        self._classifier, before = found[last].name, found[:last]
        self._stages = _named(source, self.how.stages, before) if self.how.stages else _stages(before, side)
        if not self._stages:
            raise UsageError(
                f"no layer of {source} gives feature maps of more than one place; seefar is for convolutional networks"
            )
        places = {one.name: place for place, one in enumerate(before)}  # of a layer that is passed again, the last
        self._until = [places[name] for name in self._stages]
        self._order = [(one.name, one.is_leaf) for one in before]
        self._activations = {one.name: made for one in before if (made := _activation(one, before))}
        maps = before[self._until[-1]].made
        convolutions = {
            one.name: place
            for place, one in enumerate(before)
            if isinstance(one.layer, nn.Conv2d) and _is_map(one, side) and place < self._until[-1]
        }
        shown_layers = convolutions | dict(zip(self._stages, self._until, strict=True))
        self._names = sorted(shown_layers, key=lambda name: shown_layers[name])
        self.pool = _pool(maps, found[last].layer, output) if maps is not None else ""

    def _first_pass(self, shown: Tensor) -> tuple[Tensor, list[Pass]]:
        """Channels last, which is faster, where the module bears it (`view` of what lies otherwise in memory does not) and oneDNN, too."""
        source = self.how.source
        if not any(_writes_past_its_memory(layer) for layer in self.body.modules()):
            self.body.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch does not declare it
            with suppress(Exception, SystemExit):  # whatever it is: the second try tells
                return passes(self.body, self.scale(shown.to(memory_format=torch.channels_last)))
        self.lie_plainly()
        with users_code(source, f"fails on images of {self.size}x{self.size} pixels"):
            return passes(self.body, self.scale(shown).contiguous())

    def forward(self, pixels: Tensor) -> Tensor:
        """Raw pixels, uint8 or float `(n, 3, h, w)` in 0..255, to logits `(n, classes)`."""
        values = self.scale(pixels)
        logits: Tensor = self.body(values if self.channels_last else values.contiguous())
        return logits

    @property
    def classifier(self) -> Any:
        """The last layer, dense or a convolution: one row of weights a class."""
        return self.layer(self._classifier)

    @property
    def classes(self) -> int:
        """See `Network`."""
        return self._classes

    @property
    def head_names(self) -> str:
        """See `Network`: of the last layer alone."""
        return f"{self.prefix}{self._classifier}."

    @property
    def stage_names(self) -> list[str]:
        """See `Network`."""
        return list(self._stages)

    def layer_names(self) -> list[str]:
        """See `Network`."""
        return list(self._names)

    def leaves(self) -> dict[str, nn.Module]:
        """See `Network`."""
        return {name: self.layer(name) for name, is_leaf in self._order[: self._until[-1] + 1] if is_leaf}

    def last_activation(self, name: str) -> nn.Module | None:
        """See `Network`."""
        return self.layer(self._activations[name]) if name in self._activations else None

    def pass_to(self, name: str, pixels: Tensor) -> None:
        """See `Network`: all the way, as the module may be no row of layers."""
        self(pixels)

    def takes(self, size: int) -> bool:
        """See `Network`: it is tried."""
        mode = self.training
        try:
            with torch.no_grad():
                return bool(self.eval()(torch.zeros(2, 3, size, size)).shape == (2, self._classes))
        except Exception:  # noqa: BLE001 # it does not take them
            return False
        finally:
            self.train(mode)

    def lie_plainly(self) -> None:
        """See `Network`."""
        self.channels_last = False
        self.body.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload] # torch does not declare it

    def first_layers(self, stages: int) -> list[nn.Module]:
        """See `Network`: all layers that are passed until the stage ends."""
        return [self.layer(name) for name, _ in self._order[: self._until[stages - 1] + 1]] if stages else []

    def initialise(self, generator: torch.Generator, pixels: np.ndarray) -> None:
        """The first weights that the module's own constructor draws.

        Args:
            generator: where the seed of torch's global state comes from meanwhile.
            pixels: the training images; not needed here.
        """
        seed = int(torch.randint(2**31 - 1, (1,), generator=generator, device=generator.device).item())
        with global_randomness(seed):
            fresh = self._built()
        self.body.load_state_dict(fresh.state_dict())

    def try_learning(self, images: int) -> None:
        """Raise UsageError if a step in training mode would fail, or teach nothing. The network is as it was; a copy learns."""
        trial, source = copy.deepcopy(self), self.how.source
        trial.train()
        some, generator = min(images, 2), torch.Generator().manual_seed(0)
        shown = torch.randint(0, 256, (some, 3, self.size, self.size), generator=generator)
        with users_code(source, "fails in training mode"), global_randomness(0), torch.enable_grad():
            output = trial(shown)
            check_logits(f"{source} in training mode", output, some, self._classes)
            if not output.requires_grad:
                raise UsageError(f"nothing of {source} would learn: its forward gives a result without gradients")
            output.square().sum().backward()
        if not any(parameter.grad is not None and parameter.requires_grad for parameter in trial.parameters()):
            raise UsageError(f"nothing of {source} would learn: no parameter that learns gets a gradient")

    @contextmanager
    def with_last_maps(self, replaced: Tensor | None = None) -> Iterator[dict[str, Tensor]]:
        """Within the block: what the last stage gave last, "maps", and what the last layer got, "features".

        Args:
            replaced: what the last stage gives instead.
        """
        seen: dict[str, Tensor] = {}

        def stage(_layer: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            seen["maps"] = output if replaced is None else replaced
            return seen["maps"]

        def last(_layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            seen["features"] = inputs[0]

        hooks = [self.layer(self._stages[-1]).register_forward_hook(stage), self.classifier.register_forward_pre_hook(last)]
        try:
            yield seen
        finally:
            for hook in hooks:
                hook.remove()


def check_logits(source: str, output: Any, images: int, classes: int) -> None:
    """Raise UsageError, which says what is wrong, unless `output` is `(images, classes)` finite logits."""
    if not isinstance(output, Tensor):
        many = f" of {len(output)}" if isinstance(output, list | tuple | dict) else ""
        raise UsageError(
            f"{source} gives a {type(output).__name__}{many} and not one tensor; return the logits (n, classes) alone"
        )
    if tuple(output.shape) != (images, classes):
        raise UsageError(
            f"for {images} image{'s' * (images > 1)} {source} gives the shape {tuple(output.shape)}; it has to be ({images}, {classes}): "
            "a row for each image, a number for each class"
        )
    if not output.is_floating_point():
        raise UsageError(f"{source} gives {output.dtype}; logits are floating-point numbers")
    if not output.isfinite().all():
        raise UsageError(
            f"{source} gives numbers that are not finite for images of noise, before anything is learned; look at its forward"
        )
    if images > 1 and classes > 1 and bool((output >= 0).all()) and bool((output.sum(1) - 1).abs().max() < NEAR):
        raise UsageError(f"{source} gives probabilities, and the loss takes logits; leave the softmax at its end out")


def _is_map(one: Pass, side: int) -> bool:
    """Whether a layer gave feature maps of more than one place, no larger than the image."""
    if one.made is None or one.made.ndim != 4 or len(one.made) != 2:
        return False
    height, width = one.made.shape[2:]
    return 1 < height <= side and 1 < width <= side


def _stages(before: Sequence[Pass], side: int) -> list[str]:
    """The last layer at each resolution, among those that are convolutions, hold one, or take what one of these gave.

    What stands at the beginning of a block that halves the map belongs to that block, unless there is nothing else.
    """
    spatial: set[int] = set()
    groups: list[list[Pass]] = []
    began = 0
    for one in before:
        if not _is_map(one, side):
            continue
        holds = any(isinstance(part, nn.Conv2d) for part in one.layer.modules())
        if not holds and id(one.given) not in spatial:
            continue
        spatial.add(id(one.made))
        if not groups or _side(one.made) < SAME_SIDE * began:
            groups.append([])
            began = _side(one.made)
        groups[-1].append(one)
    blocks = [one for one in before if not one.is_leaf and 1 < _side(one.given) < SAME_STAGES * _side(one.made)]

    def begins_a_block(one: Pass) -> bool:
        return any(
            one.name.startswith(f"{block.name}.") and _side(block.made) < SAME_SIDE * _side(one.made) for block in blocks
        )

    return [next((one.name for one in reversed(group) if not begins_a_block(one)), group[-1].name) for group in groups]


def _side(values: Tensor | None) -> int:
    """The longer side of maps; 0 of what are none."""
    return max(values.shape[2:]) if values is not None and values.ndim == 4 else 0


def _named(source: str, names: Sequence[str], before: Sequence[Pass]) -> list[str]:
    """The stages that the recipe names. Raises UsageError if they are no layers with maps, in order."""
    maps = [one.name for one in before if one.made is not None and one.made.ndim == 4 and one.made.shape[2:].numel() > 1]
    known = list(dict.fromkeys(reversed(maps)))[::-1]  # of a layer that is passed again, the last place
    for name in names:
        if name not in known:
            raise UsageError(
                f"{source} has no layer {name!r} that gives feature maps{did_you_mean(name, known)}; there are {', '.join(known)}"
            )
    if sorted(names, key=known.index) != list(names) or len(set(names)) < len(names):
        raise UsageError(f"stages is {','.join(names)}; name them in the order in which an image passes them, each once")
    return list(names)


def _writes_past_its_memory(layer: nn.Module) -> bool:
    """Whether oneDNN, with channels last, may spoil memory that is not this convolution's, and its gradients, or end the program.

    It does for strided 1x1 convolutions of fewer channels than its blocks hold: 8 with AVX2, 16 with AVX-512 (torch 2.13).
    Source: https://github.com/uxlfoundation/oneDNN/issues/6035
    """
    if not isinstance(layer, nn.Conv2d):
        return False
    return layer.kernel_size == (1, 1) and max(layer.stride) > 1 and layer.in_channels // layer.groups < 16


def _classifier(source: str, found: Sequence[Pass], classes: int) -> int:
    """The place of the last layer: dense, or a convolution, with an output for each class."""
    for place in reversed(range(len(found))):
        layer = found[place].layer
        if (isinstance(layer, nn.Linear) and layer.out_features == classes) or (
            isinstance(layer, nn.Conv2d) and layer.out_channels == classes
        ):
            return place
    raise UsageError(f"{source} has no last layer that seefar can find; let it end with torch.nn.Linear(features, classes)")


def _activation(one: Pass, before: Sequence[Pass]) -> str:
    """The name of the activation that makes what a layer gives; empty if none does, or it is used again later."""
    for other in reversed(before):
        if isinstance(other.layer, ACTIVATIONS):
            if other.made is one.made:
                return other.name
            if one.name.startswith(f"{other.name}."):
                return ""
    return ""


def _pool(maps: Tensor, last: nn.Module, logits: Tensor) -> str:
    """How the logits are made of maps `(n, channels, h, w)`: found by computing them in each way."""
    weight, bias = last.weight, last.bias
    assert isinstance(weight, Tensor)  # noqa: S101 # a dense layer or a convolution
    if weight.ndim == 4 and weight.shape[2:].numel() > 1:
        return ""
    for name, values in (("mean", maps.mean((2, 3))), ("max", maps.amax((2, 3))), ("flatten", maps.flatten(1))):
        rows = weight.flatten(1)
        if values.shape[1] == rows.shape[1] and bool(values.std() > 0):
            expected = F.linear(values, rows, bias if isinstance(bias, Tensor) else None)
            if bool((expected - logits).abs().max() <= NEAR * logits.abs().max()):
                return name
    return ""
