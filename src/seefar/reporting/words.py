"""The findings of a run in plain sentences, each computed from its numbers."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from seefar.data import checks
from seefar.recipes import Recipe

STUCK = 0.01  # of the way from chance to perfect; a network that stays below has learned nothing (chosen by hand)
GAP = 0.05  # training minus validation accuracy from which we speak of overfitting (chosen by hand)


def result(evaluation: dict[str, Any], data: str) -> str:
    """What the network can do, in two sentences."""
    accuracy, clusters = evaluation["accuracy"], evaluation["clusters"]
    groups, others = (f" in {clusters:,} groups", "groups of images") if clusters else ("", "images")
    return (
        f"On {evaluation['images']:,} {evaluation['split']} images{groups} of {data} that it was not trained on, the network was right "
        f"{percent(accuracy['value'])} of the time. On another set of {others} of this kind and size it would plausibly be between "
        f"{percent(accuracy['low'])} and {percent(accuracy['high'])}."
    )


def beside(evaluation: dict[str, Any]) -> list[str]:
    """The figures that stand beside the one that is believed: on all images as they came, and without near copies."""
    sentences, own = [], evaluation["images"]
    if (raw := evaluation["raw"])["images"] > own:
        out = [f"{count:,} {_LEFT_OUT[kind]}" for kind, count in evaluation["left_out"].items() if count]
        sentences.append(
            f"Raw, on all {raw['images']:,} {evaluation['split']} images as they came, it is right {percent(raw['accuracy']['value'])} "
            f"of the time; not counted above: {joined(out)}."
        )
    if near := evaluation["near"]:
        copies, share = own - near["images"], near["accuracy"]
        sentences.append(
            f"{copies:,} of these images {'is a near copy' if copies == 1 else 'are near copies'} of training images; without them the "
            f"accuracy is {percent(share['value'])} ({percent(share['low'])} to {percent(share['high'])})."
        )
    return sentences


_LEFT_OUT = {
    "copies": "equal to a training image",
    "repeats": "equal to another one that is counted",
    "contradicting": "equal to one of another class",
}
_VIEWS = {
    "flip": "over each image and its mirror image",
    "shift": "over each image, its mirror image, and both of them moved by a pixel to and fro",
}


def test_time_augmentation(evaluation: dict[str, Any]) -> list[str]:
    """What averaging over several views of an image brings, where the recipe asks for it."""
    if evaluation["tta"] == "none":
        return []
    share = evaluation["tta_accuracy"]
    return [
        f"With its answers averaged {_VIEWS[evaluation['tta']]} (test-time augmentation) it is right {percent(share['value'])} of the "
        f"time ({percent(share['low'])} to {percent(share['high'])}); all other figures here are without that."
    ]


def guessing(evaluation: Mapping[str, Any]) -> float:
    """What guessing would reach of the figure that is stated: naming the most frequent class, or a class at random if all count alike."""
    supports = [score["support"] for score in evaluation["scores"] if score["support"]]
    said = evaluation["headline"]
    return 1 / len(supports) if said and said["name"] == "balanced accuracy" else max(supports) / sum(supports)


def chance(evaluation: dict[str, Any]) -> str:
    """What guessing would reach."""
    supports = [score["support"] for score in evaluation["scores"]]
    share = max(supports) / sum(supports)
    return f"Always naming the most frequent of the {len(supports)} classes would be right {percent(share)} of the time."


def classes(evaluation: dict[str, Any]) -> str:
    """The best and the worst class, or those that share the place."""
    recalls = {score["name"]: score["recall"] for score in evaluation["scores"] if score["support"]}
    low, high = (end(share["value"] for share in recalls.values()) for end in (min, max))
    if low == high:
        return f"It recognises every class equally well ({percent(high)} of each found)."
    best, worst = ([name for name, share in recalls.items() if share["value"] == end] for end in (high, low))
    own = recalls[worst[0]]
    interval = f", between {percent(own['low'])} and {percent(own['high'])}" if len(worst) == 1 else ""
    return (
        f"It recognises {_few(best)} best ({percent(high)} of them found) and {_few(worst)} worst ({percent(low)}{interval})."
    )


def _few(names: list[str], most: int = 3) -> str:
    """Classes by name, or how many they are."""
    return joined(names) if len(names) <= most else f"{len(names)} classes"


def fails(evaluation: dict[str, Any]) -> list[str]:
    """Where it fails, in a sentence or three: the pair taken for each other most, the groups, the classes that do worse."""
    if not evaluation["pairs"]:
        return [f"It made no mistake on these {counted(evaluation['images'], evaluation['split'] + ' image')}."]
    first = evaluation["pairs"][0]
    sentences = [
        f"Most often confused: {first['one']} and {first['other']}. {counted(first['there'], 'image')} of {first['one']} "
        f"{'was' if first['there'] == 1 else 'were'} predicted as {first['other']}, {first['back']:,} the other way round."
    ]
    if groups := evaluation["groups"]["groups"]:
        names = "; ".join(joined(group) for group in groups)
        sentences.append(f"Confused more than twice as often as two classes on average: {names}.")
    if weak := evaluation["weak_classes"]:
        names = joined([f"{row['name']} ({percent(row['recall']['value'])})" for row in weak])
        sentences.append(f"Significantly lower recall than the others: {names}.")
    elif len(evaluation["scores"]) > 2:
        sentences.append("No class does significantly worse than the others.")
    return sentences


def weakest(evaluation: dict[str, Any], most: int = 3) -> list[dict[str, Any]]:
    """The classes that do worst, and what their images are taken for: name, recall, and a sentence for each."""
    names = [score["name"] for score in evaluation["scores"]]
    scores = sorted((s for s in evaluation["scores"] if s["support"]), key=lambda score: score["recall"]["value"])
    rows = []
    for score in scores[:most]:
        row = evaluation["confusion"][names.index(score["name"])]
        mistakes = sorted(
            ((count, name) for count, name in zip(row, names, strict=True) if name != score["name"] and count), reverse=True
        )
        if mistakes:
            taken = " and ".join(f"{name} ({count})" for count, name in mistakes[:2])
            missed = sum(count for count, _ in mistakes)
            were = "was missed; it was taken" if missed == 1 else "were missed; most often they were taken"
            sentence = f"{missed:,} of {score['support']:,} {were} for {taken}."
        else:
            sentence = f"All {score['support']:,} were found." if score["support"] > 1 else "The only one was found."
        rows.append({"name": score["name"], "recall": score["recall"], "sentence": sentence})
    return rows


def learning(history: list[dict[str, Any]], recipe: Recipe, ended: str, chance: float) -> list[str]:
    """What the curves say.

    Args:
        history: the rows of history.csv.
        recipe: of the run.
        ended: why training ended, as the manifest has it.
        chance: share of the validation images that naming the most frequent class gets right.
    """
    planned, keep = recipe.stopping.epochs, recipe.kept.keep
    best = max(row["number"] for row in history if row["best"])
    last = history[-1]
    kept = history[best - 1] if keep == "best" else last
    of = "" if recipe.stopping.budget else f" of {planned}"
    sentences = [
        f"The weights of epoch {kept['number']}{of} are used: validation accuracy {percent(kept['validation_accuracy'])}."
        + (
            " They were chosen because validation was best there; that choice flatters validation a little, never test."
            if keep == "best"
            else ""
        )
    ]
    drops = sum(after["rate"] < before["rate"] for before, after in pairwise(history))
    if recipe.optimisation.schedule == "plateau" and drops:
        sentences.append(f"The learning rate was lowered {times(drops)}, each time validation stopped improving.")
    if ended == "budget":
        sentences.append(
            f"Training ended in epoch {len(history)}, when its budget of {duration(recipe.stopping.budget)} was used up."
        )
    elif len(history) < planned or ended not in ("", "finished"):
        sentences.append(
            f"Training ended after {len(history)} of at most {planned} epochs: {_WHY[ended].format(recipe.stopping.patience)}."
        )
    if max(row["validation_accuracy"] for row in history) <= chance + STUCK * (1 - chance):
        sentences.append(
            "It never did better than naming the most frequent class: it has learned nothing. "
            "A lower learning rate is the first thing to try."
        )
    gap = last["accuracy"] - last["validation_accuracy"]
    if gap > GAP:
        sentences.append(
            f"At the end it was right on {percent(last['accuracy'])} of the training images "
            f"but {percent(last['validation_accuracy'])} of the validation images: it has begun to overfit. "
            "Augmentation, more dropout or more images work against that."
        )
    elif best == len(history) and last["validation_accuracy"] < 1 and recipe.kept.interim == 1:
        sentences.append("The last epoch was the best one: more epochs may still help.")
    if recipe.kept.interim < 1 and len(history) > 1:
        sentences.append(
            f"Between epochs only {percent(recipe.kept.interim, 0)} of the validation images answered, to save time: the curves are coarse "
            f"{'up to the last epoch' if ended in ('finished', 'budget', 'patience') else 'to their end'}."
        )
    return sentences


_WHY = {
    "": "it was interrupted without a recorded reason; seefar train --resume continues it",
    "finished": "it was planned for no more",
    "patience": "the last {} in a row brought no improvement (early stopping)",
    "diverged": "the loss diverged; the weights saved before are used",
    "interrupted": "it was interrupted; seefar train --resume continues it",
    "pruned": "the search pruned it, since other trials were ahead",
}


def times(number: int) -> str:
    """Once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def balance(description: dict[str, Any]) -> list[str]:
    """A warning where accuracy alone misleads, because some classes have many more images than others."""
    counts: dict[str, int] = description["counts"]
    if not is_uneven(description):
        return []
    most, least = max(counts, key=counts.__getitem__), min(counts, key=counts.__getitem__)
    return [
        f"The classes are uneven: {counts[most]:,} training images of {most}, {counts[least]:,} of {least}. Accuracy favours the large "
        "ones; balanced accuracy, which counts every class alike, is the figure to look at."
    ]


