"""How a service is bounded: everything that a stranger could otherwise use up. Chosen by hand, unless it says otherwise."""

import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seefar.errors import DiskError, UsageError

SHORTEST_TOKEN = 16  # characters
LONGEST_TOKEN_FILE = 4096  # bytes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The bounds of a service, and who may use it.

    Attributes:
        batch: images of several requests that are computed together, at most; a power of two. A request with more is taken whole, alone.
        queue: images that wait for one model or are being computed, at most; whatever comes beyond is refused at once.
        timeout: seconds after which a request that has not been begun is given up.
        body: bytes of a request, at most.
        memory: bytes of all requests that are there at the same time, at most.
        images: image files in a request, at most.
        header: bytes of the head of a request, at most.
        headers: lines of the head, at most.
        patience: seconds that a client may take to send the head of a request, and again its body.
        keep_alive: seconds that a connection may be idle between requests.
        connections: open ones, at most.
        drain: seconds for which a service that was told to stop is not ready any more, but still takes requests: load balancers need them.
        grace: seconds that requests which are there then get to finish.
        token: what a request has to present as `Authorization: Bearer ...`; None: nothing.
        hosts: names by which the service may be called, besides localhost and addresses.
        origins: other web pages that may use it from a browser, such as "https://example.org".
    """

    batch: int = 32
    queue: int = 256
    timeout: float = 10.0
    body: int = 16 * 2**20
    memory: int = 256 * 2**20
    images: int = 64
    header: int = 64 * 2**10
    headers: int = 100
    patience: float = 10.0
    keep_alive: float = 5.0
    connections: int = 1000
    drain: float = 0.0
    grace: float = 20.0
    token: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise UsageError for senseless numbers."""
        if self.batch < 1 or self.batch & (self.batch - 1) or self.batch > 64:
            raise UsageError(f"batch is {self.batch}; allowed is a power of two up to 64")
        if self.queue < self.batch:
            raise UsageError(f"queue is {self.queue}; allowed is the batch, {self.batch}, or more")
        for name in ("timeout", "body", "memory", "images", "header", "headers", "patience", "keep_alive", "connections"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"{name} is {getattr(self, name)}; allowed is more than 0")
        for name in ("drain", "grace"):
            if not 0 <= getattr(self, name) <= 3600:
                raise UsageError(f"{name} is {getattr(self, name)}; allowed is 0 to 3600 seconds")
        for origin in self.origins:
            if not origin.startswith(("http://", "https://")) or origin.endswith("/") or not origin.isascii():
                raise UsageError(f"the origin {origin!r} is none; expected a scheme and a host, such as https://example.org")


def read_token(path: Path) -> str:
    """The token in a file: its text without the white space around it.

    Raises:
        DiskError: the file cannot be read.
        UsageError: it is no token: too short, or of characters that a header cannot have.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LONGEST_TOKEN_FILE + 1)
    except OSError as error:
        raise DiskError(f"cannot read the token file {path}: {error.strerror}; make one with `openssl rand -hex 32`") from error
    token = content.strip().decode("ascii", "replace")
    if len(content) > LONGEST_TOKEN_FILE or len(token) < SHORTEST_TOKEN or not all("!" <= sign <= "~" for sign in token):
        raise UsageError(
            f"the token file {path} holds no token; expected {SHORTEST_TOKEN} printable characters or more in one line, such as "
            "`openssl rand -hex 32` makes"
        )
    return token


def check_exposure(host: str, token: str | None) -> None:
    """Raise UsageError if others could reach the service and need no token."""
    if token is None and not is_loopback(host):
        raise UsageError(
            f"--host {host} can be reached by others, and there is no token; give --token FILE, or leave --host out to serve this "
            "machine alone"
        )


def is_loopback(host: str) -> bool:
    """Whether an address or a name is this machine's own and cannot be reached from others."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of hosts as they are compared: in small letters. Raises UsageError for what is none."""
    for name in names:
        if not name or not name.isascii() or not all(sign.isalnum() or sign in "-._" for sign in name):
            raise UsageError(f"the host name {name!r} is none; expected letters, digits, dots and hyphens, without a port")
    return tuple(name.lower() for name in names)
