"""Recipes: each names what exists, and what none of its parts names is off: the neutral recipe trains as plain torch does."""

import dataclasses
from itertools import combinations
from pathlib import Path
from typing import get_type_hints

import pytest
import safetensors.torch
import torch
import torch.nn.functional as F

import seefar as sf
from seefar import recipe_fields
from seefar.data.images import Dataset
from seefar.networks.build import MODELS
from seefar.networks.tta import VIEWS
from seefar.recipe_fields import PARTS, model_of
from seefar.recipes import NETWORKS, RECIPES, Optimisation, Recipe, Sampling, Stopping, Vgg
from seefar.seeds import derive
from seefar.training.new_network import new_network
from seefar.training.optimisers import OPTIMISERS
from seefar.training.schedules import SCHEDULES

PART_CLASSES = [get_type_hints(Recipe)[part] for part in PARTS if part != "network"]
PLAIN = Recipe(
    name="plain",
    about="Nothing but what no run can do without.",
    network=Vgg(widths=((4,), (6, 8))),
    sampling=Sampling(batch_size=25),
    optimisation=Optimisation(optimiser="sgd", learning_rate=0.05),
    stopping=Stopping(epochs=3),
)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))
def test_every_named_recipe_is_valid_and_names_what_exists(recipe: Recipe) -> None:
    recipe_fields.check(recipe)
    assert model_of(recipe.network) in MODELS
    assert recipe.optimisation.optimiser in OPTIMISERS
    assert recipe.optimisation.schedule in SCHEDULES
    assert recipe.kept.tta in VIEWS


def test_only_what_no_run_can_do_without_has_no_neutral_value() -> None:
    classes = [*NETWORKS.values(), *PART_CLASSES]
    fields = [field for part in classes for field in dataclasses.fields(part)]
    needed = {field.name for field in fields if field.default is dataclasses.MISSING}
    assert needed == {"widths", "batch_size", "optimiser", "learning_rate", "epochs"}
    assert all(field.default_factory is dataclasses.MISSING for field in fields)


@pytest.mark.parametrize("network", NETWORKS.values(), ids=list(NETWORKS))
def test_no_field_occurs_in_two_parts(network: type) -> None:
    names = [field.name for part in (network, *PART_CLASSES) for field in dataclasses.fields(part)]
    assert len(set(names)) == len(names)
    assert not {"model", "name", "about", "seed"} & set(names)  # they stand beside the fields in recipe.json


def test_a_field_of_two_networks_means_the_same_in_both() -> None:
    hints = [get_type_hints(network, include_extras=True) for network in NETWORKS.values()]
    for one, other in combinations(hints, 2):
        assert all(one[name] == other[name] for name in one.keys() & other.keys())


def trained_by_hand(data: Dataset, run: sf.Run, seed: int) -> dict[str, torch.Tensor]:
    """What PLAIN says, in plain torch. From seefar come the first weights, the split and the seed of an epoch's order."""
    train = data.train.select(run.read("splits.json")["train"])
    images, labels = torch.tensor(train.pixels).permute(0, 3, 1, 2), torch.tensor(train.labels)
    weights = new_network(PLAIN, seed, train).state_dict()
    learning = {name: value.requires_grad_() for name, value in weights.items() if not name.startswith("scale.")}
    first, second, third, last = (
        [learning[f"{layer}.weight"], learning[f"{layer}.bias"]]
        for layer in ("stages.0.0", "stages.1.0", "stages.1.2", "head.2")
    )
    for epoch in (1, 2, 3):
        order = torch.randperm(len(train), generator=torch.Generator().manual_seed(derive(seed, "order", epoch)))
        for chosen in order.split(25):
            values = F.relu(F.max_pool2d(F.conv2d(images[chosen] / 255, *first, padding=1), 2))
            values = F.relu(F.conv2d(values, *second, padding=1))
            values = F.relu(F.max_pool2d(F.conv2d(values, *third, padding=1), 2))
            loss = F.cross_entropy(F.linear(values.flatten(1), *last), labels[chosen])
            for weight, gradient in zip(learning.values(), torch.autograd.grad(loss, list(learning.values())), strict=True):
                weight.data.add_(gradient, alpha=-0.05)
    return {name: value.detach() for name, value in weights.items()}


def test_a_recipe_of_neutral_values_does_the_plain_thing(
    small_data: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images as they are in a new order each epoch, pixels divided by 255, cross-entropy, SGD at a constant rate; nothing else."""
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)  # then "auto" is float32
    run = sf.train(small_data, PLAIN, seed=7, out=tmp_path / "run", device="cpu", quiet=True)
    expected = {name: value.contiguous() for name, value in trained_by_hand(small_data, run, 7).items()}
    assert (run.path / "weights" / "last.safetensors").read_bytes() == safetensors.torch.save(expected)
    assert [(row["rate"], row["ending"]) for row in run.history()] == [(0.05, ""), (0.05, ""), (0.05, "finished")]
    assert not run.has("learning.npz")
    assert "augmented" not in run.arrays("pictures-train.npz")
