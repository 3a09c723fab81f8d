"""What a training runs on, and who looks on while it runs: device, processes, lock; live view, plot, TensorBoard."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seefar import progress, recipes
from seefar.data.images import Dataset, ImageSet
from seefar.recipes import Recipe
from seefar.runs.folder import Run

if TYPE_CHECKING:
    import torch

    from seefar.training.fit import Epoch
    from seefar.training.loop import Step
    from seefar.training.network import Start
    from seefar.training.pace import ByClock
    from seefar.training.processes import Processes


@dataclass(frozen=True)
class Machine:
    """What a training runs on."""

    device: "torch.device"
    precision: "torch.dtype"
    deterministic: bool
    compiled: bool
    processes: "Processes"


@dataclass(frozen=True)
class Views:
    """Ways to look on."""

    plot: bool
    tensorboard: bool
    quiet: bool


def machine_of(device: str, threads: int | None, deterministic: bool, compiled: bool, recipe: Recipe) -> Machine:
    from seefar.models.device import check_compiler, choose_device, choose_precision, make_deterministic, set_threads
    from seefar.training.processes import join

    if threads is not None:
        set_threads(threads)
    if deterministic:
        make_deterministic()
    if compiled:
        check_compiler()
    where = choose_device(device)
    processes = join(where)
    return Machine(where, choose_precision(recipe.precision, where), deterministic, compiled, processes)


def look_on(plot: bool, tensorboard: bool, quiet: bool) -> Views:
    """The ways to look on. Raises UsageError, before anything is done, if TensorBoard is asked for and absent."""
    if tensorboard:
        from seefar.reporting.tracking import check

        check()
    return Views(plot, tensorboard, quiet)


def agree(machine: Machine, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise UsageError, which names the odd one, if not all processes are about to train the same."""
    import torch

    from seefar.version import __version__

    if machine.processes.count > 1:
        facts = {name: getattr(recipe, name) for name in recipes.meanings() if name != "name"}  # that says nothing more
        facts |= {"seed": seed, "split_seed": data.split_seed}
        facts |= {"arithmetic": str(machine.precision), "SHA-256 of the training images": data.train.digest}
        machine.processes.agree(facts | {"version of seefar": __version__, "version of torch": torch.__version__})


def locked(run: Run, machine: Machine) -> contextlib.AbstractContextManager[None]:
    """The lock of the folder, held by the process that writes."""
    from seefar.files import lock

    return lock(run.path / ".lock") if machine.processes.rank == 0 else contextlib.nullcontext()


def note_differences(run: Run, machine: Machine) -> None:
    """Say what of the machine is not as it was: then the bits of the result may differ."""
    import torch

    before = run.read("environment.json")
    now = {
        "threads": torch.get_num_threads(),
        "precision": str(machine.precision).removeprefix("torch."),
        "processes": machine.processes.count,
    }
    for name, value in now.items():
        if before.get(name, value) != value:
            progress.say(f"note: {name} was {before[name]} and is {value}: the result will not be the same bit for bit")


def carry_out(
    run: Run,
    recipe: Recipe,
    seed: int,
    training: ImageSet,
    validation: ImageSet,
    machine: Machine,
    views: Views,
    start: "Start | None",
    data: Dataset,
    clock: "ByClock",
    checkpoint: bytes | None = None,
) -> None:
    """Train, and show it to those who want to look on. A signal is obeyed after the step that is going on."""
    from seefar.data.batches import Lengths
    from seefar.models.summary import summarise
    from seefar.training.fit import earlier_epochs, fit
    from seefar.training.network import build_network
    from seefar.training.signals import graceful

    earlier = earlier_epochs(checkpoint, run) if checkpoint is not None and machine.processes.rank == 0 else []
    with graceful() as leave:
        events = fit(
            recipe,
            seed,
            training,
            validation,
            run,
            machine.device,
            start=start,
            checkpoint=checkpoint,
            leave=leave,
            processes=machine.processes,
            clock=clock,
            compiled=machine.compiled,
        )
        if machine.processes.rank == 0:
            if views.tensorboard:
                events = _tracked(events, run, recipe, seed, earlier)
            if views.plot:
                events = _plotted(events, run, f"{data.name}, recipe {recipe.name}, seed {seed}")
        if views.quiet or machine.processes.rank != 0:
            for _ in events:
                pass
            return
        progress.say(
            f"{data.name}: {len(training):,} training and {len(validation):,} validation images of {training.size}x{training.size} "
            f"in {len(data.classes)} classes; recipe {recipe.name}, seed {seed}, on {machine.device.type} in "
            f"{str(machine.precision)[6:]}, into {run.path}"
        )
        for warning in data.warnings:
            progress.say(f"note: {warning}")
        if not earlier:
            progress.show_layers(summarise(build_network(recipe, len(data.classes), training.size), training.size))
        lengths = Lengths(len(training), recipe.batch_size, recipe.leave_out)
        progress.follow(
            events,
            recipe.epochs,
            lengths.steps_before,
            earlier,
            may_end_early=recipe.patience > 0,
            clock=clock if recipe.budget else None,
        )


def _plotted(events: "Iterable[Step | Epoch]", run: Run, title: str) -> "Iterator[Step | Epoch]":
    """The events, with the curves so far drawn into the run folder after each epoch."""
    from seefar.reporting.figures import curves, png
    from seefar.training.loop import Step

    for event in events:
        if not isinstance(event, Step):
            run.write_bytes("figures/training.png", png(curves(run.history(), title, event.ending)))
        yield event


def _tracked(
    events: "Iterable[Step | Epoch]", run: Run, recipe: Recipe, seed: int, earlier: "Sequence[Epoch]"
) -> "Iterator[Step | Epoch]":
    """The events, written for TensorBoard as they pass."""
    from seefar.reporting.tracking import track

    fields = {name: getattr(recipe, name) for name in recipes.meanings()}
    plain = {name: value if isinstance(value, bool | int | float) else recipes.text(value) for name, value in fields.items()}
    pictures = run.arrays("pictures-train.npz").get("augmented")
    images = None if pictures is None else pictures.reshape(-1, *pictures.shape[2:])
    return track(events, run.path / "tensorboard", {"seed": seed, **plain}, images, earlier)
