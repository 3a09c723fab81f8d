"""What a search found, in plain sentences."""

import shlex
from typing import Any

from seefar.recipe_fields import text
from seefar.reporting import study_words
from seefar.reporting.words import joined, percent

MOST_FAILURES = 3  # that are told one by one (chosen by hand)


def search(found: dict[str, Any]) -> list[str]:
    """What happened in the search, none of it a claim; from Tuning as a dict."""
    count = len(found["trials"])
    sentences = [
        f"{count} trial{'s' * (count > 1)}: {found['complete']} complete, {found['pruned']} pruned, {found['failed']} failed."
    ]
    failed = [trial for trial in found["trials"] if trial["state"] == "failed"]
    sentences += [f"Trial {trial['number']} failed: {trial['reason']}." for trial in failed[:MOST_FAILURES]]
    if len(failed) > MOST_FAILURES:
        sentences.append(f"{len(failed) - MOST_FAILURES} more failed; results.json has their reasons.")
    if found["importance"]:
        shares = [f"{field} {percent(share)}" for field, share in found["importance"].items()]
        sentences.append(f"What sets the better trials apart, as far as {found['complete']} can tell: {joined(shares)}.")
    if found["winner"] is None:
        return [*sentences, "No trial came to its end, so that there is nothing to choose from."]
    return [
        *sentences,
        f"Best on validation: trial {found['winner']} with {found['accuracy']:.2%}. It was chosen among {count} on the same images, so "
        "that this figure is optimistic.",
    ]


def claim(found: dict[str, Any]) -> list[str]:
    """What may be claimed: the verdict on the winner with fresh seeds, or why there is none; and how to go on."""
    if found["winner"] is None:
        return []
    if not found["confirmation"]:
        if found["base_won"]:
            return [
                f"That is recipe {found['base']} itself: nothing in the space did better, so that there is nothing to confirm."
            ]
        return ["It was not confirmed with fresh seeds, so that nothing is claimed."]
    study = found["confirmation"]
    row = study["rows"][-1]
    count = len(study["seeds"])
    sentences = [
        f"With {count} fresh seed{'s' * (count > 1)}, on {study['split']}, tuned against {found['base']}: {study_words.row_words(row)}."
    ]
    if row["effect"] and row["effect"]["verdict"] == "no evidence":
        sentences.append(f"More seeds tell more: --confirm {2 * count} goes on from here.")
    if found["earlier"]:
        sentences.append(
            f"The test images were opened for {found['earlier']} other winner{'s' * (found['earlier'] > 1)} of this search as well: the "
            "best of several verdicts flatters."
        )
    changed = {**found["set"], **found["fields"]}
    changes = " ".join(f"--set {shlex.quote(f'{field}={text(value)}')}" for field, value in changed.items())
    return [
        *sentences,
        f"To train it: seefar train --data ... --recipe {found['base']} {changes}",
        f"The page: {found['page']}",
    ]
