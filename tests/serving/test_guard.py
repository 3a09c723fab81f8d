"""Who may ask: names, pages, tokens; and that every answer has its headers, and every failure its line."""

import json
from pathlib import Path

import pytest
from tests.serving.running import POISON, Running, png, rule_model, running

TOKEN = "0123456789abcdef0123456789abcdef"
IMAGE = {"content-type": "image/png"}


def test_a_token_is_needed_but_for_health(tmp_path: Path) -> None:
    with running(tmp_path, {"rule": rule_model()}, token=TOKEN) as one:
        for path in ("/", "/metrics", "/v1/models", "/v2", "/nothing"):
            answer = one.client.get(path)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        for path in ("/healthz", "/readyz", "/v2/health/live", "/v2/health/ready"):
            assert one.client.get(path).status_code == 200
        for wrong in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}0", f"Bearer {TOKEN[:-1]}", "Bearer", "Bearer \xe9"):
            assert one.client.get("/v2", headers={"authorization": wrong.encode("latin-1")}).status_code == 401  # type: ignore[dict-item]
        assert one.client.get("/v2", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert "security" in one.client.get("/openapi.json", headers={"authorization": f"bearer {TOKEN}"}).json()
        assert TOKEN not in one.log.read_text()


def test_named_hosts_and_pages_are_let_in_and_no_others(tmp_path: Path) -> None:
    named = {"hosts": ("models.example.org",), "origins": ("https://page.example.org",)}
    with running(tmp_path, {"rule": rule_model()}, **named) as one:
        for host, status in (
            ("models.example.org", 200),
            ("MODELS.example.org:80", 200),
            ("example.org", 403),
            ("[::1]:8000", 200),
        ):
            assert one.client.get("/healthz", headers={"host": host}).status_code == status
        page = {"origin": "https://page.example.org"}
        answer = one.client.post("/v1/predict", content=png(40), headers=IMAGE | page)
        assert answer.headers["access-control-allow-origin"] == "https://page.example.org"
        asked = one.client.options("/v1/predict", headers=page)
        assert asked.status_code == 204
        assert asked.headers["access-control-allow-methods"] == "GET, POST"
        assert "access-control-allow-credentials" not in asked.headers
        for other in ("https://example.org", "http://page.example.org", "https://page.example.org.evil.test"):
            answer = one.client.options("/v1/predict", headers={"origin": other})
            assert answer.status_code == 403
            assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/docs", "/v2", "/nothing", "/readyz"])
def test_every_answer_has_the_headers(shared: Running, path: str) -> None:
    headers = shared.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["x-frame-options"]) == ("nosniff", "DENY")
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert "server" not in headers
    assert "set-cookie" not in headers


def test_a_head_has_no_body(shared: Running) -> None:
    for path in ("/healthz", "/nothing"):
        assert shared.client.head(path).content == b""
        assert int(shared.client.head(path).headers["content-length"]) > 0


def test_a_failure_is_a_sentence_here_and_a_place_in_the_log(serving: Running) -> None:
    """Fault 99."""
    answer = serving.client.post("/v1/predict", content=png(POISON), headers=IMAGE)
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "failed"
    assert "poison" not in answer.text
    lines = [json.loads(line) for line in serving.lines()]
    (line,) = [line for line in lines if line.get("id") == answer.json()["error"]["request_id"]]
    assert line["id"] == answer.headers["x-request-id"]
    assert (line["status"], line["error"], line["at"].partition(":")[0]) == (500, "RuntimeError", "running.py")
    assert serving.predict(40).status_code == 200


def test_a_fault_of_ours_is_caught_too(serving: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[str]:
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(serving.service.models, "names", broken)
    answer = serving.client.get("/v1/models")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    text = "\n".join(serving.lines())
    assert "ZeroDivisionError" in text
    assert "secret" not in text
    assert "Traceback" not in text


def test_models_are_changed_from_here_only(shared: Running) -> None:
    for name in ("x-forwarded-for", "forwarded", "via"):
        answer = shared.client.put("/v1/models/rule", headers={name: "192.0.2.1"})
        assert answer.status_code == 403
    assert shared.client.put("/v1/models/rule", headers={"origin": "https://evil.test"}).status_code == 403
    assert shared.client.put("/v1/models/other").status_code == 404


def test_the_first_page_says_how_to_ask_this_service(shared: Running, tmp_path: Path) -> None:
    assert f"curl -F image=@photo.png {shared.url}/v1/predict<" in shared.client.get("/").text
    given = {"authorization": f"Bearer {TOKEN}", "host": "models.example.org"}
    with running(tmp_path, {"rule": rule_model()}, token=TOKEN, hosts=("models.example.org",)) as one:
        text = one.client.get("/", headers=given).text
        assert (
            "-H &quot;Authorization: Bearer $(cat token.txt)&quot; -F image=@photo.png http://models.example.org/v1/predict<"
            in text
        )
        assert TOKEN not in text
        assert "<b" not in one.client.get("/", headers=given | {"host": "<b>"}).text
