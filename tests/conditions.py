"""When a sentence is true: each condition is counted anew from pixels, labels and stored answers."""

import re

import numpy as np
from tests.sentences import Check, Said
from tests.truth import Answers, Truth, is_share


def count(said: str) -> int:
    """A number as a sentence has it."""
    return int(said.replace(",", ""))


def shown(t: Truth) -> Answers:
    """The answers that the page is about: test where it can be measured, else validation."""
    return t.split(t.report["basis"])


def label(t: Truth, name: str) -> int:
    return t.classes.index(name)


def rests_on(t: Truth, said: str, split: str) -> bool:
    """Whether a figure rests on so many images; those of a burst, where there is one, count as one."""
    bursts = any(finding["kind"] == "bursts" for finding in t.journey.read(f"evaluation-{split}.json")["findings"])
    of = len(t.split(split))
    return count(said) == of or (bursts and 0.8 * of < count(said) < of)


def number(said: str) -> float:
    """A percentage as a share."""
    return float(said.rstrip("% \N{NO-BREAK SPACE}")) / 100


def interval(t: Truth, g: Said, of: Answers) -> bool:
    """Whether the ends lie around accuracy or, where it takes its place, balanced accuracy, and are no single point."""
    low, high = number(g["low"]), number(g["high"])
    return any(low <= share + 1e-3 and high >= share - 1e-3 for share in (of.accuracy, balanced(of))) and low < high


def balanced(of: Answers) -> float:
    """The mean recall."""
    return float(np.mean([of.recall(number) for number in np.unique(of.labels)]))


def result(t: Truth, g: Said) -> bool:
    of = t.split(g["split"])
    return count(g["images"]) == len(of) and is_share(g["share"], of.accuracy) and interval(t, g, of)


def raw(t: Truth, g: Said) -> bool:
    of = t.split(g["split"]) if "split" in g else shown(t)
    return count(g["images"]) == of.all > len(of) and is_share(g["share"], of.raw)


def most_frequent(t: Truth, g: Said) -> bool:
    counts = np.bincount(shown(t).labels, minlength=len(t.classes))
    return is_share(g["share"], counts.max() / counts.sum())


def best_and_worst(t: Truth, g: Said) -> bool:
    """Whether the classes named as best and worst are all those, and the figures theirs."""
    of = shown(t)
    recalls = {name: of.recall(number) for number, name in enumerate(t.classes) if (of.labels == number).any()}
    low, high = min(recalls.values()), max(recalls.values())
    for end, said in ((high, g["best"]), (low, g["worst"])):
        names = [name for name in recalls if recalls[name] == end]
        named = said.replace(" and ", ", ").split(", ")
        if named not in (names, [f"{len(names)} classes"]):
            return False
    return low < high and is_share(g.get("high", f"{100 * high:.9f}"), high) and is_share(g.get("low", f"{100 * low:.9f}"), low)


def equally_well(t: Truth, g: Said) -> bool:
    of = shown(t)
    return len({of.recall(number) for number in np.unique(of.labels)}) == 1


def confused(t: Truth, g: Said) -> bool:
    of, one, other = shown(t), label(t, g["one"]), label(t, g["other"])
    again = label(t, g["again"]), label(t, g["called"])
    there, back = of.taken(one, other), of.taken(other, one)
    sizes = np.bincount(of.labels, minlength=len(t.classes))

    def share(i: int, j: int) -> float:
        return (of.taken(i, j) + of.taken(j, i)) / max(sizes[i] + sizes[j], 1)

    most = max(share(i, j) for i in range(len(t.classes)) for j in range(i))
    return (
        again == (one, other)
        and (count(g["there"]), count(g["back"])) == (there, back)
        and share(one, other) == most
        and there > 0
    )


def missed(t: Truth, g: Said) -> bool:
    of, number = shown(t), label(t, g["name"])
    own = of.labels == number
    return (count(g["missed"]), count(g["images"])) == (int((own & ~of.right).sum()), int(own.sum()))


def kept_epoch(t: Truth, g: Said) -> bool:
    row = t.history[count(g["epoch"]) - 1]
    return is_share(g["share"], float(row["validation_accuracy"])) and count(g["planned"]) == len(t.history)


def leaks(t: Truth, g: Said) -> bool:
    return count(g["copies"]) == t.planted.copies and count(g["images"]) == len(t.data.test)


def left(t: Truth, g: Said) -> bool:
    return count(g["images"]) == int(t.planted.clean.sum())


def off(t: Truth, g: Said) -> bool:
    """Whether it is over- or under-confident, and by how much its probabilities are off (15 bins of equal width)."""
    of = t.split(g["split"]) if "split" in g else shown(t)
    excess = float(of.sure.mean() - of.accuracy)
    bins = np.minimum((of.sure * 15).astype(int), 14)
    error = sum(abs((of.sure - of.right)[bins == one].sum()) for one in range(15)) / len(of)
    mood = "over-confident" if excess > 0.01 else "under-confident" if excess < -0.01 else "well calibrated"
    if mood == "well calibrated" and error >= 0.03:
        mood = "over-confident on some images and under-confident on others"
    return g.get("mood", mood) == mood and abs(float(g["points"]) - 100 * error) < 0.11


def learned_nothing(t: Truth, g: Said) -> bool:
    """Whether no epoch came closer to perfect than guessing does."""
    guess = t.held_out.counts().max() / len(t.held_out)
    return max(float(row["validation_accuracy"]) for row in t.history) <= guess + 0.01 * (1 - guess)


def overfits(t: Truth, g: Said) -> bool:
    last = t.history[-1]
    return (
        is_share(g["known"], float(last["accuracy"]))
        and is_share(g["new"], float(last["validation_accuracy"]))
        and float(last["accuracy"]) > float(last["validation_accuracy"])
    )