def is_uneven(description: dict[str, Any]) -> bool:
    """Whether some classes have so many more images than others that accuracy alone misleads."""
    return checks.is_uneven(list(description["counts"].values()))


def groups(data: dict[str, Any], test: dict[str, Any] | None) -> list[str]:
    """How many groups there are, where it is known what the images show.

    Args:
        data: the run's `data.json`.
        test: the evaluation of the test images, if there is one.
    """
    found = data.get("groups")
    if not found:
        return []
    by = "as they were given" if found["by"] == "given" else f"by {found['by']!r}"
    counts = [f"{found['train']:,} to learn from", f"{found['validation']:,} for validation"]
    counts += [f"{test['clusters']:,} for test"] if test and test["clusters"] else []
    parted = test and any(finding["kind"] == "groups" for finding in test["findings"])
    whole = "" if parted else " Each group is on one side of every split."
    over = "The intervals of accuracy, of the classes and of comparisons are over groups, not over images."
    return [f"The images are in groups {by}: {joined(counts)}.{whole} {over}"]


def data(training: dict[str, Any], on_test: dict[str, Any] | None) -> list[str]:
    """What a careful person wants to know of the images before the results: duplicates, contradictions, leaks, odd sources.

    Args:
        training: the description of the training images.
        on_test: what `description-test.json` holds, if the test images have been looked at.
    """
    sentences = [_duplicates(training, "training")]
    if on_test:
        sentences += [_duplicates(on_test["images"], "test"), leaks(on_test["leaks"])]
        if on_test["by_rule"]:
            sentences.append(
                "The source has no test images of its own: a fifth of every class was set aside by a seeded rule before training."
            )
        for split, modes in on_test["modes"].items():
            if set(modes) != {"RGB"}:
                sentences.append(f"The {split} images came as {_list(modes)} and were converted to RGB.")
        for split, sizes in on_test["sizes"].items():
            if len(sizes) > 1:
                sentences.append(f"Sizes of the {split} images before resizing: {_list(sizes, most=6)}.")
        sentences += on_test["warnings"]
    return sentences


