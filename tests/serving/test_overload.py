"""More requests than can be answered, batches of every size, good and hostile ones mixed. benchmarks/load.py does it for long."""

import asyncio
import gc
import json
import os
import random
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from tests.conftest import colours
from tests.serving.running import png, rule_model, rule_of, running
from tests.serving.test_hostile import FILE, HEAD, bomb, form

import seefar as sf

IMAGE = {"content-type": "image/png"}
NAMES = {40: "dark", 128: "grey", 215: "light"}


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_what_is_refused_is_refused_fast_and_what_is_accepted_is_right(tmp_path: Path) -> None:
    """Faults 95 and 101."""
    model = rule_model()
    rule_of(model).seconds = 0.1
    accepted, refused = list[bool](), list[int]()

    async def main(url: str) -> None:
        limits = httpx.Limits(max_connections=60)
        async with httpx.AsyncClient(base_url=url, timeout=20, limits=limits) as client:

            async def ask(number: int) -> None:
                level = list(NAMES)[number % 3]
                for _ in range(12):
                    answer = await client.post("/v1/predict", content=png(level), headers=IMAGE)
                    if answer.status_code == 200:
                        accepted.append(answer.json()["answers"][0]["label"] == NAMES[level])
                    else:
                        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                        refused.append(number)
                        await asyncio.sleep(0.02)

            async def scrape() -> None:
                for _ in range(5):
                    assert (await client.get("/metrics")).status_code == 200
                    await asyncio.sleep(0.1)

            await asyncio.gather(scrape(), *[ask(number) for number in range(50)])

    with running(tmp_path, {"rule": model}, queue=8, batch=4) as one:
        asyncio.run(main(one.url))
        assert len(accepted) > 20
        assert all(accepted)
        assert len(refused) > 50
        assert one.metric('seefar_refused_total{reason="queue_full"}') == len(refused)
        rule_of(model).seconds = 0.0
        began = time.perf_counter()
        assert one.predict(40).status_code == 200
        assert time.perf_counter() - began < 2
        assert one.service.models.get("rule").batcher.waiting == 0
        lines = [json.loads(line) for line in one.lines()]
    # as the service itself sees it: the client is in this very process, and slower than it
    for chosen in ({"reason": "queue_full"}, {"route": "metrics"}):
        took = sorted(line["ms"] for line in lines if chosen.items() <= line.items())
        assert took[len(took) // 2] < 50


def test_a_full_service_still_says_what_is_not_there(tmp_path: Path) -> None:
    model = rule_model()
    with running(tmp_path, {"rule": model}, queue=1, batch=1) as one:
        rule_of(model).free.clear()
        waits = threading.Thread(target=one.predict, args=(40,))
        waits.start()
        late = time.monotonic() + 10
        while not one.service.models.are_full():
            assert time.monotonic() < late
            time.sleep(0.01)
        assert one.predict(40).status_code == 503
        assert one.client.post("/v1/nothing").status_code == 404
        rule_of(model).free.set()
        waits.join(10)
        assert one.predict(40).status_code == 200


@pytest.mark.slow
@pytest.mark.alone
def test_memory_stays_flat_over_batches_of_every_size(exported: Path, tmp_path: Path) -> None:
    """Eight threads, ten thousand requests."""
    model = sf.load_model(exported)
    pixels = colours().test.pixels
    wanted = model.answers(pixels).logits
    wrong = list[Any]()

    with running(tmp_path, {"small": model}, queue=10_000) as one:
        batcher = one.service.models.get("small").batcher

        async def some(seed: int, count: int) -> None:
            rng = np.random.default_rng(seed)
            for _ in range(count):
                chosen = rng.integers(0, len(pixels), int(rng.integers(1, 65)))
                part = await batcher.submit(None, pixels[chosen], bool(rng.random() < 0.1))
                assert part.scored is not None
                first = part.places[0] or 0
                if not np.allclose(part.scored.answers.logits[first : first + len(chosen)], wanted[chosen], atol=1e-4):
                    wrong.append(seed)

        def ask(seed: int, count: int) -> None:
            asyncio.run_coroutine_threadsafe(some(seed, count), one.loop).result(200)

        def all_ask(count: int) -> None:
            threads = [threading.Thread(target=ask, args=(seed, count)) for seed in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        all_ask(250)
        gc.collect()
        before = resident()
        all_ask(1000)
        gc.collect()
        assert not wrong
        assert resident() < 1.05 * before


@pytest.mark.slow
@pytest.mark.alone
def test_good_and_hostile_requests_mixed(exported: Path, tmp_path: Path) -> None:
    """Some seconds of what benchmarks/load.py does for ten minutes: no wrong answer, nothing left over, no traceback."""
    model, rng = sf.load_model(exported), random.Random(3)
    files, wanted = [], []
    for number, pixels in enumerate(colours().test.pixels):
        file = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(file)
        files.append(file.read_bytes())
        wanted.append(model.predict(pixels)[0].label)
    wrong, stop = list[Any](), threading.Event()
    with running(tmp_path, {"small": model}, patience=0.5, keep_alive=0.5) as one:

        def good() -> None:
            with httpx.Client(base_url=one.url, timeout=20) as client:
                while not stop.is_set():
                    number = rng.randrange(len(files))
                    answer = client.post("/v1/predict", content=files[number], headers=IMAGE)
                    if answer.status_code != 200 or answer.json()["answers"][0]["label"] != wanted[number]:
                        wrong.append(answer.text)

        def hostile() -> None:
            bodies = [b"", b"x", files[0][:50], bomb(30_000, 30_000), b"<svg/>"]
            raw = [
                b"GET /" + b"y" * 100_000,
                HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                bytes(range(256)),
                HEAD + b"Content-Type: image/png\r\nContent-Length: 500\r\n\r\nhello",
                HEAD + b"Content-Type: image/png\r\nContent-Length: 90000000\r\n\r\n",
            ]
            with httpx.Client(base_url=one.url, timeout=20) as client:
                while not stop.is_set():
                    client.post("/v1/predict", content=rng.choice(bodies), headers=IMAGE)
                    content = form(*[FILE + b"x"] * rng.randrange(100))
                    client.post("/v1/predict", content=content, headers={"content-type": "multipart/form-data; boundary=b"})
                    one.raw(rng.choice(raw), wait=rng.choice([0.01, 0.2]))
                    client.get("/" + "%2e%2e/" * rng.randrange(5), headers={"origin": "https://evil.test"})

        threads = [threading.Thread(target=work) for work in (good, good, hostile, hostile)]
        for thread in threads:
            thread.start()
        time.sleep(5)
        stop.set()
        for thread in threads:
            thread.join(30)
        time.sleep(1.5)
        assert not wrong
        assert one.service.memory.used == 0
        assert one.service.models.get("small").batcher.waiting == 0
        assert one.metric("seefar_connections") <= 1
        text = one.log.read_text()
        assert "Traceback" not in text
        assert '"status": 500' not in text
