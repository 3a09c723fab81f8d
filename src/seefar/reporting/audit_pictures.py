"""What an audit found, for looking at: `audit.json`, and galleries of doubtful labels, near duplicates and strange images."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from seefar.data.images import Dataset
from seefar.evaluation.audit import Audit
from seefar.files import make_folder, write_bytes, write_json
from seefar.reporting import figures

SHOWN = 48  # of each kind (chosen by hand: as many as are readable on a page)


def write_audit(audit: Audit, data: Dataset, folder: Path) -> list[Path]:
    """Write `audit.json` and, where there is something to show, the pictures; files of the same names are replaced.

    Returns:
        The files.
    """
    make_folder(folder)
    write_json(folder / "audit.json", asdict(audit))
    where = {id_: (images, i) for images in (data.train, data.test) for i, id_ in enumerate(images.ids)}

    def picture(id_: str) -> np.ndarray:
        images, position = where[id_]
        pixels: np.ndarray = images.pixels[position]
        return pixels

    def side_by_side(one: str, other: str) -> np.ndarray:
        gap = np.full((data.train.size, 2, 3), 255, np.uint8)
        return np.concatenate([picture(one), gap, picture(other)], axis=1)

    def label(id_: str) -> str:
        images, position = where[id_]
        name: str = images.classes[images.labels[position]]
        return name

    galleries = {
        "label-errors": (
            [picture(issue.id) for issue in audit.listed_label_issues[:SHOWN]],
            [f"{issue.label}\n→ {issue.suggested}" for issue in audit.listed_label_issues[:SHOWN]],
            f"{audit.name}: labels most likely wrong, with what networks that had not seen the image say instead",
        ),
        "near-duplicates": (
            [side_by_side(pair.one, pair.other) for pair in audit.listed_duplicates[:SHOWN]],
            [pair.where for pair in audit.listed_duplicates[:SHOWN]],
            f"{audit.name}: pairs of images that show the same",
        ),
        "strange": (
            [picture(id_) for id_ in audit.strange[:SHOWN]],
            [label(id_) for id_ in audit.strange[:SHOWN]],
            f"{audit.name}: images least like any other, strangest first",
        ),
    }
    files = [folder / "audit.json"]
    for name, (pixels, captions, title) in galleries.items():
        if pixels:
            files.append(folder / f"{name}.png")
            write_bytes(files[-1], figures.png(figures.captioned(pixels, captions, title)))
    return files
