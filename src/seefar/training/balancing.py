"""For data in which some classes are rare: what their images count in the loss. They can be shown more often instead (`data.batches`)."""

from collections.abc import Sequence

import torch
from torch import Tensor


def class_weights(counts: Sequence[int] | Tensor) -> Tensor:
    """What an image of each class counts so that all classes count alike; an image counts 1 on average.

    Inverse frequency: n / (k * count), for n images in k classes. A class without images has weight 0 and is not among the k.
    Source: King and Zeng 2001, section 4.2, https://doi.org/10.1093/oxfordjournals.pan.a004868; the form is scikit-learn's "balanced"

    Args:
        counts: images of each class, `(classes,)`, not all 0.

    Returns:
        float32 `(classes,)`, on the CPU.
    """
    images = torch.as_tensor(counts, dtype=torch.float64, device="cpu")
    present = images > 0
    return torch.where(present, images.sum() / (present.sum() * images.clamp(min=1)), 0.0).float()
