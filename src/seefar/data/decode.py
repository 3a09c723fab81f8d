"""Decode image files: the bytes of one file in, a square of RGB pixels out, the same way for training, prediction and serving.

What happens to a picture, in this order: its format is recognised by content; a picture of more than 16 million pixels is
refused before any of it is decoded; an animation gives its first frame; the EXIF orientation is honoured; 16-bit grey is scaled
to 8 bits; transparency is laid over the background colour; everything becomes RGB (colour profiles are ignored); the centre
square of the shorter side is cut out and resized. A picture that has the wanted size already keeps its pixels bit for bit.
"""

import contextlib
import io
import os
import re
import struct
import threading
import warnings
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageColor, ImageFile, ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from seefar.errors import DataError, UsageError

MAX_PIXELS = 16_000_000  # chosen by hand: 4000 x 4000; Pillow itself would decode 178 million, half a gigabyte

# Five formats with well-kept decoders, known by how their files begin. Pillow's readers are called directly: `Image.open` would
# warn about large pictures, or refuse them without naming their size, and would take some cameras' pictures for animations.
READERS: dict[re.Pattern[bytes], type[ImageFile.ImageFile]] = {
    re.compile(rb"\x89PNG\r\n\x1a\n"): PngImageFile,
    re.compile(rb"\xff\xd8\xff"): JpegImageFile,
    re.compile(rb"RIFF....WEBP", re.DOTALL): WebPImageFile,
    re.compile(rb"GIF8[79]a"): GifImageFile,
    # "BM" alone begins many a text; the size of the second header, at byte 14, is one of these seven
    re.compile(rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", re.DOTALL): BmpImageFile,
}

# Antialiased when it shrinks (Pillow widens the kernel by the scale: Parmar et al. 2022, arXiv:2104.11222), smooth when it
# enlarges, and with less ringing at edges than Lanczos.
RESAMPLING = Image.Resampling.BICUBIC

# Everything that Pillow's readers were seen to raise, or can raise, on damaged files.
READER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)

# Where Pillow looks for an orientation. Not asking it in vain, nor for a reduced decoding of small files, took 60,000 JPEGs
# from 8.2 to 7.5 s (docs/log.md).
ORIENTATION_KEYS = {"exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif"}
MAX_WORKERS = 8  # chosen by hand: each may hold a picture of 16 million pixels in memory
WORTH_A_THREAD = (
    8 * 1024
)  # bytes of a file; measured on two cores: threads pay from 0.2 to 0.3 ms a picture, files of 6 to 12 kB
TURN_FILES, TURN_BYTES = 16, 2**20  # read at a time; measured: CIFAR-10 decodes 14 % faster than in turns of one file

Item = TypeVar("Item")


class Decoded(NamedTuple):
    """One picture, ready for a network, and what it was before.

    Attributes:
        pixels: uint8 `(size, size, 3)`, RGB, 0..255.
        mode: Pillow's name for what the file holds: "RGB", "L", "P", "RGBA", "CMYK", "I;16", ...
        original_size: "WIDTHxHEIGHT" in pixels, as stored.
        animated: whether the file holds more frames than this first one.
        format: "PNG", "JPEG", "WEBP", "GIF" or "BMP", by content; empty if it came from no file.
        file_bytes: length of the file; 0 likewise.
    """

    pixels: np.ndarray
    mode: str
    original_size: str
    animated: bool
    format: str
    file_bytes: int


Result = Decoded | DataError | OSError


class NotAnImageError(DataError):
    """The content is empty or begins like none of the formats that are read."""


