"""One training in several processes (data parallel): what they have to agree on. `ALONE` is the ordinary case of one.

Every process holds all images and the same network, and takes its slice of each step's images; the gradients are averaged over
all of them. torch.distributed is imported when there are several processes, not before.
"""

import atexit
import contextlib
import dataclasses
import functools
import gc
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn

from seefar.errors import SeefarError, UsageError
from seefar.networks.outside import Outside
from seefar.torchrun import LOADING, OtherFailedError, Place, await_notes, come_together, notes, patience, place
from seefar.training.events import Step

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup

GRACE = (
    5.0  # seconds for which those that are left wait for each other's answer before they say who is missing (chosen by hand)
)
FAILED = -2  # in place of a length, less the exit code: the first process could not make what it was to share
NOTHING = -1  # likewise: it made None

T = TypeVar("T")


class Processes:
    """The processes that share a training. This one is alone: nothing has to be agreed on, and nothing costs anything.

    Attributes:
        rank: the number of this process, from 0; only number 0 writes.
        count: how many there are.
    """

    rank = 0
    count = 1

    def wrap(self, network: nn.Module, device: torch.device, size: int) -> nn.Module:
        """The network as the loop is to call it, for images of `size` pixels: its gradients are averaged over all processes."""
        return network

    def meet(self, step: Step, signal: int) -> tuple[Step, int]:
        """A step with loss and count of all images, and the largest of the signals (0: none) that the processes have received.

        So a signal that one of them has received reaches all in the same step.
        """
        return step, signal

    def total(self, values: Tensor) -> Tensor:
        """The sum over all processes, the same for each."""
        return values

    def match(self, network: nn.Module) -> None:
        """Give all processes the first one's buffers: the running statistics of batch norm, before they are used."""

    def share(self, make: Callable[[], T]) -> T:
        """What the first process makes; the others get a copy. Only values that JSON gives back as they were."""
        return make()

    def share_bytes(self, make: Callable[[], bytes | None]) -> bytes | None:
        """The same for bytes."""
        return make()

    def agree(self, facts: Mapping[str, Any]) -> None:
        """Raise UsageError, in all processes, if one has other facts (JSON values by name) than the rest; it names the odd one."""

    def wait(self) -> None:
        """Go on when all processes have come here."""

    def explain(self, error: RuntimeError) -> None:
        """Raise a SeefarError that names who is missing, if the error comes of another process that has ended or hangs."""


ALONE = Processes()


