"""Members of a .tar.gz, read as a stream: nothing is extracted, so a hostile archive cannot write files or fill the memory.

Python's `tarfile` obeys extended headers: other names, sizes and links for the member that follows, of any length, nested at
will. Here only the plain 512-byte headers count, all that a short name needs; extended ones are skipped like any other extra.
"""

import gzip
import tarfile
import zlib
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO

from seefar.errors import DataError
from seefar.files import disk_errors

MAGIC = b"\x1f\x8b"  # RFC 1952, 2.3.1
MAX_BYTES = 250_000_000  # decompressed; the CIFAR archives hold at most 187 MB; chosen by hand
MAX_MEMBERS = 1_000  # the CIFAR archives hold at most 10; chosen by hand

_BLOCK = 512  # POSIX pax, "ustar interchange format"
_PIECE = 1 << 20
_WITHOUT_CONTENT = (  # whatever their size field says
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
)


def check_gzip(path: Path) -> None:
    """Raise DataError unless the file is there and begins as gzip files do, DiskError if it cannot be read."""
    if not path.is_file():
        raise DataError(f"there is no archive {path}; check the spelling, or leave out --archive to download it")
    with disk_errors(path), path.open("rb") as file:
        head = file.read(5)
    if not head.startswith(MAGIC):
        raise DataError(f"{path} is not a gzip file ({starts_with(head)}); delete it, or give another file")


def starts_with(head: bytes) -> str:
    """The words that tell a person what a file is instead: "starts with '<!DOC'"."""
    return f"starts with {head[:5].decode('latin-1')!a}" if head else "it is empty"


class Member:
    """A regular file in the archive: its `name`, its `size` in bytes, and `read`, until the next member is asked for."""

    def __init__(self, name: str, size: int, stream: "_Stream") -> None:
        self.name = name
        self.size = size
        self._left = size
        self._stream = stream

    def read(self, size: int) -> bytes:
        """The next `size` bytes, or what is left of them. Raises DataError if the archive ends before."""
        size = min(size, self._left)
        self._left -= size
        return self._stream.exactly(size)

    def skip(self) -> None:
        """Pass over the rest, and over the zeros that fill the last block."""
        self._left += -self.size % _BLOCK
        while self._left:
            self.read(_PIECE)


class _Stream:
    """The decompressed bytes. Every way in which a damaged or hostile gzip file can fail comes out of here as a DataError."""

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._gzip = gzip.GzipFile(fileobj=file)
        self._path = path
        self._done = 0

    def read(self, size: int) -> bytes:
        """`size` bytes, fewer at the end."""
        try:
            content = self._gzip.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise self.damaged(str(error)) from error
        self._done += len(content)
        if self._done > MAX_BYTES:
            raise self.damaged(f"it holds more than {MAX_BYTES:,} bytes when decompressed")
        return content

    def exactly(self, size: int) -> bytes:
        """`size` bytes."""
        content = self.read(size)
        if len(content) != size:
            raise self.damaged("the tar file inside ends too early")
        return content

    def damaged(self, reason: str) -> DataError:
        return DataError(f"{self._path} is damaged or is no archive of this kind: {reason}; get the file again")


def members(path: Path, names: Container[str]) -> Iterator[Member]:
    """The regular files in the archive whose exact name is among `names`, in the archive's order; everything else is ignored.

    The file is read to its very end, so that gzip's own checksum has been compared when the iteration ends.

    Raises:
        DataError: the file is not a .tar.gz, is cut or damaged, or holds more than MAX_BYTES or MAX_MEMBERS.
        DiskError: it cannot be read.
    """
    check_gzip(path)
    with disk_errors(path), path.open("rb") as file:
        stream = _Stream(file, path)
        for _ in range(MAX_MEMBERS):
            header = stream.read(_BLOCK)
            if not header.strip(b"\0"):  # zeros mark the end
                while stream.read(_PIECE):
                    pass
                return
            try:
                info = tarfile.TarInfo.frombuf(header, "utf-8", "surrogateescape")
            except tarfile.TarError as error:
                raise stream.damaged(str(error)) from error
            if info.size < 0:
                raise stream.damaged("a size in it is negative")
            member = Member(info.name, 0 if info.type in _WITHOUT_CONTENT else info.size, stream)
            if info.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and info.name in names:
                yield member
            member.skip()
        raise stream.damaged(f"it holds more than {MAX_MEMBERS:,} members")
