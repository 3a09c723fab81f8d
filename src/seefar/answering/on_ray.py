"""Answers from a Ray cluster: Ray Data hands parts of the list to workers with a model each, and every part becomes a Parquet file.

A part is a piece of the list and has the name of its place. It is written whole or not at all, so that a worker that dies, or a part
that is done twice, neither loses nor repeats an answer; and what is there already is not done again when the work is resumed.
All machines have to see the files, the model and the folder of the answers under the same paths.
"""

import json
import logging
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from seefar.answering.answer_file import Written, digest_of
from seefar.answering.items import Item, Reader, items
from seefar.answering.output import check_request
from seefar.answering.parquet import names_in, rows_in, write_part
from seefar.answering.stream import stream, sure_from
from seefar.cluster import connected, cores_of_machines
from seefar.errors import DataError, DiskError, ModelFileError, SeefarError, UsageError
from seefar.files import disk_errors, lock, make_folder, sync_folder, write_json
from seefar.model.load import load_model
from seefar.model.model import Model

PART = 2048  # files of a part: seconds of work, and some 100 kB of Parquet (chosen by hand)
WAVE = 512  # parts that Ray Data is given at a time, so that a list of any length fits into memory (chosen by hand)
REQUEST = "_request.json"  # readers of Parquet folders leave out what begins like this


def answer_on_ray(
    model: str | Path,
    what: Sequence[str],
    out: Path,
    address: str,
    *,
    top: int | None = None,
    abstain: float | None = None,
    resume: bool = False,
    threads: int = 1,
    device: str = "auto",
    tell: Callable[[int], None] = lambda done: None,
    stdin: BinaryIO | None = None,
) -> Written:
    """Write the answers for everything that `what` stands for into the folder `out`, which appears when all are there.

    Args:
        model: a run folder or an exported file.
        what: as `items.items` takes it.
        out: a folder for `part-*.parquet`; `parquet.py` has the columns. Until all is done it is called `<out>.partial`.
        address: of the cluster: "auto", "local", or "ray://host:port".
        top, abstain: as for `stream`.
        resume: go on with what an earlier attempt has left.
        threads: of each worker; there are as many workers as cores allow.
        device: of a run; with "cuda" each worker has a GPU of its own.
        tell: called with the number of answers that are written.
        stdin: what "-" reads from.

    Raises:
        UsageError: no Ray, no cluster, no such model or option; or an earlier attempt is in the way.
        DataError: `what` is not there, or has changed since the attempt that is resumed.
        DiskError: a machine does not see the folder, or may not write there.
        InUseError: another process is writing the folder.
    """
    model, out = Path(model).absolute(), out.absolute()
    sure_from(load_model(model, "cpu", precision="fp32"), abstain, top)  # this machine may have no GPU, and does not answer
    if out.exists():
        raise UsageError(f"{out} is there already; choose another name, or remove it")
    given = _Given(str(model), digest_of(model), str(out) + ".partial", top, abstain, threads, device)
    request = {"model": given.digest, "what": list(what), "top": top, "abstain": abstain, "rows": PART}
    partial, reader = Path(given.folder), Reader()
    with ExitStack() as at_last:
        at_last.callback(reader.close)
        listed = items(what, reader, stdin)
        with connected(address), lock(make_folder(partial) / ".lock"):
            if (partial / REQUEST).exists():
                check_request(partial / REQUEST, request, partial, resume)
            write_json(partial / REQUEST, request)
            try:
                written = _answer_all(listed, given, tell)
                _check_whole(partial, written.done)
            except BaseException:
                if not any(partial.glob("part-*.parquet")):  # there is nothing to resume
                    at_last.callback(shutil.rmtree, partial, ignore_errors=True)
                raise
            with disk_errors(out):
                partial.rename(out)
                sync_folder(out.parent)
            at_last.callback((out / ".lock").unlink, missing_ok=True)
    return written


class _Given(NamedTuple):
    """What each worker is told: the model and its digest, the folder of the parts, and options as above."""

    model: str
    digest: str
    folder: str
    top: int | None
    abstain: float | None
    threads: int
    device: str


