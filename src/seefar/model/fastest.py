"""A run answers by whatever was measured to be faster here: torch in the number format of the run, or the ONNX file in its folder."""

from pathlib import Path
from typing import Any

from seefar.errors import SeefarError
from seefar.files import sha256
from seefar.model.load import load_model
from seefar.model.model import Model
from seefar.model.onnx_file import read_onnx
from seefar.runs.folder import Run, open_run


def load_fastest(source: str | Path | Run, device: str = "auto") -> Model:
    """The model of a run or a file, for many answers.

    `seefar export RUN` measures torch (in bf16, too, where the processor has it) and ONNX Runtime. If the file was the faster one on this
    kind of processor, and still lies in the run folder as it was written, it answers in the place of torch: by its certificate it says
    the same. A GPU is always taken.

    Args:
        source: a run, its folder, or an ONNX file.
        device: of a run: "auto", "cpu", "cuda" or "mps".

    Raises:
        ModelFileError, UsageError: as `load_model`.
    """
    if isinstance(source, str | Path) and not Path(source).is_dir():
        return load_model(source, device)
    run = open_run(source)
    trained = load_model(run, device)
    if trained.network.scale.mean.device.type == "cpu" and (file := faster_file(run, trained.engine.name)):
        try:
            found = read_onnx(file)
        except SeefarError:  # damaged, or ONNX Runtime is no longer installed: the run itself is there
            return trained
        return found if found.temperature == trained.temperature else trained
    return trained


def faster_file(run: Run, engine: str) -> Path | None:
    """The ONNX file in the run folder, if its certificate says that it is faster on this processor than `engine`."""
    from seefar.networks.device import processor

    if not run.has("export.json") or "onnx" not in (known := run.read("export.json")):
        return None
    made: dict[str, Any] = known["onnx"]
    file, certificate = run.path / Path(made["file"]).name, made["certificate"]
    if certificate["processor"] != str(processor().get("cpu_name") or "unknown") or not file.is_file():
        return None
    most = max(speed["threads"] for speed in certificate["speeds"])
    at_most = {speed["engine"]: speed["images_per_second"] for speed in certificate["speeds"] if speed["threads"] == most}
    runtime = max((speed for name, speed in at_most.items() if name.startswith("ONNX Runtime")), default=0.0)
    if engine not in at_most or runtime <= at_most[engine] or sha256(file) != made["sha256"]:
        return None
    return file
