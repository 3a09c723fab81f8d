"""Whether to trust a network, in sentences and tables: its probabilities, spoilt and foreign images, and images and labels themselves."""

from typing import Any

from seefar.reporting.words import percent

ISSUES, PAIRS = 20, 10  # that an audit's tables show (chosen by hand)


def calibration(evaluation: dict[str, Any]) -> list[str]:
    """Whether its probabilities can be believed."""
    found = evaluation["calibration"]
    before, after, temperature = found["before"]["error"], found["after"]["error"], found["temperature"]
    mood = "too sure of itself" if temperature > 1.02 else "too modest" if temperature < 0.98 else "about right"
    sentence = f"It is {mood}: what it states as its probability is off by {100 * before:.1f} points on average"
    if evaluation["split"] == "validation":
        where = "(fitted on these very images, so a little flattered)"
    else:
        where = f"(a temperature of {temperature:.2f}, fitted on {found['images']:,} validation images)"
    return [f"{sentence}; calibrated {where} {100 * after:.1f} points."]


def selective(evaluation: dict[str, Any]) -> list[str]:
    """How far it can be trusted where it is sure."""
    found = evaluation["selective"]
    if found["threshold"] is None or not found["coverage"]:
        return ["There is no confidence from which on it was right 99\N{NO-BREAK SPACE}% of the time on validation."]
    return [
        f"Where its calibrated confidence is at least {percent(found['threshold'])}, which is so for {percent(found['coverage'])} of the "
        f"{evaluation['split']} images, it was right {percent(found['accuracy']['value'])} of the time; on validation that "
        "threshold gave 99\N{NO-BREAK SPACE}%."
    ]


def robustness(found: dict[str, Any]) -> list[str]:
    """What spoilt images cost."""
    groups = sorted(found["groups"].items(), key=lambda item: item[1])
    (worst, low), (best, high) = groups[0], groups[-1]
    means = {name: sum(row) / len(row) for name, row in found["accuracies"].items()}
    hardest = min(means, key=means.__getitem__)
    origin = (
        "the published files of CIFAR-10-C"
        if found["source"] == "CIFAR-10-C"
        else "computed here, frost from a generated texture, so that the mean compares with no published figure"
    )
    return [
        f"On {found['images']:,} {found['split']} images spoilt in 15 ways and 5 strengths ({origin}) it is right "
        f"{percent(1 - found['mean_error'])} of the time instead of {percent(found['clean']['value'])}.",
        f"{worst.capitalize()} costs it most ({percent(low)} right), {best} least ({percent(high)}); the hardest single one is "
        f"{hardest.replace('_', ' ')} ({percent(means[hardest])}).",
    ]


def out_of_distribution(found: dict[str, Any]) -> list[str]:
    """Whether it notices what is not its own."""
    sentences = []
    for foreign in found["foreign"]:
        score = max(foreign["auroc"], key=foreign["auroc"].__getitem__)
        plain = foreign["auroc"]["max_probability"]
        sentences.append(
            f"Of an image of its own and one of {foreign['name']} it is surer of its own {percent(plain)} of the time (AUROC of the "
            f"largest probability); the best score, {score.replace('_', ' ')}, tells them apart {percent(foreign['auroc'][score])} "
            "of the time."
        )
    return sentences


def audit_tables(found: dict[str, Any]) -> list[tuple[list[str], list[tuple[str, ...]]]]:
    """The first of what an audit listed, from an Audit as a dict: columns and rows, of label issues and of duplicates; no empty table."""
    issues: list[tuple[str, ...]] = [
        (row["id"], row["label"], row["suggested"], f"{row['probability']:.0%}", f"{row['label_probability']:.1%}")
        for row in found["listed_label_issues"][:ISSUES]
    ]
    duplicates: list[tuple[str, ...]] = [
        (row["one"], row["other"], row["where"], "" if row["same_label"] else "other label")
        for row in found["listed_duplicates"][:PAIRS]
    ]
    tables: list[tuple[list[str], list[tuple[str, ...]]]] = [
        (["most doubtful labels", "label", "rather", "probability", "of its label"], issues),
        (["surest duplicates", "of", "where", "note"], duplicates),
    ]
    return [(columns, rows) for columns, rows in tables if rows]


def audit(found: dict[str, Any], accuracy: tuple[float, float] | None) -> list[str]:
    """What an audit found.

    Args:
        found: an Audit as a dict.
        accuracy: the run's own test accuracy, on all test images and on those without a near duplicate in training.
    """
    duplicates, issues = found["duplicates"], found["label_issues"]
    count, images = len(found["duplicated_test_ids"]), found["images"]["test"]
    sentences = [
        f"{count:,} of {images:,} test images ({percent(count / images)}) show the same as a training image, moved, mirrored or "
        f"recoloured; within training there are {duplicates['within training']:,} such pairs, within test {duplicates['within test']:,}."
    ]
    if accuracy and count:
        sentences.append(f"Without those test images the accuracy is {percent(accuracy[1])} instead of {percent(accuracy[0])}.")
    sentences.append(
        f"{found['folds']} networks that had not seen the image in question ({percent(found['accuracy']['value'])} right) doubt "
        f"{issues['training']:,} training labels and {issues['test']:,} test labels; not every doubt is an error, so look at them."
    )
    if found["overlaps"]:
        first = found["overlaps"][0]
        sentences.append(f"Labels mix up {first['one']} and {first['other']} most (about {first['images']:,} images).")
    return sentences
