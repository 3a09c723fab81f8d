"""The port of a service: taken before the first request, and a sentence where that is not possible."""

import contextlib
import ctypes
import errno
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from seefar.errors import DiskError, UsageError

BACKLOG = 1024  # connections that the system keeps until they are accepted


@contextlib.contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens, for the length of the block.

    Raises:
        UsageError: a senseless port.
        DiskError: the address is not this machine's, or the port is taken or not allowed; the sentence says which.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"port is {port}; allowed is 0 to 65535")
    try:
        family, kind, number, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise DiskError(f"cannot listen on {host}: {error.strerror}; give an address of this machine") from error
    with socket.socket(family, kind, number) as made:
        try:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            made.bind(address)
            made.listen(BACKLOG)
        except OSError as error:
            raise DiskError(f"cannot listen on {host}, port {port}: {_why(error, port)}") from error
        made.setblocking(False)
        yield made


def take_no_more(listener: socket.socket) -> None:
    """Let nobody begin to connect any more, while those who have are still accepted.

    A listener that is closed breaks off connections that the system has made and nobody has accepted yet. So everything that arrives
    for it is dropped first, by a filter of one instruction that passes no byte; who asks in vain asks again, and finds it closed.
    """
    attach = getattr(socket, "SO_ATTACH_FILTER", 26 if sys.platform == "linux" else None)
    if attach is not None:
        instruction = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # return 0, as linux/filter.h has it
        with contextlib.suppress(OSError):
            listener.setsockopt(socket.SOL_SOCKET, attach, struct.pack("HP", 1, ctypes.addressof(instruction)))


def _why(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        who = f" by process {holder}" if holder else ""
        return f"it is in use{who}; end that, or give another --port"
    if error.errno == errno.EACCES:
        return "ports below 1024 are for the system; give another --port, or put a reverse proxy before it"
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine has no such address; give another --host"
    return f"{error.strerror}; give another --host or --port"


def holder_of(port: int) -> int | None:
    """The process that listens on a port, as far as this user may know; None where that is not known."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with contextlib.suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in inodes for file in (process / "fd").iterdir()):
                return int(process.name)
    return None
