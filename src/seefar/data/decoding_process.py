"""A process that decodes blocks of images into a mapped file: told what to do by lines of JSON, and answering in such.

    {"pixels": FILE, "shape": [n, h, w, 3], "size": 32, "background": "white", "source": {...}}
    {"first": 0, "items": [...]}

It is a program of its own, and not a copy of the one that started it, so that it works from scripts and notebooks alike. It ends when
its input does.
"""

import contextlib
import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data.decode import Decoded, NotAnImageError, decode_some
from seefar.data.parquet import Columns, ParquetSource
from seefar.data.sources import FilesBelow, ZipSource, is_refusal, reason_of
from seefar.errors import DataError

GOOD, BAD, REFUSED, NO_IMAGE, UNREADABLE = range(5)
"""What became of a file: decoded; a picture that is damaged; kept from us by the system; no picture; not to be read."""


def main() -> None:
    """Answer each line with one: for each image of the block [what became of it, ...], and a checksum of the pixels; or why not."""
    start = json.loads(sys.stdin.readline())
    pixels = np.memmap(start["pixels"], np.uint8, "r+", shape=tuple(start["shape"]))
    try:
        source = source_of(start["source"])
        with source if isinstance(source, ZipSource) else contextlib.nullcontext():
            for line in sys.stdin:
                print(json.dumps(_decode(json.loads(line), source, pixels, start["size"], start["background"])), flush=True)
    except DataError as error:
        print(json.dumps({"error": str(error)}), flush=True)


def source_of(facts: dict[str, Any]) -> ParquetSource | ZipSource | FilesBelow:
    """What reads the files of a source, from its kind and path."""
    if facts["kind"] == "parquet":
        name, in_struct, label, names = facts["columns"]
        columns = Columns(name, in_struct, label, tuple(names))
        return ParquetSource([(path, rows) for path, rows in facts["shards"]], columns)
    if facts["kind"] == "zip":
        return ZipSource(Path(facts["path"]))
    return FilesBelow(Path(facts["path"]))


def kind_of(failure: DataError | OSError) -> int:
    """What became of a file that could not be decoded."""
    if is_refusal(failure):
        return REFUSED
    if isinstance(failure, OSError):
        return UNREADABLE
    return NO_IMAGE if isinstance(failure, NotAnImageError) else BAD


def _decode(block: dict[str, Any], source: Any, pixels: np.ndarray, size: int, background: str) -> dict[str, Any]:
    items = block["items"]
    items = source.items(*items) if isinstance(source, ParquetSource) else [tuple(parts) for parts in items]
    first, answers = block["first"], []
    for place, result in enumerate(decode_some(source.read, items, size, background), start=first):
        if isinstance(result, Decoded):
            pixels[place] = result.pixels
            answers.append([GOOD, result.mode, result.original_size, result.animated, result.format, result.file_bytes])
        else:
            pixels[place] = 0
            answers.append([kind_of(result), reason_of(result)])
    return {"first": first, "answers": answers, "crc": zlib.crc32(pixels[first : first + len(answers)].data)}


if __name__ == "__main__":
    main()
