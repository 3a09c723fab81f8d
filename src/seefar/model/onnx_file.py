"""An ONNX file from the disk to a Model: its bytes are checked, its digest, what it says of itself, and then its self-test. No torch here.

docs/how-to/export.md describes the metadata of a file that seefar wrote. A file without them is foreign: it is used if it has
the same inputs and outputs and asks for nothing unusual, but nobody vouches for its answers, and its classes have no names.
"""

import hashlib
import json
import math
import re
from pathlib import Path
from typing import Any

from seefar.data.decode import rgb
from seefar.errors import DiskError, ModelFileError, SeefarError
from seefar.model import self_test
from seefar.model.answers import calibrated
from seefar.model.familiar import familiar_from_json
from seefar.model.model import Model
from seefar.model.onnx_engine import OnnxEngine
from seefar.model.onnx_graph import MOST_BYTES, Checked, check_graph
from seefar.recipe_fields import from_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # of a model as servers take it: it stands in addresses and paths
FORMAT = 1  # of the facts; newer ones are refused
FACTS, TEST, DIGEST = "seefar", "seefar.self_test", "seefar.sha256"  # keys of the metadata
NO_DIGEST = "0" * 64  # stands in the place of the digest while it is computed


def read_onnx(path: Path, threads: int | None = None) -> Model:
    """The model in an ONNX file.

    Args:
        path: the file.
        threads: how many compute at the same time; None: as many as there are cores.

    Raises:
        ModelFileError: the file is not there, is damaged, was changed, fails its self-test, or asks for what is not run.
        DiskError: it cannot be read.
        UsageError: ONNX Runtime is not installed.
    """
    return model_from(bytes_of(path), str(path), threads)


def bytes_of(path: Path) -> bytes:
    """What is in an ONNX file, not yet checked. Raises ModelFileError if it is not there or too large, and DiskError."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ModelFileError(f"{path} is not used: it has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
        return path.read_bytes()
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}; `seefar export` makes one") from None
    except OSError as error:
        raise DiskError(f"cannot read {path}: {error.strerror}; fix that, or choose another file") from error


def model_from(content: bytes, name: str, threads: int | None = None) -> Model:
    """The model in the bytes of an ONNX file that is called `name`. Raises: see `read_onnx`."""
    try:
        checked = check_graph(content)
        if FACTS not in checked.metadata:
            return _foreign(content, checked, threads)
        return _ours(content, checked, threads)
    except ModelFileError as error:
        raise ModelFileError(f"{name} is not used: {error}; export it again, or use another file") from error


def sealed(content: bytes) -> bytes:
    """The bytes of a file whose metadata hold NO_DIGEST, with the digest in its place."""
    return content.replace(NO_DIGEST.encode(), digest_of(content, NO_DIGEST).encode())


def digest_of(content: bytes, stated: str) -> str:
    """The SHA-256 of the bytes of a file with zeros where it states its own. Raises ModelFileError if that stands there twice."""
    if content.count(stated.encode()) != 1:
        raise ModelFileError("its digest does not stand in it once")
    return hashlib.sha256(content.replace(stated.encode(), NO_DIGEST.encode())).hexdigest()


def _foreign(content: bytes, checked: Checked, threads: int | None) -> Model:
    engine = OnnxEngine(content, checked.size, "maps" in checked.outputs, threads)
    classes = tuple(f"class {number}" for number in range(checked.outputs["logits"][0]))
    return Model(engine, classes, checked.size, "white", None, None, None, {"foreign": True})


def _ours(content: bytes, checked: Checked, threads: int | None) -> Model:
    stated = checked.metadata.get(DIGEST)
    if stated is not None and (len(stated) != len(NO_DIGEST) or digest_of(content, stated) != stated):
        raise ModelFileError("it is damaged or was changed: its SHA-256 is not the one that it states")
    facts = _json(checked.metadata[FACTS], "what it says of itself")
    if not isinstance(facts, dict) or not isinstance(facts.get("format"), int):
        raise ModelFileError("what it says of itself cannot be read")
    if facts["format"] > FORMAT:
        raise ModelFileError(f"it was written in format {facts['format']}, this seefar reads {FORMAT}: use a newer seefar")
    engine = OnnxEngine(content, checked.size, "maps" in checked.outputs, threads)
    model = _with_facts(engine, checked, facts)
    examples = self_test.from_json(_json(checked.metadata.get(TEST, ""), "its self-test"), len(model.classes))
    logits, _, _, probabilities = engine.compute(self_test.prepared(examples, model.size, model.background))
    allowed = self_test.TOLERANCE_INT8 if facts.get("int8") else self_test.TOLERANCE
    assert probabilities is not None  # noqa: S101 # every file has them
    for found in (probabilities, calibrated(logits, model.temperature)):
        self_test.differences(examples, logits, found, allowed)
    return model


def _with_facts(engine: OnnxEngine, checked: Checked, facts: dict[str, Any]) -> Model:
    """The model that the facts describe. Raises ModelFileError if they are not of the right types, or do not fit the graph."""
    try:
        classes = tuple(facts["classes"])
        familiar = familiar_from_json(facts["familiar"]) if facts["familiar"] else None
        numbers = [
            facts["temperature"],
            *([familiar.threshold.threshold] if familiar else []),
            *([facts["sure"]] if facts["sure"] else []),
        ]
        rgb(facts["background"])
        settled = from_json(facts["recipe"])
        origin = dict(facts["origin"])
    except (KeyError, TypeError, AttributeError, ValueError, SeefarError):
        raise ModelFileError("what it says of itself cannot be read") from None
    if not all(isinstance(name, str) for name in classes) or len(set(classes)) != len(classes):
        raise ModelFileError("the names of its classes are not different texts")
    if (len(classes),) != checked.outputs["logits"] or facts["size"] != checked.size:
        raise ModelFileError(
            f"it says {len(classes)} classes and {facts['size']} pixels, and its graph has {checked.outputs['logits'][0]} and "
            f"{checked.size}"
        )
    odd = any(isinstance(n, bool) or not isinstance(n, int | float) or not math.isfinite(n) for n in numbers)
    if odd or facts["temperature"] <= 0:
        raise ModelFileError("its temperature or its thresholds are no numbers that can be used")
    if familiar and familiar.means.shape != (*checked.outputs["logits"], *checked.outputs["features"]):
        raise ModelFileError(
            f"its mean features have the shape {familiar.means.shape}, which is not that of its classes and features"
        )
    return Model(
        engine=engine,
        classes=classes,
        size=checked.size,
        background=facts["background"],
        temperature=float(facts["temperature"]),
        familiar=familiar,
        sure=facts["sure"],
        origin=origin,
        settled=settled,
    )


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ModelFileError(f"{what} cannot be read") from None
