"""Reading no more than a file can hold: the memory for its content grows with what arrives, not with what its header claims."""

import zlib
from typing import IO

from seefar.errors import DataError

MAX_RATIO = 1032  # the most that deflate can compress (zlib's technical details)
PIECE = 4 << 20


def read_exactly(file: IO[bytes], size: int, what: str) -> bytearray:
    """So many bytes. Raises DataError if the file ends before."""
    content = bytearray()
    while len(content) < size:
        try:
            piece = file.read(min(PIECE, size - len(content)))
        except (EOFError, zlib.error, OSError) as error:
            raise DataError(f"{what} is damaged ({error}); get it again") from error
        if not piece:
            raise DataError(f"{what} ends after {len(content):,} of {size:,} bytes; get it again")
        content += piece
    return content
