"""Batches: nothing waits when nothing else is there, all that is there is taken, and answers are everybody's own."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from tests.serving.running import POISON, SIZE, Rule, png, rule_model, rule_of

from seefar.model.model import Model
from seefar.serving.batching import Batcher
from seefar.serving.metrics import Metrics
from seefar.serving.problem import Problem
from seefar.serving.settings import Settings


@asynccontextmanager
async def batcher_of(model: Model, **changes: Any) -> AsyncIterator[Batcher]:
    batcher = Batcher(model, "rule", Settings(**changes), Metrics(), 2, 1)
    batcher.start()
    keeper = asyncio.create_task(batcher.look_after())
    try:
        yield batcher
    finally:
        rule_of(model).free.set()
        keeper.cancel()
        batcher.close()


async def label(batcher: Batcher, level: int) -> str:
    part = await batcher.submit([png(level)], None, False)
    assert part.scored is not None
    return str(part.scored.row(part.places[0] or 0, None, False)["label"])


async def held(batcher: Batcher, rule: Rule) -> "asyncio.Task[str]":
    """A request that is being computed until `rule.free` is set."""
    rule.free.clear()
    first = asyncio.create_task(label(batcher, 40))
    while not rule.batches:
        await asyncio.sleep(0.005)
    return first


def test_a_lone_request_is_computed_alone_and_at_once() -> None:
    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            for _ in range(5):
                began = time.perf_counter()
                assert await label(batcher, 128) == "grey"
                took = time.perf_counter() - began
            assert rule_of(model).batches == [1] * 5
            assert took < 0.1
            assert batcher.waiting == 0

    asyncio.run(main())


@pytest.mark.parametrize(("waiting", "batches"), [(3, [3]), (20, [20]), (33, [32, 1])])
def test_what_waits_is_taken_when_the_network_is_free(waiting: int, batches: list[int]) -> None:
    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            first = await held(batcher, rule_of(model))
            others = [asyncio.create_task(label(batcher, (40, 128, 215)[number % 3])) for number in range(waiting)]
            while len(batcher._ready._waiting) < waiting:
                await asyncio.sleep(0.005)
            rule_of(model).free.set()
            assert await first == "dark"
            assert await asyncio.gather(*others) == [("dark", "grey", "light")[number % 3] for number in range(waiting)]
            assert rule_of(model).batches == [1, *batches]

    asyncio.run(main())


def test_a_full_queue_refuses_at_once_and_empties() -> None:
    async def main() -> None:
        model = rule_model()
        async with batcher_of(model, queue=8, batch=8) as batcher:
            first = await held(batcher, rule_of(model))
            others = [batcher.submit([png(215)], None, False) for _ in range(7)]
            with pytest.raises(Problem, match="too many images are waiting") as refused:
                batcher.submit([png(215)], None, False)
            assert (refused.value.status, refused.value.headers) == (503, ((b"retry-after", b"1"),))
            assert not batcher.is_well()
            rule_of(model).free.set()
            await asyncio.gather(first, *others)
            assert batcher.waiting == 0
            assert batcher.is_well()

    asyncio.run(main())


def test_what_was_not_begun_in_time_is_never_begun() -> None:
    async def main() -> None:
        model = rule_model()
        async with batcher_of(model, timeout=0.2) as batcher:
            first = await held(batcher, rule_of(model))
            others = [batcher.submit([png(215)], None, False) for _ in range(3)]
            found = await asyncio.wait_for(asyncio.gather(first, *others, return_exceptions=True), 3)
            assert [one.code for one in found if isinstance(one, Problem)] == ["deadline"] * 4
            assert batcher.waiting == 0
            rule_of(model).free.set()
            await asyncio.sleep(0.2)
            assert await label(batcher, 40) == "dark"
            assert rule_of(model).batches == [1, 1]

    asyncio.run(main())


def test_what_nobody_waits_for_is_never_begun() -> None:
    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            first = await held(batcher, rule_of(model))
            for future in [batcher.submit([png(215)], None, False) for _ in range(3)]:
                future.cancel()
            rule_of(model).free.set()
            await first
            assert await label(batcher, 40) == "dark"
            assert rule_of(model).batches == [1, 1]
            assert batcher.waiting == 0

    asyncio.run(main())


def test_a_request_that_breaks_the_model_harms_no_other() -> None:
    """Fault 99."""

    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            first = await held(batcher, rule_of(model))
            levels = [40, POISON, 215, 128]
            others = [asyncio.create_task(label(batcher, level)) for level in levels]
            while len(batcher._ready._waiting) < 4:
                await asyncio.sleep(0.005)
            rule_of(model).free.set()
            await first
            found = await asyncio.gather(*others, return_exceptions=True)
            assert [one.status if isinstance(one, Problem) else one for one in found] == ["dark", 500, "light", "grey"]

    asyncio.run(main())


def test_a_thread_that_dies_is_replaced_and_nobody_waits_for_it() -> None:
    """Fault 99."""

    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            rule_of(model).raises = SystemExit()
            with pytest.raises(Problem, match="the model failed"):
                await asyncio.wait_for(batcher.submit([png(40)], None, False), 3)
            rule_of(model).raises = None
            late = time.monotonic() + 3
            while not batcher.is_well():
                assert time.monotonic() < late
                await asyncio.sleep(0.02)
            assert await label(batcher, 40) == "dark"
            assert batcher._metrics.restarts._value.get() == 1

    asyncio.run(main())


def test_numbers_that_are_not_finite_are_no_answer() -> None:
    async def main() -> None:
        model = rule_model()
        rule_of(model).compute = lambda pixels, tta, maps: (  # type: ignore[method-assign]
            np.full((len(pixels), 3), np.nan, np.float32),
            np.zeros((len(pixels), 3), np.float32),
            None,
            None,
        )
        async with batcher_of(model) as batcher:
            with pytest.raises(Problem, match="the model failed"):
                await batcher.submit([png(40)], None, False)

    asyncio.run(main())


def test_a_large_picture_holds_up_no_small_one() -> None:
    """It is decoded alone, beside them."""

    async def main() -> None:
        model = rule_model()
        noise = np.random.default_rng(0).integers(0, 255, (3000, 4000, 3), np.uint8)
        from io import BytesIO

        from PIL import Image

        file = BytesIO()
        Image.fromarray(noise).save(file, "PNG", compress_level=1)
        async with batcher_of(model) as batcher:
            large = batcher.submit([file.getvalue()], None, False)
            await asyncio.sleep(0.02)
            assert await label(batcher, 40) == "dark"
            assert not large.done()
            await large

    asyncio.run(main())


def test_everybody_gets_their_own_answer() -> None:
    """Files, files that are none, forms and pixels, from many at the same time."""

    async def main() -> None:
        model, rng = rule_model(), np.random.default_rng(1)
        rule_of(model).seconds = 0.002
        names = dict(zip((40, 128, 215), ("dark", "grey", "light"), strict=True))

        async def one() -> None:
            count = int(rng.integers(1, 6))
            levels = [int(rng.choice([40, 128, 215, 0])) for _ in range(count)]
            if rng.random() < 0.3:
                levels = [level or 40 for level in levels]
                pixels = np.repeat(np.array(levels, np.uint8), SIZE * SIZE * 3).reshape(count, SIZE, SIZE, 3)
                part = await batcher.submit(None, pixels, rng.random() < 0.5)
            else:
                part = await batcher.submit(
                    [png(level) if level else b"no image" for level in levels], None, rng.random() < 0.3
                )
            for level, place, reason in zip(levels, part.places, part.reasons, strict=True):
                if level == 0:
                    assert place is None
                    assert reason
                else:
                    assert part.scored is not None
                    assert place is not None
                    assert part.scored.row(place, None, False)["label"] == names[level]

        async with batcher_of(model, queue=10_000) as batcher:
            for _ in range(4):
                await asyncio.gather(*[one() for _ in range(80)])
            assert batcher.waiting == 0
            assert max(rule_of(model).batches) > 4

    asyncio.run(main())


def test_it_says_of_a_stuck_network_that_it_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    from seefar.serving import batching

    async def main() -> None:
        model = rule_model()
        async with batcher_of(model) as batcher:
            first = await held(batcher, rule_of(model))
            assert batcher.is_well()
            monkeypatch.setattr(batching, "STUCK", 0.0)
            assert not batcher.is_well()
            rule_of(model).free.set()
            await first
            await asyncio.sleep(0.05)
            assert batcher.is_well()

    asyncio.run(main())


def test_its_threads_end() -> None:
    async def main() -> None:
        async with batcher_of(rule_model()) as batcher:
            threads = batcher._threads
            waiting = batcher.submit([png(40)], None, False)
            await waiting
        for thread in threads:
            thread.join(2)
        assert not any(thread.is_alive() for thread in threads)
        with pytest.raises(Problem, match="being replaced"):
            batcher.submit([png(40)], None, False)

    asyncio.run(main())
    assert not [thread for thread in threading.enumerate() if thread.name in ("decode", "compute")]
