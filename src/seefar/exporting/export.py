"""From a run to a file that others use: exported, compared with the trained network on all validation images, and only then written."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seefar.data.decode import decode
from seefar.data.images import Dataset, ImageSet
from seefar.data.load import load_again
from seefar.display import Shown
from seefar.errors import UsageError, did_you_mean
from seefar.evaluation.evaluate import evaluate
from seefar.exporting.certificate import Certificate, rounded
from seefar.exporting.certify import certify
from seefar.exporting.drafts import Draft, OnnxDraft
from seefar.exporting.examples import PREPARATION, example_files
from seefar.exporting.keras_file import KerasDraft
from seefar.exporting.quantise import Quantised, calibration_images, insist_on_worth, judge, quantised
from seefar.exporting.torch_program import TorchDraft
from seefar.files import lock, write_bytes
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.onnx_file import FORMAT, model_from
from seefar.model.run_images import counting, open_training, open_validation
from seefar.model.self_test import Example
from seefar.recipe_fields import as_json
from seefar.runs.folder import Run, open_run
from seefar.torchrun import only_alone
from seefar.version import __version__


class Format(NamedTuple):
    """One thing to export to.

    Attributes:
        suffix: of its files.
        draft: makes a file from a model that computes in float32 on the CPU.
    """

    suffix: str
    draft: Callable[[Model], Draft]


FORMATS: dict[str, Format] = {
    "onnx": Format(".onnx", OnnxDraft),
    "keras": Format(".keras", KerasDraft),
    "torch": Format(".pt2", TorchDraft),
}


@dataclass(frozen=True)
class Export(Shown):
    """A file that was written. `export.json` in the run has an entry like this for each kind of file.

    Attributes:
        path: the file.
        to: "onnx", "keras" or "torch".
        bytes: its size.
        sha256: of the whole file, in hexadecimal.
        certificate: that it says what the trained network says; of int8 the float32 file that it was made from.
        int8: what quantisation cost and gained; None for a file in float32.
    """

    path: Path
    to: str
    bytes: int
    sha256: str
    certificate: Certificate
    int8: Quantised | None

    def __repr__(self) -> str:
        return f"Export({str(self.path)!r}, {self.bytes:,} bytes)"


def export(
    run: str | Path | Run,
    out: str | Path | None = None,
    to: str = "onnx",
    *,
    int8: bool = False,
    force: bool = False,
    data: Dataset | None = None,
) -> Export:
    """Write a trained network as a file that needs no seefar; only if it says what the network says.

    All validation images go through both. If a probability differs by more than 1e-3, or a class where the two largest probabilities are
    further apart than that, nothing is written. What was found stands in the file and in `export.json`. A run that was not evaluated on
    validation is evaluated first, because the temperature comes from there.

    Args:
        run: a trained run or its folder.
        out: the file; None: `model.onnx`, `model.int8.onnx`, `model.keras` or `model.pt2` in the run folder.
        to: "onnx", "keras" or "torch".
        int8: quantise an ONNX file to 8 bits, calibrated on training images.
        force: write an int8 file although it is not worth it.
        data: the data the run was trained on; by default it is loaded again from where it came from.

    Raises:
        ModelFileError: the export disagrees with the network, or the run is damaged or was trained on other data.
        UsageError: there is no such format, a package is missing, or int8 is not worth it and `force` is not given.
        DiskError: the file cannot be written.
    """
    only_alone("export")
    if to not in FORMATS:
        raise UsageError(f"there is no export to {to!r}{did_you_mean(to, FORMATS)}; there is {', '.join(FORMATS)}")
    if int8 and to != "onnx":
        raise UsageError(f"int8 is for ONNX files, and {to} was asked for; leave out one of them")
    run = open_run(run)
    data = load_again(run.read("data.json"), data)
    run.verify()
    if not run.has("evaluation-validation.json"):
        evaluate(run, "validation", data=data)
    with lock(run.path / ".lock"):
        model, validation = load_model(run, "cpu", precision="fp32"), open_validation(run, data)
        draft = FORMATS[to].draft(model)
        certificate = certify(run, model, draft, validation, f"{to} file")
        gain = None
        if int8:
            calibration = calibration_images(open_training(run, data))
            plain, draft = draft, OnnxDraft(model, quantised(model, calibration))
            counts = counting(run, "validation", validation, data)
            gain = judge(plain, draft, validation[counts] if counts.any() else validation, len(calibration))
            insist_on_worth(gain, force)
        facts = _facts(model, certificate, gain)
        content = draft.finished(facts, _examples(model, draft if int8 else None, validation))
        if to == "onnx":
            model_from(content, "the exported file")
        name = f"model{'.int8' if int8 else ''}{FORMATS[to].suffix}"
        path = run.path / name if out is None else Path(out)
        write_bytes(path, content)
        result = Export(path, to, len(content), sha256(content).hexdigest(), certificate, gain)
        _record(run, f"{to}{'-int8' if int8 else ''}", result)
    return result


def _facts(model: Model, certificate: Certificate, gain: Quantised | None) -> dict[str, Any]:
    """What a file says of itself, as JSON has it: everything of a Model but the network, and how it was checked."""
    return {
        "format": FORMAT,
        "seefar": __version__,
        "classes": list(model.classes),
        "size": model.size,
        "background": model.background,
        "temperature": model.temperature,
        "familiar": model.familiar.as_json() if model.familiar else None,
        "sure": model.sure,
        "origin": model.origin,
        "recipe": as_json(model.recipe),
        "preparation": [step.replace("SIZE", str(model.size)).replace("BACKGROUND", model.background) for step in PREPARATION],
        "int8": rounded(gain.as_json()) if gain else None,
        "certificate": rounded(certificate.as_json()),
    }


def _examples(model: Model, quantised: Draft | None, validation: ImageSet) -> list[Example]:
    """The images of the self-test with the answers of the trained network, or of the quantised file, which differs from it."""
    files = example_files(validation, model.background)
    pixels = np.stack([decode(file, model.size, model.background).pixels for file in files])
    answers = quantised.answers(pixels, len(pixels)) if quantised else model.answers(pixels)
    return [
        Example(file, logits, probabilities)
        for file, logits, probabilities in zip(files, answers.logits.tolist(), answers.probabilities.tolist(), strict=True)
    ]


def _record(run: Run, kind: str, made: Export) -> None:
    """Add the export to `export.json`, in the place of an earlier one of its kind. Folders are not named."""
    known = run.read("export.json") if run.has("export.json") else {}
    entry = {
        "file": made.path.name,
        "bytes": made.bytes,
        "sha256": made.sha256,
        "seefar": __version__,
        "certificate": rounded(made.certificate.as_json()),
        "int8": rounded(made.int8.as_json()) if made.int8 else None,
    }
    run.write("export.json", known | {kind: entry})
