"""The explanation of chosen images as files: a picture, and arrays for further work."""

from pathlib import Path

import numpy as np

from seefar.explaining.explanation import Explanation
from seefar.files import make_folder, write_bytes
from seefar.reporting import explanation_figures, figures
from seefar.reporting.inside_words import method_name
from seefar.reporting.words import percent
from seefar.runs.folder import npz_bytes


def write_explanation(found: Explanation, folder: Path, about: str) -> list[Path]:
    """Write `explanation.png` and `explanation.npz` (ids, pixels, and a map for each method); files of these names are replaced.

    Returns:
        The files.
    """
    make_folder(folder)
    captions = []
    for i, (predicted, target, chance) in enumerate(zip(found.predicted, found.targets, found.probability, strict=True)):
        label = found.labels[i] if found.labels else found.images[i]
        said = predicted if label == predicted else f"{label} called {predicted}"
        captions.append(f"{said}; evidence for {target} ({percent(chance)})")
    maps = {method_name(name): values for name, values in found.maps.items()}
    picture = explanation_figures.overlays(found.pixels, maps, captions, f"{about}: where the network looked")
    files = [folder / "explanation.png", folder / "explanation.npz"]
    write_bytes(files[0], figures.png(picture))
    write_bytes(files[1], npz_bytes(ids=np.array(found.images), pixels=found.pixels, **found.maps))
    return files
