"""One picture by its name, for notebooks, slides and files: of a run, or of any value that a verb returned."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from seefar.data.images import Dataset
from seefar.errors import UsageError, did_you_mean
from seefar.files import make_folder, write_bytes
from seefar.metrics import softmax
from seefar.reporting import content, figures
from seefar.reporting.style import ENLARGED, WIDTH, png
from seefar.reporting.value_figures import FIGURES
from seefar.reporting.words import percent
from seefar.runs.folder import Run, open_run

DOTS = 110  # an inch, of pictures that hold images: more only makes each of their pixels larger (chosen by hand)
MISTAKES = 24  # shown at most (chosen by hand: three rows)

# By name: the call without which there is no such picture, and what it shows
PICTURES = {
    "curves": ("train", "loss, accuracy and learning rate, epoch by epoch"),
    "brightness": ("train", "how bright and how colourful the training images are"),
    "augmented": ("train", "what the network saw of some training images"),
    "matrix": ("evaluate", "true and predicted classes"),
    "recalls": ("evaluate", "how many images of each class were found"),
    "mistakes": ("evaluate", "its most confident mistakes"),
    "reliability": ("evaluate", "whether its probabilities can be believed"),
    "coverage": ("evaluate", "accuracy against coverage"),
    "groups": ("evaluate", "which classes are taken for each other"),
    "corruptions": ("robustness", "accuracy on corrupted images"),
    "corruptions-by-class": ("robustness", "the same by class"),
    "filters": ("see_inside", "the first filters"),
    "health": ("see_inside", "filters that work, and those that do not"),
    "path": ("see_inside", "the path of one image through the network: its feature maps"),
    "units": ("see_inside", "what excites some channels of the last stage"),
    "maximised": ("see_inside", "images made to excite them; not with quick=True"),
    "where": ("see_inside", "where it looked"),
    "scores": ("see_inside", "whether to believe that"),
    "space": ("see_inside", "images laid out as the last layer sees them"),
    "cases": ("see_inside", "mistakes, and the training images most like them"),
    "portraits": ("see_inside", "typical and untypical images of each class"),
    "changes": ("see_inside", "how little it takes to change its mind"),
    "datamap": ("see_inside", "easy, hard and ambiguous images; of a run with remember=True"),
    "learned": ("see_inside", "images learned first, last and never; of a run with remember=True"),
}


@dataclass(frozen=True)
class Picture:
    """A picture that notebooks show; `save` writes it as a file.

    Attributes:
        name: what it is called.
        png: the content of a PNG file.
        width, height: in CSS pixels, 96 an inch.
    """

    name: str
    png: bytes
    width: int
    height: int

    def save(self, path: str | Path) -> Path:
        """Write it as a PNG file; return the path."""
        make_folder(Path(path).parent)
        write_bytes(Path(path), self.png)
        return Path(path)

    def __repr__(self) -> str:
        return f"Picture({self.name!r}, {self.width} x {self.height})"

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        return self.png, {"width": self.width, "height": self.height}


def picture_of(figure: Figure, name: str) -> Picture:
    """A figure as a picture."""
    scale = 96 * (ENLARGED if figure.get_figwidth() <= WIDTH else 1)
    width, height = (round(scale * side) for side in figure.get_size_inches())
    has_images = any(axes.get_images() for axes in figure.axes)
    return Picture(name, png(figure, DOTS) if has_images else _few_colours(png(figure)), width, height)


def _few_colours(content: bytes) -> bytes:
    """A PNG of a chart with 256 colours: nobody sees the difference, and it takes half the room."""
    small = io.BytesIO()
    Image.open(io.BytesIO(content)).convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        small, "PNG", optimize=True
    )
    return small.getvalue()


def picture(what: Any, name: str = "", *, data: Dataset | None = None) -> Picture:
    """One picture of a run, drawn from what is stored in its folder, or of a value: no network runs, and no image is looked at anew.

    What depends on a split is that of test if test has been looked at, as in the report, else that of validation.

    Args:
        what: a run or its folder; or what a verb returned: a Dataset, its description, augmented images, a RateCurve, an
            Evaluation, Comparisons, Robustness, an Explanation, an Audit.
        name: of a run "curves" (the default), "matrix", "mistakes", "filters", "path", "where"...: PICTURES has them all, and a
            wrong name lists them. Of an audit "label-errors", "near-duplicates" or "strange"; other values have but one.
        data: the images that an audit speaks of.

    Returns:
        A Picture: notebooks show it, `picture.save(path)` writes a PNG file.

    Raises:
        UsageError: there is no such picture, or what it shows has not been done yet.
    """
    if isinstance(what, str | Path | Run):
        return _of_run(open_run(what), name or "curves")
    draw = next((FIGURES[kind.__name__] for kind in type(what).__mro__ if kind.__name__ in FIGURES), None)
    if draw is None:
        raise UsageError(f"there is no picture of a value of type {type(what).__name__}; give a run, or what a verb returned")
    found = draw(what, data)
    chosen = name or next(iter(found), "")
    if chosen not in found:
        raise UsageError(_unknown(chosen, found))
    return picture_of(found[chosen](), chosen)


def _unknown(name: str, known: Any) -> str:
    return f"no picture is called {name!r}{did_you_mean(name, known)}; there are {', '.join(known) or 'none'}"


def _of_run(run: Run, name: str) -> Picture:
    if name not in PICTURES:
        raise UsageError(_unknown(name, PICTURES))
    found = content.numbers(run)
    own = {"augmented": _augmented, "mistakes": _mistakes}
    figure = own[name](run, found["about"]) if name in own else _of_the_report(run, found, name)
    if figure is None:
        verb, shows = PICTURES[name]
        raise UsageError(f"{run.path} has no picture {name!r} ({shows}); sf.{verb}(...) comes before it")
    return picture_of(figure, name)


def _of_the_report(run: Run, found: dict[str, Any], name: str) -> Figure | None:
    drawings = content.drawings(run, found)
    keys = (name, f"inside-{name}", f"{name}-test", f"{name}-validation")
    return next((drawings[key]() for key in keys if key in drawings), None)


def _augmented(run: Run, about: str) -> Figure | None:
    kept, classes = run.arrays("pictures-train.npz"), run.read("data.json")["classes"]
    if "augmented" not in kept:
        return None
    names = [classes[label] for label in kept["augmented_labels"]]
    return figures.gallery(kept["augmented"], names, f"{about}: training images as they are, then epoch by epoch")


def _mistakes(run: Run, about: str) -> Figure | None:
    split = next((split for split in ("test", "validation") if run.has(f"mistakes-{split}.npz")), None)
    if split is None:
        return None
    kept, answers = run.arrays(f"mistakes-{split}.npz"), run.arrays(f"predictions-{split}.npz")
    classes, positions = run.read("data.json")["classes"], kept["positions"][:MISTAKES]
    if not len(positions):
        return None
    probabilities = softmax(answers["logits"][positions])
    captions = [
        f"{classes[label]}\npredicted as {classes[row.argmax()]}\n{percent(float(row.max()))}"
        for label, row in zip(answers["labels"][positions], probabilities, strict=True)
    ]
    return figures.captioned(
        list(kept["pixels"][: len(positions)]), captions, f"{about}: its most confident mistakes on {split} images"
    )
