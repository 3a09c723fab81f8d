"""The pictures of a look inside a network, from its numbers and arrays."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from seefar.reporting import explanation_figures as draw
from seefar.reporting import figures
from seefar.reporting.inside_words import called, method_name
from seefar.reporting.words import percent

SHOWN = ("grad_cam", "layer_cam", "integrated_gradients", "occlusion")  # Grad-CAM++ and SHAP look much like two of them
TOP = 5  # classes with their probabilities at the end of a path


def inside_drawings(
    found: Mapping[str, Any], arrays: Mapping[str, np.ndarray], classes: Sequence[str], about: str
) -> dict[str, Callable[[], Figure]]:
    """What draws each of them, by the name of its file.

    Args:
        found: an Overview as a dict.
        arrays: what lies beside it.
        classes: their names.
        about: what was looked into; the title of each picture.
    """
    drawn: dict[str, Callable[[], Figure]] = {
        "inside-filters": lambda: _filters(arrays, about),
        "inside-health": lambda: draw.health(found["health"], about),
        "inside-path": lambda: _path(found, arrays, classes, about),
        "inside-units": lambda: draw.exciting(
            {f"channel {unit}": patches for unit, patches in zip(found["units"], arrays["exciting"], strict=True)}, about
        ),
        "inside-where": lambda: draw.overlays(
            arrays["looked"],
            {method_name(name): arrays[f"map_{name}"] for name in SHOWN if f"map_{name}" in arrays},
            [f"{called(row['label'], row['predicted'])}, {percent(row['probability'])}" for row in found["looked"]],
            about,
        ),
        "inside-scores": lambda: _scores(found["methods"], about),
        "inside-space": lambda: draw.space(arrays["points"], arrays["point_labels"], arrays["point_right"], classes, about),
        "inside-portraits": lambda: draw.neighbours(
            list(arrays["portraits"]), [_portrait(row, arrays["portraits"].shape[1]) for row in found["portraits"]], about
        ),
        "inside-changes": lambda: draw.neighbours(
            list(arrays["changed"]),
            [
                [row["predicted"], f"{row['wanted']}\n{row['size']:.2f} of 255" if row["turned"] else "not turned"]
                for row in found["changes"]
            ],
            about,
        ),
    }
    if "maximised" in arrays:
        names = [f"channel {unit}" for unit in found["units"]]
        drawn["inside-maximised"] = lambda: draw.maximised(arrays["maximised"], names, about)
    if found["cases"]:
        cases = [_case(row) for row in found["cases"]]
        drawn["inside-cases"] = lambda: draw.neighbours(list(arrays["cases"]), cases, about)
    if found["learning"]:
        drawn["inside-datamap"] = lambda: draw.data_map(arrays["variability"], arrays["confidence"], about)
        drawn["inside-learned"] = lambda: _learned(found["learning"], arrays, about)
    return drawn


def _filters(arrays: Mapping[str, np.ndarray], about: str) -> Figure:
    filters = {
        "pixels": arrays["first_filters"],
        "order": arrays["first_order"].tolist(),
        "scale": float(arrays["first_scale"]),
    }
    return draw.first_filters(filters, about)


def _learned(learning: Mapping[str, Any], arrays: Mapping[str, np.ndarray], about: str) -> Figure:
    telling = {"early": "first", "late": "last", "never": "never", "forgotten": "forgotten"}
    rows = [name for name in telling if len(arrays[f"learned_{name}"])]
    captions = [[telling[name], *learning["labels"][name][1:]] for name in rows]
    return draw.neighbours([arrays[f"learned_{name}"] for name in rows], captions, about)


def _path(found: Mapping[str, Any], arrays: Mapping[str, np.ndarray], classes: Sequence[str], about: str) -> Figure:
    probabilities = arrays["path_probabilities"]
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    stages = [
        {"layer": name, "shape": arrays[f"path_shape_{name}"].tolist(), "maps": arrays[f"path_{name}"]}
        for name in found["stages"]
    ]
    return draw.path(arrays["path_image"], {"stages": stages}, [(classes[i], float(probabilities[i])) for i in order], about)


def _scores(methods: Mapping[str, Mapping[str, Any]], about: str) -> Figure:
    """How fast the probability comes back when what a method marks is put back first; random maps for scale."""
    one = next(iter(methods.values()))
    curves = {method_name(name): score["insertion_curve"] for name, score in methods.items()}
    curves["random maps"] = one["random_insertion_curve"]
    steps = [100 * step for step in one["steps"]]
    named = {name: (steps, [100 * share for share in shares]) for name, shares in curves.items()}
    figure = figures.lines(named, "pixels put back, in %", "probability of the class, in %", about)
    figure.axes[0].set(xlim=(0, 100), xticks=range(0, 101, 10))
    return figure


def _case(row: Mapping[str, Any]) -> list[str]:
    foil = f"nearest\n{row['foil']}" if row["foil"] else "no other"
    return [f"{row['label']} →\n{row['predicted']}", *row["near"], foil]


def _portrait(row: Mapping[str, Any], pictures: int) -> list[str]:
    half = (pictures - 1) // 2
    words = [""] * pictures
    words[0], words[1], words[1 + half] = row["name"], "typical", "not\ntypical"
    return words
