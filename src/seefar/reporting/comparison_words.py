"""What a comparison of runs says, in plain sentences."""

from typing import Any

from seefar.reporting.words import joined, percent

SURE = 0.05  # p below which a difference is called one


def pair(found: dict[str, Any]) -> list[str]:
    """One run against another, on the same images."""
    difference = found["difference"]
    value, low, high = (100 * difference[name] for name in ("value", "low", "high"))
    interval = f"{value:+.2f} points ({low:+.2f} to {high:+.2f})"
    if difference["p"] >= SURE:
        verdict = f"No evidence that {found['other']} and {found['base']} differ: {interval}"
    else:
        verdict = f"{found['other']} is {'better' if value > 0 else 'worse'} than {found['base']}: {interval}"
    test = f"t test over {found['clusters']:,} groups" if found.get("clusters") else "McNemar's test"
    sentences = [
        f"{verdict}; it gained {difference['gained']:,} images and lost {difference['lost']:,} ({test}, "
        f"{_p(difference['p'])}). They give the same answer to {percent(found['agreement'])} of the images."
    ]
    better = [row["name"] for row in found["classes"] if row["p_holm"] < SURE and row["gained"] > row["lost"]]
    worse = [row["name"] for row in found["classes"] if row["p_holm"] < SURE and row["gained"] < row["lost"]]
    parts = [f"{how} on {joined(names)}" for how, names in (("better", better), ("worse", worse)) if names]
    if parts:
        sentences.append(f"By class it is significantly {joined(parts)}; the other classes show no clear change.")
    sentences.append(
        "This compares two trained networks, not two recipes: another seed of the same recipe would differ from itself as well."
    )
    return sentences


def seeds(found: dict[str, Any]) -> str:
    """The runs of one recipe together."""
    runs = len(found["runs"])
    if runs == 1:
        return f"{found['recipe']}: {percent(found['mean'])}, one seed; other seeds would give other figures."
    interval = (
        f", 95 % interval of the mean {percent(found['low'])} to {percent(found['high'])}" if found["low"] is not None else ""
    )
    return (
        f"{found['recipe']}: mean {percent(found['mean'])} over {runs} seeds, standard deviation "
        f"{100 * found['deviation']:.2f} points{interval}. Two of them answer {percent(found['churn'])} of the images differently."
    )


def recipes(found: dict[str, Any]) -> str:
    """Two recipes over the seeds they share."""
    count = len(found["seeds"])
    value = f"{100 * found['value']:+.2f} points"
    if found["p"] is None:
        return f"{found['other']} against {found['base']}: {value} for each of {count} seeds, which says nothing of others."
    interval = f"{value} ({100 * found['low']:+.2f} to {100 * found['high']:+.2f})"
    verdict = "no evidence either way" if found["p"] >= SURE else "better" if found["value"] > 0 else "worse"
    return f"{found['other']} against {found['base']}, {count} seeds in pairs: {verdict}, {interval}, {_p(found['p'])}."


def _p(value: float) -> str:
    return "p < 0.0001" if value < 0.0001 else f"p = {value:.4f}"
