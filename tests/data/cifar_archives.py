"""Writes archives like CIFAR's: real layout and size, invented images, and any damage that a test asks for.

The images are eight pictures of noise over and over, each image with its own number in its first four bytes: so every image
differs from all others, no pixel can change places unseen, and yet gzip is quick and the archives are small. An archive is put
together from pieces, one gzip stream each, so that a variant of it costs nothing.
"""

import gzip
import io
import tarfile
from functools import cache
from pathlib import Path

import numpy as np

COARSE = """
    aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices household_furniture
    insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes large_omnivores_and_herbivores
    medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
"""
FINE = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
    caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish
    forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle
    mountain mouse mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
    possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar
    sunflower sweet_pepper table tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree
    wolf woman worm
"""
NAMES = {
    "cifar10": ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    "cifar100": FINE.split(),
}
FILES = {
    "cifar10": {**{f"data_batch_{i + 1}": (10_000 * i, 10_000) for i in range(5)}, "test_batch": (50_000, 10_000)},
    "cifar100": {"train": (0, 50_000), "test": (50_000, 10_000)},
}
FOLDERS = {
    ("cifar10", "binary"): "cifar-10-batches-bin",
    ("cifar10", "python"): "cifar-10-batches-py",
    ("cifar100", "binary"): "cifar-100-binary",
    ("cifar100", "python"): "cifar-100-python",
}
NAMES_FILE = {
    ("cifar10", "binary"): "batches.meta.txt",
    ("cifar10", "python"): "batches.meta",
    ("cifar100", "binary"): "fine_label_names.txt",
    ("cifar100", "python"): "meta",
}


@cache
def planes() -> np.ndarray:
    """uint8 (60000, 3072): a red, a green and a blue plane each; training images first."""
    noise = np.random.default_rng(0).integers(0, 256, (8, 3072), np.uint8)
    images = np.tile(noise, (7_500, 1))
    images[:, :4] = np.arange(60_000, dtype=">u4").view(np.uint8).reshape(-1, 4)
    return images


@cache
def labels(data: str) -> np.ndarray:
    """uint8 (60000,): the same number of every class in training and test."""
    rng, classes = np.random.default_rng(1), len(NAMES[data])
    return np.concatenate([(rng.permutation(n) % classes).astype(np.uint8) for n in (50_000, 10_000)])


def records(data: str, file: str) -> np.ndarray:
    """One file of the binary version, uint8 (images, 3073 or 3074)."""
    first, n = FILES[data][file]
    where = slice(first, first + n)
    columns = [labels(data)[where, None], planes()[where]]
    return np.concatenate([labels(data)[where, None] // 5, *columns] if data == "cifar100" else columns, axis=1)


def batch(data: str, file: str) -> dict:
    """What is pickled in one file of the python version."""
    first, n = FILES[data][file]
    mine = labels(data)[first : first + n].tolist()
    values = {"filenames": [f"thing_s_{i:06d}.png" for i in range(n)], "batch_label": file, "data": planes()[first : first + n]}
    return values | ({"labels": mine} if data == "cifar10" else {"fine_labels": mine, "coarse_labels": [i // 5 for i in mine]})


def meta(data: str) -> dict:
    """What is pickled in the file of class names of the python version."""
    if data == "cifar100":
        return {"fine_label_names": NAMES[data], "coarse_label_names": COARSE.split()}
    return {"num_cases_per_batch": 10_000, "label_names": NAMES[data], "num_vis": 3072}


class Python2:
    """Pickles as Python 2's cPickle did, protocol 2: the dialect of the published files, which Python 3 no longer writes."""

    def __init__(self) -> None:
        self.memo = 0

    def dumps(self, value: object) -> bytes:
        return b"\x80\x02" + self.value(value) + b"."

    def put(self) -> bytes:
        self.memo += 1
        return b"q" + bytes([self.memo]) if self.memo < 256 else b"r" + self.memo.to_bytes(4, "little")

    def value(self, value: object) -> bytes:
        match value:
            case dict():
                head = b"}" + self.put()
                return head + b"(" + b"".join(self.value(key) + self.value(item) for key, item in value.items()) + b"u"
            case list():
                starts = range(0, len(value), 1000)
                return (
                    b"]" + self.put() + b"".join(b"(" + b"".join(map(self.value, value[i : i + 1000])) + b"e" for i in starts)
                )
            case int() if value < 1 << 8:
                return b"K" + bytes([value])
            case int():
                return b"M" + value.to_bytes(2, "little")
            case str():
                return b"U" + bytes([len(value)]) + value.encode() + self.put()
            case np.ndarray():
                return array(value)
        raise TypeError(value)


