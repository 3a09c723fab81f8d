"""Open a trained network: from the folder of a run, computing with torch, or from a file, with ONNX Runtime. No torch at the top."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seefar.model.familiar import Familiar, Threshold
from seefar.model.model import Model
from seefar.network_source import give
from seefar.recipe_fields import from_json
from seefar.runs.folder import Run, open_run


def load_model(
    source: str | Path | Run,
    device: str = "auto",
    *,
    precision: str | None = None,
    threads: int | None = None,
    network: Callable[..., Any] | None = None,
) -> Model:
    """A trained network as a value: the best weights of a run or its last, as the recipe's `keep` says; or what a file holds.

    Args:
        source: a run, its folder, or an ONNX file that `seefar export` wrote.
        device: of a run: "auto", "cpu", "cuda" or "mps". Files are computed on the CPU.
        precision: of a run: "fp32", "bf16", "fp16" or "auto"; None: as its recipe says. Files say it themselves.
        threads: of a file: how many compute one batch; None: all cores. torch has a setting for the whole process instead.
        network: of a run that was trained with a callable without a file: that callable. All verbs of this process know it then.

    Raises:
        ModelFileError: the run or the file is missing, damaged, was changed, or does not fit together.
        UsageError: there is no such device, or the file needs a package that is not installed.
    """
    if network is not None:
        give(network)
    if isinstance(source, str | Path) and (Path(source).is_file() or Path(source).suffix == ".onnx"):
        from seefar.model.onnx_file import read_onnx

        return read_onnx(Path(source), threads)
    return _from_run(open_run(source), device, precision)


def _from_run(run: Run, device: str, precision: str | None) -> Model:
    from seefar.model.torch_engine import torch_engine
    from seefar.runs.weights import read_weights

    weights = read_weights(run)
    fields, data = run.read("recipe.json"), run.read("data.json")
    recipe, classes = from_json(run.recipe()), tuple(data["classes"])
    engine = torch_engine(run, weights, recipe, len(classes), data["size"], device, precision)
    evaluated = run.evaluation("validation") if run.has("evaluation-validation.json") else {}
    return Model(
        engine=engine,
        classes=classes,
        size=data["size"],
        background=(data["origin"] or {}).get("background", "white"),
        temperature=(evaluated.get("calibration") or {}).get("temperature"),
        familiar=_familiar(run, evaluated),
        sure=(evaluated.get("selective") or {}).get("threshold"),
        origin={
            "recipe": recipe.name,
            "seed": fields["seed"],
            "data": {"name": data.get("name"), "digest": data.get("digest")},
            "validation": {name: evaluated[name] for name in ("images", "accuracy")} if evaluated.get("accuracy") else None,
            "seefar": run.read("environment.json").get("seefar"),
        },
        settled=recipe,
        trained=engine.network,
    )


def _familiar(run: Run, evaluated: dict[str, Any]) -> Familiar | None:
    """As stored at evaluation on validation; None for a run that an earlier seefar evaluated."""
    found = evaluated.get("familiar")
    if not found or not run.has("familiar.npz"):
        return None
    return Familiar(run.arrays("familiar.npz")["means"].astype(np.float32), Threshold(**found))
