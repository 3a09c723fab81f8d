"""The page behind HTTP: it only reads, only what it has listed, for this machine alone; what runs bring along cannot reach it."""

import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import SMALL, colours
from tests.home.folders import made
from tests.home.running import Running, running

import seefar as sf
from seefar.home import application, playgrounds
from seefar.reporting import comparison_words

HOMES: list[str] = []  # of the runs of the page
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A folder with two trained runs, some made ones, a damaged one with a hostile name, and a study that is not finished."""
    root = tmp_path_factory.mktemp("root")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEEFAR_HOME", str(tmp_path_factory.mktemp("home")))
        HOMES.append(os.environ["SEEFAR_HOME"])
        for seed in (0, 1):
            run = sf.train(colours(), "tiny", seed, out=root / "runs" / f"seed{seed}", quiet=True, **SMALL)
            sf.evaluate(run, "test", data=colours())
        made(root / "made", 3)
        (root / HOSTILE).mkdir()
        (root / HOSTILE / "recipe.json").write_text("{")
        (root / HOSTILE / "report.html").write_text("<script>fetch('/api/runs')</script>")
        (root / "s").mkdir()
        (root / "s" / "study.json").write_text('{"study": {"name": "s"}}')
        with running(root) as one:
            yield one


def test_the_page_and_its_parts_are_there(page: Running) -> None:
    answer = page.client.get("/")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = answer.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    sources = re.findall(r'(?:src|href)="\./([^"]+)"', answer.text)
    assert sorted(sources) == ["runs.css", "runs.js"]
    assert "style=" not in answer.text
    for source in sources:
        assert page.client.get(f"/{source}").status_code == 200


def test_rows_come_with_reasons_and_groups(page: Running) -> None:
    rows = page.entries()
    assert len(rows) == 7
    assert rows["runs/seed0"]["state"] == "finished"
    assert rows[HOSTILE]["reason"].startswith("recipe.json is damaged")
    assert rows["s"]["kind"] == "study"
    assert page.get("/api/runs", since=page.get("/api/runs")["at"], recipes=9)["entries"] == []


def test_details_curves_fields_and_ledger(page: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEEFAR_HOME", HOMES[-1])
    run = page.entries()["runs/seed0"]["id"]
    assert page.get(f"/api/runs/{run}")["look_count"] == 1
    assert page.get(f"/api/runs/{run}/curves")["epoch"] == [1, 2, 3]
    assert "epochs" in page.get("/api/fields")
    sets = page.get("/api/ledger")["sets"]
    assert [one["looks"] for one in sets if run in one["runs"]] == [2]


def test_what_cannot_be_read_is_a_sentence(page: Running) -> None:
    rows = page.entries()
    assert "not finished" in page.get(f"/api/groups/{rows['s']['id']}")["error"]
    assert "history.csv is missing" in page.get(f"/api/runs/{rows[HOSTILE]['id']}/curves")["error"]
    assert page.get(f"/api/runs/{rows[HOSTILE]['id']}")["evaluations"] == []


@pytest.mark.slow
def test_the_verdict_is_that_of_the_command(page: Running) -> None:
    rows = page.entries()
    base, other = rows["runs/seed0"]["id"], rows["runs/seed1"]["id"]
    found = page.get("/api/compare", base=base, other=other, split="test")
    root = page.home.index.root
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        wanted = sf.compare([root / "runs" / "seed0", root / "runs" / "seed1"], "test")
    pair = json.loads(json.dumps(wanted.pairs[0], default=vars))
    assert found["sentences"] == comparison_words.pair(pair)
    assert found["difference"] == pair["difference"]
    began = time.monotonic()
    assert page.get("/api/compare", base=base, other=other, split="test") == found
    assert time.monotonic() - began < 1  # it was remembered
    error = page.get("/api/compare", base=base, other=rows["made/" + "shapes-tiny-00000"]["id"], split="test")["error"]
    assert "has no predictions for test images" in error


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/0000000000000000",
        "/api/runs/..%2f..%2fetc",
        "/api/runs/%00",
        "/api/groups/0000000000000000",
        "/api/compare?base=a&other=b&split=test",
        "/pages/0000000000000000/report",
        "/runs.js.map",
        "/../pyproject.toml",
        "/web/runs/index.html",
        "//etc/passwd",
        "/index.html",
        "/api",
    ],
)
def test_what_was_not_listed_is_not_there(page: Running, path: str) -> None:
    answer = page.client.get(path)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"code", "message", "request_id"}


@pytest.mark.parametrize(
    "name", ["..", "weights", "recipe.json", "report.html", "../seed1/report", "%2e%2e%2f", "report%00", ".lock"]
)
def test_only_pages_of_a_run_are_given_out(page: Running, name: str) -> None:
    run = page.entries()["runs/seed0"]["id"]
    assert page.client.get(f"/pages/{run}/{name}").status_code == 404


def test_a_runs_page_is_locked_into_a_world_of_its_own(page: Running) -> None:
    run = page.entries()[HOSTILE]["id"]
    answer = page.client.get(f"/pages/{run}/report")
    assert answer.text == "<script>fetch('/api/runs')</script>"
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    assert "connect-src" not in policy  # so that default-src holds
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.slow
def test_a_playground_is_shown_at_a_port_of_its_own_and_ends_with_the_page(tmp_path: Path) -> None:
    run = sf.train(colours(), "tiny", out=tmp_path / "run", quiet=True, **SMALL)
    made(tmp_path / "made")
    with running(tmp_path) as one:
        rows = one.entries()
        refused = one.client.get(f"/pages/{rows['made/shapes-tiny-00000']['id']}/playground/index.html")
        assert refused.status_code == 409
        assert refused.text.endswith("\n")
        data = json.loads((run.path / "data.json").read_text())
        assert data["origin"] == {}  # made in memory: nothing to load again
        answer = one.client.get(f"/pages/{rows['run']['id']}/playground/index.html")
        assert answer.status_code == 409
        assert "Traceback" not in answer.text
    shutil.rmtree(run.path)
    sf.train(sf.load("shapes", subset=200), "tiny", out=run.path, quiet=True, **(SMALL | {"epochs": 1}))
    sf.evaluate(run)
    with running(tmp_path) as one:
        row = one.entries()["run"]["id"]
        answer = one.client.get(f"/pages/{row}/playground/index.html")
        assert answer.status_code == 303, answer.text
        address = answer.headers["location"]
        assert address.partition(":")[2].partition("/")[0] != one.url.partition(":")[2]
        assert "playground.js" in httpx.get(address).text
        assert one.client.get(f"/pages/{row}/playground/index.html").headers["location"] == address
    late = time.monotonic() + 10
    while is_there(address):
        assert time.monotonic() < late
        time.sleep(0.1)


def test_a_run_that_was_not_evaluated_is_refused_and_stays_as_it_is(page: Running) -> None:
    path = page.home.index.root / "made" / "shapes-tiny-00000"
    evaluation = (path / "evaluation-validation.json").read_bytes()
    (path / "evaluation-validation.json").unlink()
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    run = page.entries()["made/shapes-tiny-00000"]["id"]
    answer = page.client.get(f"/pages/{run}/playground/index.html")
    assert answer.status_code == 409
    assert f"seefar evaluate {path}" in answer.text
    assert {file: file.read_bytes() for file in path.rglob("*") if file.is_file()} == before
    (path / "evaluation-validation.json").symlink_to("nowhere")
    assert "is a link" in page.client.get(f"/pages/{run}/playground/index.html").text
    (path / "evaluation-validation.json").unlink()
    (path / "evaluation-validation.json").write_bytes(evaluation)


def test_another_page_starts_no_playground(page: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playgrounds.Playgrounds, "address", lambda *_: "http://127.0.0.1:1/")
    address = f"/pages/{page.entries()['made/shapes-tiny-00000']['id']}/playground/index.html"
    assert page.client.get(address, headers={"sec-fetch-site": "same-origin"}).status_code == 303
    assert page.client.get(address, headers={"sec-fetch-site": "cross-site"}).status_code == 403
    led = page.client.get(address, headers={"sec-fetch-site": "cross-site", "sec-fetch-user": "?1"})
    assert led.status_code == 200  # it asks, and nothing was started
    assert '<a href="index.html">' in led.text
    assert "frame-ancestors 'none'" in led.headers["content-security-policy"]


def is_there(address: str) -> bool:
    try:
        return httpx.get(address).is_success
    except httpx.TransportError:
        return False


def test_pages_behind_links_or_too_large_are_not_given_out(page: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = page.entries()["made/shapes-tiny-00000"]
    path = page.home.index.root / "made" / "shapes-tiny-00000"
    secret = path.parent.parent / "secret.html"
    secret.write_text("secret")
    (path / "report.html").symlink_to(secret)
    assert page.client.get(f"/pages/{entry['id']}/report").status_code == 404
    (path / "report.html").unlink()
    os.mkfifo(path / "report.html")
    assert page.client.get(f"/pages/{entry['id']}/report").status_code == 404
    (path / "report.html").unlink()
    (path / "report.html").write_text("x" * 1000)
    assert page.client.get(f"/pages/{entry['id']}/report").text == "x" * 1000
    monkeypatch.setattr(application, "LARGEST", 999)
    assert page.client.get(f"/pages/{entry['id']}/report").status_code == 404
    (path / "explained").symlink_to(path.parent)
    assert page.client.get(f"/pages/{entry['id']}/explanation").status_code == 404


def test_a_folder_that_became_a_link_is_not_followed(page: Running, tmp_path: Path) -> None:
    entry = page.entries()["made/cifar10-baseline-00001"]
    path = page.home.index.root / "made" / "cifar10-baseline-00001"
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    found = page.client.get(f"/api/runs/{entry['id']}/curves")
    assert found.status_code == 404 or "cannot be read" in found.json()["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/api/runs", "/api/compare"])
def test_it_only_reads(page: Running, method: str, path: str) -> None:
    assert page.client.request(method, path, content=b"{}").status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example"}, 403),
        ({"host": "localhost:1"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"host": "127.0.0.1:9", "origin": "http://127.0.0.1:9"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
    ],
)
def test_other_pages_and_names_get_nothing(page: Running, headers: dict[str, str], status: int) -> None:
    answer = page.client.get("/api/runs", headers=headers)
    assert answer.status_code == status
    assert "access-control-allow-origin" not in answer.headers


def test_a_run_is_followed_while_it_trains(page: Running) -> None:
    root, moment = page.home.index.root, ""
    seen: list[tuple[str, int]] = []
    import threading

    def slowly(events: Any, plan: Any, earlier: Any) -> Any:
        for event in events:
            yield event
            if hasattr(event, "validation_accuracy"):
                time.sleep(0.5)

    def train() -> None:
        sf.train(colours(), "tiny", out=root / "live", quiet=True, watch=[slowly], **(SMALL | {"epochs": 8}))

    thread = threading.Thread(target=train)
    page.entries()
    moment = page.get("/api/runs")["at"]
    thread.start()
    late = time.monotonic() + 60
    while not seen or seen[-1] != ("finished", 8):
        assert time.monotonic() < late, seen
        found = page.get("/api/runs", since=moment, recipes=99)
        moment = found["at"]
        seen += [(entry["state"], entry["epochs"]) for entry in found["entries"] if entry["path"] == "live"]
        time.sleep(0.1)
    thread.join()
    assert seen[0][0] == "training"
    assert seen[0][1] < 8
    assert len(seen) > 1


def test_many_at_once_get_their_answers(page: Running) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def ask(_: int) -> int:
        return page.client.get("/api/runs").status_code

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(ask, range(100))) == {200}
