"""What the first screen of a report shows beside its numbers: a dozen images with where the network looked, and a small matrix."""

import math
from typing import Any

import numpy as np
from PIL import Image

from seefar.metrics import softmax
from seefar.reporting.explanation_figures import painted
from seefar.reporting.inside_words import method_name
from seefar.reporting.pictures import strip
from seefar.reporting.style import RIGHT, WRONG, shorten
from seefar.runs.folder import Run

LARGEST = 96  # pixels a side of an image in the row; larger ones are made smaller, so that a page stays small
NUMBERED = 12  # classes up to which the cells of the small matrix hold numbers
NAMED = 30  # classes up to which it names its rows; beyond that it is a picture, a pixel a cell
LETTERS = 11  # of a name beside the small matrix
FAINT = 0.01  # shares of a row below which a cell of the small matrix is left empty


def first_screen(run: Run, found: dict[str, Any]) -> dict[str, Any]:
    """The images and the matrix of the split whose answers the page shows, by name; both may be missing.

    Returns:
        "shots": a row for each image: "name", "said", "sure" in words, "right", the numbers of both classes, "image" and "map" as `data:`
        addresses ("" if there is no map), and "id".
        "out": images that do not count, where too few are left: "image" and "times", how often each stands in the split.
        "method": by which method the maps were made; empty without maps.
        "small": the matrix, see `small_matrix`; None without images that count.
    """
    split = found["basis"]
    evaluated = found[split] if split else None
    shots, method = _shots(run, found["data"]["classes"], split) if split else ([], "")
    return {
        "out": _left_out(run, found) if found["cannot"] else [],
        "shots": shots,
        "method": method,
        "small": small_matrix(evaluated["confusion"], found["data"]["classes"])
        if evaluated and evaluated["accuracy"]
        else None,
    }


def _shots(run: Run, classes: list[str], split: str) -> tuple[list[dict[str, Any]], str]:
    if not run.has(f"highlights-{split}.npz"):
        return [], ""
    kept, answers = run.arrays(f"highlights-{split}.npz"), run.arrays(f"predictions-{split}.npz")
    positions = kept["positions"]
    looked = run.arrays(f"highlight-maps-{split}.npz") if run.has(f"highlight-maps-{split}.npz") else None
    if looked is not None and not np.array_equal(looked["positions"], positions):  # evaluated anew since
        looked = None
    shots = []
    for place, (position, pixels) in enumerate(zip(positions.tolist(), kept["pixels"], strict=True)):
        chances = softmax(answers["logits"][position : position + 1])[0]
        label, said = int(answers["labels"][position]), int(chances.argmax())
        shots.append(
            {
                "id": str(answers["ids"][position]),
                "label": label,
                "said_label": said,
                "name": classes[label],
                "said": classes[said],
                "sure": f"{math.floor(1000 * float(chances[said])) / 10:.1f}\N{NO-BREAK SPACE}%",  # nothing is 100 % sure
                "right": label == said,
                "image": strip([_smaller(pixels)]),
                "map": strip([_smaller(_overlay(pixels, looked["maps"][place]))]) if looked is not None else "",
            }
        )
    return shots, method_name(str(looked["method"])) if looked is not None and len(shots) else ""


def _left_out(run: Run, found: dict[str, Any]) -> list[dict[str, Any]]:
    split = "test" if found["test"] else "validation"
    if not run.has(f"left-out-{split}.npz"):
        return []
    kept = run.arrays(f"left-out-{split}.npz")
    pictures = [strip([_smaller(pixels)]) for pixels in kept["pixels"]]
    return [{"image": image, "times": times} for image, times in zip(pictures, kept["times"].tolist(), strict=True)]


def _overlay(pixels: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where it looked in one image, in full colour at the largest value of its map."""
    return painted(pixels, values, float(np.abs(values).max()) or 1.0)


def _smaller(pixels: np.ndarray) -> np.ndarray:
    if pixels.shape[0] <= LARGEST:
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((LARGEST, LARGEST), Image.Resampling.LANCZOS))


def small_matrix(counts: list[list[int]], classes: list[str]) -> dict[str, Any]:
    """The confusion matrix for a small place: shares of the true class, with numbers and names as far as there is room.

    Returns:
        "names" of the rows, shortened; "rows" of cells with "share", "words", "right" and how strongly to colour them; or, for many
        classes, "picture", a `data:` address, and no rows. "says" is the whole in a sentence, for those who do not see it.
    """
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    numbered = len(classes) <= NUMBERED
    found: dict[str, Any] = {"names": [], "rows": [], "picture": "", "numbered": numbered, "says": _says(counts, classes)}
    if len(classes) > NAMED:
        return found | {"picture": strip([_picture(shares)])}
    rows = [
        [
            {
                "words": f"{100 * share:.0f}" if numbered and share >= FAINT else "",
                "right": i == j,
                "strength": strength(share, i == j) if share >= FAINT else 0.0,
            }
            for j, share in enumerate(row)
        ]
        for i, row in enumerate(shares)
    ]
    return found | {"names": [shorten(name, LETTERS) for name in classes], "rows": rows}


def strength(share: float, right: bool) -> float:
    """How strong a colour shows a share: small shares of mistakes must still be seen."""
    return round(0.1 + 0.75 * (share if right else share**0.6), 3) if share else 0.0


def _says(counts: list[list[int]], classes: list[str]) -> str:
    wrong = [(count, i, j) for i, row in enumerate(counts) for j, count in enumerate(row) if i != j and count]
    if not wrong:
        return f"Confusion matrix of {len(classes)} classes: every image is on the diagonal"
    count, i, j = max(wrong)
    return (
        f"Confusion matrix of {len(classes)} classes; the largest mistake is {classes[i]} predicted as {classes[j]}: {count:,}"
    )


def _picture(shares: list[list[float]]) -> np.ndarray:
    """A pixel a cell on grey, uint8 `(classes, classes, 3)`."""
    pixels = np.full((len(shares), len(shares), 3), 128.0)
    for i, row in enumerate(shares):
        for j, share in enumerate(row):
            hue = np.array([int((RIGHT if i == j else WRONG)[place : place + 2], 16) for place in (1, 3, 5)])
            pixels[i, j] += (hue - pixels[i, j]) * strength(share, i == j)
    result: np.ndarray = np.rint(pixels).astype(np.uint8)
    return result
