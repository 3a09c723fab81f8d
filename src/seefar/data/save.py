"""Images as PNG files, a folder for each class: the form in which `load` takes them."""

import io
from pathlib import Path

from PIL import Image

from seefar.data.images import ImageSet
from seefar.errors import UsageError
from seefar.files import make_folder, write_bytes


def save_images(images: ImageSet, folder: Path) -> Path:
    """Write `<folder>/<class>/<number>.png`; files of the same names are replaced. See `ImageSet.save`.

    Raises:
        UsageError: a class has a name that no folder can have, or that `load` would pass over.
        DiskError: the folder cannot be written.
    """
    for name in images.classes:
        if not name or name.startswith(".") or set(name) & set('/\\:*?"<>|\0'):
            raise UsageError(f"the class {name!r} cannot name a folder; give it a name of letters, digits and spaces")
    for number, (pixels, label) in enumerate(zip(images.pixels, images.labels, strict=True)):
        content = io.BytesIO()
        Image.fromarray(pixels).save(content, "PNG")
        write_bytes(make_folder(folder / images.classes[label]) / f"{number:05d}.png", content.getvalue())
    return folder