def decode(content: bytes, size: int, background: str = "white") -> Decoded:
    """Decode one image file.

    Args:
        content: the whole file: PNG, JPEG, WEBP, BMP or GIF, whatever its name says.
        size: height and width of the result in pixels.
        background: the colour behind transparent pictures, by name ("white") or as "#rrggbb".

    Raises:
        NotAnImageError: "empty file", or "not an image (...)".
        DataError: the reason in a few words: "truncated", "damaged", "30000x30000 pixels, more than 16 million".
        UsageError: there is no such colour.
    """
    colour = rgb(background)
    if not content:
        raise NotAnImageError("empty file")
    reader = reader_for(content)
    if reader is None:
        raise NotAnImageError("not an image (PNG, JPEG, WEBP, BMP and GIF are read)")
    try:
        with _pillow_warnings_off():
            return _decode(reader(io.BytesIO(content)), size, colour, len(content))
    except Image.DecompressionBombError as error:  # some readers look at the size before it can be looked at here
        raise DataError(f"more than {MAX_PIXELS // 1_000_000} million pixels") from error
    except READER_ERRORS as error:
        raise DataError("truncated" if "truncated" in str(error).lower() else "damaged") from error


def decoded(picture: Image.Image, size: int, background: str = "white") -> Decoded:
    """Bring a picture that Pillow has opened to a square of RGB pixels, as `decode` does; the picture itself stays as it is.

    A large JPEG that Pillow decoded whole, and not at a fraction as `decode` does, may differ by a few grey values.

    Raises:
        DataError: the reason in a few words, as `decode` gives it.
        UsageError: there is no such colour.
    """
    colour = rgb(background)
    try:
        with _pillow_warnings_off():
            if picture.width * picture.height > MAX_PIXELS:
                raise DataError(_too_many(*picture.size))
            return _decode(picture.copy(), size, colour, 0)
    except READER_ERRORS as error:
        raise DataError("truncated" if "truncated" in str(error).lower() else "damaged") from error


def decode_each(read: Callable[[Item], bytes], items: Iterable[Item], size: int, background: str) -> Iterator[Result]:
    """Read and decode many files; yield, in the order of `items`, each picture or what was wrong with its file.

    `read` gives the content of one item's file. Its OSErrors are that file's own trouble and are yielded; anything else it
    raises ends the whole. Large files are decoded on all cores, in threads, since Pillow decodes outside Python's lock. Only a
    few files and pictures are in memory at any time.
    """

    def attempt(content: bytes) -> Result:
        return _attempt(content, size, background)

    workers = min(os.cpu_count() or 1, MAX_WORKERS)
    waiting: deque[Result | Future[Result]] = deque()
    with _pillow_warnings_off(), ThreadPoolExecutor(workers) as pool:
        for content in _read_in_turns(read, items):
            if isinstance(content, OSError):
                waiting.append(content)
            elif len(content) < WORTH_A_THREAD:
                waiting.append(attempt(content))
            else:
                waiting.append(pool.submit(attempt, content))
            if len(waiting) > 2 * workers:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())


def decode_some(read: Callable[[Item], bytes], items: Iterable[Item], size: int, background: str) -> Iterator[Result]:
    """What `decode_each` yields, from this thread alone, for callers that have threads or processes of their own.

    Small pictures are decoded by one thread of a process at a time: Pillow needs Python's lock for most of such a picture, and
    threads that fight for it are slower than one of them alone.
    """
    with _pillow_warnings_off():
        for content in _read_in_turns(read, items):
            if isinstance(content, OSError):
                yield content
            elif len(content) < WORTH_A_THREAD:
                with _small:
                    result = _attempt(content, size, background)
                yield result
            else:
                yield _attempt(content, size, background)


def reader_for(head: bytes) -> type[ImageFile.ImageFile] | None:
    """Pillow's reader for a file that begins with `head` (18 bytes are enough); None if it is of no format that is read."""
    return next((reader for magic, reader in READERS.items() if magic.match(head)), None)


def rgb(colour: str) -> tuple[int, int, int]:
    """The red, green and blue (0..255) of a colour name or "#rrggbb". Raises UsageError if there is no such colour."""
    try:
        red, green, blue = ImageColor.getrgb(colour)[:3]
    except ValueError:
        raise UsageError(f"background is {colour!r}; allowed is a colour name such as 'white', or '#rrggbb'") from None
    return red, green, blue


