"""The page for this machine's browsers: its files and nothing else, and to nobody who calls it by another name."""

import http.client
import threading
from collections.abc import Iterator

import pytest

from seefar.errors import DiskError, UsageError
from seefar.playing.server import server_of, show

FILES = {"index.html": b"<!doctype html>", "data.js": b"1", "playground.css": b""}


@pytest.fixture
def port() -> Iterator[int]:
    with server_of(FILES) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def ask(port: int, path: str, verb: str = "GET", host: str = "127.0.0.1") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(verb, path, headers={"Host": host})
    answer = connection.getresponse()
    found = answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}
    connection.close()
    return found


def test_its_files_and_their_policy(port: int) -> None:
    for path, content in (("/", FILES["index.html"]), ("/data.js", b"1"), ("/data.js?again", b"1")):
        status, body, headers = ask(port, path)
        assert (status, body) == (200, content)
        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self' 'wasm-unsafe-eval';")
        assert headers["x-content-type-options"] == "nosniff"
    assert ask(port, "/data.js")[2]["content-type"] == "text/javascript; charset=utf-8"
    assert ask(port, "/data.js", "HEAD")[:2] == (200, b"")


@pytest.mark.parametrize("path", ["/nothing", "/../pyproject.toml", "/%2e%2e/etc/passwd", "/etc/passwd"])
def test_nothing_else(port: int, path: str) -> None:
    assert ask(port, path)[0] == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.test", 403), ("127.0.0.1.evil.test", 403), ("localhost:1", 200), ("[::1]", 200), ("", 403), ("[", 403)],
)
def test_only_by_its_own_name(port: int, host: str, status: int) -> None:
    assert ask(port, "/", host=host)[0] == status


def test_it_changes_nothing(port: int) -> None:
    for verb in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(port, "/", verb)[0] == 501


def test_a_port_that_cannot_be_had(port: int) -> None:
    with pytest.raises(DiskError, match=f"port {port}: it is in use; give another --port"):
        show(FILES, port)
    with pytest.raises(UsageError, match="allowed is 0 to 65535"):
        show(FILES, 70_000)
