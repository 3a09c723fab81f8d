"""A network as training starts: new, or with the weights of another run."""

from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from seefar.data.describe import channel_statistics
from seefar.data.images import ImageSet
from seefar.errors import ModelFileError, UsageError
from seefar.files import sha256
from seefar.networks.build import build_network, is_of_timm
from seefar.networks.layers import Network
from seefar.networks.outside import Outside as OutsideNetwork
from seefar.networks.timm_networks import cached_weights
from seefar.recipe_fields import model_of
from seefar.recipes import Recipe
from seefar.runs.folder import Run, open_run
from seefar.runs.weights import read_weights
from seefar.seeds import derive


def new_network(recipe: Recipe, seed: int, train: ImageSet, start: "Start | None" = None) -> Network:
    """The recipe's network as training starts.

    Args:
        recipe: what to build.
        seed: weights are drawn from it.
        train: the training images; the scaling of the pixels, and layers that are fitted to images, depend on them.
        start: another run's weights to start from instead; see `start_from`.
    """
    network = build_network(recipe.network, len(train.classes), train.size)
    if recipe.network.pixels == "standard":
        means, deviations = channel_statistics(train.pixels)
        network.scale.mean.copy_(torch.from_numpy(means) / 255)
        # A channel that never changes is left alone
        network.scale.deviation.copy_(torch.from_numpy(deviations).clamp(min=1) / 255)
    network.initialise(torch.Generator().manual_seed(derive(seed, "weights")), train.pixels)
    if start is not None:
        network.load_state_dict(network.state_dict() | start)
    network.freeze(recipe.network.frozen_stages)
    return network


Start = dict[str, Tensor]


def first_weights(
    source: str | Path | Run, recipe: Recipe, classes: tuple[str, ...], size: int
) -> tuple[Start, dict[str, str]]:
    """The weights to start from, and what a run folder says of them: whose they are, and their SHA-256.

    Args:
        source: another run or its folder; a file of safetensors; or "pretrained", what timm has of its network in its cache.
        recipe: what is to be trained.
        classes: of the images.
        size: height and width of the images in pixels.

    Raises:
        ModelFileError: they are missing or damaged, or not those of such a network.
        UsageError: "pretrained" and the network is not timm's.
    """
    if str(source) == "pretrained" or str(source).endswith((".safetensors", ".pth", ".pt", ".bin")):
        return _from_file(source, recipe, classes, size)
    run = open_run(source)
    weights = f"weights/{run.recipe()['keep']}.safetensors"
    return start_from(run, recipe, classes, size), {"run": run.path.name, "weights": run.digest(weights)}


def start_from(run: Run, recipe: Recipe, classes: tuple[str, ...], size: int) -> Start:
    """Another run's weights as a start for `recipe` on these classes: all that fits; the head is new unless the classes are the same.

    Raises:
        ModelFileError: the other run is damaged, or its stages are not those of the recipe; the details list the differences.
    """
    network = build_network(recipe.network, len(classes), size)
    same_head = run.read("data.json")["classes"] == list(classes)
    hint = (
        f"the network of {run.path} is not that of recipe {recipe.name}; use its recipe, {run.recipe()['name']}, or its widths"
    )
    return _fitting(read_weights(run), network, "" if same_head else network.head_names, hint)


def _from_file(source: str | Path | Run, recipe: Recipe, classes: tuple[str, ...], size: int) -> tuple[Start, dict[str, str]]:
    """Weights from a file, which knows no classes: the last layer is new."""
    network = build_network(recipe.network, len(classes), size)
    path, name = Path(str(source)), Path(str(source)).name
    if str(source) == "pretrained":
        if not is_of_timm(recipe.network):
            raise UsageError(
                f"--from pretrained is for networks of timm, such as --set model=timm:resnet18; {recipe.name} has another"
            )
        path = cached_weights(model_of(recipe.network).partition(":")[2])
        name = f"{path.name} of timm's cache"
    if path.suffix != ".safetensors":
        raise ModelFileError(f"{name} is a pickle, which can hold programs; save the weights as safetensors")
    try:
        found = safetensors.torch.load_file(path)
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise ModelFileError(f"cannot load {path}: {error}; give a file of safetensors") from error
    if odd := [key for key, value in found.items() if not value.isfinite().all()]:
        raise ModelFileError(f"{path} holds values that are not finite, in {odd[0]}; use another file")
    here = network.state_dict()
    there = {key if key in here else network.prefix + key: value for key, value in found.items()}
    if isinstance(network, OutsideNetwork) and network.stated:
        stated = {f"scale.{key}": torch.tensor(one) for key, one in zip(("mean", "deviation"), network.stated, strict=True)}
        there = stated | there  # a file that seefar wrote knows better how its images were scaled
    dispensable = {key: value for key, value in here.items() if key.startswith("scale.") or key.endswith("num_batches_tracked")}
    taken = _fitting(dispensable | there, network, network.head_names, f"{name} does not hold the weights of {recipe.name}")
    return {key: value for key, value in taken.items() if key in there}, {"run": name, "weights": sha256(path)}


def _fitting(there: Start, network: Network, new: str, complaint: str) -> Start:
    """Of weights those that the network has, but for layers whose names begin with `new`. Raises ModelFileError if they differ."""
    here = network.state_dict()
    taken = {name: value for name, value in there.items() if not new or not name.startswith(new)}
    wanted = {name: value for name, value in here.items() if not new or not name.startswith(new)}
    differing = [
        f"{name}: {_shape(there.get(name))} there, {_shape(wanted.get(name))} here"
        for name in sorted(taken.keys() | wanted.keys())
        if name not in taken or name not in wanted or taken[name].shape != wanted[name].shape
    ]
    if differing:
        raise ModelFileError(complaint, details=differing)
    return taken


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else " x ".join(map(str, tensor.shape)) or "one number"