class Together(Processes):
    """One of several processes that torchrun started.

    Batch norm: on a GPU its statistics are those of all images of a step (SyncBatchNorm). On the CPU each process normalises by
    its own slice, as if the batch were smaller, for torch has no synchronised norm there; the running statistics that are
    validated and kept are those of process 0.

    A wait for another process ends after `torchrun.patience()` seconds with an error that names it.

    Args:
        here: which of them this is.
        control: a gloo group of all of them, for what is agreed on.
        owns: whether the groups end with this.

    Attributes:
        gradients: the group that carries the gradients; on a GPU an NCCL group.
    """

    def __init__(self, here: Place, control: "ProcessGroup", *, owns: bool) -> None:
        self.rank, self.count = here.rank, here.count
        self.control = self.gradients = control
        self.owns = owns
        self.step = 0  # the last that was done
        self._rows = list(torch.zeros(self.count, 3, dtype=torch.float64).unbind())

    def wrap(self, network: nn.Module, device: torch.device, size: int) -> nn.Module:
        import warnings

        from torch.nn.parallel import DistributedDataParallel

        if device.type == "cuda":  # parameters and buffers stay the same objects
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network, self.gradients)
        shown = torch.zeros(2, size, size, 3, dtype=torch.uint8, device=device).permute(0, 3, 1, 2)
        idle = isinstance(network, Outside) and _has_idle(network, shown)
        with self._watched(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # torch 2.13 renames broadcast_buffers, 2.10 knows no other name
            wrapped = DistributedDataParallel(
                network,
                process_group=self.gradients,
                broadcast_buffers=False,
                gradient_as_bucket_view=True,
                find_unused_parameters=idle,
            )
        with self._watched():
            # DDP arranges gradients for sending in the order of its first backward pass, another one before. The place of a number
            # decides how three or more are rounded when they are added up: settled here, resumed trainings have the same bits
            wrapped.eval()
            wrapped(shown).sum().backward()
            wrapped.zero_grad()
            wrapped.train()
        return wrapped

    def meet(self, step: Step, signal: int) -> tuple[Step, int]:
        import torch.distributed as dist

        with self._watched():
            self.step = step.number
            if step.loss.is_cuda:  # numbers are added up there without waiting; the signal takes another way
                numbers = torch.stack([step.loss.double(), step.correct.double()])
                dist.all_reduce(numbers, group=self.gradients)
                flag = torch.tensor(signal)
                dist.all_reduce(flag, dist.ReduceOp.MAX, self.control)
                return dataclasses.replace(step, loss=numbers[0].float(), correct=numbers[1].long()), int(flag)
            mine = torch.tensor([step.loss.item(), step.correct.item(), signal], dtype=torch.float64)
            dist.all_gather(self._rows, mine, self.control)
            losses, correct, signals = zip(*(row.tolist() for row in self._rows), strict=True)
            whole = dataclasses.replace(step, loss=torch.tensor(sum(losses)), correct=torch.tensor(int(sum(correct))))
            return whole, int(max(signals))

    def total(self, values: Tensor) -> Tensor:
        import torch.distributed as dist

        values = values.cpu().clone()
        with self._watched():
            dist.all_reduce(values, group=self.control)
        return values

    def match(self, network: nn.Module) -> None:
        import torch.distributed as dist

        with self._watched(), torch.no_grad():
            for buffer in network.buffers():
                dist.broadcast(buffer, 0, self.gradients)

    def share(self, make: Callable[[], T]) -> T:
        content = self.share_bytes(lambda: json.dumps(make()).encode())
        value: T = json.loads(content or b"null")
        return value

    def share_bytes(self, make: Callable[[], bytes | None]) -> bytes | None:
        if self.rank == 0:
            try:
                content = make()
            except BaseException as error:
                self._broadcast(torch.tensor(FAILED - getattr(error, "exit_code", 1)))
                raise
            self._broadcast(torch.tensor(NOTHING if content is None else len(content)))
            if content:
                self._broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8))
            return content
        length = int(self._broadcast(torch.tensor(0)))
        if length <= FAILED:
            raise OtherFailedError(0, FAILED - length)
        if length == NOTHING:
            return None
        return self._broadcast(torch.empty(length, dtype=torch.uint8)).numpy().tobytes() if length else b""

    def agree(self, facts: Mapping[str, Any]) -> None:
        number = next(_agreements)
        keys = {rank: f"facts/{number}/{rank}" for rank in range(self.count)}
        notes().set(keys[self.rank], json.dumps(facts))
        if missing := await_notes(notes(), keys, LOADING):  # some may still load their images
            raise SeefarError(f"{_name(missing, self.count)} did not say within {LOADING / 60:.0f} minutes what to train")
        odd = _differences([json.loads(notes().get(key)) for key in keys.values()])
        if odd:
            lines = [
                f"{name} is {_short(value)} in process {rank}, {_short(usual)} in the others"
                for rank, found in odd.items()
                for name, (value, usual) in found.items()
            ]
            raise UsageError(
                f"{_name(list(odd), self.count)} would train something else: {lines[0]}; start all with the same command, images "
                "and versions",
                details=lines[1:],
            )

    def wait(self) -> None:
        import torch.distributed as dist

        with self._watched():
            dist.barrier(self.control)

    def explain(self, error: RuntimeError) -> None:
        from torch.distributed import DistError

        said = str(error)
        if not isinstance(error, DistError) and "/gloo/" not in said and "pair closure" not in said:
            return
        answers = {rank: f"left/{rank}" for rank in range(self.count)}
        try:
            notes().set(answers[self.rank], "")
            missing = await_notes(notes(), answers, GRACE)
        except RuntimeError:
            raise SeefarError(f"the connection to torchrun is lost, after step {self.step:,}; {KEPT}") from error
        if not missing:
            raise SeefarError(
                f"the processes lost the connection to each other after step {self.step:,}: {said}; {KEPT}"
            ) from error
        lost = "cannot be reached any more"
        if "timed out" in said.lower() or "timeout" in said.lower():
            lost = f"did not answer for {patience():g} seconds (SEEFAR_TIMEOUT)"
        raise SeefarError(f"{_name(missing, self.count)} {lost}, after step {self.step:,}; {KEPT}") from error

    def leave(self) -> None:
        """Let go of the groups at the end of the program, so that their threads end before it: one that drops a tensor later aborts it.

        A process group that a script made itself is the script's to end.
        """
        import torch.distributed as dist

        del self.control, self.gradients
        gc.collect()  # networks that were wrapped hold them too
        if self.owns:
            dist.destroy_process_group()

    def _broadcast(self, values: Tensor) -> Tensor:
        import torch.distributed as dist

        with self._watched():
            dist.broadcast(values, 0, self.control)
        return values

    @contextlib.contextmanager
    def _watched(self) -> Iterator[None]:
        """Explain what goes wrong in the block."""
        try:
            yield
        except RuntimeError as error:
            self.explain(error)
            raise


