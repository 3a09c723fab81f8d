"""How values show themselves in notebooks: one piece of HTML each, that needs nothing else and reads well on light and on dark.

Some pages strip all styles from it (GitHub): so tables are tables, and pictures carry their size. What is shown is what the value
holds, or what its run folder stores: no network runs, and no test image is looked at.
"""

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from PIL import Image

from seefar.data.describe import examples
from seefar.errors import SeefarError
from seefar.recipes import from_json, meanings, text
from seefar.reporting import (
    comparison_words,
    explanation_figures,
    figures,
    inside_words,
    study_words,
    trust_words,
    tuning_words,
    words,
)
from seefar.reporting.run_picture import PICTURES, picture_of
from seefar.reporting.words import percent

if TYPE_CHECKING:
    from seefar.data.batches import Augmented
    from seefar.data.describe import DataDescription
    from seefar.data.images import Dataset, ImageSet
    from seefar.evaluation.audit import Audit
    from seefar.evaluation.compare import Comparisons
    from seefar.evaluation.evaluate import Evaluation
    from seefar.evaluation.out_of_distribution import OutOfDistribution
    from seefar.evaluation.predictions import Predictions
    from seefar.evaluation.robustness import Robustness
    from seefar.explaining.explanation import Explanation
    from seefar.explaining.overview import Overview
    from seefar.models.summary import Layers
    from seefar.recipes import Recipe
    from seefar.runs.folder import Run
    from seefar.studies.results import Results
    from seefar.studies.tuned import Tuning
    from seefar.training.rate_finder import RateCurve

EXAMPLES = 8  # of each class (chosen by hand: a row on a screen)
SHEET = 40  # images of a single class, and predictions with a picture (chosen by hand)
CLASSES = 20  # rows of a table of classes; the rest is counted (chosen by hand)
SHOWN_AT = 48  # pixels a side to which smaller images are enlarged, each pixel a square (chosen by hand)
GAP = 1  # pixels between two images

LINE = "1px solid rgba(128,128,128,.35)"
CELL = f"text-align:{{}};padding:.2em .7em;border-bottom:{LINE};vertical-align:middle"


def html(value: object) -> str | None:
    """A value as HTML; None for one that nobody knows how to draw. What cannot be read says so in a sentence."""
    draw = next((HOW[kind.__name__] for kind in type(value).__mro__ if kind.__name__ in HOW), None)
    if draw is None:
        return None
    try:
        return str(draw(value))
    except SeefarError as error:
        return str(_frame(repr(value), _sentences([str(error)])))


# What everything is made of


def _frame(title: str, *parts: Markup) -> Markup:
    """A title and what stands below it."""
    head = Markup('<p style="margin:.3em 0"><b>{}</b></p>').format(title)
    return Markup('<div style="max-width:62em;overflow-x:auto;line-height:1.45">{}</div>').format(
        Markup("\n").join([head, *parts])
    )


def _sentences(sentences: Iterable[str]) -> Markup:
    """Sentences, one below the other."""
    lines = [Markup('<p style="margin:.25em 0">{}</p>').format(sentence) for sentence in sentences if sentence]
    return Markup("\n").join(lines)


def _table(columns: Sequence[str], rows: Iterable[Sequence[Any]], last: Sequence[Any] | None = None) -> Markup:
    """A table; numbers stand on the right. `last` is set off, for sums."""

    def row(cells: Sequence[Any], tag: str) -> Markup:
        shown = [
            Markup("<{tag} style='{style}'>{cell}</{tag}>").format(tag=tag, style=CELL.format(_side(cell)), cell=_cell(cell))
            for cell in cells
        ]
        return Markup("<tr>{}</tr>").format(Markup("").join(shown))

    made = [list(cells) for cells in rows]
    sides = [_side(cell) for cell in made[0]] if made else ["left"] * len(columns)
    heads = [
        Markup("<th style='{}'>{}</th>").format(CELL.format(side), name) for name, side in zip(columns, sides, strict=True)
    ]
    body = [row(cells, "td") for cells in made] + ([row(last, "th")] if last is not None else [])
    return Markup(
        '<table style="border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5em 0"><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table>"
    ).format(Markup("").join(heads), Markup("\n").join(body))


