"""Hostile and broken requests: each is refused with its status, nothing that was sent comes back, and the next request is answered."""

import io
import json
import socket
import struct
import threading
import time
import zlib

import httpx
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from tests.serving.running import Running, png

from seefar.cores import cores

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\n"
MARK = "zq9injected"


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be large, and is a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")


def commented() -> bytes:
    """A good picture whose comment is a script."""
    info, file = PngInfo(), io.BytesIO()
    info.add_text("Comment", f"<script>{MARK}</script>")
    Image.new("RGB", (8, 8), "white").save(file, "PNG", pnginfo=info)
    return file.getvalue()


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0


def still_answers(one: Running) -> None:
    assert one.predict(40).json()["answers"][0]["label"] == "dark"


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (b"", "image/png", 400),
        (b"{}", "application/json", 415),
        (b"x", None, 415),
        (b"x", "text/html", 415),
        (b"x", "application/x-www-form-urlencoded", 415),
        (b"not an image", "image/png", 422),
        (png(40, 64)[:90], "image/png", 422),
        (bomb(30_000, 30_000), "image/png", 413),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>zq9injected</script></svg>", "image/svg+xml", 422),
        (b"<html>zq9injected</html>", "image/png", 422),
        (b"GIF89a/*" + b"<script>zq9injected</script>", "image/gif", 422),
    ],
)
def test_what_is_no_image_gets_its_status_and_nothing_back(
    shared: Running, content: bytes, kind: str | None, expected: int
) -> None:
    """Faults 85 and 86."""
    headers = {} if kind is None else {"content-type": kind}
    answer = shared.client.post("/v1/predict", content=content, headers=headers)
    assert answer.status_code == expected
    assert set(answer.json()["error"]) == {"code", "message", "request_id"}
    assert MARK not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    still_answers(shared)


def test_a_comment_in_a_picture_does_not_come_back(shared: Running) -> None:
    answer = shared.client.post("/v1/predict", content=commented(), headers={"content-type": f"image/{MARK}"})
    assert answer.json()["answers"][0]["label"] == "light"
    assert MARK not in answer.text + str(answer.headers)


def test_a_body_over_the_cap_is_refused_before_it_is_read(shared: Running) -> None:
    """Fault 87, by Content-Length: the answer comes although nothing of the body does."""
    answer = shared.raw(HEAD + b"Content-Type: image/png\r\nContent-Length: 9000000000\r\n\r\n")
    assert status(answer) == 413
    assert b"connection: close" in answer


