"""Weights for uneven classes."""

import numpy as np
import torch
from sklearn.utils.class_weight import compute_class_weight

from seefar.training.balancing import class_weights


def test_the_weights_are_scikit_learns_balanced_ones() -> None:
    labels = np.repeat(np.arange(4), (50, 3, 17, 1))
    expected = compute_class_weight("balanced", classes=np.arange(4), y=labels)
    for counts in ([50, 3, 17, 1], torch.tensor([50, 3, 17, 1])):
        ours = class_weights(counts)
        assert ours.dtype == torch.float32
        assert np.allclose(ours.numpy(), expected, rtol=1e-6)


def test_classes_count_alike_and_an_image_counts_1_on_average() -> None:
    counts = torch.tensor([500, 30, 7])
    total = class_weights(counts) * counts
    assert torch.allclose(total, total[0].expand(3))
    assert torch.isclose(total.sum(), torch.tensor(537.0))


def test_even_classes_change_nothing() -> None:
    assert class_weights([20, 20, 20]).tolist() == [1, 1, 1]


def test_a_class_without_images_is_left_out() -> None:
    assert class_weights([10, 0, 30]).tolist() == [2, 0, torch.tensor(2 / 3).item()]
