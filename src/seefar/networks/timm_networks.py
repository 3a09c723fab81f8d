"""Classifiers of the package timm (extra `timm`), with a first part that leaves something of small images.

timm imports torchvision, of which a classifier needs nothing that is compiled.
"""

import contextlib
import importlib
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seefar.errors import ModelFileError, UsageError, did_you_mean
from seefar.network_source import TIMM, users_code
from seefar.networks.passes import passes

SMALL = 64  # pixels; networks made for 224 keep their first part from here on up
LEAST = 4  # pixels a side that have to be left of a small image
POOLINGS = (nn.MaxPool2d, nn.AvgPool2d)
_operators: list[torch.library.Library] = []

Scaling = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation of each channel, in 0..1."""


def classifier(name: str, classes: int, size: int) -> tuple[nn.Module, Scaling]:
    """A classifier of timm, its first weights drawn from torch's global state, and the scaling that its makers used.

    In images of up to 64 pixels the first two halvings are left out: the convolutions that make them get stride 1, poolings go. So a
    ResNet for 224 pixels begins with a convolution of stride 1 and no pooling, and of 32 pixels 4x4 places are left.

    Args:
        name: as timm has it, such as "resnet18" or "resnet18.a1_in1k".
        classes: how many to tell apart.
        size: height and width of the images in pixels.

    Raises:
        UsageError: timm is missing, or has no such classifier, or it is not for such images.
    """
    timm = _timm()
    plain = name.partition(".")[0]
    if not timm.is_model(plain):
        known = timm.list_models()
        raise UsageError(
            f"timm {timm.__version__} has no classifier {plain!r}{did_you_mean(plain, known)}; it has {len(known):,}"
        )
    with users_code(f"{TIMM}:{name}", "cannot be built"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: nn.Module = timm.create_model(name, pretrained=False, num_classes=classes, in_chans=3)
    if size <= SMALL:
        _adapt(made, name, size)
    stated: Any = made.pretrained_cfg
    return made, (tuple(stated["mean"]), tuple(stated["std"]))


def cached_weights(name: str) -> Path:
    """The weights of a classifier that an earlier use of timm left in its cache: that of the hub, or torch's. Nothing is downloaded.

    Raises:
        ModelFileError: they are not there.
    """
    stated = _timm().models.get_pretrained_cfg(name)
    if stated is not None and stated.hf_hub_id:
        with contextlib.suppress(ImportError):
            from huggingface_hub import try_to_load_from_cache

            # "timm/" stands for the repository that is called as the classifier is
            repository = (
                f"{stated.hf_hub_id}{stated.architecture}.{stated.tag}" if stated.hf_hub_id.endswith("/") else stated.hf_hub_id
            )
            found = try_to_load_from_cache(repository, "model.safetensors")
            if isinstance(found, str):
                return Path(found)
    if stated is not None and stated.url:
        there = Path(torch.hub.get_dir()) / "checkpoints" / Path(str(stated.url)).name
        if there.is_file():
            return there
    raise ModelFileError(
        f"the weights of {name} are not in timm's cache, and seefar downloads none; fetch them once with timm "
        f"(timm.create_model({name!r}, pretrained=True)), or give a file: --from WEIGHTS.safetensors"
    )


def _adapt(made: nn.Module, name: str, size: int) -> None:
    """Leave the first two halvings out. Raises UsageError if the classifier does not take that, or too little is left."""
    before, _ = _sides(made, name, size, why="")
    halvings: list[int] = []  # sides that something halves, in order
    for side, _, factor in before:
        if side not in halvings:
            halvings += [side] * (2 if factor >= 4 else 1)
        if len(halvings) >= 2:
            break
    for side, layer, _ in before:
        if side in halvings[:2]:
            _without_stride(made, layer)
    _, least = _sides(made, name, size, why=" once its first two halvings are left out")
    if least < LEAST:
        raise UsageError(
            f"{TIMM}:{name} leaves {least}x{least} places of images of {size}x{size} pixels, and at least {LEAST}x{LEAST} are needed; use "
            f"larger images (--size {size * LEAST // max(least, 1)}) or another network"
        )


def _sides(made: nn.Module, name: str, size: int, why: str) -> tuple[list[tuple[int, nn.Module, float]], int]:
    """The layers that make maps smaller, each with the side of what it gets and by what factor, and the smallest side of any map."""
    made.eval()
    with users_code(f"{TIMM}:{name}", f"does not take images of {size}x{size} pixels{why}"):
        _, found = passes(made, torch.zeros(2, 3, size, size))
    maps = [one for one in found if _side(one.given) > 1 and _side(one.made) >= 1]
    shrinking: list[tuple[int, nn.Module, float]] = [
        (_side(one.given), one.layer, _side(one.given) / _side(one.made))
        for one in maps
        if one.is_leaf and isinstance(one.layer, (nn.Conv2d, *POOLINGS)) and _strided(one.layer)
    ]
    sides = [_side(one.made) for one in maps if isinstance(one.layer, nn.Conv2d)]
    return shrinking, min(sides, default=0)


def _side(values: Tensor | None) -> int:
    """The side of maps; 0 of what are none."""
    return values.shape[-1] if values is not None and values.ndim == 4 else 0


def _strided(layer: nn.Module) -> bool:
    stride: Any = layer.stride
    return bool(max(stride if isinstance(stride, tuple) else (stride,)) > 1)


def _without_stride(made: nn.Module, layer: nn.Module) -> None:
    """Let a convolution look at every place; take a pooling out."""
    if isinstance(layer, nn.Conv2d):
        layer.stride = (1, 1)
        return
    [path] = [path for path, other in made.named_modules() if other is layer]
    place, _, child = path.rpartition(".")
    setattr(made.get_submodule(place), child, nn.Identity())


def _timm() -> Any:
    """The package. Raises UsageError if it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _prepare_torchvision()
            return importlib.import_module("timm")
    except ImportError as error:
        raise UsageError(f"a classifier of timm needs the package {error.name or 'timm'}; pip install 'seefar[timm]'") from None


def _prepare_torchvision() -> None:
    """Let torchvision be imported where its compiled part was made for another build of torch, as on machines without a GPU.

    It does without that part, but for the names of two operators (non-maximum suppression, which no classifier uses) that its own
    import asks for (torchvision 0.28, `_meta_registrations.py`).
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _operators.append(library := torch.library.Library("torchvision", "FRAGMENT"))
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
