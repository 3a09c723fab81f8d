"""A web server on this machine, with TLS, that misbehaves on request: the first part of a path says how."""

import contextlib
import http.server
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trustme


class Server(http.server.ThreadingHTTPServer):
    """Serves `content` under any name. `requests` lists what was asked: (behaviour, Range header or None, User-Agent)."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, content: bytes, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = content
        self.requests: list[tuple[str, str | None, str]] = []
        self.elsewhere = ""  # where redirects lead
        self.closing = threading.Event()
        self.secure = context is not None
        if context:
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)

    def url(self, behaviour: str, file: str = "a.tar.gz") -> str:
        return f"http{'s' if self.secure else ''}://127.0.0.1:{self.server_port}/{behaviour}/{file}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the tests."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class calls it so)
        pass

    def do_GET(self) -> None:
        behaviour = self.path.split("/")[1]
        content, wanted = self.server.content, self.headers.get("Range")
        self.server.requests.append((behaviour, wanted, self.headers["User-Agent"]))
        first_visit = [request[0] for request in self.server.requests].count(behaviour) == 1
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        half = start + (len(content) - start) // 2
        match behaviour:
            case "good":
                self.answer(start, len(content))
            case "cut":
                self.answer(start, half)
            case "cut-once":
                self.answer(start, half if first_visit else len(content))
            case "stall":
                self.server.closing.wait(60)
            case "stall-half-way":
                self.answer(start, half)
                self.server.closing.wait(60)
            case "slow":
                self.answer(start, start)
                for at in range(start, len(content), 1 + len(content) // 20):
                    self.server.closing.wait(0.05)
                    self.wfile.write(content[at : at + 1 + len(content) // 20])
            case "ignores-range":
                self.reply(200, {"Content-Length": len(content)}, content)
            case "other-range":
                headers = {"Content-Range": f"bytes 0-{len(content) - 1}/{len(content)}"}
                self.reply(206, headers, content) if wanted else self.reply(200, {}, content)
            case "416":
                self.reply(416, {}) if wanted else self.reply(200, {}, content)
            case "says-more":
                self.reply(200, {"Content-Length": len(content) + 1}, content)
            case "no-length":
                self.reply(200, {}, content[:half])
            case "one-more":
                self.reply(200, {}, content + b"!")
            case "endless":
                self.reply(200, {}, content)
                while not self.server.closing.is_set():
                    self.wfile.write(bytes(1 << 16))
            case "wrong":
                self.reply(200, {}, content[:-1] + bytes([content[-1] ^ 1]))
            case "encoded" if self.headers["Accept-Encoding"] == "identity":
                self.reply(200, {"Content-Encoding": "gzip", "Content-Length": len(content)}, content)
            case "html":
                self.reply(200, {"Content-Type": "text/html"}, b"<!DOCTYPE html><title>Sign in</title>")
            case "elsewhere":
                self.reply(302, {"Location": self.server.elsewhere})
            case "elsewhere-endless":
                self.reply(302, {"Location": self.server.elsewhere})
                while not self.server.closing.is_set():
                    self.wfile.write(bytes(1 << 16))
            case "loop":
                self.reply(302, {"Location": self.path})
            case "500-once" if not first_visit:
                self.answer(start, len(content))
            case status:
                self.reply(int(status[:3]), {})

    def answer(self, start: int, stop: int) -> None:
        """What a good server says, and of the content the bytes from `start` to `stop`."""
        content = self.server.content
        headers: dict[str, object] = {"Content-Length": len(content) - start}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        self.reply(206 if start else 200, headers, content[start:stop])

    def reply(self, status: int, headers: dict[str, object], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running(content: bytes, context: ssl.SSLContext | None) -> Iterator[Server]:
    """A server in a thread of its own; without a context it speaks plain http."""
    server = Server(content, context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()


def authority(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority: its certificate in a file, for SSL_CERT_FILE, and the context of a server it vouches for."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(context)
    return folder / "ca.pem", context
