"""What a recipe's fields become, and what is refused before anything is done."""

import pytest
import torch
import torch.nn.functional as F
from tests.conftest import SMALL, images

from seefar import recipes
from seefar.errors import UsageError
from seefar.training.network import new_network
from seefar.training.prepare import augmentation, check, new_batches, new_criterion, new_learner

CPU = torch.device("cpu")
TINY = recipes.change(recipes.find("tiny"), SMALL)
FAST = {"model": "fast", "batch_norm": True, "dense": 0, "dropout": [0, 0], "widths": [[8], [8]], "batch_size": 36}


@pytest.mark.parametrize(("field", "value"), [("optimiser", "adma"), ("schedule", "consant"), ("model", "vgf")])
def test_names_that_do_not_exist_are_refused_before_any_image_is_touched(field: str, value: str) -> None:
    with pytest.raises(UsageError, match=rf"no {field} is called '{value}' \(did you mean"):
        check(recipes.change(recipes.find("tiny"), {field: value}), 10, 32)


@pytest.mark.parametrize(
    ("fields", "count", "processes", "sentence"),
    [
        ({"batch_size": 500}, 108, 1, "batch_size is 500, but there are 108 training images"),  # fault 57
        ({"batch_size": 15}, 108, 2, "batch_size is 15, which 2 processes cannot share evenly; use --set batch_size=14"),  # 58
        ({"batch_size": 36, "batch_norm": True}, 109, 1, "batches of 36 leave 1 of the 109 training images for the last step"),
        ({"batch_size": 1, "batch_norm": True}, 108, 1, "batch_size is 1, and with batch norm each process needs 2 images"),
        ({"batch_size": 2, "batch_norm": True}, 108, 2, "needs 2 images a step: at least 4"),
        ({"batch_size": 36}, 110, 3, "leave 2 of the 110 training images for the last step, and it needs 3"),
        ({"shift": 16}, 108, 1, "shift is 16"),
        ({"cutout": 17}, 108, 1, "cutout is 17"),
        ({"batch_size": 16, "leave_out": 0.5}, 108, 2, "leave_out is for one process"),
        ({"batch_size": 16, "remember": True}, 108, 2, "remember is for one process"),
        ({"batch_size": 16, "budget": 5}, 108, 2, "a budget is for one process"),
        ({"leave_out": 0.5, "balance": "sampling"}, 108, 1, "both choose the images of an epoch"),
        ({"resolution": [[0, 0.5], [0.5, 1]]}, 108, 1, "the network 'vgg' takes images of one size alone"),
        (FAST | {"resolution": [[0, 0.25], [0.5, 1]]}, 108, 1, "2 stages leave nothing of 4x4 images"),
        (FAST | {"resolution": [[0, 0.5], [0.5, 1]], "cutout": 9}, 108, 1, "cutout is 9"),
    ],
)
def test_what_cannot_be_carried_out_is_refused(fields: dict[str, object], count: int, processes: int, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        check(recipes.change(TINY, fields), 3, 16, count, processes)
    assert sentence in str(caught.value)


def test_what_can_be_carried_out_passes() -> None:
    check(recipes.change(TINY, {"batch_size": 36, "batch_norm": True}), 3, 16, 110)
    check(recipes.change(TINY, {"batch_size": 16}), 3, 16, 108, 2)
    check(recipes.find("deep"), 10, 32)
    check(recipes.find("best"), 10, 32)


def test_every_augmentation_field_arrives_where_it_belongs() -> None:
    values = {"flip": "random", "shift": 1, "rotate": 2.0, "zoom": 0.3, "cutout": 4, "brightness": 0.5, "contrast": 0.6}
    values |= {"mixup": 0.7, "cutmix": 0.8}
    made = augmentation(recipes.change(TINY, values))
    assert {name: getattr(made, name) for name in values} == values


def test_learner_and_batches_have_what_the_recipe_says() -> None:
    recipe = recipes.change(
        TINY, {"optimiser": "sgd", "learning_rate": 0.3, "bias_rate": 2, "head_rate": 3, "weight_decay": 0.1, "averaging": 0.5}
    )
    data = images(40, 0, "train")
    learner = new_learner(recipe, new_network(recipe, 0, data), CPU)
    rates = {round(group["lr"], 6): group["weight_decay"] for group in learner.optimiser.param_groups}
    assert rates == {0.3: 0.1, 0.9: 0.1, 0.6: 0.0}
    assert learner.average
    assert learner.average.decay == 0.5
    assert not learner.scaler.is_enabled()
    assert new_learner(TINY, new_network(TINY, 0, data), CPU).average is None
    assert new_batches(recipe, 0, data, CPU).lengths.steps_in(1) == 3
    assert new_batches(recipes.change(TINY, {"balance": "sampling"}), 0, data, CPU).evenly


def test_each_image_has_its_loss_with_smoothing_and_class_weights() -> None:
    data = images(41, 0, "train")[list(range(30))]
    uneven = data[[i for i in range(30) if data.labels[i] != 2 or i < 6]]
    logits, labels = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    plain = new_criterion(TINY, uneven, CPU)(logits, labels)
    assert torch.allclose(plain, F.cross_entropy(logits, labels, reduction="none"))
    smooth = new_criterion(recipes.change(TINY, {"label_smoothing": 0.2}), uneven, CPU)(logits, labels)
    assert torch.allclose(smooth, F.cross_entropy(logits, labels, label_smoothing=0.2, reduction="none"))
    weighted = new_criterion(recipes.change(TINY, {"balance": "weights"}), uneven, CPU)(logits, labels)
    counts = torch.tensor(uneven.counts())
    by_hand = F.cross_entropy(logits, labels, reduction="none") * (len(uneven) / (3 * counts))[labels]
    assert torch.allclose(weighted, by_hand, atol=1e-5)
    shares = F.one_hot(labels, 3).float()
    assert torch.allclose(new_criterion(TINY, uneven, CPU)(logits, shares), plain)  # mixed images have shares of classes
