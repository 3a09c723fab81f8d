"""What the tests of several processes let torchrun start: `scenarios FOLDER DATA`, or `fault KIND RANK STEP` and a seefar command.

Scenarios run one after the other, since to start is what takes long, and leave a JSON file for each process in FOLDER. A fault
befalls one process at the end of one step, in torchrun's first attempt only.
"""

import atexit
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from tests.conftest import SMALL, images
from tests.networks import outside_networks

import seefar as sf
import seefar.training.train as training
from seefar import cli, errors, torchrun
from seefar.data import collect
from seefar.data.images import Dataset
from seefar.recipe_fields import text
from seefar.training import fit, processes
from seefar.training.events import Step

RANK = int(os.environ.get("RANK", "0"))
DATA = Dataset("colours", images(121, 1, "train"), images(30, 2, "test"), "noise around three colours")  # 109 to train on
AUGMENTED = SMALL | {"flip": "random", "shift": 2, "rotate": 10.0, "mixup": 0.2, "spatial_dropout": 0.2, "dropout": [0.25, 0.5]}
CHANGES: dict[str, dict[str, Any]] = {
    "augmented": AUGMENTED | {"averaging": 0.9, "gradient_clip": 1.0},
    "norm": SMALL | {"batch_norm": True, "averaging": 0.9},
    "fast": {name: value for name, value in SMALL.items() if name != "dense"} | {"model": "fast", "optimiser": "muon"},
}


def train(out: Path, data: Dataset = DATA, seed: int = 0, resume: bool = False, **changes: Any) -> sf.Run:
    """A small training; the same call without torchrun is what it is compared with."""
    return sf.train(data, "tiny", seed, out=out, quiet=True, resume=resume, device="cpu", **changes)


def idle(folder: Path) -> dict[str, Any]:
    """The fields of a network from a file in a folder, with parameters that are never used, and two layers of the same weights."""
    return {"model": f"{folder / 'my_net.py'}:Tied", "epochs": 3, "batch_size": 16, "precision": "fp32"}


def command(data: Path, out: Path, *words: str, **changes: Any) -> list[str]:
    """The same as a command, with images from a folder."""
    fields = [f"--set={name}={text(value)}" for name, value in (SMALL | changes).items()]
    return ["train", "--data", str(data), "--size", "16", "--recipe", "tiny", *fields, "--out", str(out), *words]


def scenarios(out: Path, data: Path) -> dict[str, Any]:
    """All that two processes can show while nothing befalls them."""
    began = time.monotonic()
    if RANK == 0:
        for path in data.rglob("*.png"):
            damaged = out / "damaged" / path.parent.name / path.name
            damaged.parent.mkdir(parents=True, exist_ok=True)
            damaged.write_bytes(path.read_bytes()[:40])
        sign("damaged")
    while not (Path(os.environ["SIGNS"]) / "damaged-0").exists():
        time.sleep(0.01)
    codes = [cli.main(command(out / "damaged", out / "odd")), cli.main(command(data, out / "command"))]
    seconds = time.monotonic() - began
    together = processes.join(torch.device("cpu"))
    assert isinstance(together, processes.Together)
    for name, changes in CHANGES.items():
        train(out / name, **changes)
    if RANK == 0:
        outside_networks.write(out)
    together.wait()
    train(out / "idle", **idle(out))
    with stopping_at(10, rank=together.count - 1), contextlib.suppress(errors.StoppedError):
        train(out / "resumed", **CHANGES["norm"])
    stopped = sf.open_run(out / "resumed").ended() if RANK == 0 else ""
    train(out / "resumed", resume=True, **CHANGES["norm"])
    other = Dataset("colours", images(121, 3 if RANK else 1, "train"), DATA.test, "other pixels in process 1")
    return {
        "codes": codes,
        "seconds": seconds,
        "stopped": stopped,
        "odd seed": refusal(lambda: train(out / "odd", seed=RANK, **SMALL)),
        "odd recipe": refusal(lambda: train(out / "odd", **(SMALL | {"learning_rate": 0.001 * (RANK + 1)}))),
        "odd images": refusal(lambda: train(out / "odd", other, **SMALL)),
        "uneven": refusal(lambda: train(out / "odd", **(SMALL | {"batch_size": 15}))),
        "total": together.total(torch.tensor([1.5, RANK])).tolist(),
        "shared": together.share(lambda: {"from": RANK, "name": "\udce9"}),
        "bytes": [repr(together.share_bytes(lambda given=given: given)) for given in (None, b"", bytes([RANK, 1, 2]))],
        "failed": refusal(lambda: together.share(fail)),
        "milliseconds": milliseconds(together),
        "told": torchrun.is_told_here(errors.UsageError("the same in both")),
    }


def fail() -> None:
    raise errors.DataError("this is what went wrong")


def refusal(act: Callable[[], Any]) -> list[Any]:
    """Class, exit code and sentences of the error that it raises."""
    try:
        act()
    except errors.SeefarError as error:
        return [type(error).__name__, error.exit_code, str(error), *error.details]
    return []


@contextlib.contextmanager
def stopping_at(step: int, rank: int) -> Iterator[None]:
    """As if SIGTERM arrived in that step in one process only."""
    asked = 0

    def leave() -> int:
        nonlocal asked
        asked += 1
        return signal.SIGTERM if asked == step and rank == RANK else 0

    @contextlib.contextmanager
    def graceful() -> Iterator[Callable[[], int]]:
        yield leave

    original, training.graceful = training.graceful, graceful
    try:
        yield
    finally:
        training.graceful = original


def milliseconds(together: processes.Together) -> float:
    """What it costs to meet after a step: the best of 20 means over 50."""
    step = Step(1, torch.tensor(1.0), torch.tensor(3), 16, 0.1)
    means = []
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(50):
            together.meet(step, 0)
        means.append((time.perf_counter() - began) / 50 * 1000)
    return min(means)


def threads() -> list[str]:
    """The names of this program's threads."""
    return [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]


def inject(kind: str, rank: int, at: int) -> None:
    """Let something befall process `rank` at the end of step `at`; `signs` are left of who came there, and of who decoded."""
    train_epoch, decode_each = fit.train_epoch, collect.decode_each

    def ill_fated(*args: Any) -> Iterator[Step]:
        for step in train_epoch(*args):
            if step.number >= at and kind == "slow":
                sign("slow")
                time.sleep(0.3)
            if step.number == at and rank == RANK and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
                sign("fate")
                if kind == "exit":
                    os._exit(1)
                if kind.startswith("SIG"):
                    os.kill(os.getpid(), getattr(signal, kind))
            yield step

    def decode(*args: Any) -> Iterator[Any]:
        sign("decoded")
        return decode_each(*args)

    fit.train_epoch, collect.decode_each = ill_fated, decode
    processes.GRACE = 1.0  # here who is missing stays missing


def sign(name: str) -> None:
    """A file that tells the test which process has come here."""
    (Path(os.environ["SIGNS"]) / f"{name}-{RANK}").write_text(str(os.getpid()))


if __name__ == "__main__":
    what, *words = sys.argv[1:]
    if what == "scenarios":
        inject("none", 0, 0)
        out, before = Path(words[0]), list[str]()
        atexit.register(lambda: (out / f"threads-{RANK}.json").write_text(json.dumps([before, threads()])))  # runs last
        found = scenarios(out, Path(words[1]))
        before += threads()
        (out / f"{RANK}.json").write_text(json.dumps(found))
    else:
        inject(words[0], int(words[1]), int(words[2]))
        sys.argv[1:] = words[3:]
        cli.entry()
