"""How values show themselves in notebooks: one piece of HTML each, that needs nothing else and reads well on light and on dark.

What is shown is what the value holds, or what its run folder stores: no network runs, and no test image is looked at.
"""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from seefar.data.describe import examples
from seefar.errors import SeefarError
from seefar.evaluation.earlier import read_evaluation
from seefar.recipe_fields import from_json, short_name
from seefar.reporting import (
    check_words,
    comparison_words,
    export_words,
    figures,
    inside_words,
    study_words,
    tables,
    trust_words,
    tuning_words,
    words,
)
from seefar.reporting.html import frame, part, sentences, shown, small, table
from seefar.reporting.picture import PICTURES, picture, picture_of
from seefar.reporting.study_page import charts
from seefar.reporting.tables import Table
from seefar.reporting.words import percent

if TYPE_CHECKING:
    from seefar.data.augmentation_preview import Augmented
    from seefar.data.describe import DataDescription
    from seefar.data.images import Dataset, ImageSet
    from seefar.evaluation.audit import Audit
    from seefar.evaluation.compare import Comparisons
    from seefar.evaluation.evaluate import Evaluation
    from seefar.evaluation.out_of_distribution import OutOfDistribution
    from seefar.evaluation.robustness import Robustness
    from seefar.explaining.explanation import Explanation
    from seefar.explaining.overview import Overview
    from seefar.model.predictions import Predictions
    from seefar.networks.summary import Layers
    from seefar.recipes import Recipe
    from seefar.runs.folder import Run
    from seefar.training.find_rate import RateCurve

EXAMPLES = 8  # of each class (chosen by hand: a row on a screen)
SHEET = 40  # images of a single class, and predictions with a picture (chosen by hand)
CLASSES = 20  # rows of a table of classes; the rest is counted (chosen by hand)


def html(value: object) -> str | None:
    """A value as HTML; None for one that nobody knows how to draw. What cannot be read says so in a sentence."""
    draw = next((HOW[kind.__name__] for kind in type(value).__mro__ if kind.__name__ in HOW), None)
    if draw is None:
        return None
    try:
        return str(draw(value))
    except SeefarError as error:
        return str(frame(repr(value), sentences([str(error)])))


def _drawn(value: object) -> Markup:
    """The usual picture of a value."""
    return shown(picture(value))


def _more(count: int, what: str) -> Markup:
    return sentences([f"And {count:,} more {what}."] if count > 0 else [])


# Images


def _image_set(images: "ImageSet") -> Markup:
    counts = images.counts().tolist()
    there = [label for label, count in enumerate(counts) if count]
    if len(there) == 1:
        title = f"{len(images):,} images of {images.classes[there[0]]}, {images.size}x{images.size} pixels"
        return frame(title, small(images.pixels[:SHEET], columns=EXAMPLES), _more(len(images) - SHEET, "images"))
    title = f"{len(images):,} images of {images.size}x{images.size} pixels in {len(images.classes)} classes"
    if not there:
        return frame(title)
    rows = [(images.classes[label], f"{counts[label]:,}", _examples(images, label)) for label in there[:CLASSES]]
    return frame(title, table(Table(["class", "images", "examples"], rows)), _more(len(there) - CLASSES, "classes"))


def _examples(images: "ImageSet", label: int) -> Markup:
    """A few images of a class."""
    chosen = images[images.labels == label]
    return small(examples(chosen, EXAMPLES).pixels) if len(chosen) else Markup("")


def _dataset(data: "Dataset") -> Markup:
    splits = {"training": data.train.counts().tolist(), "test": data.test.counts().tolist()}
    counts = tables.classes({name: dict(zip(data.classes, found, strict=True)) for name, found in splits.items()})
    made = replace(
        counts,
        columns=[*counts.columns, "training images"],
        rows=[(*row, _examples(data.train, label)) for label, row in enumerate(counts.rows[:CLASSES])],
        sums=[*counts.sums, ""],
    )
    by_rule = "It has no test images of its own: a fifth of every class was set aside by a seeded rule."
    return frame(
        f"{data.name}: images of {data.train.size}x{data.train.size} pixels in {len(data.classes)} classes",
        sentences([data.source, *data.warnings, by_rule if data.test_by_rule else ""]),
        table(made),
        _more(len(data.classes) - CLASSES, "classes"),
    )


