"""What a training runs on: device, number format, processes. Recorded with the run; no part of a recipe."""

from dataclasses import dataclass

import torch

from seefar import progress
from seefar.networks.device import check_compiler, choose_device, choose_precision, make_deterministic, set_threads
from seefar.runs.folder import Run
from seefar.training.processes import ALONE, Processes, join


@dataclass(frozen=True)
class Machine:
    """What a training runs on.

    Attributes:
        device: where the network is.
        precision: number format of convolutions and products.
        deterministic: whether only operations are used that give the same bits each time.
        compiled: whether steps go through torch.compile.
        processes: those that share the training (data parallel).
    """

    device: torch.device
    precision: torch.dtype
    deterministic: bool = False
    compiled: bool = False
    processes: Processes = ALONE


def choose_machine(
    precision: str,
    device: str = "auto",
    threads: int | None = None,
    *,
    deterministic: bool = False,
    compiled: bool = False,
    shared: bool = True,
) -> Machine:
    """The machine that was asked for; threads and determinism are set for the whole process.

    Args:
        precision: "auto", "bf16", "fp16" or "fp32", as recipes have it.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU; None leaves them as they are.
        deterministic: see `Machine`.
        compiled: see `Machine`.
        shared: whether the processes that torchrun started work together; else this one works alone.

    Raises:
        UsageError: the device, the number format, so many threads or a compiler are not there.
    """
    if threads is not None:
        set_threads(threads)
    if deterministic:
        make_deterministic()
    if compiled:
        check_compiler()
    where = choose_device(device)
    processes = join(where) if shared else ALONE
    return Machine(where, choose_precision(precision, where), deterministic, compiled, processes)


def note_differences(run: Run, machine: Machine) -> None:
    """Say how the machine differs from the one that the run began on: then the bits of the result may differ."""
    before = run.read("environment.json")
    now = {
        "threads": torch.get_num_threads(),
        "precision": str(machine.precision).removeprefix("torch."),
        "processes": machine.processes.count,
    }
    for name, value in now.items():
        if before.get(name, value) != value:
            progress.say(f"note: {name} was {before[name]} and is {value}: the result will not be the same bit for bit")
