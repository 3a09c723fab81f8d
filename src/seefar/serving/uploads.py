"""The body of a request: bounded in bytes and in time, and taken apart into image files where it is a form."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from seefar.serving.problem import CLOSE, Problem, bad_request, busy, too_large
from seefar.serving.settings import Settings

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

PART_HEADER = 4096  # bytes of the head of one part of a form, at most (chosen by hand)
PARTS = 8  # parts of a form that are no images, at most (chosen by hand)
BOUNDARY = re.compile(
    r"""boundary=(?:"([^"\r\n]{1,70})"|([^\s";,]{1,70}))(?:\s*;|\s*$)""", re.IGNORECASE
)  # at most 70: RFC 2046


class GoneError(Exception):
    """The client has left."""


class Memory:
    """The bytes of all requests that are there at the same time."""

    def __init__(self, most: int) -> None:
        self._most, self.used = most, 0

    def add(self, count: int) -> None:
        """Raise Problem if that would be too many."""
        if self.used + count > self._most:
            raise busy("memory", "too many bytes are being received; ask again in a second")
        self.used += count

    def free(self, count: int) -> None:
        """Give them back."""
        self.used -= count


@contextlib.asynccontextmanager
async def body_of(scope: Scope, receive: Receive, settings: Settings, memory: Memory) -> AsyncIterator[bytes]:
    """The whole body of a request, for the length of the block.

    Raises:
        Problem: it is too large, too slow, encoded, or there is no memory for it.
        GoneError: the client left.
    """
    if header(scope, b"content-encoding") not in (None, b"identity"):
        raise Problem(415, "encoded", "compressed bodies are not read; send the file as it is")
    stated = header(scope, b"content-length")
    if stated is not None and (not stated.isdigit() or int(stated) > settings.body):
        raise _too_large(settings)
    held = 0
    try:
        parts: list[bytes] = []
        try:
            async with asyncio.timeout(settings.patience):
                more = True
                while more:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise GoneError
                    part, more = message.get("body", b""), message.get("more_body", False)
                    if held + len(part) > settings.body:
                        raise _too_large(settings)
                    memory.add(len(part))
                    held += len(part)
                    parts.append(part)
        except TimeoutError:
            raise Problem(408, "too_slow", "the body did not arrive in time", [CLOSE]) from None
        yield b"".join(parts) if len(parts) > 1 else parts[0]
    finally:
        memory.free(held)


def header(scope: Scope, name: bytes) -> bytes | None:
    """A header by its name in small letters; None if it is not there."""
    return next((value for key, value in scope["headers"] if key == name), None)


def files_of(content: bytes, content_type: bytes | None, most: int) -> list[bytes]:
    """The image files in a body: the body itself, or those of a form, in their order. What clients say of their types is not believed.

    Raises:
        Problem: the body is empty or of a type that holds no images, or the form is damaged or has more than `most` files.
    """
    kind = (content_type or b"").partition(b";")[0].strip().lower()
    if kind == b"multipart/form-data":
        return _form(content, content_type or b"", most)
    if not (kind.startswith(b"image/") or kind == b"application/octet-stream"):
        raise Problem(
            415,
            "not_an_image",
            "expected an image as the body with a Content-Type such as image/png, or a form (multipart/form-data) with image files, as "
            "`curl -F image=@photo.png` sends it",
        )
    if not content:
        raise bad_request("the body is empty; send an image file")
    return [content]


def _form(content: bytes, content_type: bytes, most: int) -> list[bytes]:
    from python_multipart.exceptions import FormParserError
    from python_multipart.multipart import MultipartParser

    found = BOUNDARY.search(content_type.decode("latin-1"))
    if not found:
        raise bad_request("the form has no boundary")
    parts = _Parts(most)
    try:
        parser = MultipartParser((found[1] or found[2]).encode("latin-1"), parts.callbacks())  # type: ignore[arg-type]
        parser.write(content)
        parser.finalize()
    except (FormParserError, ValueError):
        raise bad_request("the form is damaged") from None
    if not parts.ended:
        raise bad_request("the form is damaged: it does not end")
    if not parts.files:
        raise bad_request("the form holds no file; send it as `curl -F image=@photo.png` does")
    return [bytes(file) for file in parts.files]


class _Parts:
    """Collects the parts of a form that are files: those with a file name, whatever it is."""

    def __init__(self, most: int) -> None:
        self._most, self._others = most, 0
        self._head = bytearray()
        self._size = 0
        self._file: bytearray | None = None
        self._is_file = False
        self.files: list[bytearray] = []
        self.ended = False

    def callbacks(self) -> dict[str, Any]:
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._field,
            "on_header_value": self._value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        self._head, self._size, self._file, self._is_file = bytearray(), 0, None, False

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._grow(data[start:end])

    def _value(self, data: bytes, start: int, end: int) -> None:
        self._grow(b":" + data[start:end])

    def _header_end(self) -> None:
        line = bytes(self._head).lower()
        if line.startswith(b"content-disposition:") and b"filename" in line:
            self._is_file = True
        self._head = bytearray()

    def _grow(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > PART_HEADER:
            raise bad_request("the head of a part of the form is too long")
        self._head += piece

    def _headers_finished(self) -> None:
        if self._is_file:
            if len(self.files) == self._most:
                raise too_large(f"the form has more than {self._most} files; send several requests")
            self._file = bytearray()
            self.files.append(self._file)
        else:
            self._others += 1
            if self._others > PARTS:
                raise bad_request("the form has too many parts that are no files")

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is not None:
            self._file += data[start:end]

    def _end(self) -> None:
        self.ended = True


def _too_large(settings: Settings) -> Problem:
    return too_large(f"the body is larger than {settings.body:,} bytes, which is allowed")
