"""How learning went, image by image: when each was learned for good, how often it was forgotten, how sure the network was."""

from dataclasses import dataclass

import numpy as np

LISTED = 24  # images in each list: a sheet of small pictures (chosen by hand)
SURE = 0.5  # mean probability from which an image is easy: its class is then more probable than all others together
# Standard deviation above which an image is ambiguous: that of one which is surely wrong in one of ten showings and surely right
# in the others. Swayamdipta et al. take thirds of the images instead; then the counts would say nothing.
UNSTEADY = 0.3


@dataclass(frozen=True, eq=False)
class Learning:
    """How learning went for each of `n` images.

    Attributes:
        learned_at: int64 `(n,)`, the first epoch, counted from 1, from which the image was right in all its later showings; 0: it
            was wrong when it was last shown, or never shown.
        forgotten: int64 `(n,)`, how often it was right in one showing and wrong in the next.
        confidence: float32 `(n,)`, the mean probability of its class over its showings, 0..1; NaN: never shown.
        variability: float32 `(n,)`, the standard deviation of the same, 0..0.5; NaN: never shown.
        early: positions of images that were learned first, of equally early ones the most confident; 24 at most.
        late: of those that were learned last, of equally late ones the least confident; none that is in `early`.
        never: of those that were wrong at last, the least confident first.
        forgotten_most: of those that were forgotten, the most often forgotten first, of equals the least confident.
    """

    learned_at: np.ndarray
    forgotten: np.ndarray
    confidence: np.ndarray
    variability: np.ndarray
    early: list[int]
    late: list[int]
    never: list[int]
    forgotten_most: list[int]


def learning(right: np.ndarray, probability: np.ndarray) -> Learning:
    """See `Learning`.

    Sources: Toneva et al. 2019 (forgetting), https://arxiv.org/abs/1812.05159; Swayamdipta et al. 2020 (confidence and
    variability), https://arxiv.org/abs/2009.10795

    Args:
        right: bool `(epochs, n)`, whether the network was right about the image; of no account where it was not shown.
        probability: float32 `(epochs, n)`, that of its true class; NaN where it was not shown in that epoch.
    """
    shown = ~np.isnan(probability)
    n = probability.shape[1]
    learned_at, forgotten, was_right = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, bool)
    for epoch, (now_right, now) in enumerate(zip(right.astype(bool), shown, strict=True), start=1):
        wrong = now & ~now_right
        forgotten += wrong & was_right
        learned_at[wrong] = 0
        learned_at[now & now_right & (learned_at == 0)] = epoch
        was_right = np.where(now, now_right, was_right)

    showings = shown.sum(0)
    ever = showings > 0
    times = np.maximum(showings, 1)
    values = np.where(shown, probability, 0).astype(np.float64)
    mean = values.sum(0) / times
    deviation = np.sqrt((np.where(shown, values - mean, 0) ** 2).sum(0) / times)
    confidence = np.where(ever, mean, np.nan).astype(np.float32)
    variability = np.where(ever, deviation, np.nan).astype(np.float32)

    early = _first(learned_at > 0, learned_at, -confidence)
    later = learned_at > 0
    later[early] = False
    return Learning(
        learned_at=learned_at,
        forgotten=forgotten,
        confidence=confidence,
        variability=variability,
        early=early,
        late=_first(later, -learned_at, confidence),
        never=_first(ever & (learned_at == 0), confidence),
        forgotten_most=_first(forgotten > 0, -forgotten, confidence),
    )


def regions(learning: Learning) -> dict[str, int]:
    """How many images are easy, ambiguous and hard; those that were never shown are none of the three.

    Ambiguous: variability above 0.3, so the network kept changing its mind. Of the others, easy: confidence of at least 0.5;
    hard: less, so it was steadily against the label. Many hard labels are wrong ones. Source of the regions: Swayamdipta et al.
    2020, https://arxiv.org/abs/2009.10795
    """
    shown = ~np.isnan(learning.confidence)
    ambiguous = shown & (learning.variability > UNSTEADY)
    easy = shown & ~ambiguous & (learning.confidence >= SURE)
    return {"easy": int(easy.sum()), "ambiguous": int(ambiguous.sum()), "hard": int((shown & ~ambiguous & ~easy).sum())}


def _first(among: np.ndarray, *keys: np.ndarray) -> list[int]:
    """The positions where `among` is true, in the order of the keys, first key first, then by position; 24 at most."""
    places = np.flatnonzero(among)
    order = np.lexsort([key[places] for key in reversed(keys)])
    chosen: list[int] = places[order[:LISTED]].tolist()
    return chosen
