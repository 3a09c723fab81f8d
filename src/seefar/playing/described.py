"""What a page is told of any network, wherever it came from. No torch here."""

import base64
import zlib
from typing import Any

import numpy as np

from seefar.data.decode import rgb
from seefar.model.model import Model
from seefar.playing.foreign import foreign
from seefar.playing.layers import Layers
from seefar.playing.sheets import sheet
from seefar.recipe_fields import short_name

FORMAT = 1  # of what a page reads; web/playground/model.ts


def described(model: Model, layers: Layers, name: str) -> dict[str, Any]:
    """Its layers, weights and facts, as JSON has them; `name` is how the page calls it."""
    known = model.familiar
    familiar = {"threshold": known.threshold.threshold, "means": layers.keep(known.means)} if known else None
    numbers = layers.content()
    validation = model.origin.get("validation") or {}
    accuracy = validation.get("accuracy")
    return {
        "format": FORMAT,
        "name": name,
        "recipe": short_name(model.recipe.name),
        "data": (model.origin.get("data") or {}).get("name"),
        "accuracy": {part: accuracy[part] for part in ("value", "low", "high")} if accuracy else None,
        "validation": validation.get("images", 0),
        "classes": list(model.classes),
        "size": model.size,
        "background": list(rgb(model.background)),
        "temperature": model.temperature,
        "sure": model.sure,
        "familiar": familiar,
        "layers": layers.layers,
        "floats": layers.length,
        "check": zlib.crc32(numbers),
        "weights": base64.b64encode(numbers).decode(),
    }


def tray(model: Model, pixels: np.ndarray, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The examples, and behind them the foreign image."""
    shown = np.concatenate([pixels, foreign(model)[None]])
    return {"sheet": sheet(shown), "entries": [*entries, {"label": None, "kind": "foreign"}]}