def _description(found: "DataDescription") -> Markup:
    splits = {"training": asdict(found.train), "test": asdict(found.test)}
    rows = [
        (
            name,
            *(f"{count:,}" for count in (split["images"], min(split["counts"].values()), max(split["counts"].values()))),
            words.channels(split),
        )
        for name, split in splits.items()
    ]
    columns = ["split", "images", "smallest class", "largest class", "mean ± deviation of each channel, 0 to 255"]
    leaks = {"images": splits["test"], "leaks": asdict(found.leaks)}
    nothing: dict[str, Any] = {"by_rule": False, "modes": {}, "sizes": {}, "warnings": []}  # that is the data set's to say
    return frame(
        f"What is in the images: {found.train.size}x{found.train.size} pixels, {len(found.train.counts)} classes",
        table(Table(columns, rows)),
        _drawn(found),
        sentences([*words.balance(splits["training"]), *words.data(splits["training"], leaks | nothing)]),
    )


def _augmented(found: "Augmented") -> Markup:
    return frame("Training images as the network sees them", _drawn(found))


# Networks and training


def _layers(layers: "Layers") -> Markup:
    made = tables.layers([asdict(layer) for layer in layers])
    return frame("The layers, in the order in which an image passes them", table(made))


def _recipe(recipe: "Recipe") -> Markup:
    fold = Markup("<details><summary>every decision of it</summary>{}</details>").format(table(tables.recipe(recipe)))
    return frame(f"Recipe {recipe.name}", sentences([recipe.about]), fold)


def _rate_curve(curve: "RateCurve") -> Markup:
    return frame(f"A learning rate to start from: {curve.suggestion:.2g}", _drawn(curve))


def _run(run: "Run") -> Markup:
    seed, recipe, data = run.read("recipe.json")["seed"], from_json(run.recipe()), run.read("data.json")
    about = f"{data['name']}, recipe {short_name(recipe.name)}, seed {seed}"
    if not run.has("history.csv"):
        return frame(about, sentences(["No epoch of it is finished yet."]))
    history = run.history()
    chance = max(data["validation"]) / sum(data["validation"])
    seconds = sum(run.read("timing.json")["seconds_by_epoch"])
    learned = (
        f"Learned from {sum(data['train']):,} images in {len(history)} epoch{'s' * (len(history) > 1)}, "
        f"{words.duration(seconds)}; {sum(data['validation']):,} images were held out for validation."
    )
    looked = {split: read_evaluation(run, split) for split in ("validation", "test") if run.has(f"evaluation-{split}.json")}
    rows = [
        (split, f"{found['images']:,}", _share(found["headline"]) if found["headline"] else check_words.cannot(found))
        for split, found in looked.items()
    ]
    return frame(
        about,
        sentences([learned]),
        table(Table(["evaluated on", "images", "accuracy, with 95 % interval"], rows)) if rows else Markup(""),
        shown(picture_of(figures.curves(history, about, run.ended()), "curves")),
        sentences(words.learning(history, recipe, run.ended(), chance)),
    )


def _share(share: dict[str, float]) -> str:
    """A share with its interval."""
    return f"{percent(share['value'])} ({percent(share['low'])} to {percent(share['high'])})"


# What came of it


def _evaluation(evaluation: "Evaluation") -> Markup:
    found = asdict(evaluation)
    warned = [f"{warning['title']}: {warning['sentence']} {warning['do']}" for warning in check_words.warnings(found)]
    if evaluation.accuracy is None:
        return frame(f"The {check_words.headline(found)}", sentences(warned))
    looked = f" This was look {found['look']} at the test images." if found["look"] else ""
    plausible = (
        f"Another set of as many such images would plausibly give between {percent(evaluation.accuracy.low)} and "
        f"{percent(evaluation.accuracy.high)}.{looked}"
    )
    right = f"{percent(evaluation.accuracy.value)} of {found['images']:,} {found['split']} images are right"
    return frame(
        right if evaluation.headline else f"The {check_words.headline(found)}",
        sentences([*warned, plausible, *words.beside(found), *words.test_time_augmentation(found), words.chance(found)]),
        table(tables.evaluation(found)),
        _drawn(evaluation),
        sentences([*words.fails(found), *trust_words.calibration(found), *trust_words.selective(found)]),
    )


def _comparisons(comparisons: "Comparisons") -> Markup:
    found = asdict(comparisons)
    pairs = found["pairs"]
    several = [row for row in found["recipes"] if len(row["runs"]) > 1]
    return frame(
        f"{len(pairs) + 1} runs on the same {found['split']} images",
        table(tables.comparison(found)),
        _drawn(comparisons),
        sentences(comparison_words.pair(pair)[0] for pair in pairs),
        sentences(comparison_words.pair(pairs[0])[-1:]),
        sentences(map(comparison_words.seeds, several)),
        sentences(map(comparison_words.recipes, found["recipe_differences"])),
    )


