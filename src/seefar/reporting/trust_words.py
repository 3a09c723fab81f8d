"""Whether to trust a network, in sentences: its probabilities, corrupted and unfamiliar images, the data and labels themselves."""

from typing import Any

from seefar.reporting.words import percent

WELL = 0.03  # calibration error below which it is called well calibrated (chosen by hand)
OFF = 0.01  # mean confidence less accuracy from which it is called over- or under-confident (chosen by hand)


def calibration(evaluation: dict[str, Any]) -> list[str]:
    """Whether its probabilities can be believed."""
    found = evaluation["calibration"]
    before, after, temperature = found["before"]["error"], found["after"]["error"], found["temperature"]
    images = sum(one["images"] for one in found["before"]["bins"])
    excess = sum(one["images"] * (one["confidence"] - one["accuracy"]) for one in found["before"]["bins"]) / images
    if abs(excess) > OFF:
        mood = "over-confident" if excess > 0 else "under-confident"
    else:
        mood = "well calibrated" if before < WELL else "over-confident on some images and under-confident on others"
    sentence = f"It is {mood}: what it states as its probability is off by {100 * before:.1f} points on average"
    if evaluation["split"] == "validation":
        where = "(fitted on these very images, so a little flattered)"
    else:
        where = f"(a temperature of {temperature:.2f}, fitted on {found['images']:,} validation images)"
    return [f"{sentence}; calibrated {where} {100 * after:.1f} points."]


def selective(evaluation: dict[str, Any]) -> list[str]:
    """How far it can be trusted where it is confident."""
    found = evaluation["selective"]
    if found["threshold"] is None:
        return ["At no confidence threshold was it right 99\N{NO-BREAK SPACE}% of the time on validation."]
    if not found["coverage"]:
        return [
            f"On none of the {evaluation['split']} images was its calibrated confidence as high as {percent(found['threshold'])}, from "
            "which on it was right 99\N{NO-BREAK SPACE}% of the time on validation."
        ]
    return [
        f"Where its calibrated confidence is at least {percent(found['threshold'])}, which is so for {percent(found['coverage'])} of the "
        f"{evaluation['split']} images, it was right {percent(found['accuracy']['value'])} of the time; on validation that "
        "threshold gave at least 99\N{NO-BREAK SPACE}%."
    ]


def robustness(found: dict[str, Any]) -> list[str]:
    """What corrupted images cost."""
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
        f"On {found['images']:,} {found['split']} images corrupted in 15 ways at 5 severities ({origin}) it is right "
        f"{percent(1 - found['mean_error'])} of the time instead of {percent(found['clean']['value'])}.",
        f"{worst.capitalize()} costs it the most accuracy ({percent(low)} right), {best} the least ({percent(high)}); the hardest "
        f"corruption is {hardest.replace('_', ' ')} ({percent(means[hardest])}).",
    ]


def out_of_distribution(found: dict[str, Any]) -> list[str]:
    """Whether it notices what is not its own."""
    sentences = []
    for foreign in found["foreign"]:
        score = max(foreign["auroc"], key=foreign["auroc"].__getitem__)
        plain = foreign["auroc"]["max_probability"]
        sentences.append(
            f"Given one of its own images and one of {foreign['name']}, it is more confident about its own {percent(plain)} of the time "
            f"(AUROC of the largest probability); the best score, {score.replace('_', ' ')}, separates them "
            f"{percent(foreign['auroc'][score])} of the time."
        )
    return sentences


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