def test_a_body_over_the_cap_without_a_length_is_not_read_to_its_end(shared: Running) -> None:
    """Fault 87, in chunks."""
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    sent = 0
    with socket.create_connection(("127.0.0.1", shared.port), timeout=5) as connection:
        connection.sendall(HEAD + b"Content-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(2000):
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    assert sent < 20_000_000  # what the system's own buffers took, and no more
    assert shared.service.memory.used == 0
    still_answers(shared)


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        (b"Content-Length: -5\r\n", b"hello"),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello!"),
        (b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"),
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (b"Content-Length: 5_0\r\n", b"hello"),
        (b"Content-Length: 0x5\r\n", b"hello"),
        (b"Transfer-Encoding: chunked\r\n", b"5;x\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"-1\r\nhello\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked\r\n", b"FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
    ],
)
def test_lengths_that_lie_close_the_connection_and_smuggle_nothing(shared: Running, lines: bytes, body: bytes) -> None:
    """Fault 88."""
    answer = shared.raw(HEAD + b"Content-Type: image/png\r\n" + lines + b"\r\n" + body, wait=3)
    assert status(answer) in (400, 413)
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer
    still_answers(shared)


def test_a_length_that_is_too_large_ends_at_the_deadline(shared: Running) -> None:
    """Fault 88: the client stops early."""
    began = time.monotonic()
    answer = shared.raw(HEAD + b"Content-Type: image/png\r\nContent-Length: 5000\r\n\r\nhello")
    assert status(answer) == 408
    assert 0.8 < time.monotonic() - began < 3


def test_a_length_that_is_too_small_makes_no_second_request(shared: Running) -> None:
    answer = shared.raw(HEAD + b"Content-Type: image/png\r\nContent-Length: 3\r\n\r\nhello, more than three bytes", wait=3)
    statuses = [status(b"HTTP/1.1 " + part) for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert statuses in ([422, 400], [400])


@pytest.mark.parametrize(
    ("pieces", "pause"),
    [
        ([], 0),
        ([b"GET / HT"], 0),
        ([b"GET / HTTP/1.1\r\n", *[b"X-%d: y\r\n" % i for i in range(40)]], 0.1),
        ([HEAD + b"Content-Type: image/png\r\nContent-Length: 9000\r\n\r\n", *[b"x"] * 40], 0.1),
        ([b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", *[b"X"] * 40], 0.1),
    ],
)
def test_slow_clients_are_closed_at_the_deadline_and_hold_up_nobody(shared: Running, pieces: list[bytes], pause: float) -> None:
    """Fault 89: says nothing, stops in the head, dribbles the head, dribbles the body, dribbles after a good request."""
    began = time.monotonic()
    slow = [threading.Thread(target=shared.raw, args=pieces, kwargs={"pause": pause, "wait": 8}) for _ in range(20)]
    for thread in slow:
        thread.start()
    time.sleep(0.2)
    before = time.monotonic()
    still_answers(shared)
    assert time.monotonic() - before < 1
    late = time.monotonic() + 6
    while shared.metric("seefar_connections") > 1:  # our own client keeps one
        assert time.monotonic() < late
        time.sleep(0.05)
    assert time.monotonic() - began < 6
    for thread in slow:
        thread.join()


def test_connections_are_bounded(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.serving.running import rule_model, running

    with running(tmp_path_factory.mktemp("few"), {"rule": rule_model()}, connections=5, patience=5.0) as few:
        held = [socket.create_connection(("127.0.0.1", few.port), timeout=5) for _ in range(5)]
        time.sleep(0.2)
        answer = few.raw(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert status(answer) == 503
        assert b"retry-after" in answer
        for connection in held:
            connection.close()
        time.sleep(0.2)
        still_answers(few)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(10_000)) + b"\r\n", (431,)),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n", (431,)),
        (b"GET /" + b"y" * 1_000_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414, 431)),
        (b"GET /" + b"y" * 5_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", (414,)),
    ],
)
def test_long_heads_are_refused(shared: Running, request_: bytes, expected: tuple[int, ...]) -> None:
    """Fault 90."""
    began = time.monotonic()
    assert status(shared.raw(request_)) in expected
    assert time.monotonic() - began < 2
    still_answers(shared)


def form(*parts: bytes, boundary: bytes = b"b", end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts) + end


FILE = b'Content-Disposition: form-data; name="image"; filename="zq9injected<script>.png"\r\n\r\n'
FIELD = b'Content-Disposition: form-data; name="x"\r\n\r\n1'


@pytest.mark.parametrize(
    ("content", "kind", "expected"),
    [
        (form(*[FILE + b"x"] * 1000), "multipart/form-data; boundary=b", 413),
        (form(*[FIELD] * 1000), "multipart/form-data; boundary=b", 400),
        (form(FIELD), "multipart/form-data; boundary=b", 400),
        (form(FILE + png(40)), "multipart/form-data", 400),
        (form(FILE + png(40)), f"multipart/form-data; boundary={'b' * 300}", 400),
        (form(FILE + png(40), end=b""), "multipart/form-data; boundary=b", 400),
        (form(b"X: " + b"y" * 10_000 + b"\r\n\r\n"), "multipart/form-data; boundary=b", 400),
        (form(*[b"".join(b"X-%d: y\r\n" % i for i in range(5_000)) + b"\r\n"]), "multipart/form-data; boundary=b", 400),
        (b"\r\n" * 90_000 + form(FILE + png(40)), "multipart/form-data; boundary=b", 0),
        (b"-" * 180_000 + form(FILE + png(40)), "multipart/form-data; boundary=b", 400),
        (b"", "multipart/form-data; boundary=b", 400),
        (form(FILE + b"no image"), "multipart/form-data; boundary=b", 422),
    ],
)
def test_forms_that_are_made_to_hurt(shared: Running, content: bytes, kind: str, expected: int) -> None:
    """Fault 90. A long preamble may be read or refused, but not slowly."""
    began = time.monotonic()
    answer = shared.client.post("/v1/predict", content=content, headers={"content-type": kind})
    assert answer.status_code == expected or expected == 0
    assert time.monotonic() - began < 1
    assert MARK not in answer.text
    still_answers(shared)


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        (b"GET", b"/v1/predict", 405),
        (b"DELETE", b"/", 405),
        (b"PUT", b"/v1/models", 405),
        (b"POST", b"/metrics", 405),
        (b"GET", b"/nothing", 404),
        (b"POST", b"/v1/predict/", 404),
        (b"GET", b"//", 404),
        (b"GET", b"/../../etc/passwd", 404),
        (b"GET", b"/%2e%2e%2fetc/passwd", 404),
        (b"GET", b"/v1/models/..%2f..%2fetc%2fpasswd", 404),
        (b"GET", b"/v1/models/%00", 404),
        (b"GET", b"/v1/models/%c0%af", 404),
        (b"GET", b"/v1/models/\xc0\xaf", 400),
        (b"GET", b"/v1/models/rule/x", 404),
        (b"GET", b"/v1/models/zq9injected", 404),
        (b"TRACE", b"/", 405),
        (b"CONNECT", b"localhost:80", 400),
        (b"GET", b"http://evil.test/zq9injected", 404),
        (b"GET", b"*", 404),
        (b"BREW", b"/", 400),
    ],
)
def test_addresses_that_are_none(shared: Running, method: bytes, path: bytes, expected: int) -> None:
    """Fault 91: the status, `Allow` beside 405, no file, nothing repeated."""
    answer = shared.raw(method + b" " + path + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert status(answer) in ((expected,) if expected != 400 else (400, 404, 405))
    if status(answer) == 405:
        assert b"\r\nallow: " in answer
    assert b"root:" not in answer
    assert MARK.encode() not in answer
    still_answers(shared)


@pytest.mark.parametrize(
    "query", ["top=0", "top=x", "top=1&top=2", "explain=2", "abstain=1", "zq9injected=1", "model=zq9injected"]
)
def test_parameters_that_are_none(shared: Running, query: str) -> None:
    answer = shared.predict(40, params=dict(part.split("=") for part in query.split("&")) if "&" not in query else query)
    assert answer.status_code in (400, 404)
    assert MARK not in answer.text


def test_ten_thousand_ranges_cost_nothing(shared: Running) -> None:
    """Fault 92: the whole page."""
    ranges = "bytes=" + ",".join(["0-0"] * 10_000)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        answer = shared.client.get("/", headers={"range": ranges})
        took.append(time.perf_counter() - began)
        assert answer.status_code == 200
        assert answer.text.endswith("</html>\n")
    assert min(took) < 0.05


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"origin": "https://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost.evil.test"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.test"}, 403),
        ({"host": "127.0.0.1.evil.test"}, 403),
        ({"host": "localhost:8000@evil.test"}, 403),
        ({"host": ""}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({}, 200),
    ],
)
def test_other_pages_are_refused(shared: Running, headers: dict[str, str], expected: int) -> None:
    """Fault 93."""
    answer = shared.client.post("/v1/predict", content=png(40), headers={"content-type": "image/png", **headers})
    assert answer.status_code == expected
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_no_host_or_two_are_refused(shared: Running) -> None:
    for lines in (b"", b"Host: localhost\r\nHost: localhost\r\n"):
        assert status(shared.raw(b"GET / HTTP/1.1\r\n" + lines + b"\r\n")) == 400


