"""What to try next, from the numbers of a run: each piece of advice with the figure that it comes from."""

from typing import Any

from seefar.recipe_fields import flat
from seefar.recipes import Recipe
from seefar.reporting.words import GAP, joined, percent

OVERCONFIDENT = 0.03  # calibration error from which it is worth a word (chosen by hand)
FRAGILE = 0.25  # accuracy lost to a kind of corruption from which it is worth a word (chosen by hand)
SCARCE = 1000  # training images of a class below which more of them are the first thing to try (chosen by hand)


def advice(
    recipe: Recipe,
    history: list[dict[str, Any]],
    data: dict[str, Any],
    shown: dict[str, Any],
    robustness: dict[str, Any] | None,
    audit: dict[str, Any] | None,
) -> list[str]:
    """Sentences, the most promising first."""
    last = history[-1]
    gap = last["accuracy"] - last["validation_accuracy"]
    best = max(row["number"] for row in history if row["best"])
    found = []
    if gap > GAP:
        changes, flip_and_shift = recipe.augmentation, "flipping and shifting images (--set flip=random --set shift=2)"
        means = [
            word
            for word, is_off in (
                (flip_and_shift, changes.flip == "none" and not changes.shift),
                ("dropout (--set dropout=[0,0.3])", not any(flat(recipe).get("dropout", [1]))),
                ("label smoothing (--set label_smoothing=0.1)", not recipe.optimisation.label_smoothing),
                ("cutout (--set cutout=8)", not changes.cutout),
            )
            if is_off
        ]
        found.append(
            f"It knows its training images {_points(gap)} points better than new ones. "
            + (f"Not tried yet: {joined(means, 'or')}." if means else "More images would help most.")
        )
    elif last["validation_accuracy"] == 1:
        found.append("It makes no mistake on validation images: harder images would tell more than further training.")
    elif best == len(history) and not recipe.stopping.budget:
        found.append(
            f"Validation was best in the last epoch, and training images are not yet memorised: try more epochs "
            f"(seefar train --resume ... --epochs {2 * recipe.stopping.epochs})."
        )
    elif gap < 0.01 and not recipe.stopping.budget:
        found.append(
            "It is hardly better on its training images than on new ones: a wider network (--set widths=...) or more epochs may "
            "learn more from the same images."
        )
    for weak in shown["weak_classes"][:2]:
        images = data["train"][data["classes"].index(weak["name"])]
        remedy = (
            f"it had only {images:,} training images: more of them are the first thing to try"
            if images < SCARCE
            else f"look at its mistakes: are there pictures that you could not tell from {weak['taken_for']} either?"
        )
        found.append(
            f"{weak['name']} does worse than chance would explain ({percent(weak['recall']['value'])} found, the others "
            f"{percent(weak['others'])}), and is mostly taken for {weak['taken_for']}; {remedy}"
            + ("." if not remedy.endswith("?") else "")
        )
    if shown["calibration"]["before"]["error"] > OVERCONFIDENT:
        found.append(
            f"Its probabilities are off by {_points(shown['calibration']['before']['error'])} points. Divide the logits by "
            f"{shown['calibration']['temperature']:.2f} before you show them to anybody: then it is "
            f"{_points(shown['calibration']['after']['error'])}."
        )
    if robustness:
        group = min(robustness["groups"], key=robustness["groups"].__getitem__)
        lost = robustness["clean"]["value"] - robustness["groups"][group]
        if lost > FRAGILE:
            found.append(
                f"Images corrupted by {group} cost it {_points(lost)} points. If yours may look like that, train on such images "
                "too (--set brightness=0.2, contrast=0.2 and cutout=8 help a little)."
            )
    if audit and sum(audit["label_issues"].values()):
        found.append(
            f"{sum(audit['label_issues'].values()):,} labels are doubtful. Look through them; wrong ones in test cap what can be measured."
        )
    found.append("One seed says little about small differences: --seeds 5 trains five, and seefar compare summarises them.")
    return found


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