def _read_in_turns(read: Callable[[Item], bytes], items: Iterable[Item]) -> Iterator[bytes | OSError]:
    """The content of each file, or why it could not be read.

    Some files are read ahead: reading many, then decoding many, keeps the code of either in the processor's cache.
    """
    turn: list[bytes | OSError] = []
    size = 0
    for item in items:
        try:
            turn.append(content := read(item))
            size += len(content)
        except OSError as error:
            turn.append(error)
        if len(turn) == TURN_FILES or size > TURN_BYTES:
            yield from turn
            turn, size = [], 0
    yield from turn


def _attempt(content: bytes, size: int, background: str) -> Result:
    try:
        return decode(content, size, background)
    except DataError as error:
        return error


def _result(result: Result | Future[Result]) -> Result:
    return result.result() if isinstance(result, Future) else result


def _decode(image: Image.Image, size: int, colour: tuple[int, int, int], file_bytes: int) -> Decoded:
    """Decode what `image`, of which only the header has been read, holds. Raises READER_ERRORS."""
    width, height = image.size
    kind = image.format or ""
    if width * height > MAX_PIXELS:
        raise DataError(_too_many(width, height))
    mode, animated = image.mode, bool(getattr(image, "is_animated", False))  # only the formats that can be have the attribute
    if min(width, height) > 4 * size:
        image.draft(
            None, (2 * size, 2 * size)
        )  # a large JPEG is decoded at a half to an eighth, still at least twice too large
    image.load()
    if ORIENTATION_KEYS & image.info.keys():
        with contextlib.suppress(*READER_ERRORS):  # an unreadable EXIF block says nothing about the pixels
            ImageOps.exif_transpose(image, in_place=True)
    flat = _to_rgb(image, colour)
    side = min(flat.size)
    if flat.width != flat.height:
        left, top = (flat.width - side) // 2, (flat.height - side) // 2
        flat = flat.crop((left, top, left + side, top + side))
    if side != size:
        flat = flat.resize((size, size), RESAMPLING)
    return Decoded(np.asarray(flat), mode, f"{width}x{height}", animated, kind, file_bytes)


def _too_many(width: int, height: int) -> str:
    return f"{width}x{height} pixels, more than {MAX_PIXELS // 1_000_000} million"


def _to_rgb(image: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Any of Pillow's modes to RGB, transparency laid over `colour`."""
    if image.mode.startswith("I"):  # Pillow's own conversion would clip 256..65535 to white
        grey = np.asarray(image)
        opaque = grey != image.info.get("transparency")
        image = Image.merge("LA", [Image.fromarray(np.rint(grey / 257).astype(np.uint8)), Image.fromarray(opaque).convert("L")])
    if image.has_transparency_data:
        canvas = Image.new("RGBA", image.size, colour)
        image = Image.alpha_composite(canvas, image.convert("RGBA"))
    return image if image.mode == "RGB" else image.convert("RGB")


_small = threading.Lock()
_warnings_lock = threading.Lock()
_warnings_off = contextlib.ExitStack()
_decoding = 0


@contextlib.contextmanager
def _pillow_warnings_off() -> Iterator[None]:
    """Silence what Pillow says about odd files while any thread is in such a block.

    Python keeps its warning filters for the whole process, so `warnings.catch_warnings` in each thread would restore them in
    the wrong order: the first thread in sets the filter, the last one out takes it back.
    """
    global _decoding
    with _warnings_lock:
        if _decoding == 0:
            _warnings_off.enter_context(warnings.catch_warnings())
            warnings.filterwarnings("ignore", module=r"PIL\.")
        _decoding += 1
    try:
        yield
    finally:
        with _warnings_lock:
            _decoding -= 1
            if _decoding == 0:
                _warnings_off.close()
