"""A network's answers for any number of files: in order, in bounded memory, with decoding beside the network."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from seefar.answering.decoding import PART, Decoders, Pictures, decode_ahead, join
from seefar.answering.items import Item, Reader
from seefar.errors import UsageError
from seefar.model.answers import SURE, Answers
from seefar.model.model import Model
from seefar.model.predictions import Prediction, as_predictions, unreadable

PIXELS, MOST = 2**18, 256  # of a batch, and images: 256 of 32x32 pixels, 16 of 128x128 (chosen by hand)


class Block(NamedTuple):
    """Some answers.

    Attributes:
        rows: one an item.
        pixels: what the network saw of each: uint8 `(n, size, size, 3)`; black where it could not be read.
        maps: where the class that the row names has its evidence: float32 `(n, h, w)`; None unless asked for.
    """

    rows: list[Prediction]
    pixels: np.ndarray
    maps: np.ndarray | None


def stream(
    model: Model,
    items: Iterable[Item],
    reader: Reader,
    *,
    top: int | None = None,
    abstain: float | None = None,
    maps: bool = False,
    decoders: Decoders = "threads",
    workers: int | None = None,
) -> Iterator[Block]:
    """The answers for items, in their order, a batch at a time. A file that cannot be read is a row and stops nothing.

    The network computes batches of one size, but for the last, whatever could be read: its memory stays the same, and an answer does
    not depend on how many of its neighbours are bad.

    Args:
        model: answers.
        items: as `items.items` lists them; taken as they are needed.
        reader: reads them.
        top: how many classes a row lists; by default all.
        abstain: 0.99: name no class where the confidence is below the one from which on 99 % were right on validation.
        maps: also say where the evidence is.
        decoders: "threads" or "processes".
        workers: how many; by default one for each core.

    Raises:
        UsageError: a senseless number, the model has no such confidence, or no maps.
    """
    sure = sure_from(model, abstain, top)
    parts = decode_ahead(items, reader, model.size, model.background, decoders, workers)
    count = max(1, min(PIXELS // model.size**2, MOST) // PART)
    for batch, answers in _answered(model, _batches(parts, count), maps):
        if maps and answers.maps is None:
            raise UsageError("the model has no class-activation maps, so that it cannot show where it looked; leave that out")
        yield _block(batch, answers, model, top, sure)


def sure_from(model: Model, abstain: float | None, top: int | None = None) -> float:
    """The confidence below which no class is named; 0 if one always is.

    Raises:
        UsageError: the model does not know such a confidence, or fewer than one class is to be listed.
    """
    if top is not None and top < 1:
        raise UsageError(f"top is {top}; allowed is 1 to the number of classes, which is {len(model.classes)}")
    if abstain is None:
        return 0.0
    if abstain != SURE:
        raise UsageError(f"abstain is {abstain}; allowed is {SURE}, the share for which an evaluation stores the confidence")
    if model.sure is not None:
        return model.sure
    if model.temperature is None:
        raise UsageError(
            "the model cannot abstain, since it was not evaluated on validation; `seefar evaluate RUN` does that, and an export "
            "after it knows, too"
        )
    raise UsageError(f"no confidence gave {SURE:.0%} right answers on validation, so that there is none to abstain by")


def _batches(parts: Iterator[Pictures], count: int) -> Iterator[Pictures]:
    """`count` parts in a row as one, as many times as there are."""
    waiting = list[Pictures]()
    for part in parts:
        waiting.append(part)
        if len(waiting) == count:
            yield join(waiting)
            waiting = []
    if waiting:
        yield join(waiting)


def _answered(model: Model, batches: Iterator[Pictures], maps: bool) -> Iterator[tuple[Pictures, Answers]]:
    """Batches with their answers. The network computes the next one while the caller works with this one."""
    waiting: deque[tuple[Pictures, Future[Answers]]] = deque()
    with ThreadPoolExecutor(1) as network:
        for batch in batches:
            waiting.append((batch, network.submit(model.answers, batch.pixels, maps)))
            if len(waiting) > 1:
                done, answers = waiting.popleft()
                yield done, answers.result()
        while waiting:
            done, answers = waiting.popleft()
            yield done, answers.result()


def _block(batch: Pictures, answers: Answers, model: Model, top: int | None, sure: float) -> Block:
    names = [item.name for item in batch.items]
    rows = as_predictions(names, batch.sizes, answers, model.classes, model.familiar, top, sure)
    said = [unreadable(row.image, reason) if reason else row for row, reason in zip(rows, batch.reasons, strict=True)]
    named = answers.logits.argmax(1)
    return Block(said, batch.pixels, None if answers.maps is None else answers.maps[np.arange(len(named)), named])
