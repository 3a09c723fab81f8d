"""What a study found, read from its run folders: a row for each variant, with effects, costs and a choice."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from seefar.display import Shown
from seefar.models.summary import summarise
from seefar.recipes import from_json
from seefar.runs.folder import Run
from seefar.studies.statistics import Effect, Summary, class_effects, detectable, effects, pareto, power, summaries
from seefar.studies.study import Study, Variant, variants
from seefar.training.network import build_network

Cells = Mapping[tuple[str, int], Run]  # the finished runs by variant and seed


@dataclass(frozen=True)
class Row:
    """One variant.

    Attributes:
        variant: its name.
        reason: why it might help; empty for the base.
        against: what it is compared with; None for the base.
        fields: what it changes of the study's base recipe.
        validation: accuracy on validation over the seeds.
        test: on test; None where test was not opened.
        effect: its difference to `against`, on the split that the study speaks of; None for the base.
        from_base: the mean difference to the first variant over common seeds, as a share.
        seconds: training time of a run, mean.
        multiply_adds: of the network for one image.
        parameters: of the network.
        epochs: how many were trained, mean.
        failures: why runs failed, by seed.
    """

    variant: str
    reason: str
    against: str | None
    fields: dict[str, Any]
    validation: Summary | None
    test: Summary | None
    effect: Effect | None
    from_base: float | None
    seconds: float | None
    multiply_adds: int | None
    parameters: int | None
    epochs: float | None
    failures: dict[int, str]


@dataclass(frozen=True)
class Results(Shown):
    """What a study found; `results.json` is exactly this.

    Attributes:
        study: its name.
        about: what it asks.
        design: how the variants are made.
        data: name of the images.
        seeds: all that were used.
        planned: how many were wanted, at most; more than were used if a budget ended the study, or `until` was satisfied.
        split: what effects are measured on: "test" once it has been opened, else "validation".
        estimation_only: whether seeds were added until intervals were narrow; then no p-value is claimed.
        rows: a row for each variant.
        together: in a cumulative study, what all changes do together: the last variant against the first. An estimate beside the
            comparisons, so it has no p-value; None in other designs.
        chosen: the variant with the best mean on validation; None if none was trained.
        front: variants that nothing beats in both accuracy and training time, cheapest first.
        by_class: the mean change of each class's recall, by variant, in the order of `classes`.
        classes: their names.
        power: the chance that a true effect of two standard deviations of the paired difference is found.
        detectable: the smallest true difference in points that would be found with a chance of 80 %; None if that is not known.
    """

    study: str
    about: str
    design: str
    data: str
    seeds: list[int]
    planned: int
    split: str
    estimation_only: bool
    rows: list[Row]
    together: Effect | None
    chosen: str | None
    front: list[str]
    by_class: dict[str, list[float]]
    classes: list[str]
    power: float
    detectable: float | None

    def __repr__(self) -> str:
        return f"Results({self.study!r} on {self.data}: {len(self.rows)} variants, {len(self.seeds)} seeds, judged on {self.split})"


def results(
    study: Study,
    data: str,
    seeds: Sequence[int],
    cells: Cells,
    failures: Mapping[tuple[str, int], str],
    *,
    planned: int,
    estimation_only: bool = False,
) -> Results:
    """Sum up. Effects are those on test if every finished run has been evaluated on it, else those on validation.

    Args:
        study: what was asked.
        data: name of the images.
        seeds: that were used.
        cells: the finished runs, each evaluated on validation at least.
        failures: why others failed.
        planned: see `Results`.
        estimation_only: see `Results`.
    """
    wanted = variants(study)
    split = "test" if cells and all(run.has("evaluation-test.json") for run in cells.values()) else "validation"
    figures = {name: _accuracies(wanted, cells, name) for name in ("validation", split)}
    by_split = {name: {row.variant: row for row in summaries(values)} for name, values in figures.items()}
    comparisons = [(variant.name, variant.against) for variant in wanted if variant.against is not None]
    found = {effect.variant: effect for effect in effects(figures[split], comparisons, estimation_only)}
    first = wanted[0].name
    rows = [
        _row(
            variant,
            {seed: cells[variant.name, seed] for seed in seeds if (variant.name, seed) in cells},
            by_split["validation"][variant.name],
            by_split["test"][variant.name] if split == "test" else None,
            found.get(variant.name),
            _difference(figures[split][variant.name], figures[split][first]) if variant.name != first else None,
            {seed: why for (name, seed), why in failures.items() if name == variant.name},
        )
        for variant in wanted
    ]
    trained = [row for row in rows if row.validation is not None and row.validation.mean is not None]
    classes = next(iter(cells.values())).read("data.json")["classes"] if cells else []
    deviations = [
        float(np.std(list(differences), ddof=1))
        for name, against in comparisons
        if len(differences := _paired(figures[split][name], figures[split][against])) > 1
    ]
    smallest = detectable(len(seeds), fmean(deviations), len(comparisons)) if deviations else None
    return Results(
        study=study.name,
        about=study.about,
        design=study.design,
        data=data,
        seeds=list(seeds),
        planned=planned,
        split=split,
        estimation_only=estimation_only,
        rows=rows,
        together=effects(figures[split], [(wanted[-1].name, first)], True)[0] if study.design == "cumulative" else None,
        chosen=max(trained, key=lambda row: row.validation.mean or 0).variant if trained else None,  # type: ignore[union-attr]
        front=pareto([(row.variant, row.seconds or 0.0, _mean(row, split)) for row in trained]),
        by_class={
            name: np.nan_to_num(values).round(5).tolist()
            for name, values in class_effects(_recalls(wanted, cells, split), comparisons).items()
        },
        classes=classes,
        power=round(power(len(seeds), 2.0, max(len(comparisons), 1)), 4) if len(seeds) > 1 else 0.0,
        detectable=smallest if smallest is not None and np.isfinite(smallest) else None,
    )


def _accuracies(wanted: Sequence[Variant], cells: Cells, split: str) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {variant.name: {} for variant in wanted}
    for (name, seed), run in cells.items():
        found[name][seed] = run.evaluation(split)["accuracy"]["value"]
    return found


def _recalls(wanted: Sequence[Variant], cells: Cells, split: str) -> dict[str, dict[int, np.ndarray]]:
    found: dict[str, dict[int, np.ndarray]] = {variant.name: {} for variant in wanted}
    for (name, seed), run in cells.items():
        found[name][seed] = np.array([score["recall"]["value"] for score in run.evaluation(split)["scores"]], np.float32)
    return found


def _paired(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    return [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]


def _difference(one: Mapping[int, float], other: Mapping[int, float]) -> float | None:
    differences = _paired(one, other)
    return fmean(differences) if differences else None


def _mean(row: Row, split: str) -> float:
    summary = row.test if split == "test" else row.validation
    return summary.mean if summary is not None and summary.mean is not None else 0.0


def _row(
    variant: Variant,
    runs: Mapping[int, Run],
    validation: Summary,
    test: Summary | None,
    effect: Effect | None,
    from_base: float | None,
    failures: dict[int, str],
) -> Row:
    seconds = parameters = multiply_adds = epochs = None
    if runs:
        one = next(iter(runs.values()))
        data = one.read("data.json")
        layers = summarise(build_network(from_json(one.recipe()), len(data["classes"]), data["size"]), data["size"])
        parameters, multiply_adds = sum(layer.parameters for layer in layers), sum(layer.multiply_adds for layer in layers)
        seconds = round(fmean(sum(run.read("timing.json")["seconds_by_epoch"]) for run in runs.values()), 1)
        epochs = fmean(len(run.history()) for run in runs.values())
    return Row(
        variant=variant.name,
        reason=variant.reason,
        against=variant.against,
        fields=dict(variant.fields),
        validation=validation,
        test=test,
        effect=effect,
        from_base=from_base,
        seconds=seconds,
        multiply_adds=multiply_adds,
        parameters=parameters,
        epochs=epochs,
        failures=failures,
    )
