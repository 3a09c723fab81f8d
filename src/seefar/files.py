"""Files that appear whole or not at all, and locks on folders.

A file is written under a temporary name in its own folder, flushed to the disk, then renamed onto its final name, so that a crash,
a kill or a full disk leaves either the old file or the new one, never half of one.
"""

import contextlib
import errno
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from seefar.errors import DiskError, InUseError


def home() -> Path:
    """The folder for what seefar keeps between runs (archives, decoded images, the ledger): `SEEFAR_HOME`, or the platform's cache."""
    if folder := os.environ.get("SEEFAR_HOME"):
        return Path(folder).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("seefar", appauthor=False)


def make_folder(path: Path) -> Path:
    """Create `path` and its parents where they are missing. Raises DiskError if that is not allowed."""
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
    return path


@contextlib.contextmanager
def disk_errors(path: Path, needed: int = 0) -> Iterator[None]:
    """Turn the operating system's refusals about `path` into a DiskError that names it and says who asked, or what was needed.

    Args:
        path: the file or folder.
        needed: the bytes that are to be written, where that is known.
    """
    try:
        yield
    except OSError as error:
        more = ""
        if isinstance(error, PermissionError) and hasattr(os, "getuid"):
            more = f" (running as user id {os.getuid()})"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) and needed:
            more = f" ({needed:,} bytes are needed, {shutil.disk_usage(path.parent).free:,} are free on that disk)"
        raise DiskError(
            f"cannot use {path}: {error.strerror or error}{more}; free some space, or choose another folder"
        ) from error


@contextlib.contextmanager
def write_whole(path: Path, needed: int = 0) -> Iterator[BinaryIO]:
    """Open `path` for writing so that it changes only if the block ends well. `needed`: bytes, where known, for the error.

    Raises:
        DiskError: no space, no permission; the old file, if any, is intact and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk_errors(path, needed):
        try:
            with temporary.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable. Windows cannot open folders; there the rename is as durable as the system makes it."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with write_whole(path, len(content)) as file:
        file.write(content)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all. Infinity and NaN are refused: JSON has no such numbers."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """What `write_json` writes."""
    return (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "surrogateescape")


def append_line(path: Path, line: str) -> None:
    """Add one line to `path` and flush it to the disk. One small write in append mode: lines of several processes never mix."""
    with disk_errors(path), path.open("ab") as file:
        file.write(line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def sha256(path: Path, progress: Callable[[int], None] = lambda done: None) -> str:
    """The SHA-256 of a file in hexadecimal. `progress` is called with the number of bytes read so far."""
    digest, done = hashlib.sha256(), 0
    with disk_errors(path), path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            done += len(block)
            progress(done)
    return digest.hexdigest()


@contextlib.contextmanager
def lock(path: Path, *, wait: Callable[[str], None] | None = None) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block. The system frees it if the process dies, so none is ever stale.

    Args:
        path: the lock file; it stays there, empty or naming the last holder.
        wait: if given, wait for the lock, after telling `wait` who holds it; otherwise do not wait.

    Raises:
        InUseError: another process holds it and `wait` is None.
    """
    from filelock import FileLock, Timeout

    with disk_errors(path):
        holder = FileLock(path, is_singleton=False)
        try:
            holder.acquire(timeout=0)
        except Timeout:
            owner = path.read_text(errors="replace").strip() or "another process"
            if wait is None:
                raise InUseError(f"{path.parent} is in use by {owner}; wait for it to end, or choose another folder") from None
            wait(owner)
            holder.acquire()
    try:
        path.write_text(f"process {os.getpid()} on {socket.gethostname()}")
        yield
    finally:
        with contextlib.suppress(OSError):  # the folder may be gone; then that is the error to report
            path.write_text("")
        holder.release()
