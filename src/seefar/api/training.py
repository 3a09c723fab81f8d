"""Training: choose a recipe, look at its network, find a learning rate, train, and go on where a training was broken off."""

import contextlib
import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seefar import progress, recipes
from seefar.api.images import load
from seefar.data.images import Dataset, ImageSet
from seefar.data.splits import carve
from seefar.errors import DataError, ModelFileError, UsageError
from seefar.recipes import Recipe
from seefar.runs import folder
from seefar.runs.folder import Run

if TYPE_CHECKING:
    import torch

    from seefar.models.summary import Layer
    from seefar.training.fit import Epoch
    from seefar.training.loop import Step
    from seefar.training.network import Start
    from seefar.training.processes import Processes
    from seefar.training.rate_finder import RateCurve

MAY_DIFFER = ("name", "about", "epochs")  # between a run and the command that goes on with it
VIEWS = 9  # epochs in which the report shows augmented images (chosen by hand: a row on a screen)


def choose(recipe: str | Recipe, size: int = 32, **changes: Any) -> Recipe:
    """The recipe that was asked for, with changes: found to be one that can be carried out on images of `size` pixels.

    Raises:
        UsageError: there is no such recipe, field or value, or it does not work with such images.
    """
    from seefar.training.fit import check

    chosen = _changed(recipe, changes)
    check(chosen, classes=2, size=size)
    return chosen


def _changed(recipe: str | Recipe, changes: dict[str, Any]) -> Recipe:
    return recipes.change(recipes.find(recipe) if isinstance(recipe, str) else recipe, changes)


def summary(recipe: str | Recipe = "baseline", classes: int = 10, size: int = 32) -> "list[Layer]":
    """The layers of a recipe's network in the order in which an image passes them: shapes, parameters, multiply-adds.

    Raises:
        UsageError: there is no such recipe, or images of `size` pixels are too small for it.
    """
    from seefar.models.summary import summarise
    from seefar.training.network import build_network

    return summarise(build_network(choose(recipe, size), classes, size), size)


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
    plot: bool = False,
    tensorboard: bool = False,
    quiet: bool = False,
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
        plot: draw `figures/training.png` anew after each epoch.
        tensorboard: write `tensorboard/` for TensorBoard (extra `track`).
        quiet: no table and no bar on stderr.
        changes: recipe fields to change, such as `epochs=3`; the run is named after them.

    Raises:
        UsageError: the recipe cannot be carried out, or `out` holds something.
        DivergedError: the loss is not a number any more.
        StoppedError: Ctrl-C, or a signal; the work is saved, and `resume` goes on with it.
        OutOfMemoryError: a step needs more memory than there is.
        InUseError: another process works in `out`.
    """
    from seefar.training.fit import check
    from seefar.training.network import start_from

    chosen = _changed(recipe, changes)
    machine = _machine(device, threads, deterministic, chosen)
    training, validation = carve(data.train, chosen.validation, data.split_seed, "validation")
    check(chosen, len(data.classes), data.train.size, len(training), machine.processes.count)
    weights = start_from(open_run(start), chosen, data.classes, data.train.size) if start is not None else None
    if chosen.frozen_stages and weights is None:
        raise UsageError("frozen_stages would freeze random weights; give a run to start from (--from RUN), or set it to 0")
    path = Path(out) if out else Path("runs") / _folder_name(data, chosen, seed)
    views = _Views(plot, tensorboard, quiet)
    _agree(machine, chosen, seed, data)
    if machine.processes.share(lambda: resume and (path / "recipe.json").exists()):
        return _go_on(Run(path), chosen, seed, data, machine, views)
    run = Run(Path(machine.processes.share(lambda: str(_make_folder(path, numbered=not out and not resume).path))))
    with _locked(run, machine):
        if machine.processes.rank == 0:
            _write_facts(run, chosen, seed, data, training, validation, machine, start)
        _carry_out(run, chosen, seed, training, validation, machine, views, weights, data)
    return run


def resume(
    run: str | Path | Run,
    *,
    data: Dataset | None = None,
    epochs: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    deterministic: bool = False,
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
        and what `train` raises.
    """
    run = open_run(run)
    fields = run.read("recipe.json")
    chosen, seed = recipes.from_json(run.recipe()), fields["seed"]
    if epochs is not None:
        chosen = recipes.change(chosen, {"epochs": epochs})
    machine = _machine(device, threads, deterministic, chosen)
    data = data or data_of(run)
    _agree(machine, chosen, seed, data)
    return _go_on(run, chosen, seed, data, machine, _Views(plot, tensorboard, quiet))


@dataclass(frozen=True)
class _Machine:
    """What a training runs on."""

    device: "torch.device"
    precision: "torch.dtype"
    deterministic: bool
    processes: "Processes"


@dataclass(frozen=True)
class _Views:
    """Ways to look on."""

    plot: bool
    tensorboard: bool
    quiet: bool


def _machine(device: str, threads: int | None, deterministic: bool, recipe: Recipe) -> _Machine:
    from seefar.models.device import choose_device, choose_precision, make_deterministic, set_threads
    from seefar.training.processes import join

    if threads is not None:
        set_threads(threads)
    if deterministic:
        make_deterministic()
    where = choose_device(device)
    processes = join(where)
    return _Machine(where, choose_precision(recipe.precision, where), deterministic, processes)