KEPT = "what was saved before is kept: the same command with --resume auto resumes it"

_agreements = itertools.count()


def join(device: torch.device) -> Processes:
    """The processes that torchrun has started with this one, when all have come here; `ALONE` if there are no others.

    Raises:
        UsageError: there are more processes than GPUs, or not all are to train on the same kind of device.
        SeefarError: some did not come.
    """
    here = place()
    return ALONE if here is None else _together(here, device.type)


@functools.cache
def _together(here: Place, kind: str) -> Together:
    import torch.distributed as dist
    import torch.distributed.nn  # before there is a group: imported later, by DDP, it would keep one for good as a default argument

    if kind == "cuda":
        if here.local_count > torch.cuda.device_count():
            raise UsageError(
                f"there are {here.local_count} processes on this machine, but {torch.cuda.device_count()} GPUs; "
                f"use torchrun --nproc-per-node {torch.cuda.device_count()}, or --device cpu"
            )
        torch.cuda.set_device(here.local_rank)
    if missing := come_together(here, LOADING):
        raise SeefarError(f"{_name(missing, here.count)} did not come to train within {LOADING / 60:.0f} minutes")
    limit = timedelta(seconds=patience())
    owns = not dist.is_initialized()
    if not owns:  # a script that has ends of its own; its group may be of another kind
        control = dist.new_group(backend="gloo", timeout=limit)
    else:
        try:
            dist.init_process_group("gloo", store=notes(), rank=here.rank, world_size=here.count, timeout=limit)
        except RuntimeError as error:
            raise SeefarError(
                f"the processes cannot connect to each other: {error}; each machine must reach the others "
                "(GLOO_SOCKET_IFNAME names the network interface to use)"
            ) from error
        control = dist.group.WORLD
    together = Together(here, control, owns=owns)
    atexit.register(together.leave)
    together.agree({"device": kind})
    if kind == "cuda":
        together.gradients = dist.new_group(backend="nccl", timeout=2 * limit)  # so that the control group is the first to tell
    return together


def _has_idle(network: nn.Module, shown: Tensor) -> bool:
    """Whether a network from outside has parameters that it does not use; ours have none, and need no pass to tell."""
    network.eval()
    network(shown).sum().backward()
    found = any(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    network.zero_grad()
    return found


def _differences(facts: list[dict[str, Any]]) -> dict[int, dict[str, tuple[Any, Any]]]:
    """For each process that is not like most (the first, where there are no most): each differing fact, there and usually."""
    usual = max(facts, key=facts.count)
    return {
        rank: {name: (value, usual[name]) for name, value in mine.items() if value != usual[name]}
        for rank, mine in enumerate(facts)
        if mine != usual
    }


def _name(ranks: list[int], count: int) -> str:
    return f"process{'es' * (len(ranks) > 1)} {', '.join(map(str, ranks))} of {count}"


def _short(value: Any) -> str:
    """A value as a sentence can take it; of a digest the beginning is enough."""
    text = str(value)
    return text if len(text) <= 40 else f"{text[:12]}..."
