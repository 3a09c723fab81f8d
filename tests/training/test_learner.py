"""What a recipe's parts become: learner, batches, loss."""

import torch
import torch.nn.functional as F
from tests.conftest import images
from tests.training.plans import CPU, TINY

from seefar.recipe_fields import change
from seefar.training.learner import new_batches, new_criterion, new_learner
from seefar.training.machine import Machine
from seefar.training.new_network import new_network


def test_learner_and_batches_have_what_the_recipe_says() -> None:
    fields = {"optimiser": "sgd", "learning_rate": 0.3, "bias_rate": 2, "head_rate": 3, "weight_decay": 0.1, "averaging": 0.5}
    recipe = change(TINY, fields | {"flip": "random", "cutmix": 0.8, "gradient_clip": 2})
    data = images(40, 0, "train")
    learner = new_learner(recipe, new_network(recipe, 0, data), data, CPU)
    rates = {round(group["lr"], 6): group["weight_decay"] for group in learner.optimiser.param_groups}
    assert rates == {0.3: 0.1, 0.9: 0.1, 0.6: 0.0}
    assert learner.average
    assert learner.average.decay == 0.5
    assert learner.judged is learner.average.network
    assert learner.wrapped is learner.network
    assert (learner.clip, learner.precision) == (2, torch.float32)
    assert not learner.scaler.is_enabled()
    batches = new_batches(recipe, 7, data, CPU)
    assert (batches.lengths.steps_in(1), batches.seed, batches.augmentation) == (3, 7, recipe.augmentation)
    assert new_batches(change(TINY, {"balance": "sampling"}), 0, data, CPU).evenly


def test_without_averaging_the_network_itself_is_judged() -> None:
    data = images(40, 0, "train")
    plain = new_learner(TINY, new_network(TINY, 0, data), data, CPU)
    assert plain.average is None
    assert plain.judged is plain.network


def test_fp16_has_a_scaler() -> None:
    data = images(40, 0, "train")
    half = Machine(torch.device("cpu"), torch.float16)
    assert new_learner(TINY, new_network(TINY, 0, data), data, half).scaler.is_enabled()


def test_each_image_has_its_loss_with_smoothing_and_class_weights() -> None:
    data, device = images(41, 0, "train")[list(range(30))], CPU.device
    uneven = data[[i for i in range(30) if data.labels[i] != 2 or i < 6]]
    logits, labels = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0])
    plain = new_criterion(TINY, uneven, device)(logits, labels)
    assert torch.allclose(plain, F.cross_entropy(logits, labels, reduction="none"))
    smooth = new_criterion(change(TINY, {"label_smoothing": 0.2}), uneven, device)(logits, labels)
    assert torch.allclose(smooth, F.cross_entropy(logits, labels, label_smoothing=0.2, reduction="none"))
    weighted = new_criterion(change(TINY, {"balance": "weights"}), uneven, device)(logits, labels)
    counts = torch.tensor(uneven.counts())
    by_hand = F.cross_entropy(logits, labels, reduction="none") * (len(uneven) / (3 * counts))[labels]
    assert torch.allclose(weighted, by_hand, atol=1e-5)
    shares = F.one_hot(labels, 3).float()
    assert torch.allclose(new_criterion(TINY, uneven, device)(logits, shares), plain)  # mixed images have shares of classes