def _agree(machine: _Machine, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise UsageError, which names the odd one, if not all processes are about to train the same."""
    import torch

    from seefar.version import __version__

    if machine.processes.count > 1:
        facts = {name: getattr(recipe, name) for name in recipes.meanings() if name != "name"}  # that says nothing more
        facts |= {"seed": seed, "split_seed": data.split_seed}
        facts |= {"arithmetic": str(machine.precision), "SHA-256 of the training images": data.train.digest}
        machine.processes.agree(facts | {"version of seefar": __version__, "version of torch": torch.__version__})


def _make_folder(path: Path, *, numbered: bool) -> Run:
    return folder.create_numbered(path) if numbered else folder.create(path)


def _locked(run: Run, machine: _Machine) -> contextlib.AbstractContextManager[None]:
    """The lock of the folder, held by the process that writes."""
    from seefar.files import lock

    return lock(run.path / ".lock") if machine.processes.rank == 0 else contextlib.nullcontext()


def _write_facts(
    run: Run,
    recipe: Recipe,
    seed: int,
    data: Dataset,
    training: ImageSet,
    validation: ImageSet,
    machine: _Machine,
    start: str | Path | Run | None,
) -> None:
    """Everything that is known before the first step."""
    from seefar.data.batches import see
    from seefar.runs.pictures import keep_training_pictures
    from seefar.training.environment import environment
    from seefar.training.fit import augmentation

    begins = _start_facts(open_run(start)) if start is not None else None
    run.write("recipe.json", {"seed": seed, **dataclasses.asdict(recipe)})
    run.write("data.json", _data_facts(data, training, validation) | {"start": begins})
    run.write("splits.json", {"seed": data.split_seed, "validation": validation.ids, "train": training.ids})
    made = environment(recipe, seed, data.origin, machine.device, machine.precision, begins)
    run.write("environment.json", made | {"deterministic": machine.deterministic, "processes": machine.processes.count})
    how = augmentation(recipe)
    keep_training_pictures(run, data.train, None if how.is_off else lambda shown: see(shown, how, VIEWS, seed))


def _start_facts(run: Run) -> dict[str, str]:
    """Which run's weights another one starts from."""
    manifest = run.read("manifest.json")["sha256"]
    keep = run.recipe()["keep"]
    return {"run": run.path.name, "weights": manifest[f"weights/{keep}.safetensors"][-1]}


def _go_on(run: Run, recipe: Recipe, seed: int, data: Dataset, machine: _Machine, views: _Views) -> Run:
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
    with _locked(run, machine):
        if machine.processes.share(is_over):
            return run
        checkpoint = machine.processes.share_bytes(lambda: _newest_checkpoint(run))
        if machine.processes.rank == 0:
            _note_differences(run, machine)
            if run.recipe()["name"] != recipe.name:
                run.change({"recipe.json": {"seed": seed, **dataclasses.asdict(recipe)}})
        _carry_out(run, recipe, seed, training, validation, machine, views, None, data, checkpoint)
    return run


def _newest_checkpoint(run: Run) -> bytes | None:
    from seefar.runs.checkpoints import newest_checkpoint

    checkpoint, complaints = newest_checkpoint(run)
    for complaint in complaints:
        progress.say(f"note: {complaint}; going back to the checkpoint before it")
    return checkpoint


def _check_same(run: Run, recipe: Recipe, seed: int, data: Dataset) -> None:
    """Raise an error if the run in the folder is another than the one that is asked for; only `epochs` may differ."""
    there, facts = recipes.from_json(run.recipe()), run.read("data.json")
    asked = {"seed": (run.read("recipe.json")["seed"], seed)}
    asked |= {name: (getattr(there, name), getattr(recipe, name)) for name in recipes.meanings() if name not in MAY_DIFFER}
    if differing := [f"{name}: {old} there, {new} here" for name, (old, new) in asked.items() if old != new]:
        raise UsageError(
            f"{run.path} holds another run than the one that is asked for; use --resume {run.path} alone, or another --out",
            details=differing,
        )
    if data.train.digest != facts["digest"]:
        raise ModelFileError(
            f"{run.path} was trained on other data: its training images have SHA-256 {facts['digest'][:12]}..., "
            f"these {data.train.digest[:12]}...; give the original data, or train again"
        )


def _note_differences(run: Run, machine: _Machine) -> None:
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


def _carry_out(
    run: Run,
    recipe: Recipe,
    seed: int,
    training: ImageSet,
    validation: ImageSet,
    machine: _Machine,
    views: _Views,
    start: "Start | None",
    data: Dataset,
    checkpoint: bytes | None = None,
) -> None:
    """Train, and show it to those who want to look on. A signal is obeyed after the step that is going on."""
    from seefar.training.fit import earlier_epochs, fit
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
            progress.show_layers(summary(recipe, len(data.classes), training.size))
        steps = -(-len(training) // recipe.batch_size)
        progress.follow(events, recipe.epochs, steps, earlier, may_end_early=recipe.patience > 0)


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


def _folder_name(data: Dataset, recipe: Recipe, seed: int) -> str:
    name = re.sub(r"[^\w+=.,-]+", "_", recipe.name)  # no brackets and slashes in the name of a folder
    return f"{data.name}-{name}-seed{seed}"


def _data_facts(data: Dataset, training: ImageSet, validation: ImageSet) -> dict[str, Any]:
    """What training knew of the data: nothing in here depends on a test image."""
    return {
        "name": data.name,
        "source": data.source,
        "origin": data.origin,
        "classes": data.classes,
        "size": data.train.size,
        "digest": data.train.digest,
        "train": training.counts().tolist(),
        "validation": validation.counts().tolist(),
    }


def open_run(run: str | Path | Run) -> Run:
    """The run in a folder. Raises ModelFileError if there is none."""
    return run if isinstance(run, Run) else folder.open_run(Path(run))


def data_of(run: Run) -> Dataset:
    """The data that a run was trained on, loaded again. Raises DataError if it is not there any more."""
    origin = run.read("data.json")["origin"]
    if not origin:
        raise DataError(f"{run.path} was trained on images made in memory; give them with data=...")
    return load(**origin)
