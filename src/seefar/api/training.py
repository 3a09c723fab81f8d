"""Training: choose a recipe, look at its network, find a learning rate, train, and go on where a training was broken off."""

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar import progress, recipes
from seefar.api.facts import folder_name, make_folder, write_facts
from seefar.api.images import load
from seefar.api.surroundings import Machine, Views, agree, carry_out, locked, look_on, machine_of, note_differences
from seefar.data.images import Dataset
from seefar.data.splits import carve
from seefar.errors import DataError, ModelFileError, UsageError
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.runs.folder import Run

if TYPE_CHECKING:
    from seefar.models.summary import Layers
    from seefar.training.network import Start
    from seefar.training.pace import ByClock
    from seefar.training.rate_finder import RateCurve

MAY_DIFFER = ("name", "about", "epochs")  # between a run and the command that goes on with it


def choose(recipe: str | Recipe, size: int = 32, **changes: Any) -> Recipe:
    """The recipe that was asked for, with changes: found to be one that can be carried out on images of `size` pixels.

    Raises:
        UsageError: there is no such recipe, field or value, or it does not work with such images.
    """
    from seefar.training.prepare import check

    chosen = _changed(recipe, changes)
    check(chosen, classes=2, size=size)
    return chosen


def _changed(recipe: str | Recipe, changes: dict[str, Any]) -> Recipe:
    return recipes.change(recipes.find(recipe) if isinstance(recipe, str) else recipe, changes)


def summary(recipe: str | Recipe = "baseline", classes: int = 10, size: int = 32, **changes: Any) -> "Layers":
    """The layers of a recipe's network in the order in which an image passes them: shapes, parameters, multiply-adds.

    Args:
        recipe: a name or a Recipe.
        classes: how many the images have.
        size: height and width of the images in pixels.
        changes: recipe fields to change.

    Raises:
        UsageError: there is no such recipe or field, or images of `size` pixels are too small for it.
    """
    from seefar.models.summary import summarise
    from seefar.training.network import build_network

    return summarise(build_network(choose(recipe, size, **changes), classes, size), size)


def find_rate(
    data: Dataset,
    recipe: str | Recipe = "baseline",
    seed: int = 0,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    **changes: Any,
) -> "RateCurve":
    """Try learning rates from tiny to huge in a short trial on a copy of the network, and see from where on the loss breaks out.

    Args:
        data: what `load` gave.
        recipe: a name or a Recipe; its learning rate and schedule do not matter.
        seed: of weights, order, augmentation and dropout.
        out: a PNG file to draw the curve into.
        device: "auto", "cpu", "cuda" or "mps".
        changes: recipe fields to change.
    """
    from seefar.models.device import choose_device
    from seefar.training.network import new_network
    from seefar.training.rate_finder import find_rate

    chosen = choose(recipe, data.train.size, **changes)
    training, _ = carve(data.train, chosen.validation, data.split_seed, "validation")
    curve = find_rate(chosen, seed, training, new_network(chosen, seed, training), choose_device(device))
    if out is not None:
        from seefar.files import write_bytes
        from seefar.reporting.figures import png, rate_curve

        title = f"{data.name}, recipe {chosen.name}, seed {seed}"
        write_bytes(Path(out), png(rate_curve(curve.rates, curve.losses, curve.suggestion, title)))
    return curve