def _side(cell: Any) -> str:
    """Numbers and shares stand on the right."""
    return "right" if isinstance(cell, int | float) or (isinstance(cell, str) and cell[:1].isdigit()) else "left"


def _cell(cell: Any) -> Any:
    return f"{cell:,}" if isinstance(cell, int) else f"{cell:g}" if isinstance(cell, float) else cell


def _drawn(figure: Figure, name: str) -> Markup:
    """A chart, on white."""
    picture = picture_of(figure, name)
    address = _address("png", picture.png)
    return Markup('<p><img alt="{}" width="{}" style="max-width:100%;border-radius:.4em" src="{}"></p>').format(
        name, picture.width, address
    )


def _images(pixels: np.ndarray, columns: int = 0) -> Markup:
    """Small images, uint8 `(n, h, w, 3)`, side by side; with `columns`, in rows of so many."""
    across = min(columns or len(pixels), len(pixels))
    framed = np.pad(pixels, ((0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=255)
    rows = -(-len(framed) // across)
    grid = np.full((rows * across, *framed.shape[1:]), 255, np.uint8)
    grid[: len(framed)] = framed
    side = framed.shape[1]
    picture = grid.reshape(rows, across, side, side, 3).transpose(0, 2, 1, 3, 4).reshape(rows * side, across * side, 3)
    content = io.BytesIO()
    Image.fromarray(picture[:-GAP, :-GAP]).save(content, "JPEG", quality=95, subsampling=0)  # a third of a PNG of photographs
    width = round(picture.shape[1] * max(SHOWN_AT / pixels.shape[1], 1))
    return Markup('<img alt="images" width="{}" style="image-rendering:pixelated" src="{}">').format(
        width, _address("jpeg", content.getvalue())
    )


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64," + base64.b64encode(content).decode()


def _share(share: Mapping[str, float]) -> str:
    """A share with its interval."""
    return f"{percent(share['value'])} ({percent(share['low'])} to {percent(share['high'])})"


def _more(count: int, what: str) -> list[str]:
    return [f"And {count:,} more {what}."] if count > 0 else []


# Images


def _image_set(images: "ImageSet") -> Markup:
    counts = images.counts().tolist()
    there = [label for label, count in enumerate(counts) if count]
    if len(there) == 1:
        title = f"{len(images):,} images of {images.classes[there[0]]}, {images.size}x{images.size} pixels"
        return _frame(title, _images(images.pixels[:SHEET], columns=EXAMPLES), _sentences(_more(len(images) - SHEET, "images")))
    title = f"{len(images):,} images of {images.size}x{images.size} pixels in {len(images.classes)} classes"
    if not there:
        return _frame(title)
    rows = [(images.classes[label], counts[label], _examples(images, label)) for label in there[:CLASSES]]
    return _frame(title, _table(["class", "images", "examples"], rows), _sentences(_more(len(there) - CLASSES, "classes")))


def _examples(images: "ImageSet", label: int) -> Markup:
    """A few images of a class."""
    return _images(examples(images[images.labels == label], EXAMPLES).pixels)


def _dataset(data: "Dataset") -> Markup:
    columns = ["class", "training", "test", "training images"]
    train, test = data.train.counts().tolist(), data.test.counts().tolist()
    rows = [
        (name, train[label], test[label], _examples(data.train, label) if train[label] else "")
        for label, name in enumerate(data.classes[:CLASSES])
    ]
    parts = [data.source, *data.warnings]
    if data.test_by_rule:
        parts.append("It has no test images of its own: a fifth of every class was set aside by a seeded rule.")
    return _frame(
        f"{data.name}: images of {data.train.size}x{data.train.size} pixels in {len(data.classes)} classes",
        _sentences(parts),
        _table(columns, rows, ("all", len(data.train), len(data.test), "")),
        _sentences(_more(len(data.classes) - CLASSES, "classes")),
    )


def _description(found: "DataDescription") -> Markup:
    splits = {"training": asdict(found.train), "test": asdict(found.test)}
    rows = [
        (name, split["images"], min(split["counts"].values()), max(split["counts"].values()), words.channels(split))
        for name, split in splits.items()
    ]
    on_test = {
        "images": splits["test"],
        "leaks": asdict(found.leaks),
        "by_rule": False,
        "modes": {},
        "sizes": {},
        "warnings": [],
    }
    chart = figures.brightness(splits["training"], "How often each value occurs in the training images")
    return _frame(
        f"What is in the images: {found.train.size}x{found.train.size} pixels, {len(found.train.counts)} classes",
        _table(["split", "images", "smallest class", "largest class", "mean ± deviation of each channel, 0 to 255"], rows),
        _drawn(chart, "brightness"),
        _sentences([*words.balance(splits["training"]), *words.data(splits["training"], on_test)]),
    )


def _augmented(found: "Augmented") -> Markup:
    title = f"On the left each image as it is, then as recipe {found.recipe} shows it, epoch by epoch"
    return _frame(
        "Training images as the network sees them", _drawn(figures.gallery(found.pixels, found.names, title), "augmented")
    )


# Networks and training


def _layers(layers: "Layers") -> Markup:
    rows = [
        (layer.name, layer.kind, " x ".join(map(str, layer.shape)), layer.parameters or "", layer.multiply_adds or "")
        for layer in layers
    ]
    sums = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    columns = ["layer", "kind", "output", "parameters", "multiply-adds"]
    return _frame("The layers, in the order in which an image passes them", _table(columns, rows, ("all", "", "", *sums)))


def _recipe(recipe: "Recipe") -> Markup:
    shown = [(field, text(getattr(recipe, field)), meaning) for field, meaning in meanings().items()]
    table = _table(["field", "value", "what it means"], [row for row in shown if row[0] not in ("name", "about")])
    fold = Markup("<details><summary>every decision of it</summary>{}</details>").format(table)
    return _frame(f"Recipe {recipe.name}", _sentences([recipe.about]), fold)


def _rate_curve(curve: "RateCurve") -> Markup:
    chart = figures.rate_curve(curve.rates, curve.losses, curve.suggestion, "The loss while the learning rate grows")
    return _frame(f"A learning rate to start from: {curve.suggestion:.2g}", _drawn(chart, "learning rates"))


def _run(run: "Run") -> Markup:
    fields, data = run.read("recipe.json"), run.read("data.json")
    recipe = from_json(run.recipe())
    about = f"{data['name']}, recipe {words.recipe_name(recipe.name)}, seed {fields['seed']}"
    if not run.has("history.csv"):
        return _frame(about, _sentences(["No epoch of it is finished yet."]))
    history = run.history()
    chance = max(data["validation"]) / sum(data["validation"])
    seconds = sum(run.read("timing.json")["seconds_by_epoch"])
    count = len(history)
    learned = sum(data["train"])
    facts = [
        f"Learned from {learned:,} images in {count} epoch{'s' * (count > 1)}, {words.duration(seconds)}; "
        f"{sum(data['validation']):,} images were held back for validation."
    ]
    looked = {split: run.evaluation(split) for split in ("validation", "test") if run.has(f"evaluation-{split}.json")}
    rows = [(split, found["images"], _share(found["accuracy"])) for split, found in looked.items()]
    table = _table(["evaluated on", "images", "accuracy, with 95 % interval"], rows) if rows else Markup("")
    return _frame(
        about,
        _sentences(facts),
        table,
        _drawn(figures.curves(history, about, run.ended()), "curves"),
        _sentences(words.learning(history, recipe, run.ended(), chance)),
    )


# What came of it


def _evaluation(evaluation: "Evaluation") -> Markup:
    found = asdict(evaluation)
    names = [score["name"] for score in found["scores"]]
    rows = [
        (score["name"], percent(score["precision"]), _share(score["recall"]), f"{score['f1']:.3f}", score["support"])
        for score in found["scores"]
    ]
    where = f"{found['images']:,} {found['split']} images"
    looked = f" This was look {found['look']} at the test images." if found["look"] else ""
    return _frame(
        f"{percent(found['accuracy']['value'])} of {where} are right",
        _sentences(
            [
                f"Another set of as many such images would plausibly give between {percent(found['accuracy']['low'])} and "
                f"{percent(found['accuracy']['high'])}.{looked}",
                *words.test_time_augmentation(found),
                words.chance(found),
            ]
        ),
        _table(["class", "precision", "recall, with 95 % interval", "F1", "images"], rows),
        _drawn(figures.matrix(found["confusion"], names, f"What each class was called, {where}"), "confusion matrix"),
        _sentences([*words.fails(found), *trust_words.calibration(found), *trust_words.selective(found)]),
    )


def _comparisons(found: "Comparisons") -> Markup:
    one = asdict(found)
    first = one["pairs"][0]
    costs = {first["base"]: first["cost"]["base"]} | {pair["other"]: pair["cost"]["other"] for pair in one["pairs"]}
    right = {name: value for row in one["recipes"] for name, value in zip(row["runs"], row["accuracies"], strict=True)}
    rows = [
        (
            name,
            percent(right[name]) if name in right else "",
            words.duration(cost["seconds"]),
            cost["parameters"],
            cost["multiply_adds"],
        )
        for name, cost in costs.items()
    ]
    chart = figures.intervals(
        [
            (pair["other"], pair["difference"]["value"], pair["difference"]["low"], pair["difference"]["high"])
            for pair in one["pairs"]
        ],
        f"points more than {first['base']}, with 95 % interval",
        f"Differences on the same {one['images']:,} {one['split']} images",
        zero=True,
    )
    several = [row for row in one["recipes"] if len(row["runs"]) > 1]
    return _frame(
        f"{len(costs)} runs on the same {one['split']} images",
        _table(["run", "accuracy", "training", "parameters", "multiply-adds"], rows),
        _drawn(chart, "differences"),
        _sentences(comparison_words.pair(pair)[0] for pair in one["pairs"]),
        _sentences(comparison_words.pair(first)[-1:]),
        _sentences(comparison_words.seeds(row) for row in several),
        _sentences(comparison_words.recipes(row) for row in one["recipe_differences"]),
    )


def _results(results: "Results") -> Markup:
    from seefar.reporting.study_page import charts

    found = asdict(results)
    rows = [{**row, "shown": row["test"] if results.split == "test" else row["validation"]} for row in found["rows"]]
    drawn = charts(found, rows, {})
    table = _table(
        ["variant", f"{results.split} accuracy", "training", "verdict"],
        [
            (
                row["variant"],
                percent(row["shown"]["mean"]) if row["shown"] and row["shown"]["mean"] is not None else "",
                words.duration(row["seconds"]) if row["seconds"] is not None else "",
                study_words.row_words(row),
            )
            for row in rows
        ],
    )
    return _frame(
        f"{results.study} on {results.data}, {len(results.seeds)} seeds",
        _sentences([results.about]),
        table,
        *(_drawn(drawn[name], name) for name in ("effects", "costs") if name in drawn),
        _sentences([*study_words.summary(found), *study_words.advice(found)]),
    )


def _tuning(tuning: "Tuning") -> Markup:
    found = asdict(tuning)
    return _frame(
        f"Search around {tuning.base} on {tuning.data}",
        _table(*tuning_words.best(found)),
        _sentences(tuning_words.search(found)),
        *([_results(tuning.confirmation)] if tuning.confirmation else []),
        _sentences(tuning_words.claim(found)),
    )


def _robustness(robust: "Robustness") -> Markup:
    found = asdict(robust)
    chart = figures.corruptions(found["accuracies"], found["clean"]["value"], "Accuracy in %, by corruption and severity")
    return _frame(
        f"Accuracy on spoilt images: {percent(1 - robust.mean_error)} instead of {percent(robust.clean.value)}",
        _drawn(chart, "corruptions"),
        _sentences(trust_words.robustness(found)),
    )


def _out_of_distribution(foreign: "OutOfDistribution") -> Markup:
    rows = [(one.name, one.images, *(f"{value:.3f}" for value in one.auroc.values())) for one in foreign.foreign]
    scores = [name.replace("_", " ") for name in foreign.foreign[0].auroc] if foreign.foreign else []
    return _frame(
        f"Foreign images told from {foreign.images:,} {foreign.split} images: AUROC, 0.5 is guessing",
        _table(["foreign images", "how many", *scores], rows),
        _sentences(trust_words.out_of_distribution(asdict(foreign))),
    )


def _audit(audit: "Audit") -> Markup:
    found = asdict(audit)
    return _frame(
        f"Audit of {sum(audit.images.values()):,} images",
        _sentences(trust_words.audit(found, None)),
        *(_table(columns, rows) for columns, rows in trust_words.audit_tables(found)),
    )


def _predictions(answers: "Predictions") -> Markup:
    rows = []
    for answer, pixels in list(zip(answers, answers.pixels or [None] * len(answers), strict=True))[:SHEET]:
        seen = _images(pixels[None]) if pixels is not None else ""
        likeliest = list(answer.probabilities.items())[:3]
        rows.append(
            (
                seen,
                "/".join(answer.image.replace("\\", "/").split("/")[-2:]),
                answer.label or f"unreadable: {answer.error}",
                ", ".join(f"{name} {percent(chance)}" for name, chance in likeliest),
            )
        )
    return _frame(
        f"{len(answers):,} images",
        _table(["as the network saw it", "file", "predicted", "probability, as the network states it"], rows),
        _sentences(_more(len(answers) - SHEET, "images")),
    )


# What it sees


def _explanation(found: "Explanation") -> Markup:
    captions = []
    for place, (predicted, chance) in enumerate(zip(found.predicted, found.probability, strict=True)):
        label = found.labels[place] if found.labels else found.images[place]
        said = predicted if label == predicted else f"{label} called {predicted}"
        captions.append(f"{said}; evidence for {found.targets[place]} ({percent(chance)})")
    maps = {inside_words.method_name(name): values for name, values in found.maps.items()}
    rows = [
        (inside_words.method_name(name), f"{score.deletion:.3f}", f"{score.insertion:.3f}")
        for name, score in found.scores.items()
    ]
    if found.scores:
        one = next(iter(found.scores.values()))
        rows.append(("random maps, for scale", f"{one.random_deletion:.3f}", f"{one.random_insertion:.3f}"))
    return _frame(
        f"Where the network looked in {len(found.images)} images",
        _drawn(
            explanation_figures.overlays(found.pixels, maps, captions, "Strong colour: evidence for the class below"), "where"
        ),
        _table(["method", "deletion (low is true)", "insertion (high is true)"], rows),
    )


def _overview(overview: "Overview") -> Markup:
    found = asdict(overview)
    rows = [
        (row["layer"], row["filters"], len(row["dead"]), sum(len(group) - 1 for group in row["duplicates"]), len(row["noisy"]))
        for row in found["health"]
    ]
    names = ", ".join(name for name, (verb, _) in PICTURES.items() if verb == "see_inside")
    return _frame(
        f"A look inside, at {overview.images:,} {overview.split} images",
        _table(["layer", "filters", "dead", "duplicates", "noise"], rows),
        *(_part(name, sentences) for name, sentences in inside_words.everything(found).items() if sentences),
        _sentences([f"Its pictures, by name for sf.picture(run, name): {names}."]),
    )


def _part(name: str, sentences: Sequence[str]) -> Markup:
    """What is said of one part, behind its name."""
    return Markup('<p style="margin:.4em 0"><b>{}</b> · {}</p>').format(name, " ".join(sentences))


HOW: dict[str, Callable[[Any], Markup]] = {
    "Audit": _audit,
    "Augmented": _augmented,
    "Comparisons": _comparisons,
    "DataDescription": _description,
    "Dataset": _dataset,
    "Evaluation": _evaluation,
    "Explanation": _explanation,
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
