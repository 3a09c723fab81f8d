"""Four sentences that stand first: how good it is, where it fails, whether to trust it, and what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from seefar.reporting import check_words, trust_words, words
from seefar.reporting.words import percent


def verdict(
    judged: dict[str, Any] | None,
    shown: dict[str, Any] | None,
    warnings: Sequence[Mapping[str, Any]],
    advice: Sequence[str],
    run: str,
) -> dict[str, str]:
    """The four sentences, by "good", "fails", "trust" and "next".

    Args:
        judged: the evaluation that the headline is about, as a dict; None if there is none yet.
        shown: the evaluation whose figures are shown; None if nothing is known.
        warnings: as `check_words.warnings` has them, worst first.
        advice: what to try next, the most promising first.
        run: name of its folder.
    """
    serious = [warning for warning in warnings if warning["serious"]]
    if not judged:
        return {
            "good": "It has not been evaluated yet.",
            "fails": "That is not known before it is evaluated.",
            "trust": "Nothing has been measured on images that it was not trained on, but for validation during training.",
            "next": f"seefar evaluate {run} measures it on validation images, and seefar report {run} shows it.",
        }
    return {
        "good": _good(judged, shown),
        "fails": _fails(shown),
        "trust": _trust(judged, shown, serious),
        "next": _next(judged, serious, advice),
    }


def _good(judged: dict[str, Any], shown: dict[str, Any] | None) -> str:
    """The headline in words."""
    if judged["headline"] is None:
        instead = ""
        if shown and shown["split"] != judged["split"]:
            said = shown["headline"] or shown["accuracy"]
            instead = f" On validation images it is right {percent(said['value'])} of the time ({check_words.between(said)})."
        return f"Its {judged['split']} accuracy cannot be measured.{instead}"
    said = judged["headline"]
    of = "of new images" if judged["split"] == "test" else "of validation images, which helped to choose its weights,"
    if said["name"] == "accuracy":
        supports = [score["support"] for score in judged["scores"]]
        guess = percent(max(supports) / sum(supports))
        if not beats_guessing(judged):
            return (
                f"It is right on {percent(said['value'])} {of} ({check_words.between(said)}), which cannot be told from guessing: always "
                f"naming the most frequent class would be right {guess} of the time."
            )
        return (
            f"It is right on {percent(said['value'])} {of} ({check_words.between(said)}); always naming the most frequent class would "
            f"be right {guess} of the time."
        )
    return (
        f"Averaged over its classes it is right on {percent(said['value'])} {of} ({check_words.between(said)})"
        f"{'; guessing would reach' if beats_guessing(judged) else ', which cannot be told from guessing:'} "
        f"{percent(1 / sum(score['support'] > 0 for score in judged['scores']))}."
    )


def beats_guessing(judged: Mapping[str, Any]) -> bool:
    """Whether the whole interval of the headline lies above what guessing would reach."""
    said, supports = judged["headline"], [score["support"] for score in judged["scores"] if score["support"]]
    guess = max(supports) / sum(supports) if said["name"] == "accuracy" else 1 / len(supports)
    return bool(said["low"] > guess)


def _next(judged: dict[str, Any], serious: Sequence[Mapping[str, Any]], advice: Sequence[str]) -> str:
    """What is worth most: to mend the images, to find out why nothing was learned, or the first advice."""
    if serious:
        return str(serious[0]["do"])
    if judged["headline"] and not beats_guessing(judged):
        return "Look whether the labels are right: it has learned nothing that helps with new images."
    return advice[0] if advice else "Try it on images of your own: seefar predict."


def _fails(shown: dict[str, Any] | None) -> str:
    if not shown:
        return "That cannot be told: no image is left to judge it by."
    return words.fails(shown)[0]


def _trust(judged: dict[str, Any], shown: dict[str, Any] | None, serious: Sequence[Mapping[str, Any]]) -> str:
    """The worst that is known against it; else whether its probabilities can be believed."""
    if serious:
        title = serious[0]["title"]
        not_as_it_stands = f"Not as it stands: {title[0].lower()}{title[1:]}."
        if judged["headline"]:
            return f"{not_as_it_stands} {serious[0]['sentence']}"
        instead = shown is not None and shown["split"] != judged["split"]
        return not_as_it_stands + " The validation images were not trained on, but helped to choose the weights." * instead
    if judged["headline"] is None:
        return "There is no figure to trust: see why above."
    rests = f"The figure rests on {judged['headline']['images']:,} images that it was not trained on, and on one seed."
    if judged["clusters"]:
        rests = (
            f"The figure rests on {judged['images']:,} images in {judged['clusters']:,} groups that it was not trained on, which speak as "
            f"{judged['headline']['images']:,} independent images would, and on one seed."
        )
    return f"{rests} {trust_words.calibration(judged)[0]}"