def array(values: np.ndarray, shape: bytes = b"", dtype: bytes = b"u1") -> bytes:
    """A numpy array in that dialect; `shape` (pickled) and `dtype` may lie."""
    column_major = not values.flags.c_contiguous
    raw = values.tobytes("A")
    shape = shape or b"".join(b"J" + n.to_bytes(4, "little") for n in values.shape) + b"\x86"
    dtype_call = b"cnumpy\ndtype\nU" + bytes([len(dtype)]) + dtype + b"K\x00K\x01\x87R"
    dtype_state = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    order = b"\x88" if column_major else b"\x89"
    content = b"T" + len(raw).to_bytes(4, "little") + raw
    empty = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
    return empty + b"(K\x01" + shape + dtype_call + dtype_state + order + content + b"tb"


def piece(name: str, content: bytes = b"", type: bytes = tarfile.REGTYPE, link: str = "") -> bytes:  # noqa: A002 (as in tar)
    """A member of a tar file, compressed."""
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = len(content), type, link
    return gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512), 1)


END = gzip.compress(bytes(1024))


@cache
def _compressed_planes(first: int) -> bytes:
    return gzip.compress(planes()[first : first + 10_000].tobytes(), 1)


def _pickled_piece(data: str, file: str) -> bytes:
    """One file of the python version. Its pixels are compressed once for both data sets, since that is what takes time."""
    first, n = FILES[data][file]
    content = Python2().dumps(batch(data, file))
    start = content.index(planes()[first, :64].tobytes())
    info = tarfile.TarInfo(f"{FOLDERS[data, 'python']}/{file}")
    info.size = len(content)
    head = info.tobuf(tarfile.GNU_FORMAT) + content[:start]
    tail = content[start + 3072 * n :] + bytes(-len(content) % 512)
    pixels = b"".join(_compressed_planes(at) for at in range(first, first + n, 10_000))
    return gzip.compress(head, 1) + pixels + gzip.compress(tail, 1)


@cache
def pieces(data: str, kind: str) -> dict[str, bytes]:
    """The members of a whole archive by file name, `names` for the class names, compressed."""
    folder, names = FOLDERS[data, kind], f"{FOLDERS[data, kind]}/{NAMES_FILE[data, kind]}"
    if kind == "binary":
        made = {"names": piece(names, "".join(f"{name}\n" for name in [*NAMES[data], ""]).encode())}
        return made | {file: piece(f"{folder}/{file}.bin", records(data, file).tobytes()) for file in FILES[data]}
    return {"names": piece(names, Python2().dumps(meta(data)))} | {file: _pickled_piece(data, file) for file in FILES[data]}


def write(path: Path, *parts: bytes) -> Path:
    """An archive of these pieces."""
    path.write_bytes(b"".join(parts) + END)
    return path


def whole(path: Path, data: str, kind: str) -> Path:
    """A faultless archive."""
    return write(path, *pieces(data, kind).values())


def whole_by_tarfile(path: Path) -> Path:
    """CIFAR-10's binary version as Python's own tarfile writes it: one gzip stream, folder and readme, extended headers."""
    with tarfile.open(path, "w:gz", compresslevel=1, format=tarfile.PAX_FORMAT) as tar:
        folder = tarfile.TarInfo(FOLDERS["cifar10", "binary"])
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        contents = {f"{file}.bin": records("cifar10", file).tobytes() for file in reversed(FILES["cifar10"])}
        contents |= {"batches.meta.txt": "\n".join(NAMES["cifar10"]).encode(), "readme.html": b"<html>"}
        for name, content in contents.items():
            info = tarfile.TarInfo(f"{folder.name}/{name}")
            info.size, info.mtime = len(content), 0.5  # a fraction needs an extended header
            tar.addfile(info, io.BytesIO(content))
    return path