def train(
    data: Dataset,
    recipe: str | Recipe = "baseline",
    seed: int = 0,
    *,
    out: str | Path | None = None,
    start: str | Path | Run | None = None,
    resume: bool = False,
    device: str = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    compiled: bool = False,
    plot: bool = False,
    tensorboard: bool = False,
    quiet: bool = False,
    target: float | None = None,
    **changes: Any,
) -> Run:
    """Train a network and return the folder with everything that came of it. The test images of `data` are not touched.

    Args:
        data: what `load` gave.
        recipe: a name or a Recipe.
        seed: of weights, order, augmentation and dropout.
        out: the run folder; by default `runs/<data>-<recipe>-seed<seed>`, numbered if that exists.
        start: another run, whose weights are the first ones; the last layers are new unless the classes are the same.
        resume: go on with the run in the folder if there is one, instead of numbering the new one; start it if there is none.
        device: "auto", "cpu", "cuda" or "mps".
        threads: on the CPU; by default as many as it has cores. The bits of the result depend on it.
        deterministic: use only operations that give the same bits each time; on the CPU they do anyway.
        compiled: let torch compile the network first, for half a minute or more: worth it for long trainings on a GPU.
        plot: draw `figures/training.png` anew after each epoch.
        tensorboard: write `tensorboard/` for TensorBoard (extra `track`).
        quiet: no table and no bar on stderr.
        target: an accuracy, 0..1: recipe `fast` gets the budget that it takes on this machine. Known for CIFAR-10 alone.
        changes: recipe fields to change, such as `epochs=3`; the run is named after them. With `fast` and nothing but a `budget` in
            seconds, the network and its resolutions are chosen by what was measured for such a budget.

    Raises:
        UsageError: the recipe cannot be carried out, or `out` holds something.
        DivergedError: the loss is not a number any more.
        StoppedError: Ctrl-C, or a signal; the work is saved, and `resume` goes on with it.
        OutOfMemoryError: a step needs more memory than there is.
        InUseError: another process works in `out`.
    """
    from seefar.training.network import start_from
    from seefar.training.pace import ByClock
    from seefar.training.prepare import check

    began = time.perf_counter()
    chosen = _changed(recipe, changes)
    machine = machine_of(device, threads, deterministic, compiled, chosen)
    there = Run(Path(out)) if out and resume and (Path(out) / "recipe.json").exists() else None
    chosen = _planned(chosen, target, data, machine, there, quiet=quiet)
    clock = ByClock(chosen.budget, began, chosen.resolution)
    training, validation = carve(data.train, chosen.validation, data.split_seed, "validation")
    check(chosen, len(data.classes), data.train.size, len(training), machine.processes.count)
    begins = open_run(start) if start is not None else None
    weights = start_from(begins, chosen, data.classes, data.train.size) if begins else None
    if chosen.frozen_stages and weights is None:
        raise UsageError("frozen_stages would freeze random weights; give a run to start from (--from RUN), or set it to 0")
    path = Path(out) if out else Path("runs") / folder_name(data, chosen, seed)
    views = look_on(plot, tensorboard, quiet)
    agree(machine, chosen, seed, data)
    if machine.processes.share(lambda: resume and (path / "recipe.json").exists()):
        return _go_on(Run(path), chosen, seed, data, machine, views, clock, weights)
    run = Run(Path(machine.processes.share(lambda: str(make_folder(path, numbered=not out and not resume).path))))
    with locked(run, machine):
        if machine.processes.rank == 0:
            write_facts(run, chosen, seed, data, training, validation, machine, begins)
        carry_out(run, chosen, seed, training, validation, machine, views, weights, data, clock)
    return run


def _planned(
    recipe: Recipe, target: float | None, data: Dataset, machine: Machine, there: Run | None, *, quiet: bool
) -> Recipe:
    """The recipe with the settings for its budget, or for the one that a target takes, where they are known; says what to expect.

    A run that is taken up again (`there`) keeps the settings that it began with: measured anew, the machine might suggest others.
    """
    fast = recipes.find("fast")
    if recipe != recipes.change(fast, {"budget": recipe.budget}) or not (target or recipe.budget):
        if target:
            raise UsageError(
                "a target needs recipe fast as it is: what each budget gives was measured with that; use --recipe fast"
            )
        return recipe
    began_with = recipes.from_json(there.recipe()) if there else None
    if began_with and began_with.budget and (target or began_with.budget == recipe.budget):
        return began_with
    from seefar.training.frontier import plan

    expected = plan(recipe, target, data.train, machine.device)
    if not quiet:
        accuracy = "unknown for such images" if expected.accuracy is None else f"about {expected.accuracy:.1%} on validation"
        progress.say(
            f"budget {expected.recipe.budget:g} s: about {max(expected.epochs, 1):.0f} epochs of {recipes.text(expected.recipe.widths)}; "
            f"expected accuracy, with test-time augmentation: {accuracy}"
        )
    return expected.recipe