def _duplicates(description: dict[str, Any], split: str) -> str:
    groups, conflicts = description["duplicates"], description["conflicts"]
    if not groups:
        return f"No two {split} images are equal."
    images = sum(len(group) for group in groups)
    sentence = f"{images:,} {split} images are equal to another one, pixel by pixel ({counted(len(groups), 'group')})."
    if conflicts:
        example = " and ".join(f"{name} ({id_})" for id_, name in list(conflicts[0].items())[:2])
        sentence += f" {len(conflicts):,} of the groups have contradicting labels, such as {example}."
    return sentence


def leaks(leaks: dict[str, Any]) -> str:
    count = len(leaks["test_ids"])
    searched = "" if leaks["near_searched"] else " There are too many images to search for near copies."
    if not count:
        return f"No test image was found among the training images, as it is, mirrored, or slightly changed.{searched}"
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in leaks["counts"].items() if number)
    return (
        f"{count:,} of {leaks['images']:,} test images ({percent(count / leaks['images'])}) are also training images, or look just like "
        f"one ({kinds}), {leaks['other_label']:,} of them with another label: the network has seen them, so they may be easier than new "
        f"ones.{searched}"
    )


def counted(count: int, noun: str) -> str:
    """A number and its noun: "1 group", "2 groups"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"


def _list(counts: dict[str, int], most: int = 20) -> str:
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    shown = ", ".join(f"{name} ({count:,})" for name, count in ordered[:most])
    return shown if len(ordered) <= most else f"{shown} and {len(ordered) - most} more"


def one_seed() -> str:
    """What one run cannot tell."""
    return (
        "This is one run with one seed. Other seeds give other figures: believe a difference between two recipes only if it is larger "
        "than the interval, or seen with several seeds."
    )


def channels(description: dict[str, Any]) -> str:
    """Mean and deviation of the three channels."""
    return ", ".join(
        f"{name} {mean:.0f} ± {deviation:.0f}"
        for name, mean, deviation in zip(
            ("red", "green", "blue"), description["channel_means"], description["channel_deviations"], strict=True
        )
    )


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 20 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def percent(share: float, decimals: int = 1) -> str:
    """A share as it stands in a sentence or a cell: no line breaks before the sign.

    It has more digits where it would else be rounded to nothing or to all: 99.96 %, 0.04 %.
    """
    while decimals < 6 and 0 < share < 1 and float(f"{100 * share:.{decimals}f}") in (0, 100):
        decimals += 1
    return f"{100 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def joined(things: Sequence[str], word: str = "and") -> str:
    """Things as a sentence lists them: a, b and c."""
    return things[0] if len(things) == 1 else f"{', '.join(things[:-1])} {word} {things[-1]}"
