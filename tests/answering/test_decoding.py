"""Decoding beside the network: the pixels are those of one thread, in order, whoever decodes; and little is ever waiting."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.answering.conftest import save

from seefar.answering import decoding
from seefar.answering.decoding import AHEAD, PART, Decoders, decode_ahead, decode_items, join
from seefar.answering.items import Item, Reader, items
from seefar.data.decode import decode
from seefar.errors import SeefarError, UsageError


def test_a_picture_is_decoded_as_everywhere_and_a_bad_one_is_black_with_its_reason(tmp_path: Path) -> None:
    good, bad = save(tmp_path / "good.png", 77, side=13), tmp_path / "bad.png"
    bad.write_bytes(b"nothing")
    wanted = [Item(str(path), str(path)) for path in (good, bad, tmp_path / "none.png")]
    found = decode_items(wanted, Reader(), 8, "white")
    assert np.array_equal(found.pixels[0], decode(good.read_bytes(), 8).pixels)
    assert not found.pixels[1:].any()
    assert found.sizes == ["13x13", "", ""]
    assert found.reasons[0] == ""
    assert found.reasons[1].startswith("not an image")
    assert found.reasons[2] == "No such file or directory"


@pytest.mark.parametrize("decoders", ["threads", pytest.param("processes", marks=pytest.mark.slow)])
@pytest.mark.parametrize("workers", [1, 3])
def test_order_and_pixels_are_those_of_one_thread(photos: Path, decoders: Decoders, workers: int) -> None:
    (photos / "b" / "045.png").write_bytes(b"")
    wanted = list(items([str(photos)], Reader()))
    one = decode_items(wanted, Reader(), 8, "white")
    parts = list(decode_ahead(iter(wanted), Reader(), 8, "white", decoders, workers))
    assert [len(part.items) for part in parts] == [16, 16, 16, 16, 6]
    found = join(parts)
    assert list(found.items) == wanted
    assert np.array_equal(found.pixels, one.pixels)
    assert found.reasons == one.reasons
    assert found.reasons[45] == "empty file"


def test_large_pictures_are_decoded_by_several_threads_at_once_and_small_ones_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    together = threading.Barrier(2)  # lets nobody through alone

    def attempt(content: bytes, size: int, background: str) -> object:
        together.wait(timeout=1)
        return OSError("met")

    monkeypatch.setattr("seefar.data.decode._attempt", attempt)
    for large in (True, False):
        monkeypatch.setattr("seefar.data.decode.WORTH_A_THREAD", 0 if large else 10**9)
        wanted = [Item("x", str(save(tmp_path / "x.png", 1)))] * 2 * PART
        if large:
            parts = list(decode_ahead(wanted, Reader(), 8, "white", workers=2))
            assert {reason for part in parts for reason in part.reasons} == {"met"}
        else:
            with pytest.raises(threading.BrokenBarrierError):
                list(decode_ahead(wanted, Reader(), 8, "white", workers=2))


def test_items_are_taken_only_as_they_are_needed(tmp_path: Path) -> None:
    path, taken = str(save(tmp_path / "x.png", 1)), 0

    def endless() -> Iterator[Item]:
        nonlocal taken
        while True:
            taken += 1
            yield Item("x", path)

    parts = decode_ahead(endless(), Reader(), 8, "white", workers=2)
    for number in range(1, 6):
        next(parts)
        assert taken <= (2 * AHEAD + number) * PART
    parts.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")]


def test_senseless_requests_are_refused() -> None:
    with pytest.raises(UsageError, match="workers is 0; allowed is 1 or more"):
        list(decode_ahead([], Reader(), 8, "white", workers=0))
    with pytest.raises(UsageError, match="decoders is 'fibres'; allowed is threads or processes"):
        list(decode_ahead([], Reader(), 8, "white", "fibres"))  # type: ignore[arg-type]


def test_this_process_may_not_use_more_cores_than_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7})
    assert decoding.cores() == 3


@pytest.mark.slow
def test_a_process_that_is_killed_from_outside_is_told_in_a_sentence(photos: Path) -> None:
    import multiprocessing

    def while_killing() -> Iterator[Item]:
        for number, item in enumerate(list(items([str(photos)], Reader())) * 20):
            if number == 600:
                for child in multiprocessing.active_children():
                    os.kill(child.pid or 0, signal.SIGKILL)
            yield item

    with pytest.raises(SeefarError, match="killed from outside, perhaps since memory ran out; use fewer --workers"):
        list(decode_ahead(while_killing(), Reader(), 8, "white", "processes", 2))
