"""What a page is given of an ONNX file that `seefar export` wrote: it holds no training images and no mistakes. No torch here."""

import json
from pathlib import Path
from typing import Any

from seefar.errors import UsageError
from seefar.model import self_test
from seefar.model.onnx_file import TEST, bytes_of, model_from
from seefar.model.onnx_graph import check_graph
from seefar.model.protobuf import read_message
from seefar.playing.described import described, tray
from seefar.playing.layers import layers_of, weights_in_graph


def of_file(path: Path) -> dict[str, Any]:
    """Everything a page is given, as JSON has it. Errors: `material`."""
    return of_bytes(bytes_of(path), path.stem, str(path))


def of_bytes(content: bytes, name: str, called: str) -> dict[str, Any]:
    """Likewise of the bytes of a file: `name` is how the page calls the network, `called` how errors call the file."""
    model = model_from(content, called)
    if model.settled is None:
        raise UsageError(
            f"{called} was not written by seefar, so that its layers have no names; the playground takes what `seefar export` wrote"
        )
    layers = layers_of(model.recipe.network, dict(weights_in_graph(read_message(memoryview(content))["graph"])))
    shown = self_test.prepared(examples_in(content, len(model.classes)), model.size, model.background)
    entries = [{"label": None, "kind": "example"}] * len(shown)
    return described(model, layers, name) | {"tray": tray(model, shown, entries), "bank": None, "confusion": None}


def examples_in(content: bytes, classes: int) -> list[self_test.Example]:
    """The self-test in the bytes of an ONNX file that was checked."""
    return self_test.from_json(json.loads(check_graph(content).metadata[TEST]), classes)