def resume(
    run: str | Path | Run,
    *,
    data: Dataset | None = None,
    epochs: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    deterministic: bool = False,
    compiled: bool = False,
    plot: bool = False,
    tensorboard: bool = False,
    quiet: bool = False,
) -> Run:
    """Go on with a training that was broken off, as if it had never been: on the CPU with the same bits as a result.

    Args:
        run: a run or its folder.
        data: the data it was trained on; by default it is loaded again from where it came from.
        epochs: train for more epochs than was planned; the run is renamed after that.
        device: as in `train`, and so are the other arguments.

    Raises:
        ModelFileError: no checkpoint of the run can be used, or the data has changed.
        UsageError: `epochs` are not more than are done; and further errors, as `train` has them.
    """
    from seefar.training.pace import ByClock

    run = open_run(run)
    fields = run.read("recipe.json")
    chosen, seed = recipes.from_json(run.recipe()), fields["seed"]
    if epochs is not None:
        chosen = recipes.change(chosen, {"epochs": epochs})
    machine = machine_of(device, threads, deterministic, compiled, chosen)
    data = data or data_of(run)
    clock = ByClock(chosen.budget, time.perf_counter(), chosen.resolution)
    agree(machine, chosen, seed, data)
    return _go_on(run, chosen, seed, data, machine, look_on(plot, tensorboard, quiet), clock)


def _go_on(
    run: Run,
    recipe: Recipe,
    seed: int,
    data: Dataset,
    machine: Machine,
    views: Views,
    clock: "ByClock",
    start: "Start | None" = None,
) -> Run:
    """Take the training in `run` up again, if it has not come to its end. Of several processes only the first reads the folder."""

    def splits_of() -> Any:
        _check_same(run, recipe, seed, data)
        return run.read("splits.json")

    def is_over() -> bool:
        if run.ended() not in ("finished", "patience") or recipe.epochs > run.recipe()["epochs"]:
            return False
        run.verify()
        progress.say(f"{run.path} has ended already ({run.ended()}, {len(run.history())} epochs); nothing is left to do")
        return True

    splits = machine.processes.share(splits_of)
    training, validation = data.train.select(splits["train"]), data.train.select(splits["validation"])
    with locked(run, machine):
        if machine.processes.share(is_over):
            return run
        checkpoint = machine.processes.share_bytes(lambda: _newest_checkpoint(run, start is not None))
        if machine.processes.rank == 0:
            note_differences(run, machine)
            if run.recipe()["name"] != recipe.name:
                run.change({"recipe.json": {"seed": seed, **dataclasses.asdict(recipe)}})
        carry_out(run, recipe, seed, training, validation, machine, views, start, data, clock, checkpoint)
    return run


def _newest_checkpoint(run: Run, has_start: bool) -> bytes | None:
    """The newest good checkpoint; None if the run was broken off before its first one, and it is to begin anew."""
    from seefar.runs.checkpoints import newest_checkpoint

    checkpoint, complaints = newest_checkpoint(run)
    for complaint in complaints:
        progress.say(f"note: {complaint}; going back to the checkpoint before it")
    begins = run.read("data.json").get("start")
    if checkpoint is None and begins and not has_start:
        raise ModelFileError(
            f"{run.path} has no checkpoint yet, and began with the weights of {begins['run']}; use the full command with --resume auto"
        )
    return checkpoint


def _check_same(run: Run, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise an error if the run in the folder is another than the one that is asked for; only `epochs` may differ."""
    there = recipes.from_json(run.recipe())
    asked = {"seed": (run.read("recipe.json")["seed"], seed)}
    asked |= {name: (getattr(there, name), getattr(recipe, name)) for name in recipes.meanings() if name not in MAY_DIFFER}
    if differing := [f"{name}: {old} there, {new} here" for name, (old, new) in asked.items() if old != new]:
        raise UsageError(
            f"{run.path} holds another run than the one that is asked for; use --resume {run.path} alone, or another --out",
            details=differing,
        )
    refuse_other_data(run, data)


def refuse_other_data(run: Run, data: Dataset) -> None:
    """Raise ModelFileError if the run was trained on other images than these."""
    digest = run.read("data.json")["digest"]
    if data.train.digest != digest:
        raise ModelFileError(
            f"{run.path} was trained on other data: its training images have SHA-256 {digest[:12]}..., "
            f"these {data.train.digest[:12]}...; give the original data, or train again"
        )


def open_run(run: str | Path | Run) -> Run:
    """The run in a folder. Raises ModelFileError if there is none."""
    return run if isinstance(run, Run) else folder.open_run(Path(run))


def data_of(run: Run) -> Dataset:
    """The data that a run was trained on, loaded again. Raises DataError if it is not there any more."""
    origin = run.read("data.json")["origin"]
    if not origin:
        raise DataError(f"{run.path} was trained on images made in memory; give them with data=...")
    return load(**origin)
