"""Which images of a split count when a network is judged: each once, none that it was trained on, none with two labels."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from seefar.data.equal import digests, equal
from seefar.data.images import ImageSet


@dataclass(frozen=True, eq=False)
class Distinct:
    """What is left of a split once copies are taken out; the three numbers and those that count add up to all images.

    Attributes:
        counts: which images count, bool `(n,)`: of equal ones the first, and none that is left out for another reason.
        copies: images that are training images, pixel by pixel, or mirrored and of the same class.
        contradicting: images that equal one of another class: no answer is right for both.
        repeats: images that equal an earlier one that counts.
    """

    counts: np.ndarray
    copies: int
    contradicting: int
    repeats: int

    @property
    def left_out(self) -> dict[str, int]:
        """The three numbers by name."""
        return {"copies": self.copies, "repeats": self.repeats, "contradicting": self.contradicting}


def distinct(images: ImageSet, seen: ImageSet) -> Distinct:
    """Take out what a network cannot be judged by. Takes about half a second for CIFAR's 60,000 images.

    Args:
        images: the split, `n` images.
        seen: the images that the network was trained on, or that chose its best epoch; of the same size and classes.
    """
    own, mirrored = list(digests(images.pixels)), digests(images.pixels[:, :, ::-1])
    labels = defaultdict(set)  # of the images seen
    for digest, label in zip(digests(seen.pixels), seen.labels.tolist(), strict=True):
        labels[digest].add(label)
    mine = images.labels.tolist()
    copies = np.array(
        [one in labels or label in labels.get(other, ()) for one, other, label in zip(own, mirrored, mine, strict=True)], bool
    )
    groups = [np.array(group) for group in equal(own)]
    contradicting, repeats = np.zeros(len(images), bool), np.zeros(len(images), bool)
    for group in groups:
        if len(set(images.labels[group].tolist())) > 1:
            contradicting[group] = True
        else:
            repeats[group[1:]] = True
    contradicting &= ~copies
    repeats &= ~copies
    return Distinct(~(copies | contradicting | repeats), int(copies.sum()), int(contradicting.sum()), int(repeats.sum()))
