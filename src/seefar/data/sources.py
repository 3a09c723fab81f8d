"""What a folder or a zip file holds, listed and read without trusting it: no link is followed, nothing is unpacked."""

import contextlib
import errno
import hashlib
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from seefar.data.image_set import Skipped
from seefar.errors import DataError, DiskError

MAX_BYTES = 64 * 2**20  # of one file; chosen by hand: 16 million pixels of 4 bytes, not compressed
MAX_RATIO = 1000  # uncompressed to compressed; chosen by hand: deflate reaches 1032 on zeros, pictures come nowhere near
READ_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what zipfile can decompress up to a limit, not at one go
ENCRYPTED = 0x41  # flags of an entry in a zip file, of two kinds
LOCAL_HEADER = 30  # bytes before the name of an entry in a zip file
SUFFIXES = (
    ".png",
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".webp",
    ".bmp",
    ".dib",
    ".gif",
)  # other files may be pictures, these must
REFUSALS = (errno.EACCES, errno.EPERM, errno.EIO)  # the system's doing: the file itself may be good
HIDDEN = "hidden"
LINK = "symbolic link, not followed"
SPECIAL = "not a regular file"

Parts = tuple[str, ...]  # a path inside a source, in pieces: ("train", "cat", "1.jpg")


class Contents(NamedTuple):
    """What a source holds, in no order: its regular files, all its folders, and what is left out at once, with the reason."""

    files: list[Parts]
    folders: set[Parts]
    left_out: list[Skipped]


class FolderSource(contextlib.AbstractContextManager[None]):
    """A folder. Symbolic links and special files (pipes, devices) in it are never opened.

    Attributes:
        contents: what it holds.
        state: another string once a file was added, removed, renamed, resized or written again.

    Raises:
        DiskError: a folder in it cannot be listed.
    """

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.contents = Contents([], set(), [])
        self._stamps: list[tuple[Parts, int, int]] = []
        self._unlisted: list[Parts] = [()]
        while self._unlisted:
            self._list(self._unlisted.pop())
        everything = (sorted(self._stamps), sorted(self.contents.folders), sorted(self.contents.left_out))
        self.state = hashlib.sha256(repr(everything).encode("utf-8", "surrogateescape")).hexdigest()

    def __exit__(self, *exception: object) -> None:
        """Nothing is held open."""

    def read(self, parts: Parts) -> bytes:
        """The content of one file. Raises OSError."""
        return read_file(os.path.join(self._path, *parts))  # noqa: PTH118 (Path takes longer than reading a small file)

    def _list(self, folder: Parts) -> None:
        try:
            with os.scandir(os.path.join(self._path, *folder)) as entries:  # noqa: PTH118
                for entry in entries:
                    self._add(entry, (*folder, entry.name))
        except OSError as error:
            if error.errno not in (errno.ENAMETOOLONG, errno.ENOENT):
                place = printable(os.path.join(self._path, *folder))  # noqa: PTH118
                raise DiskError(f"cannot list {place}: {error.strerror}; allow it, or move that folder away") from error
            self.contents.left_out.append(Skipped(shown_path(folder), str(error.strerror)))

    def _add(self, entry: "os.DirEntry[str]", parts: Parts) -> None:
        if is_hidden(entry.name):
            self.contents.left_out.append(Skipped(shown_path(parts), HIDDEN))
        elif entry.is_symlink():
            self.contents.left_out.append(Skipped(shown_path(parts), LINK))
        elif entry.is_dir(follow_symlinks=False):
            self.contents.folders.add(parts)
            self._unlisted.append(parts)
        elif not entry.is_file(follow_symlinks=False):
            self.contents.left_out.append(Skipped(shown_path(parts), SPECIAL))
        else:
            self.contents.files.append(parts)
            try:
                facts = entry.stat(follow_symlinks=False)
                self._stamps.append((parts, facts.st_size, facts.st_mtime_ns))
            except OSError:  # gone meanwhile, or its path is too long: reading it will say so
                self._stamps.append((parts, -1, -1))


