"""Fifty pictures of every kind that people have: crops of the photographs that come with matplotlib and scikit-learn."""

import io
from pathlib import Path

import matplotlib as mpl
import numpy as np
import sklearn.datasets
from PIL import Image

SIDES = [
    (1280, 854),
    (640, 427),
    (512, 600),
    (427, 427),
    (300, 200),
    (200, 300),
    (129, 400),
    (128, 128),
    (97, 61),
    (64, 64),
    (33, 40),
    (20, 31),
]


def photographs() -> list[Image.Image]:
    """Three of them, and a larger one made of four."""
    found = [Image.fromarray(sklearn.datasets.load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    found.append(Image.open(Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg").convert("RGB"))
    china, flower = (np.asarray(one) for one in found[:2])
    return [*found, Image.fromarray(np.block([[[china], [flower]], [[flower], [china]]]))]


def fifty() -> dict[str, bytes]:
    """The content of each file by a name that says what it is."""
    files: dict[str, bytes] = {}
    whole = photographs()
    for number, (width, height) in enumerate(SIDES):
        for turn, source in enumerate((whole[3], whole[number % 3])):
            scale = max(width / source.width, height / source.height)
            sized = source.resize((max(width, round(source.width * scale)), max(height, round(source.height * scale))))
            left = (sized.width - width) * turn // 2
            picture = sized.crop((left, 0, left + width, height))
            files[f"{width}x{height}-{turn}.jpg"] = saved(picture, "JPEG", quality=90)
            files[f"{width}x{height}-{turn}.png"] = saved(picture, "PNG")
    odd = whole[0].resize((200, 150))
    exif = Image.Exif()
    for orientation in range(2, 9):
        exif[0x0112] = orientation
        files[f"turned-{orientation}.jpg"] = saved(odd, "JPEG", quality=95, subsampling=0, exif=exif)
    exif[0x0112] = 6
    files["turned.png"], files["turned.webp"] = saved(odd, "PNG", exif=exif), saved(odd, "WEBP", lossless=True, exif=exif)
    files["grey.jpg"], files["palette.png"] = saved(odd.convert("L"), "JPEG"), saved(odd.quantize(32), "PNG")
    files["photo.bmp"], files["photo.gif"] = saved(odd, "BMP"), saved(odd.quantize(64), "GIF")
    clear = odd.convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(odd.size))
    files["clear.png"] = saved(clear, "PNG")
    files["deep.png"] = saved(Image.fromarray(np.asarray(odd.convert("L")).astype(np.uint16) * 257), "PNG")
    return files


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()