class _Answerer:
    """Answers for one part after the other; Ray Data makes one in each worker. The model is loaded for the first part."""

    def __init__(self, given: _Given) -> None:
        self._given = given
        self._model: Model | None = None
        self._reader = Reader()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """A part in; its first number, its rows, how many of them are bad, and what went wrong with the whole, out."""
        try:
            return {"first": row["first"], **self._answer(row), "failure": "", "code": 0}
        except SeefarError as error:
            where = f" (on {socket.gethostname()})"
            return {"first": row["first"], "rows": 0, "bad": 0, "failure": f"{error}{where}", "code": error.exit_code}

    def _answer(self, row: dict[str, Any]) -> dict[str, int]:
        given, first = self._given, row["first"]
        folder = Path(given.folder)
        if not folder.is_dir():
            raise DiskError(f"{folder} is not there; choose a folder on a disk that all machines share")
        wanted = [Item(name, path, tuple(inside), trouble) for name, path, inside, trouble in json.loads(row["items"])]
        path = folder / f"part-{first:012d}.parquet"
        if (before := names_in(path)) is not None:
            if [name for name, _ in before] != [item.name for item in wanted]:
                raise DataError(f"the files have changed since {path.name} was written; delete {folder} and begin anew")
            return {"rows": len(before), "bad": sum(bad for _, bad in before)}
        self._model = self._model or _load(given)
        found = stream(self._model, wanted, self._reader, top=given.top, abstain=given.abstain, workers=given.threads)
        rows = [answer for block in found for answer in block.rows]
        write_part(path, first, rows)
        return {"rows": len(rows), "bad": sum(answer.error is not None for answer in rows)}


def _load(given: _Given) -> Model:
    if not Path(given.model).exists():
        raise ModelFileError(f"{given.model} is not there; put the model on a disk that all machines share")
    if digest_of(given.model) != given.digest:
        raise ModelFileError(f"{given.model} is another one on this machine than where this was started; use one disk for all")
    if Path(given.model).is_dir():
        import torch

        torch.set_num_threads(given.threads)
    return load_model(given.model, given.device, threads=given.threads)


def _answer_all(listed: Iterable[Item], given: _Given, tell: Callable[[int], None]) -> Written:
    """Have the cluster answer, part by part, in whatever order."""
    import ray

    cores = cores_of_machines()
    _check_cores(given.threads, cores)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    workers, parts, done, bad = int(sum(here // given.threads for here in cores)), _parts(listed), 0, 0
    while wave := list(islice(parts, WAVE)):
        answered = ray.data.from_items(wave, override_num_blocks=len(wave)).map(
            _Answerer,  # type: ignore[arg-type]  # a class, of which each worker makes one
            fn_constructor_args=[given],
            compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(workers, len(wave))),
            num_cpus=given.threads,
            num_gpus=int(given.device == "cuda"),
        )
        for found in answered.iter_rows():
            _raise(found)
            done, bad = done + found["rows"], bad + found["bad"]
            tell(done)
    return Written(done, bad)


def _parts(listed: Iterable[Item]) -> Iterator[dict[str, Any]]:
    left, first = iter(listed), 0
    while part := list(islice(left, PART)):
        yield {"first": first, "items": json.dumps([list(item) for item in part])}
        first += len(part)


def _raise(found: Mapping[str, Any]) -> None:
    kinds = {kind.exit_code: kind for kind in (DataError, ModelFileError, DiskError, UsageError)}
    if found["failure"]:
        raise kinds.get(found["code"], SeefarError)(found["failure"])


def _check_cores(threads: int, cores: Sequence[float]) -> None:
    if threads < 1:
        raise UsageError(f"workers have {threads} threads; allowed is 1 or more")
    if threads > (most := max(cores, default=0)):
        raise UsageError(f"workers have {threads} threads each, but no machine of the cluster has more than {most:g} cores")


def _check_whole(partial: Path, done: int) -> None:
    """Raise DiskError unless every answer is there once, as seen from here."""
    expected = 0
    for path in sorted(partial.glob("part-*.parquet")):
        if int(path.stem.removeprefix("part-")) != expected:
            break
        expected += rows_in(path)
    if expected != done:
        raise DiskError(
            f"{done:,} answers were written, but only {expected:,} are seen in {partial}; choose a folder on a disk that all machines "
            "share, and begin anew"
        )
