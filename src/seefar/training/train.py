"""Train a network and leave it in a run folder, or resume a training that was interrupted."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from seefar import progress
from seefar.data.images import Dataset
from seefar.data.load import load_again
from seefar.errors import ModelFileError, UsageError
from seefar.files import lock
from seefar.network_source import give
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import change, find, flat, from_json, model_of, said, short_name
from seefar.recipes import Outside, Recipe
from seefar.runs.checkpoint_files import newest_checkpoint
from seefar.runs.folder import Run, open_run
from seefar.runs.tags import check_tags, write_tags
from seefar.training.budget_words import what_it_went_into, what_to_expect
from seefar.training.check import changed, check
from seefar.training.events import Epoch, Step
from seefar.training.fit import earlier_epochs, fit
from seefar.training.frontier import forecast
from seefar.training.live_view import live_view
from seefar.training.machine import Machine, choose_machine, note_differences
from seefar.training.metadata import folder_name, make_folder, recipe_json, write_metadata
from seefar.training.new_network import Start, first_weights
from seefar.training.pace import ByClock
from seefar.training.plan import Plan
from seefar.training.signals import graceful
from seefar.version import __version__

NAME = 24  # characters of a recipe's name, so that the plan is three lines on a terminal of 80 columns (chosen by hand)

Watcher = Callable[[Iterator[Step | Epoch], Plan, Sequence[Epoch]], Iterator[Step | Epoch]]
"""A way to watch a training: (events, plan, earlier epochs of a resumed run) to the same events, passed on. An ordinary `for` around them:
whatever it raises or leaves ends the training, with the epochs so far saved."""


def train(
    data: Dataset,
    recipe: str | Recipe = "baseline",
    seed: int = 0,
    *,
    network: Callable[..., Any] | None = None,
    out: str | Path | None = None,
    start: str | Path | Run | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    compiled: bool = False,
    watch: Sequence[Watcher] = (),
    quiet: bool = False,
    target: float | None = None,
    spent: float = 0.0,
    tags: Sequence[str] = (),
    **changes: Any,
) -> Run:
    """Train a network and return the folder with everything that came of it. The test images of `data` are taken away first.

    Args:
        data: what `load` returns.
        recipe: a name or a Recipe.
        seed: of weights, order, augmentation and dropout.
        network: any callable that returns a `torch.nn.Module` from `classes`, and if it names them from `size` and fields of the
            recipe; short for `model=`.
        out: the run folder; by default `runs/<data>-<recipe>-seed<seed>`, numbered if that exists.
        start: another run, whose weights are the first ones; the last layers are new unless the classes are the same. Or a
            safetensors file, or "pretrained" for what timm has in its cache: then they are new.
        resume: resume the run in the folder if there is one, instead of numbering the new one; start it if there is none.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU; by default as many as it has cores. The bits of the result depend on it.
        deterministic: use only operations that give the same bits each time; on the CPU they do anyway.
        compiled: let torch compile the network first, for half a minute or more: worth it for long trainings on a GPU.
        watch: further ways to watch, such as `plot()` and `tensorboard()` of `seefar.reporting.watchers`.
        quiet: no table and no bar on stderr.
        target: an accuracy, 0..1: recipe `fast` gets the budget that it takes on this machine. Known only for CIFAR-10.
        spent: seconds of a budget that are spent already; the command line charges it with starting up.
        tags: words by which `seefar ui` finds the run again; written to `tags.txt`, which may be changed later.
        changes: recipe fields to change, such as `epochs=3`; the run is named after them. With `fast` and nothing but a `budget` in
            seconds, the network and its resolutions are chosen by what was measured for such a budget.

    Raises:
        UsageError: the recipe cannot be carried out, or `out` holds something.
        DivergedError: the loss is not finite.
        StoppedError: Ctrl-C, or a signal; the work is saved, and `resume` continues it.
        OutOfMemoryError: a step needs more memory than there is.
        InUseError: another process works in `out`.
    """
    began = time.perf_counter() - spent
    check_tags(tags)
    data = data.locked()
    chosen = changed(recipe, changes if network is None else {"model": network, **changes})
    machine = choose_machine(chosen.optimisation.precision, device, threads, deterministic=deterministic, compiled=compiled)
    there = Run(Path(out)) if out and resume and (Path(out) / "recipe.json").exists() else None
    chosen = _with_budget(chosen, target, data, machine, there, began, quiet=quiet)
    training, validation = data.held_out(chosen.kept.validation)
    check(chosen, len(data.classes), data.train.size, len(training), machine.processes.count)
    weights, begins = first_weights(start, chosen, data.classes, data.train.size) if start is not None else (None, None)
    if chosen.network.frozen_stages and weights is None:
        raise UsageError("frozen_stages would freeze random weights; give a run to start from (--from RUN), or set it to 0")
    path = Path(out) if out else Path("runs") / folder_name(data, chosen, seed)
    _agree(machine, chosen, seed, data)
    clock = ByClock(chosen.stopping.budget, began, chosen.sampling.resolution)
    if machine.processes.share(lambda: resume and (path / "recipe.json").exists()):
        return _resume(Run(path), chosen, seed, data, machine, watch, quiet, clock, weights)
    run = Run(Path(machine.processes.share(lambda: str(make_folder(path, numbered=not out and not resume).path))))
    plan = Plan(chosen, seed, training, validation, run, machine, clock, weights)
    with _locked(run, machine):
        if machine.processes.rank == 0:
            write_metadata(plan, data, begins)
            write_tags(run, tags)
        _carry_out(plan, data, watch, quiet)
    return run


def _with_budget(
    recipe: Recipe, target: float | None, data: Dataset, machine: Machine, there: Run | None, began: float, *, quiet: bool
) -> Recipe:
    """The recipe with the settings for its budget, or for the one that a target takes, where they are known; says what to expect.

    A run that is resumed (`there`) keeps the settings that it began with: measured anew, the machine might suggest others.
    """
    if recipe != change(find("fast"), {"budget": recipe.stopping.budget}) or not (target or recipe.stopping.budget):
        if target:
            raise UsageError(
                "a target needs recipe fast as it is: what each budget gives was measured with that; use --recipe fast"
            )
        return recipe
    began_with = from_json(there.recipe()) if there else None
    if began_with and began_with.stopping.budget and (target or began_with.stopping.budget == recipe.stopping.budget):
        return began_with
    expected = forecast(recipe, target, data.train, machine, time.perf_counter() - began)
    if not quiet:
        for line in what_to_expect(expected, data.train):
            progress.say(line)
    return expected.recipe


def resume(
    run: str | Path | Run,
    *,
    network: Callable[..., Any] | None = None,
    data: Dataset | None = None,
    epochs: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    compiled: bool = False,
    watch: Sequence[Watcher] = (),
    quiet: bool = False,
) -> Run:
    """Resume an interrupted training as if it had never stopped: on the CPU bit for bit.

    Args:
        run: a run or its folder.
        network: what was given to `train`, where that was a callable without a file, and another process is at work now.
        data: the data it was trained on; by default it is loaded again from where it came from.
        epochs: train for more epochs than was planned; the run is renamed after that.
        device: as in `train`, and so are the other arguments.

    Raises:
        ModelFileError: no checkpoint of the run can be used, or the data has changed.
        UsageError: `epochs` are not more than are done; and further errors, as `train` has them.
    """
    run = open_run(run)
    if network is not None:
        give(network)
    chosen, seed = from_json(run.recipe()), run.read("recipe.json")["seed"]
    if epochs is not None:
        chosen = change(chosen, {"epochs": epochs})
    machine = choose_machine(chosen.optimisation.precision, device, threads, deterministic=deterministic, compiled=compiled)
    data = load_again(run.read("data.json"), data).locked()
    clock = ByClock(chosen.stopping.budget, time.perf_counter(), chosen.sampling.resolution)
    _agree(machine, chosen, seed, data)
    return _resume(run, chosen, seed, data, machine, watch, quiet, clock)


def _resume(
    run: Run,
    recipe: Recipe,
    seed: int,
    data: Dataset,
    machine: Machine,
    watch: Sequence[Watcher],
    quiet: bool,
    clock: ByClock,
    start: Start | None = None,
) -> Run:
    """Resume the training in `run`, unless it has ended. Of several processes only the first reads the folder."""

    def splits_of() -> Any:
        _check_same(run, recipe, seed, data)
        return run.read("splits.json")

    def has_ended() -> bool:
        longer = recipe.stopping.epochs > from_json(run.recipe()).stopping.epochs
        if run.ended() != "budget" and (run.ended() not in ("finished", "patience") or longer):
            return False
        run.verify()
        progress.say(f"{run.path} has ended already ({run.ended()}, {len(run.history())} epochs); nothing is left to do")
        return True

    splits = machine.processes.share(splits_of)
    training, validation = data.train.select(splits["train"]), data.train.select(splits["validation"])
    with _locked(run, machine):
        if machine.processes.share(has_ended):
            return run
        checkpoint = machine.processes.share_bytes(lambda: _newest_checkpoint(run, start is not None))
        if machine.processes.rank == 0:
            note_differences(run, machine)
            if run.recipe()["name"] != recipe.name:
                run.change({"recipe.json": recipe_json(recipe, seed)})
        plan = Plan(recipe, seed, training, validation, run, machine, clock, start, checkpoint)
        _carry_out(plan, data, watch, quiet)
    return run


def _carry_out(plan: Plan, data: Dataset, watch: Sequence[Watcher], quiet: bool) -> None:
    """Train, with the watchers around it. A signal is obeyed after the current step."""
    first = plan.machine.processes.rank == 0
    earlier = earlier_epochs(plan.checkpoint, plan.run) if plan.checkpoint is not None and first else []
    with graceful() as leave:
        events = fit(plan, leave)
        for watcher in watch if first else ():
            events = watcher(events, plan, earlier)
        if first and not quiet:
            _announce(plan, data)
            events = live_view(events, plan, earlier)
        for _ in events:
            pass
    if plan.clock and plan.recipe.stopping.budget and first and not quiet:
        progress.say(what_it_went_into(plan.recipe.stopping.budget, plan.clock.spent(), plan.run.read("timing.json")["budget"]))


def _announce(plan: Plan, data: Dataset) -> None:
    """Say what is about to be trained, in three lines, and what the data set warns of."""
    train, machine, recipe = plan.train, plan.machine, plan.recipe
    layers = summarise(build_network(recipe.network, len(train.classes), train.size), train.size)
    parameters, products = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
    epochs = f"{'at most ' * (recipe.stopping.patience > 0)}{recipe.stopping.epochs} epochs"
    length = f"{recipe.stopping.budget:g} s" if recipe.stopping.budget else epochs
    interim = f"; {recipe.kept.interim:.0%} of the latter answer between epochs" if recipe.kept.interim < 1 else ""
    progress.say(
        f"{data.name}: {len(train):,} training and {len(plan.validation):,} validation images of {train.size}x{train.size} "
        f"in {len(data.classes)} classes{interim}"
    )
    name = short_name(recipe.name, NAME)
    network = f", network {model_of(recipe.network)}" if isinstance(recipe.network, Outside) else ""
    progress.say(f"recipe {name}{network}: {parameters:,} parameters, {products / 1e6:,.1f} M multiply-adds")
    progress.say(
        f"{length} with seed {plan.seed} on {machine.device.type} in {str(machine.precision)[6:]}, into {plan.run.path}"
    )
    for warning in data.warnings:
        progress.say(f"note: {warning}")


def _locked(run: Run, machine: Machine) -> contextlib.AbstractContextManager[None]:
    """The lock of the folder, held by the process that writes."""
    return lock(run.path / ".lock") if machine.processes.rank == 0 else contextlib.nullcontext()


def _agree(machine: Machine, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise UsageError, which names the odd one, if not all processes are about to train the same."""
    if machine.processes.count > 1:
        facts = {**flat(recipe), "seed": seed, "split_seed": data.split_seed}
        facts |= {"arithmetic": str(machine.precision), "SHA-256 of the training images": data.train.digest}
        machine.processes.agree(facts | {"version of seefar": __version__, "version of torch": torch.__version__})


def _newest_checkpoint(run: Run, has_start: bool) -> bytes | None:
    """The newest good checkpoint; None if the run was interrupted before its first one, and starts again."""
    checkpoint, complaints = newest_checkpoint(run)
    for complaint in complaints:
        progress.say(f"note: {complaint}; the checkpoint before it is used")
    begins = run.read("data.json").get("start")
    if checkpoint is None and begins and not has_start:
        raise ModelFileError(
            f"{run.path} has no checkpoint yet, and began with the weights of {begins['run']}; use the full command with --resume auto"
        )
    return checkpoint


def _check_same(run: Run, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise an error if the run in the folder is another than the one that is asked for; only `epochs` may differ."""
    there = {"seed": run.read("recipe.json")["seed"], **flat(from_json(run.recipe()))}
    here = {"seed": seed, **flat(recipe)}
    names = [name for name in {**here, **there} if name != "epochs" and there.get(name) != here.get(name)]
    if differing := [f"{name}: {said(name, there.get(name))} there, {said(name, here.get(name))} here" for name in names]:
        raise UsageError(
            f"{run.path} holds a different run from the one requested; use --resume {run.path} by itself, or another --out",
            details=differing,
        )
    load_again(run.read("data.json"), data)
