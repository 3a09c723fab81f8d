"""What a look inside a network says, in plain sentences."""

from typing import Any

from seefar.reporting.words import joined, percent

NAMES = {
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "layer_cam": "LayerCAM",
    "integrated_gradients": "integrated gradients",
    "gradient_shap": "gradient SHAP",
    "occlusion": "occlusion",
}
UNSEEN = 2.0  # levels of 255 that pixels may be moved by and nobody sees it (chosen by hand)
ALIKE = 0.5  # rank correlation from which a map hardly depends on what was learned (chosen by hand)


def method_name(method: str) -> str:
    """What a method is called in sentences and pictures; one that has no entry above by its key."""
    return NAMES.get(method, method.replace("_", " "))


def called(label: str, predicted: str) -> str:
    """What an image was predicted as, after its class if that is another one."""
    return predicted if predicted == label else f"{label} predicted as {predicted}"


def everything(found: dict[str, Any]) -> dict[str, list[str]]:
    """Two or three sentences for each part, by its name; from an Overview as a dict."""
    return {
        "filters": filters(found),
        "path": path(found),
        "units": units(found),
        "where": where(found),
        "space": space(found),
        "classes": classes(found),
        "learning": learning(found),
    }


def filters(found: dict[str, Any]) -> list[str]:
    """The first filters, and those that do nothing."""
    origin = (
        "The first filters were not learned: they are fitted to the training images so that their outputs are uncorrelated "
        "(whitening), each together with its negative."
        if found["first"] == "whitening"
        else "The first filters were learned; edges and colours are what such filters mostly look for."
    )
    total = sum(row["filters"] for row in found["health"])
    dead, duplicates, noisy = (
        sum(len(row["dead"]) for row in found["health"]),
        sum(len(group) - 1 for row in found["health"] for group in row["duplicates"]),
        sum(len(row["noisy"]) for row in found["health"]),
    )
    if not dead + duplicates + noisy:
        return [origin, f"Of its {total:,} learned filters none is dead, a duplicate or mere noise."]
    parts = [
        f"{number:,} {word}"
        for number, word in ((dead, "dead"), (duplicates, "duplicates of others"), (noisy, "noise"))
        if number
    ]
    return [origin, f"Of its {total:,} learned filters {joined(parts)}: a narrower network might do as well."]


def path(found: dict[str, Any]) -> list[str]:
    """The way of one image."""
    image = found["path"]
    return [
        f"An image of {image['label']} on its way: each stage halves height and width and turns what it gets into new maps, from edges "
        "and colours to parts and things; the last one's largest values decide.",
        f"At the end {percent(image['probability'])} stand for {image['predicted']}.",
    ]


def units(found: dict[str, Any]) -> list[str]:
    """What single channels look for."""
    return [
        f"Each row is one channel of the last stage ({joined([str(unit) for unit in found['units']])}) and the parts of training images "
        "that excite it most: what they have in common is what the channel looks for.",
    ]


def where(found: dict[str, Any]) -> list[str]:
    """Where it looked, and whether to believe the maps."""
    methods = found["methods"]
    best = max(methods, key=lambda name: methods[name]["insertion"] - methods[name]["deletion"])
    true = [name for name, score in methods.items() if score["insertion"] > score["random_insertion"]]
    one = methods[best]
    sentences = [
        "Where the colour is strong, the network found evidence for its prediction.",
        f"Whether that is so can be tested: when the pixels that {method_name(best)} marks are put back first, the class's probability is "
        f"{percent(one['insertion'])} on average on the way, with random maps {percent(one['random_insertion'])}; when they are taken "
        f"away first, {percent(one['deletion'])} and {percent(one['random_deletion'])}. It is the most faithful method here.",
    ]
    if doubtful := [method_name(name) for name in methods if name not in true]:
        sentences.append(
            f"Do not read too much into {joined(doubtful)}: single pixels put back first help no more than random ones do."
        )
    if blind := [method_name(name) for name, check in found["sanity"].items() if check["similarity"] > ALIKE]:
        sentences.append(
            f"A network with random weights gets much the same maps from {joined(blind)}: they show edges as much as reasons."
        )
    return sentences


def space(found: dict[str, Any]) -> list[str]:
    """The space of images."""
    share = found["neighbours"]
    return [
        "Each point is an image, placed so that images which the last layer sees alike lie together; ringed ones are mistakes.",
        f"A vote of the 20 nearest training images would be right {percent(share['value'])} of the time "
        f"({percent(share['low'])} to {percent(share['high'])}).",
    ]


def classes(found: dict[str, Any]) -> list[str]:
    """What the classes are, and how little it takes to leave one."""
    sentences = [
        "For each class the mean of the most confident images, then the most typical and the least typical ones.",
    ]
    turned = [row for row in found["changes"] if row["turned"]]
    if turned:
        least = min(turned, key=lambda row: row["size"])
        sentences.append(
            f"{len(turned)} of {len(found['changes'])} images can be turned into another class by a change made for that: the smallest, "
            f"from {least['predicted']} to {least['wanted']}, moves pixels by {least['size']:.2f} of 255 levels on average"
            + (", which nobody sees. " if least["size"] < UNSEEN else ". ")
            + "Like all such networks, do not use it where somebody may try to fool it."
        )
    return sentences


def learning(found: dict[str, Any]) -> list[str]:
    """How learning went, image by image, if the run stored it."""
    if not found["learning"]:
        return []
    counts = found["learning"]["regions"]
    total = sum(counts.values())
    parts = [f"{percent(count / total)} {name}" for name, count in counts.items()]
    return [
        f"Over {found['learning']['epochs']} epochs, {joined(parts)} (by the network's confidence of their class, and how much that "
        "changed from epoch to epoch)."
    ]
