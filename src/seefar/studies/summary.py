"""What a study found, read from its run folders: a row for each variant, with effects, costs and a choice."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from seefar.display import Shown
from seefar.evaluation.earlier import read_evaluation
from seefar.networks.build import build_network
from seefar.networks.summary import summarise
from seefar.recipe_fields import from_json
from seefar.runs.folder import Run
from seefar.studies.statistics import Effect, Summary, class_effects, detectable, effects, pareto, power, summaries
from seefar.studies.study import Study, Variant, variants

Runs = Mapping[tuple[str, int], Run]  # the finished ones by variant and seed


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
        images: how many test images count, the same for all runs; None where test was not opened.
        clusters: in how many groups these are, where that is known. The statistics are over seeds, with groups as without.
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
        folder: where the study is; `sf.report` writes its page there.
    """

    study: str
    about: str
    design: str
    data: str
    seeds: list[int]
    planned: int
    split: str
    images: int | None
    clusters: int | None
    estimation_only: bool
    rows: list[Row]
    together: Effect | None
    chosen: str | None
    front: list[str]
    by_class: dict[str, list[float]]
    classes: list[str]
    power: float
    detectable: float | None
    folder: str

    def __repr__(self) -> str:
        return f"Results({self.study!r} on {self.data}: {len(self.rows)} variants, {len(self.seeds)} seeds, judged on {self.split})"


def analyse(
    study: Study,
    data: str,
    seeds: Sequence[int],
    runs: Runs,
    failures: Mapping[tuple[str, int], str],
    *,
    planned: int,
    estimation_only: bool,
    folder: str,
) -> Results:
    """Sum up. Effects are those on test if every finished run has been evaluated on it, else those on validation.

    Args:
        study: what was asked.
        data: name of the images.
        seeds: that were used.
        runs: the finished ones, each evaluated on validation at least.
        failures: why others failed.
        planned: see `Results`, and so are the other arguments.
    """
    wanted = variants(study)
    split = "test" if runs and all(run.has("evaluation-test.json") for run in runs.values()) else "validation"
    accuracies = {
        name: _by_variant(wanted, runs, name, lambda found: found["accuracy"]["value"]) for name in ("validation", split)
    }
    recalls = _by_variant(
        wanted, runs, split, lambda found: np.array([s["recall"]["value"] for s in found["scores"]], np.float32)
    )
    by_split = {name: {row.variant: row for row in summaries(values)} for name, values in accuracies.items()}
    judged = accuracies[split]
    comparisons = [(variant.name, variant.against) for variant in wanted if variant.against is not None]
    found = {effect.variant: effect for effect in effects(judged, comparisons, estimation_only)}
    first = wanted[0].name
    rows = [
        Row(
            variant=variant.name,
            reason=variant.reason,
            against=variant.against,
            fields=dict(variant.fields),
            validation=by_split["validation"][variant.name],
            test=by_split["test"][variant.name] if split == "test" else None,
            effect=found.get(variant.name),
            from_base=_mean(_paired(judged[variant.name], judged[first])) if variant.name != first else None,
            **_costs([runs[variant.name, seed] for seed in seeds if (variant.name, seed) in runs]),
            failures={seed: why for (name, seed), why in failures.items() if name == variant.name},
        )
        for variant in wanted
    ]
    shown = read_evaluation(next(iter(runs.values())), "test") if split == "test" else {}
    means = {name: {row.variant: row.mean for row in by_split[name].values() if row.mean is not None} for name in by_split}
    deviations = [
        float(np.std(differences, ddof=1))
        for name, against in comparisons
        if len(differences := _paired(judged[name], judged[against])) > 1
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
        images=shown.get("images"),
        clusters=shown.get("clusters"),
        estimation_only=estimation_only,
        rows=rows,
        together=effects(judged, [(wanted[-1].name, first)], True)[0] if study.design == "cumulative" else None,
        chosen=max(means["validation"], key=lambda name: means["validation"][name], default=None),
        front=pareto(
            [(row.variant, row.seconds or 0.0, means[split][row.variant]) for row in rows if row.variant in means[split]]
        ),
        by_class={
            name: np.nan_to_num(values).round(5).tolist() for name, values in class_effects(recalls, comparisons).items()
        },
        classes=next(iter(runs.values())).read("data.json")["classes"] if runs else [],
        power=round(power(len(seeds), 2.0, max(len(comparisons), 1)), 4) if len(seeds) > 1 else 0.0,
        detectable=smallest if smallest is not None and np.isfinite(smallest) else None,
        folder=folder,
    )


def _by_variant(
    wanted: Sequence[Variant], runs: Runs, split: str, figure: Callable[[dict[str, Any]], Any]
) -> dict[str, dict[int, Any]]:
    """A figure of each run's evaluation, by variant and seed; a run of whose images none counts has none."""
    found: dict[str, dict[int, Any]] = {variant.name: {} for variant in wanted}
    for (name, seed), run in runs.items():
        evaluation = read_evaluation(run, split)
        if evaluation["accuracy"]:
            found[name][seed] = figure(evaluation)
    return found


def _paired(one: Mapping[int, float], other: Mapping[int, float]) -> list[float]:
    """The differences over the seeds that both have."""
    return [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None


def _costs(runs: Sequence[Run]) -> dict[str, Any]:
    """What a variant costs, by the names in `Row`."""
    if not runs:
        return dict.fromkeys(("seconds", "multiply_adds", "parameters", "epochs"))
    data = runs[0].read("data.json")
    layers = summarise(build_network(from_json(runs[0].recipe()).network, len(data["classes"]), data["size"]), data["size"])
    return {
        "seconds": round(fmean(sum(run.read("timing.json")["seconds_by_epoch"]) for run in runs), 1),
        "multiply_adds": sum(layer.multiply_adds for layer in layers),
        "parameters": sum(layer.parameters for layer in layers),
        "epochs": fmean(len(run.history()) for run in runs),
    }
