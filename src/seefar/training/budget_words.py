"""Sentences about a budget: what it is expected to give, and afterwards what it went into."""

import math
from collections.abc import Mapping

from seefar.data.images import ImageSet
from seefar.recipe_fields import text
from seefar.training.frontier import DIGEST, Forecast


def what_to_expect(found: Forecast, train: ImageSet) -> list[str]:
    """The settings that were chosen, and the accuracy, or why nobody knows it."""
    budget, epochs = found.recipe.stopping.budget, found.epochs
    length = (
        f"about {epochs:.0f} epochs" if epochs >= 1.5 else "about one epoch" if epochs >= 0.95 else f"{epochs:.0%} of an epoch"
    )
    lines = [f"budget {budget:g} s: {length} of {text(found.recipe.network.widths)}"]
    if not epochs:
        lines.append(
            "note: starting and validating take longer than this budget, so that nothing will be learned; give more seconds"
        )
    if found.accuracy is not None:
        low, high = found.accuracy
        lines.append(f"expected on test, with test-time augmentation: {low:.1%} to {high:.1%}, 19 times of 20")
    elif train.digest == DIGEST:
        lines.append(
            f"expected accuracy: unknown, so short: an epoch takes {found.epoch_seconds:.0f} s here, the shortest budget that was "
            f"measured {math.ceil(found.least)} s"
        )
    else:
        lines.append("expected accuracy: unknown for such images")
    return lines


def what_it_went_into(budget: float, used: float, parts: Mapping[str, float]) -> str:
    """A budget, the seconds that were used of it, and what for: `parts` as in `timing.json`; the rest went into saving and watchers."""
    said = {**parts, "saving and the rest": max(used - sum(parts.values()), 0)}
    return f"budget {budget:g} s, used {used:.1f} s: {', '.join(f'{seconds:.1f} s {what}' for what, seconds in said.items())}"
