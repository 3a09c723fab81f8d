"""What a request is told when it gets no answer: a status, a code for programs, a sentence for people. Nothing that it sent is repeated."""

import json
from collections.abc import Sequence

CLOSE = (b"connection", b"close")


class Problem(Exception):  # noqa: N818  it is what a client is told, not a fault of ours
    """A request that is refused.

    Attributes:
        status: of HTTP.
        code: for programs and for metrics, one of a few words: "too_large".
        message: one sentence, of ours alone.
        headers: further ones of the answer.
    """

    def __init__(self, status: int, code: str, message: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, tuple(headers)

    def body(self, path: str, request_id: str) -> bytes:
        """JSON: `{"error": {"code", "message", "request_id"}}`; below /v2 `{"error": "message"}`, as that protocol has it."""
        if path.startswith("/v2"):
            return json.dumps({"error": self.message}).encode()
        return json.dumps({"error": {"code": self.code, "message": self.message, "request_id": request_id}}).encode()


def bad_request(message: str) -> Problem:
    """400: the request cannot be understood."""
    return Problem(400, "bad_request", message)


def busy(code: str, message: str) -> Problem:
    """503: not now; `code` says why ("queue_full", "deadline", "memory", "stopping", "connections")."""
    return Problem(503, code, message, [(b"retry-after", b"1")])


def queue_full() -> Problem:
    """503: as many images wait as may."""
    return busy("queue_full", "too many images are waiting; ask again in a second")


def too_large(message: str) -> Problem:
    """413, after which the connection is closed: the rest of the body is not read."""
    return Problem(413, "too_large", message, [CLOSE])