def test_a_client_that_leaves_frees_its_place(serving: Running) -> None:
    """Fault 94: in the middle of its upload, and while its answer is computed."""
    from tests.serving.running import rule_of

    served = serving.service.models.get("rule")
    rule = rule_of(served.model)
    rule.free.clear()
    picture = png(40)
    whole = HEAD + b"Content-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture
    computing = cores()
    for sent in (whole[:-10], *[whole] * (computing + 2)):
        with socket.create_connection(("127.0.0.1", serving.port)) as connection:
            connection.sendall(sent)
            time.sleep(0.15)
    late = time.monotonic() + 5
    while serving.metric("seefar_clients_gone_total") < computing + 3:
        assert time.monotonic() < late
        time.sleep(0.05)
    rule.free.set()
    while served.batcher.waiting or serving.service.memory.used:
        assert time.monotonic() < late
        time.sleep(0.05)
    assert rule.batches == [1] * computing  # the two that were not begun never were
    still_answers(serving)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)),
        bytes(range(256)) * 4,
        b"\r\n" * 20_000,
        b"\n\x1b[31mzq9injected\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\nHost: localhost\n\n",
        b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: local\x00host\r\n\r\n",
    ],
)
def test_what_is_not_http_is_closed(serving: Running, sent: bytes) -> None:
    """Fault 100: 400 or nothing, and one line of plain text in the log."""
    answer = serving.raw(sent, wait=4)
    assert status(answer) in (0, 400, 408, 431)
    still_answers(serving)
    lines = serving.lines()
    assert all(line.isprintable() for line in lines)
    assert not [line for line in lines if MARK in line or "Traceback" in line]
    assert all(json.loads(line)["event"] in ("ready", "request", "connection", "library") for line in lines)


def test_pipelined_requests_are_answered_in_their_order(shared: Running) -> None:
    """Fault 100."""
    pictures = [png(level) for level in (40, 128, 215)]
    heads = [HEAD + b"Content-Type: image/png\r\nContent-Length: %d\r\n" % len(picture) for picture in pictures]
    closing = [b"\r\n", b"\r\n", b"Connection: close\r\n\r\n"]
    answer = shared.raw(b"".join(head + end + picture for head, end, picture in zip(heads, closing, pictures, strict=True)))
    bodies = [part.partition(b"\r\n\r\n")[2] for part in answer.split(b"HTTP/1.1 ")[1:]]
    assert [json.loads(body)["answers"][0]["label"] for body in bodies] == ["dark", "grey", "light"]


def test_thousand_names_leave_the_metrics_as_they_are(serving: Running) -> None:
    """Fault 102."""

    def series() -> int:
        return len([line for line in serving.service.metrics.text().splitlines() if not line.startswith(b"#")])

    def ask(number: int) -> httpx.Response:
        file = {"image": (f"name-{number}.png", png(40), f"image/x-{number}")}
        serving.client.get(f"/v2/models/m{number}")
        serving.client.get(f"/path/{number}")
        return serving.client.post(f"/v1/predict?top={number % 3 + 1}", files=file, headers={"x-name": str(number)})

    for _ in range(3):  # what a request adds is counted after its answer has left
        ask(0)
    before = series()
    for number in range(1, 350):
        assert ask(number).status_code == 200
    assert series() == before
