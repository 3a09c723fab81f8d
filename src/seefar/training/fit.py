"""From a plan to a trained run folder: steps folded into epochs, each validated and saved."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from seefar.data.resolution import side_at
from seefar.errors import DivergedError, OutOfMemoryError, StoppedError, UsageError
from seefar.networks.device import is_out_of_memory, keeps_freed_memory, peak_memory
from seefar.networks.inference import BATCH, predict
from seefar.runs.checkpoint_files import write_checkpoint
from seefar.runs.folder import Run, history_table, npz_bytes
from seefar.runs.weights import as_file
from seefar.training import stopping
from seefar.training.check import check
from seefar.training.checkpoint import Position, pack, position_of, unpack
from seefar.training.divergence import Watch, check_epoch
from seefar.training.events import Epoch, Step
from seefar.training.learner import new_batches, new_learner
from seefar.training.loop import train_epoch
from seefar.training.new_network import new_network
from seefar.training.pace import BySteps, Pace
from seefar.training.plan import Plan
from seefar.training.schedules import learning_rate

SAVE_EVERY = 300  # seconds after which a long epoch is saved in between (chosen by hand)
WRITING = 0.1  # seconds that a checkpoint and two files of weights take to write, about; known better after the first epoch


def earlier_epochs(checkpoint: bytes, run: Run) -> list[Epoch]:
    """The epochs that had finished when a checkpoint of the run was made."""
    seconds = run.read("timing.json")["seconds_by_epoch"] if run.has("timing.json") else []
    rows = position_of(checkpoint).history
    return [Epoch(**row, seconds=time) for row, time in zip(rows, [*seconds, *[0.0] * len(rows)], strict=False)]


def fit(plan: Plan, leave: Callable[[], int] = lambda: 0) -> Iterator[Step | Epoch]:
    """Train a network, saving the run after each epoch. Nothing happens until the result is iterated over.

    Args:
        plan: what to do.
        leave: asked after each step; anything but 0 is the number of a signal: save and leave.

    Yields:
        Every Step, and after the last step of each epoch an Epoch. Stopping in between leaves the epochs so far.

    Raises:
        UsageError: the recipe cannot be carried out.
        DivergedError: the loss is not finite; what was saved before is kept.
        StoppedError: `leave` said so; the step is saved.
        OutOfMemoryError: a step needs more memory than there is.
    """
    recipe, train, processes = plan.recipe, plan.train, plan.machine.processes
    check(recipe, len(train.classes), train.size, len(train), processes.count)
    if len(plan.validation) < processes.count:
        raise UsageError(
            f"{processes.count} processes cannot share {len(plan.validation)} validation images; use fewer processes"
        )
    training = _Training(plan)
    if training.clock:
        training.clock.reserve = training.seconds_to_end()
    if plan.checkpoint is not None:
        training.go_back_to(plan.checkpoint)
    else:
        training.save()
    training.begin()
    try:
        while not training.has_ended():
            yield from training.steps(leave)
            yield training.end_epoch()
    except DivergedError:
        training.end("diverged")
        raise
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            if isinstance(error, RuntimeError):
                processes.explain(error)
            raise
        batch_size = recipe.sampling.batch_size
        raise OutOfMemoryError(
            f"no memory left for steps of {batch_size} images of {train.size}x{train.size} pixels (the most so far was "
            f"{peak_memory(plan.machine.device):,.0f} MiB); use --set batch_size={max(batch_size // 2, 1)}, a narrower network "
            "(--set widths=...) or smaller images (--size); what was saved before is kept"
        ) from error


class _Training:
    """A training between two steps: the plan, what learns, and where it stands."""

    def __init__(self, plan: Plan) -> None:
        self.recipe, self.run, self.processes = plan.recipe, plan.run, plan.machine.processes
        self.device, self.validation, self.size = plan.machine.device, plan.validation, plan.train.size
        network = new_network(plan.recipe, plan.seed, plan.train, plan.start)
        self.learner = new_learner(plan.recipe, network, plan.train, plan.machine)
        self.batches = new_batches(plan.recipe, plan.seed, plan.train, plan.machine)
        self.clock = plan.clock if plan.recipe.stopping.budget else None
        self.pace: Pace = self.clock or BySteps(self.batches.lengths.steps_before(plan.recipe.stopping.epochs + 1))
        self.rate = 0.0  # of the last step
        self.position = Position()
        self.history: list[Epoch] = []
        self.watch = Watch()
        self.saved = time.perf_counter()
        self.seconds = 0.0  # of the current epoch
        # Seconds of the budget; the rest of it is saving
        self.went = {"before the first step": 0.0, "in steps": 0.0, "validating": 0.0}
        self.resumed = 0.0  # seconds of the budget that were used when this training was resumed
        self.started = datetime.now(UTC).isoformat(timespec="seconds")

    def go_back_to(self, checkpoint: bytes) -> None:
        """Stand where the checkpoint was made."""
        self.position = unpack(checkpoint, self.learner, self.batches.memory)
        if self.clock:
            self.clock.began -= self.position.spent
            self.resumed = self.position.spent
        self.history = earlier_epochs(checkpoint, self.run)
        if not self.clock and len(self.history) >= self.recipe.stopping.epochs and not self.has_ended():
            raise UsageError(
                f"{len(self.history)} epochs are done already; --epochs {self.recipe.stopping.epochs} is not larger: give a larger number"
            )
        if self.history and self.history[-1].ending == "finished" and len(self.history) < self.recipe.stopping.epochs:
            self.history[-1] = replace(self.history[-1], ending="")  # it is trained for longer than was planned at first
        if self.run.has("timing.json"):
            timing = self.run.read("timing.json")
            self.started, self.seconds = timing["started"], timing["seconds_since"]
            self.went |= timing.get("budget", {})

    def begin(self) -> None:
        """All that comes before the first step is done."""
        if self.clock:
            self.went["before the first step"] += self.clock.spent() - self.resumed

    def has_ended(self) -> bool:
        """Whether there is nothing left to do."""
        return bool(self.history) and self.history[-1].ending != ""

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, by its number from 1."""
        return learning_rate(self.recipe, self.pace.progress(step), self.scores())

    def side_at(self, step: int) -> int:
        """How many pixels a side the images have in a step."""
        return side_at(self.recipe.sampling.resolution, self.pace.progress(step), self.size)

    def scores(self, more: Sequence[Epoch] = ()) -> list[float]:
        """The monitored figure of each epoch that has ended, and of more that follow them; higher is better."""
        epochs = [*self.history, *more]
        if self.recipe.stopping.monitor == "validation_accuracy":
            return [epoch.validation_accuracy for epoch in epochs]
        return [-epoch.validation_loss for epoch in epochs]

    def steps(self, leave: Callable[[], int]) -> Iterator[Step]:
        """What is left of the epoch. Raises StoppedError, after saving, if `leave` says so."""
        position = self.position
        entered = time.perf_counter()
        began = entered - self.seconds
        loss = torch.tensor(position.loss, device=self.device)
        correct = torch.tensor(position.correct, device=self.device)
        for step in train_epoch(self.learner, self.batches, position.epoch, self.rate_at, self.side_at, position.done):
            step, signal = self.processes.meet(step, leave())
            self.watch.see(step)
            loss += step.loss * step.images
            correct += step.correct
            position.done += 1
            self.rate = step.rate
            yield step
            if signal or (self.processes.rank == 0 and time.perf_counter() - self.saved > SAVE_EVERY):
                position.loss, position.correct = loss.item(), int(correct.item())
                self.seconds = time.perf_counter() - began
                self.went["in steps"] += time.perf_counter() - entered
                self.save()
                entered = time.perf_counter()
            if signal:
                self.end("interrupted")
                self.processes.wait()  # as soon as one of them has left, torchrun ends the others
                raise StoppedError(
                    signal, f"after step {step.number:,}; it is saved; seefar train --resume {self.run.path} continues it"
                )
            if self.pace.progress(step.number + 1) >= 1:
                break
        self.watch.look()
        position.loss, position.correct = loss.item(), int(correct.item())
        self.seconds = time.perf_counter() - began
        self.went["in steps"] += time.perf_counter() - entered

    def end_epoch(self) -> Epoch:
        """Validate, and save the run with the epoch in it."""
        began = time.perf_counter()
        share = 1.0 if self._is_over() else self.recipe.kept.interim
        epoch = self._judged(share, began)
        looked = time.perf_counter() - began
        if epoch.ending and share < 1:  # only its own validation made it the last one: all images answer for it, too
            epoch = self._judged(1.0, began)
        self.went["validating"] += time.perf_counter() - began
        self.history.append(epoch)
        epoch = self.history[-1] = replace(epoch, best=stopping.better(self.scores())[-1])
        self.position, self.seconds = Position(epoch.number + 1, history=self._rows()), 0.0
        if self.processes.rank == 0:
            self._commit(epoch)
        self.save()
        if self.clock:
            self.clock.reserve = time.perf_counter() - began + looked * (1 / share - 1)
        return epoch

    def _is_over(self) -> bool:
        """Whether no step follows the last one, as far as that is known before validation."""
        return self.clock.progress() >= 1 if self.clock else self.position.epoch == self.recipe.stopping.epochs

    def _judged(self, share: float, began: float) -> Epoch:
        """The epoch that has just been trained, with what a share of the validation images say; it began to end at `began`."""
        stop, position = self.recipe.stopping, self.position
        images = min(position.done * self.recipe.sampling.batch_size, self.batches.lengths.images_in(position.epoch))
        validation_loss, validation_accuracy = self._validate(share)
        rate = self.rate if self.clock else self.rate_at(self.batches.lengths.steps_before(position.epoch + 1))
        check_epoch(position.epoch, position.loss / images, validation_loss, rate, self.batches.classes)
        epoch = Epoch(
            number=position.epoch,
            loss=position.loss / images,
            accuracy=position.correct / images,
            validation_loss=validation_loss,
            validation_accuracy=validation_accuracy,
            rate=rate,
            best=False,
            seconds=self.seconds + time.perf_counter() - began,
            ending="",
        )
        ending = "patience" if stopping.out_of_patience(self.scores([epoch]), stop.patience, stop.min_change) else ""
        if self._is_over():
            ending = "budget" if self.clock else "finished"
        return replace(epoch, ending=ending)

    def seconds_to_end(self) -> float:
        """About how long `end_epoch` will take, from its predictions for a few images."""
        few = self.validation.pixels[:BATCH]
        predict(self.learner.judged, few, self.learner.precision)  # the first time is slower
        began = time.perf_counter()
        predict(self.learner.judged, few, self.learner.precision)
        return (time.perf_counter() - began) * len(self.validation) / len(few) + WRITING

    def end(self, ending: stopping.Ending) -> None:
        """Write down why training ended before its time; without an epoch there is nothing to write it to."""
        if self.processes.rank == 0 and self.history:
            self.run.commit({}, ended=ending)

    def _validate(self, share: float) -> tuple[float, float]:
        """Mean cross-entropy in nats and the share that is right, of a share of the images; each process answers for its part."""
        chosen = self.validation
        if share < 1:  # evenly spread, as they may be in the order of their classes
            chosen = chosen[(np.arange(max(round(len(chosen) * share), 1)) / share).astype(np.int64)]
        rank, count, images = self.processes.rank, self.processes.count, len(chosen)
        self.processes.match(self.learner.judged)
        part = slice(images * rank // count, images * (rank + 1) // count)
        logits = predict(self.learner.judged, chosen.pixels[part], self.learner.precision)
        values, labels = torch.from_numpy(logits).double(), torch.tensor(chosen.labels[part])
        loss, correct = F.cross_entropy(values, labels, reduction="sum"), (values.argmax(1) == labels).sum()
        total = self.processes.total(torch.stack([loss, correct.double()]))
        return total[0].item() / images, total[1].item() / images

    def _commit(self, epoch: Epoch) -> None:
        """Write the epoch into the run folder."""
        weights = as_file(self.learner.judged.state_dict())
        files = {"weights/last.safetensors": weights, "history.csv": history_table(self._rows())}
        if "answers" in self.batches.memory:
            files["learning.npz"] = npz_bytes(answers=self.batches.memory["answers"].numpy())
        if epoch.best:
            files["weights/best.safetensors"] = weights
        self.run.commit(files, ended=epoch.ending)

    def _rows(self) -> list[dict[str, Any]]:
        """The epochs without what depends on the clock: two runs of one command on one machine have the same."""
        return [{name: value for name, value in asdict(row).items() if name != "seconds"} for row in self.history]

    def save(self) -> None:
        """Write a checkpoint: the state after the last step."""
        self.watch.look()  # what is not finite is not saved
        self.saved = time.perf_counter()
        if self.processes.rank != 0:
            return
        self.position.spent = self.clock.spent() if self.clock else 0.0
        timing = {
            "started": self.started,
            "seconds_by_epoch": [round(row.seconds, 3) for row in self.history],
            "seconds_since": round(self.seconds, 3),
            "peak_memory_mib": round(peak_memory(self.device), 1),
            "keeps_freed_memory": keeps_freed_memory(),
            **({"budget": {what: round(seconds, 2) for what, seconds in self.went.items()}} if self.clock else {}),
        }
        self.run.write("timing.json", timing)
        step = self.batches.lengths.steps_before(self.position.epoch) + self.position.done
        write_checkpoint(self.run, step, pack(self.learner, self.position, self.batches.memory))