def _results(results: Any) -> Markup:
    found = asdict(results)
    drawn = charts(found, {})
    return frame(
        f"{results.study} on {results.data}, {len(results.seeds)} seeds",
        sentences([results.about]),
        table(tables.study(found)),
        *(shown(picture_of(drawn[name], name)) for name in ("effects", "costs") if name in drawn),
        sentences([*study_words.summary(found), *study_words.advice(found)]),
    )


def _tuning(tuning: Any) -> Markup:
    found = asdict(tuning)
    return frame(
        f"Search around {tuning.base} on {tuning.data}",
        table(tables.tuning(found)),
        sentences(tuning_words.search(found)),
        *([_results(tuning.confirmation)] if tuning.confirmation else []),
        sentences(tuning_words.claim(found)),
    )


def _robustness(robust: "Robustness") -> Markup:
    return frame(
        f"Accuracy on corrupted images: {percent(1 - robust.mean_error)} instead of {percent(robust.clean.value)}",
        _drawn(robust),
        sentences(trust_words.robustness(asdict(robust))),
    )


def _out_of_distribution(foreign: "OutOfDistribution") -> Markup:
    found = asdict(foreign)
    return frame(
        f"Out-of-distribution images separated from {foreign.images:,} {foreign.split} images: AUROC, 0.5 is guessing",
        table(tables.out_of_distribution(found)),
        sentences(trust_words.out_of_distribution(found)),
    )


def _audit(audit: "Audit") -> Markup:
    found = asdict(audit)
    return frame(
        f"Audit of {sum(audit.images.values()):,} images",
        sentences(trust_words.audit(found, None)),
        *map(table, tables.audit(found)),
    )


def _predictions(answers: "Predictions") -> Markup:
    rows = [
        (
            small(pixels[None]) if pixels is not None else "",
            "/".join(answer.image.replace("\\", "/").split("/")[-2:]),
            tables.answer(vars(answer)),
            ", ".join(f"{name} {percent(chance)}" for name, chance in list(answer.probabilities.items())[:3]),
        )
        for answer, pixels in list(zip(answers, answers.pixels or [None] * len(answers), strict=True))[:SHEET]
    ]
    columns = ["as the network saw it", "file", "predicted", "probability"]
    return frame(f"{len(answers):,} images", table(Table(columns, rows)), _more(len(answers) - SHEET, "images"))


# What it sees


def _explanation(found: "Explanation") -> Markup:
    scores = {name: asdict(score) for name, score in found.scores.items()}
    return frame(f"Where the network looked in {len(found.images)} images", _drawn(found), table(tables.methods(scores)))


def _overview(overview: "Overview") -> Markup:
    found = asdict(overview)
    names = ", ".join(name for name, (verb, _) in PICTURES.items() if verb == "see_inside")
    return frame(
        f"A look inside, at {overview.images:,} {overview.split} images",
        table(tables.health(found["health"])),
        table(tables.methods(found["methods"])),
        *(part(name, lines) for name, lines in inside_words.everything(found).items() if lines),
        sentences([f"Its pictures, by name for sf.picture(run, name): {names}."]),
    )


def _export(made: Any) -> Markup:
    found = {"certificate": made.certificate.as_json(), "int8": made.int8.as_json() if made.int8 else None}
    speeds = Table(["computed by", "threads", "images a second"], export_words.speeds(found))
    return frame(f"{made.path.name}: {made.bytes:,} bytes", sentences(export_words.export(found)), table(speeds))


HOW: dict[str, Callable[[Any], Markup]] = {
    "Audit": _audit,
    "Augmented": _augmented,
    "Comparisons": _comparisons,
    "DataDescription": _description,
    "Dataset": _dataset,
    "Evaluation": _evaluation,
    "Explanation": _explanation,
    "Export": _export,
    "ImageSet": _image_set,
    "Layers": _layers,
    "OutOfDistribution": _out_of_distribution,
    "Overview": _overview,
    "Predictions": _predictions,
    "RateCurve": _rate_curve,
    "Recipe": _recipe,
    "Results": _results,
    "Robustness": _robustness,
    "Run": _run,
    "Tuning": _tuning,
}
