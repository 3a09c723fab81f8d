"""What a set of images is called: a short name, fit for the name of a run folder."""

import re
import unicodedata
from pathlib import Path

from seefar.data.idx import is_idx

FILES = (".zip", ".npz", ".csv", ".tsv", ".parquet")
SAYS_NOTHING = (
    "data",
    "dataset",
    "datasets",
    "images",
    "image",
    "imgs",
    "img",
    "pictures",
    "train",
    "training",
    "labels",
    "metadata",
    "index",
    "raw",
    "default",
)


def name_of(path: Path) -> str:
    """What the images of a folder or file are called: by its name or, where that says nothing, by that of the folder above it."""
    if is_idx(path.name):  # the four files of a set have a folder in common
        path = path.parent
    own = slug(path.stem if path.suffix.lower() in FILES else path.name)
    above = [slug(folder.name) for folder in path.parents] if own in SAYS_NOTHING else []
    return next((name for name in above if name and name not in SAYS_NOTHING), own or "images")


def slug(name: str) -> str:
    """A name in lower-case letters, digits and hyphens; at most 60, to fit into longer file names. Empty if nothing is left of it."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub("[^a-z0-9]+", "-", plain)[:60].strip("-")
