"""What a study found, in plain sentences."""

from typing import Any

from seefar.reporting.words import counted, joined, percent


def summary(found: dict[str, Any]) -> list[str]:
    """The answer in a few sentences; from Results as a dict."""
    rows = [row for row in found["rows"] if row["effect"]]
    helps, hurts, open_ = (
        [row["variant"] for row in rows if row["effect"]["verdict"] == verdict] for verdict in ("helps", "hurts", "no evidence")
    )
    sentences = []
    if found["estimation_only"]:
        sentences.append(
            "Seeds were added until the intervals were narrow, so that what follows are estimates: nothing is tested."
        )
    else:
        if helps:
            sentences.append(f"What helps: {joined(helps)}.")
        if hurts:
            sentences.append(f"What hurts: {joined(hurts)}.")
        if open_:
            sentences.append(f"No evidence either way: {joined(open_)}.")
    count = len(found["seeds"])
    tested = "" if found["estimation_only"] else ", and the p-values are corrected for that (Holm)"
    sentences.append(
        f"Each variant was trained with {count} seed{'s' * (count > 1)}, the same seeds for all, compared in pairs; {len(rows)} "
        f"comparison{'s were' if len(rows) > 1 else ' was'} made{tested}."
    )
    if found.get("images") and count > 1:  # studies of before 2026-11-29 do not say how many there are
        groups = found["clusters"]
        where, others = (f" in {counted(groups, 'group')}", "groups of images") if groups else ("", "images")
        sentences.append(
            f"Intervals are over seeds, on the same {counted(found['images'], 'test image')}{where}: what other {others} would change "
            f"is not in them, and `seefar compare` tells it of two runs{', over groups' if groups else ''}."
        )
    if count < found["planned"] and not found["estimation_only"]:
        sentences.append(f"{found['planned']} seeds were wanted, but the budget of the study ended before.")
    together = found["together"]
    if together and together["low"] is not None:
        sentences.append(
            f"All changes together: {100 * together['value']:+.1f} points ({100 * together['low']:+.1f} to {100 * together['high']:+.1f}), "
            "from the first variant to the last; an estimate, of which nothing was tested."
        )
    if found["power"]:
        smallest = (
            f"; differences of about {found['detectable']:.1f} points or more are found four times in five"
            if found["detectable"]
            else ""
        )
        sentences.append(
            f"A change that is worth two standard deviations of the difference between seeds is found {percent(found['power'])} of the "
            f"time by a study of this size{smallest}. Smaller differences may exist and go unseen."
        )
    if found["chosen"]:
        where = " among those that nothing beats in both accuracy and time" if found["chosen"] in found["front"] else ""
        sentences.append(f"Best on validation: {found['chosen']}{where}.")
    return sentences


def row_words(row: dict[str, Any]) -> str:
    """The verdict on one variant."""
    if row["failures"]:
        reasons = "; ".join(f"seed {seed}: {why}" for seed, why in row["failures"].items())
        return f"failed ({reasons})"
    return str(row["effect"]["words"]) if row["effect"] else "what the others are compared with"


def advice(found: dict[str, Any]) -> list[str]:
    """What to try next."""
    sentences = []
    count = len(found["seeds"])
    unsure = [row["variant"] for row in found["rows"] if row["effect"] and row["effect"]["verdict"] == "no evidence"]
    if unsure and not found["estimation_only"]:
        sentences.append(
            f"For what is still open ({joined(unsure)}), more seeds tell more: {2 * count} of them (--seeds; after a search --confirm) "
            "halve the variance of the means, and --until 0.5 goes on until the intervals of a study are half a point wide."
        )
    hurts = [row["variant"] for row in found["rows"] if row["effect"] and row["effect"]["verdict"] == "hurts"]
    if hurts:
        sentences.append(f"Leave out {joined(hurts)}, and see whether the others still do what they did.")
    if found["chosen"]:
        sentences.append(
            f"The choice of {found['chosen']} was made on validation; its figure there is a little flattered, that on test is not."
        )
    return sentences
