"""Training images as a run sees them: each as it is, and as augmentation shows it in the first epochs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seefar.data.batches import Batches
from seefar.data.describe import examples
from seefar.data.images import Dataset, ImageSet
from seefar.display import Shown
from seefar.recipe_fields import change, find
from seefar.recipes import Augmentation, Recipe, Sampling
from seefar.seeds import derive


@dataclass(frozen=True, eq=False)
class Augmented(Shown):
    """Training images as a run sees them; `n` of them.

    Attributes:
        pixels: uint8 `(n, 1 + epochs, h, w, 3)`: each image as it is, and as it looks in the first epochs.
        names: the class of each.
        title: which images, and whose augmentation it is.
    """

    pixels: np.ndarray
    names: list[str]
    title: str

    def __repr__(self) -> str:
        return f"Augmented({len(self.names)} images in {self.pixels.shape[1] - 1} epochs; {self.title})"


def augmented(
    data: Dataset, recipe: str | Recipe = "deep", seed: int = 0, *, images: int = 8, views: int = 9, **changes: Any
) -> Augmented:
    """Training images as the network sees them. `sf.picture(augmented(...)).save(path)` draws them.

    Args:
        data: what `load` returns.
        recipe: a name or a Recipe, whose augmentation counts.
        seed: the run's seed.
        images: how many images, taken from all classes in turn.
        views: epochs to show.
        changes: recipe fields to change, such as `rotate=15`.

    Raises:
        UsageError: there is no such recipe or field.
    """
    chosen = change(find(recipe) if isinstance(recipe, str) else recipe, changes)
    candidates = examples(data.train, -(-images // len(data.classes)))
    shown = candidates[np.linspace(0, len(candidates) - 1, min(images, len(candidates))).round().astype(int)]
    names = [data.classes[label] for label in shown.labels]
    title = f"{data.name}: training images as they are, then as recipe {chosen.name} shows them, epoch by epoch"
    return Augmented(views_of(shown, chosen.augmentation, views, seed), names, title)


def views_of(images: ImageSet, augmentation: Augmentation, epochs: int, seed: int) -> np.ndarray:
    """Images as a run would see them, in the order in which they stand.

    Returns:
        uint8 `(n, 1 + epochs, h, w, 3)`: each image as it is, and as it looks in epochs 1 to `epochs`.
    """
    batches = Batches(images, Sampling(batch_size=len(images)), augmentation, seed, torch.device("cpu"))
    everything = torch.arange(len(images))
    columns = [batches.pixels]
    for epoch in range(1, epochs + 1):
        generator = torch.Generator().manual_seed(derive(seed, "augment", epoch, 0))
        pixels = batches.make(everything, epoch, generator, images.size).pixels
        columns.append(pixels.permute(0, 2, 3, 1).round().to(torch.uint8))
    return torch.stack(columns, 1).numpy()
