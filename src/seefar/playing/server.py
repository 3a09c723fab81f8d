"""Shows a playground to the browser of this machine until Ctrl-C: a few files, out of memory, to nobody else."""

import errno
import ipaddress
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from seefar.errors import DiskError, UsageError

HOST = "127.0.0.1"
KINDS = {"html": "text/html; charset=utf-8", "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8"}
# The policy of the page itself, and that no other page may frame it
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data: blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
PATIENCE = 10.0  # seconds for a request to arrive


def show(files: Mapping[str, bytes], port: int = 0, *, tell: Callable[[str], None] = lambda address: None) -> None:
    """Answer this machine's browsers until KeyboardInterrupt.

    Args:
        files: the content of each file by name; `index.html` is also what `/` gives.
        port: 0: any free one.
        tell: is told the address once it can be opened.

    Raises:
        UsageError: a senseless port.
        DiskError: the port is taken.
    """
    with server_of(files, port) as server:
        tell(f"http://{HOST}:{server.server_address[1]}/")
        server.serve_forever()


def server_of(files: Mapping[str, bytes], port: int = 0) -> ThreadingHTTPServer:
    """The server, which listens already. Errors: `show`."""
    if not 0 <= port <= 65535:
        raise UsageError(f"port is {port}; allowed is 0 to 65535")

    class Handler(BaseHTTPRequestHandler):
        """Answers GET and HEAD for the names that are there, whoever asks by an address of this machine."""

        timeout = PATIENCE
        server_version, sys_version = "seefar", ""

        def do_GET(self) -> None:
            name = urlsplit(self.path).path.removeprefix("/") or "index.html"
            if not _is_own_name(self.headers.get_all("Host") or []):
                self._answer(403, b"this page is not called by that name\n", "text/plain; charset=utf-8")
            elif name not in files:
                self._answer(404, b"there is nothing at this address\n", "text/plain; charset=utf-8")
            else:
                self._answer(200, files[name], KINDS[name.rpartition(".")[2]])

        do_HEAD = do_GET  # noqa: N815  likewise

        def _answer(self, status: int, content: bytes, kind: str) -> None:
            self.send_response(status)
            for header, value in {**ALWAYS, "Content-Type": kind, "Content-Length": str(len(content))}.items():
                self.send_header(header, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def log_message(self, *words: object) -> None:
            """Nobody wants to read which files a browser asked for."""

    try:
        return ThreadingHTTPServer((HOST, port), Handler)
    except OSError as error:
        why = "it is in use" if error.errno == errno.EADDRINUSE else error.strerror
        raise DiskError(f"cannot listen on {HOST}, port {port}: {why}; give another --port") from error


def _is_own_name(hosts: list[str]) -> bool:
    """Another page can let its own name lead to 127.0.0.1, but not change the name."""
    if len(hosts) != 1:
        return False
    try:
        name = urlsplit(f"//{hosts[0]}").hostname or ""
        return name == "localhost" or bool(ipaddress.ip_address(name))
    except ValueError:
        return False