class FilesBelow:
    """Files below a folder that are known by name, read one by one."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def read(self, parts: Parts) -> bytes:
        """The content of one file. Raises OSError."""
        return read_file(os.path.join(self._path, *parts))  # noqa: PTH118 (as above)


class ZipSource(contextlib.AbstractContextManager[None]):
    """A zip file, read in place; `contents` and `read` are there inside a `with` block.

    Entries whose path leads outside, links and encrypted entries are left out. Nothing is believed about sizes: no entry is
    decompressed beyond 64 MB.

    Attributes:
        contents: what it holds.
        state: another string once the file was resized or written again.

    Raises:
        DataError: the zip file is damaged, names a file twice, or its entries overlap.
        DiskError: it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        facts = path.stat()
        self._path = path
        self.contents = Contents([], set(), [])
        self.state = f"{facts.st_size} {facts.st_mtime_ns}"
        self._entries: dict[Parts, zipfile.ZipInfo] = {}

    def __enter__(self) -> None:
        try:
            self._zip = zipfile.ZipFile(self._path)
        except OSError as error:
            raise DiskError(
                f"cannot read {printable(str(self._path))}: {error.strerror}; fix that, or choose another"
            ) from error
        except (zipfile.BadZipFile, NotImplementedError, EOFError, OverflowError, ValueError, struct.error) as error:
            raise self._damaged(printable(str(error))) from error
        with contextlib.ExitStack() as undo:
            undo.callback(self._zip.close)
            self._refuse_overlaps()
            for entry in self._zip.infolist():
                self._add(entry)
            undo.pop_all()

    def __exit__(self, *exception: object) -> None:
        self._zip.close()

    def read(self, parts: Parts) -> bytes:
        """The content of one entry. Raises OSError if it is not acceptable, DataError if the zip file is damaged there."""
        entry = self._entries[parts]
        if entry.file_size > MAX_BYTES:
            raise OSError(errno.EFBIG, "more than 64 MB")
        if entry.file_size > MAX_RATIO * entry.compress_size:
            raise OSError(errno.EFBIG, f"compressed more than {MAX_RATIO} times")
        if entry.compress_type not in READ_BOUNDED:
            raise OSError(errno.ENOTSUP, f"zip compression method {entry.compress_type}; only stored and deflated are read")
        try:
            with self._zip.open(entry) as file:
                return file.read(entry.file_size)
        except NotImplementedError as error:
            raise OSError(errno.ENOTSUP, str(error)) from error
        except (zipfile.BadZipFile, zlib.error, EOFError, OverflowError, ValueError, struct.error) as error:
            raise self._damaged(f"{shown_path(parts)}: {printable(str(error))}") from error

    def _add(self, entry: zipfile.ZipInfo) -> None:
        parts = tuple(part for part in entry.filename.split("/") if part not in ("", "."))
        if reason := _refusal(entry):
            self.contents.left_out.append(Skipped(printable(entry.orig_filename), reason))
        elif any(map(is_hidden, parts)):
            if not entry.is_dir():
                self.contents.left_out.append(Skipped(shown_path(parts), HIDDEN))
        else:
            folder = parts if entry.is_dir() else parts[:-1]
            while folder and folder not in self.contents.folders:
                self.contents.folders.add(folder)
                folder = folder[:-1]
            if not entry.is_dir():
                if parts in self._entries:
                    raise self._damaged(f"{shown_path(parts)} is in it twice")
                self._entries[parts] = entry
                self.contents.files.append(parts)

    def _refuse_overlaps(self) -> None:
        """Refuse entries that share bytes: so are zip bombs made that stay below every limit on a single entry."""
        end = 0
        for entry in sorted(self._zip.infolist(), key=lambda entry: entry.header_offset):
            if entry.header_offset < end:
                raise self._damaged("its entries overlap")
            end = entry.header_offset + LOCAL_HEADER + len(entry.orig_filename) + entry.compress_size
        if end > self._zip.start_dir:
            raise self._damaged("its entries overlap its table of contents")

    def _damaged(self, why: str) -> DataError:
        return DataError(f"{printable(str(self._path))} is a damaged zip file ({why}); copy, download or make it again")


def open_source(path: Path) -> FolderSource | ZipSource:
    """The folder or zip file at `path`, told apart by content, not by name.

    Raises:
        DataError: there is nothing at `path`, or it is neither a folder nor a zip file.
        DiskError: it cannot be read.
    """
    shown = printable(str(path))
    try:
        if path.is_dir():
            return FolderSource(path)
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{shown} is neither a folder nor a zip file; give one of these")
        with path.open("rb") as file:
            begins_as_zip = file.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
    except (FileNotFoundError, NotADirectoryError):
        raise DataError(f"there is no folder or zip file {shown}; check the spelling") from None
    except OSError as error:
        raise DiskError(f"cannot read {shown}: {error.strerror}; fix that, or choose another") from error
    if not begins_as_zip:
        raise DataError(f"{shown} is not a zip file, whatever its name says; give a folder of images, or a zip of one")
    return ZipSource(path)


def read_file(path: str) -> bytes:
    """The content of a file of at most 64 MB. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123
        if os.fstat(file.fileno()).st_size > MAX_BYTES:
            raise OSError(errno.EFBIG, "more than 64 MB")
        return file.read()


def reason_of(failure: DataError | OSError) -> str:
    """What was wrong with a file, in a few words."""
    return failure.strerror or str(failure) if isinstance(failure, OSError) else str(failure)


def is_refusal(failure: DataError | OSError) -> bool:
    """Whether it is the system that does not let us read a file, which may be good itself."""
    return isinstance(failure, OSError) and failure.errno in REFUSALS


def has_image_name(name: str) -> bool:
    """Whether a file says by its name that it is a picture."""
    return name.lower().endswith(SUFFIXES)


def is_hidden(name: str) -> bool:
    """Whether systems keep such a file or folder from view: dot files, and the folder that macOS adds to its zips."""
    return name.startswith(".") or name == "__MACOSX"


def shown_path(parts: Parts) -> str:
    """A path inside a source as it is printed and used as the id of an image."""
    return "/".join(map(printable, parts))


def printable(name: str) -> str:
    """`name` in Unicode normal form C, with a backslash code for whatever is not visible on its own.

    Line breaks, direction marks, bytes that are no UTF-8 and the backslash itself are coded, so that no name can fake another
    line or another name, or fail to print.
    """
    if name.isascii() and name.isprintable() and "\\" not in name:
        return name
    return "".join(map(_visible, unicodedata.normalize("NFC", name)))


def _visible(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's stand-in for a byte of a file name that is no UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    visible = character.isprintable() and character != "\\"
    return character if visible else character.encode("unicode_escape").decode()


def _refusal(entry: zipfile.ZipInfo) -> str | None:
    """Why an entry is not even looked at; None if it may be."""
    name, kind = entry.orig_filename, stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/") or re.match("[A-Za-z]:", name):
        return "unsafe path"
    if entry.flag_bits & ENCRYPTED:
        return "encrypted"
    if kind == stat.S_IFLNK:
        return LINK
    return SPECIAL if kind not in (0, stat.S_IFREG, stat.S_IFDIR) else None