def last_was_best(t: Truth, g: Said) -> bool:
    best = max(int(row["number"]) for row in t.history if row["best"] == "True")
    return best == len(t.history) and float(t.history[-1]["validation_accuracy"]) < 1


def gap(t: Truth, g: Said) -> bool:
    last = t.history[-1]
    return abs(float(g["points"]) - 100 * (float(last["accuracy"]) - float(last["validation_accuracy"]))) < 0.06


def no_equal(t: Truth, g: Said) -> bool:
    images = t.data.test if g["split"] == "test" else t.data.train
    return len({image.tobytes() for image in images.pixels}) == len(images)


def equal(t: Truth, g: Said) -> bool:
    images = t.data.test if g["split"] == "test" else t.data.train
    keys = [image.tobytes() for image in images.pixels]
    again = [key for key in keys if keys.count(key) > 1]
    return (count(g["images"]), count(g["groups"])) == (len(again), len(set(again)))


def uneven(t: Truth, g: Said) -> bool:
    counts = t.data.train.counts()
    ends = (count(g["many"]), count(g["few"])) == (counts.max(), counts.min())
    return ends and (label(t, g["most"]), label(t, g["least"])) == (counts.argmax(), counts.argmin())


def wrong(t: Truth, g: Said) -> bool:
    return (count(g["wrong"]), count(g["images"])) == (int((~shown(t).right).sum()), len(shown(t)))


def none_wrong(t: Truth, g: Said) -> bool:
    return bool(shown(t).right.all()) and ("images" not in g or count(g["images"]) == len(shown(t)))


def nothing_found(t: Truth, g: Said) -> bool:
    return t.planted.copies == 0


def is_kind(kind: str) -> Check:
    return lambda t, g: t.planted.kind == kind


def headline(t: Truth, g: Said) -> bool:
    """Whether the figure stated first is that of the images that count, and of the split that is named."""
    if t.planted.measurable != (g["split"] == "test"):
        return False
    of = t.split(g["split"])
    return is_share(g["share"], balanced(of) if t.planted.kind == "uneven" else of.accuracy)


def stated(t: Truth, g: Said) -> bool:
    """The same, where interval and number of images are beside it."""
    return headline(t, g) and rests_on(t, g["images"], g["split"]) and interval(t, g, t.split(g["split"]))


def unmeasured(t: Truth, g: Said) -> bool:
    """Whether too little is left, and so much was left out as is said."""
    said = {
        "copies": t.planted.copies,
        "repeats": t.planted.repeats,
        "contradicting": t.planted.contradicting,
        "all": len(t.data.test),
    }
    return not t.planted.measurable and all(count(g[name]) == said[name] for name in said if name in g)


def left_out(t: Truth, g: Said) -> bool:
    """Whether as many test images are left out for that reason as is said."""
    kind = next(name for name in ("copies", "repeats", "contradicting") if name in g)
    return count(g[kind]) == getattr(t.planted, kind) > 0 and count(g["images"]) == len(t.data.test)


def everything_left_out(t: Truth, g: Said) -> bool:
    parts = [int(number) for number in re.findall(r"\d+", g["out"])]
    return raw(t, g) and sum(parts) == t.split(g["split"]).all - len(t.split(g["split"]))


def few(t: Truth, g: Said) -> bool:
    """Whether the classes that are named have as few test images that count as is said."""
    counts = t.data.test[t.planted.clean].counts()
    pairs = re.findall(r"(\w[\w ]*?) \((\d+)\)", g["classes"].replace(" and ", ", "))
    return bool(pairs) and all(int(number) == counts[label(t, name)] < 30 for name, number in pairs)


def weights(t: Truth, g: Said) -> bool:
    """Whether that epoch's weights are used."""
    return kept_epoch(t, g)


def guessing(t: Truth, g: Said) -> bool:
    """Whether the figure cannot be told from guessing."""
    return headline(t, g) and most_frequent(t, {"share": g["guess"]})


def beats_guessing(t: Truth, g: Said) -> bool:
    """Whether the whole interval lies above guessing."""
    return guessing(t, g) and number(g["low"]) > number(g["guess"])


def every(t: Truth, g: Said) -> bool:
    """Whether all images are counted, training and test."""
    return (count(g["images"]), count(g["classes"])) == (len(t.data.train) + len(t.data.test), len(t.classes))


def gap_below(t: Truth, most: float) -> bool:
    """Whether training accuracy exceeded validation accuracy by less in the last epoch."""
    last = t.history[-1]
    return float(last["accuracy"]) - float(last["validation_accuracy"]) < most


def useless(t: Truth) -> int:
    """Filters that are dead, noise, or duplicates of others."""
    rows = t.inside["health"]
    return sum(len(row["dead"]) + len(row["noisy"]) + sum(len(group) - 1 for group in row["duplicates"]) for row in rows)


def faithful(t: Truth, g: Said) -> bool:
    """Whether no method has a larger difference between insertion and deletion than the one with these figures."""
    methods = t.inside["methods"].values()
    best = max(methods, key=lambda m: m["insertion"] - m["deletion"])
    return is_share(g["first"], best["insertion"]) and is_share(g["last"], best["deletion"])


def found_all(t: Truth, name: str) -> int:
    """How many images a class has, if all were found; 0 else."""
    own = shown(t).labels == label(t, name)
    return int(own.sum()) if shown(t).right[own].all() else 0


def turned(t: Truth, g: Said) -> bool:
    """Whether so many images changed their class, and the smallest change is so large."""
    sizes = [change["size"] for change in t.inside["changes"] if change["turned"]]
    return count(g["turned"]) == len(sizes) and abs(float(g["levels"]) - min(sizes)) < 0.006
