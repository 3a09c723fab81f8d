"""What is stated first, and what stands in its way: the headline, or why there is none, and the warnings, in sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from seefar.reporting.words import counted, joined, percent

NAMED = 3  # classes named in a sentence before the rest is counted (chosen by hand)

BY = {
    "files": ("The files alone tell the classes apart", "the format, size and length of the files"),
    "border": ("The borders alone tell the classes apart", "the outermost pixels"),
    "colour": ("Colour alone tells the classes apart", "the mean colour of an image"),
}


def headline(found: Mapping[str, Any]) -> str:
    """One line: what is believed, with its interval, and on how many images; or that nothing can be measured, and why.

    Args:
        found: an Evaluation as a dict.
    """
    split, said = found["split"], found["headline"]
    if said is None:
        return f"{split} accuracy {cannot(found)}"
    looked = f", look {found['look']} at the test images" if found["look"] else ""
    images = counted(said["images"], "image")
    if found["clusters"]:
        images = f"{counted(found['images'], 'image')} in {counted(found['clusters'], 'group')}"
    return (
        f"{split} {said['name']} {percent(said['value'], 2)}, 95\N{NO-BREAK SPACE}% interval {between(said, 2)} "
        f"({images}, one seed{looked}){raw(found)}"
    )


def raw(found: Mapping[str, Any]) -> str:
    """The raw accuracy, to be put behind the headline where it is another; empty where every image counts."""
    count = found["raw"]["images"]
    if found["images"] == count:
        return ""
    return f"; raw, on all {count:,} images as they came: {percent(found['raw']['accuracy']['value'], 2)}"


def cannot(found: Mapping[str, Any]) -> str:
    """Why there is no headline: "cannot be measured: ..."; empty if there is one."""
    if found["headline"] is not None:
        return ""
    left, total, split, out = found["images"], found["raw"]["images"], found["split"], found["left_out"]
    if found["cannot"] == "few":
        why = f"there are only {counted(total, f'{split} image')}"
    elif found["cannot"] == "copies":
        why = f"{out['copies']:,} of {total:,} {split} images are training images"
    elif found["cannot"] == "repeats":
        why = f"{out['repeats']:,} of {total:,} {split} images repeat another one"
    else:
        why = f"{out['contradicting']:,} of {total:,} {split} images equal one of another class"
    rest = "" if found["cannot"] == "few" and left == total else f", and {_left(left)}"
    return f"cannot be measured: {why}{rest}; 30 distinct new images a class are needed"


def _left(images: int) -> str:
    return "none is left" if not images else f"only {images:,} {'is' if images == 1 else 'are'} left"


def between(share: Mapping[str, float], decimals: int = 1) -> str:
    """The two ends of an interval."""
    return f"{percent(share['low'], decimals)} to {percent(share['high'], decimals)}"


def warnings(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What is wrong with the images of an evaluation, worst first: "kind", "serious", "title", "sentence", and what to "do".

    Args:
        found: an Evaluation as a dict.
    """
    explained = found["headline"] is None and found["cannot"] != "few"  # that few are left follows from what took the others
    return [warning(one, found["split"]) for one in found["findings"] if not (explained and one["kind"] == "few")]


def before_training(findings: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to say of the test images before anybody waits for a figure: a line for each serious finding.

    Args:
        findings: Findings as dicts, worst first.
    """
    meaning = "the test accuracy will mean little for new images"
    lines = []
    for finding in findings:
        if not finding["serious"]:
            continue
        said = warning(finding, "test")
        if finding["kind"] == "copies":
            whole = finding["images"] == finding["of"]
            what = "nothing" if whole else "little unless they are left out, as they will be"
            lines.append(
                f"{finding['images']:,} of your {finding['of']:,} test images are training images: the test accuracy will mean {what}"
            )
            if whole:
                return lines  # what else there is to say follows from it
        elif finding["kind"] in ("bursts", "shortcut"):
            lines.append(f"{said['sentence'].rstrip('.')}: {meaning}")
        else:
            lines.append(said["sentence"].rstrip("."))
    return lines


def warning(finding: Mapping[str, Any], split: str) -> dict[str, Any]:
    """One finding in words."""
    kind, images, of = finding["kind"], finding["images"], finding["of"]
    share = f"{images:,} of {of:,} {split} images"
    are = "is" if images == 1 else "are"
    seen = "training" if split == "validation" else "training or validation"
    if kind == "copies":
        title = f"{'All' if images == of else _most(images, of)} {split} images are training images"
        pronoun = "it is" if images == 1 else "they are"
        sentence = (
            f"{share} {are} equal to a {seen} image, or to its mirror image; {pronoun} left out of every figure except the raw "
            "accuracy."
        )
        do = f"Use other {split} images, ones that were never trained on."
    elif kind == "groups":
        title = f"{split.capitalize()} images show what was trained on"
        sentence = f"{share} {are} of {counted(finding['numbers'][0], 'group')} that {seen} images are of, too; they count."
        do = "Keep each group on one side of the split; --group does so where there are no test images yet."
    elif kind == "contradicting":
        title = "Equal images have different labels"
        sentence = f"{share} {are} equal to one of another class; no answer is right for both, so they are left out."
        do = "Decide which label is right; seefar data describe --json lists them."
    elif kind == "repeats":
        title = f"{split.capitalize()} images are repeated"
        sentence = f"{share} {'repeats' if images == 1 else 'repeat'} another one exactly; each image counts once."
        do = f"Remove the copies, or take {split} images that differ."
    elif kind == "near":
        few = "" if finding["serious"] else "A few "
        title = f"{few}{split if few else split.capitalize()} images look just like training images"
        sentence = f"{share} {are} near copies of training images, so they may be easier than new ones; they count."
        do = "See the accuracy without them beside the headline."
    elif kind == "bursts":
        title = f"{split.capitalize()} images come in bursts"
        sentence = (
            f"{share} look nearly the same as their neighbour by name ({counted(finding['numbers'][0], 'burst')}); "
            "the interval allows for that."
        )
        do = "Split by what was photographed, not by image, and take test images from other occasions."
    elif kind == "few":
        named = _named([f"{name} ({number:,})" for name, number in zip(finding["classes"], finding["numbers"], strict=True)])
        title = "Too few images to tell"
        sentence = f"Fewer than 30 {split} images count for {named}."
        do = "Add images of these classes; until then their figures have wide intervals."
    elif kind == "uneven":
        (most, least), (many, few) = finding["classes"], finding["numbers"]
        title = "The classes are uneven"
        sentence = (
            f"There are {many:,} training images of {most} and {few:,} of {least}: accuracy favours the large classes, so balanced "
            "accuracy, which counts every class alike, is the figure to look at."
        )
        do = "Add images of the small classes, or try --set balance=weights."
    else:
        title, by = BY[finding["by"]]
        sentence = (
            f"A logistic regression that sees nothing but {by} tells the classes of the training images apart "
            f"{percent(finding['accuracy'])} of the time (guessing: {percent(finding['chance'])}), so the network need not have "
            "looked at what the images show."
        )
        do = "Take images whose classes do not differ in that, and test on images from elsewhere."
    return {"kind": kind, "serious": finding["serious"], "title": title, "sentence": sentence, "do": do}


def _most(images: int, of: int) -> str:
    return "Most" if 2 * images > of else "Some"


def _named(things: list[str]) -> str:
    if len(things) <= NAMED:
        return joined(things)
    return f"{', '.join(things[:NAMED])} and {len(things) - NAMED} more"
