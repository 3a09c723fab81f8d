"""What a page is given of an ONNX file that `seefar export` wrote: it holds no training images and no mistakes. No torch here."""

import json
from pathlib import Path
from typing import Any

from seefar.errors import UsageError
from seefar.model import self_test
from seefar.model.load import load_model
from seefar.model.onnx_file import TEST, bytes_of
from seefar.model.onnx_graph import check_graph
from seefar.model.protobuf import read_message
from seefar.playing.described import described, tray
from seefar.playing.layers import layers_of, weights_in_graph


def of_file(path: Path) -> dict[str, Any]:
    """Everything a page is given, as JSON has it. Errors: `material`."""
    model = load_model(path)
    if model.settled is None:
        raise UsageError(
            f"{path} was not written by seefar, so that its layers have no names; the playground takes what `seefar export` wrote"
        )
    content = bytes_of(path)
    layers = layers_of(model.recipe.network, dict(weights_in_graph(read_message(memoryview(content))["graph"])))
    examples = self_test.from_json(_self_test_of(content), len(model.classes))
    shown = self_test.prepared(examples, model.size, model.background)
    entries = [{"label": None, "kind": "example"}] * len(shown)
    return described(model, layers, path.stem) | {"tray": tray(model, shown, entries), "bank": None, "confusion": None}


def _self_test_of(content: bytes) -> Any:
    """The self-test in the bytes of an ONNX file that was checked, as JSON has it."""
    return json.loads(check_graph(content).metadata[TEST])
