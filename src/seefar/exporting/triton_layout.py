"""An ONNX file laid out as Triton, KServe and OpenVINO take it: NAME/1/model.onnx, and beside it what Triton wants to know."""

from pathlib import Path

from seefar.errors import ModelFileError, UsageError
from seefar.files import make_folder, write_bytes
from seefar.model.onnx_engine import MOST
from seefar.model.onnx_file import NAME, read_onnx
from seefar.model.onnx_graph import check_graph


def write_layout(file: Path, folder: Path, name: str) -> Path:
    """Lay out an ONNX file as the next version of a model in a model repository.

    Args:
        file: that `seefar export` wrote.
        folder: the repository; made if it is missing.
        name: of the model.

    Returns:
        The file of the new version, `folder/name/N/model.onnx`.

    Raises:
        UsageError: the name does not fit into an address.
        ModelFileError: the file is damaged, or the repository holds a model of this name for other images or classes.
        DiskError: no space, no permission.
    """
    check_name(name)
    content = file.read_bytes()
    classes = read_onnx(file).classes
    checked = check_graph(content)
    config = _config(name, checked.size, checked.outputs).encode()
    labels = "".join(" ".join(label.split()) + "\n" for label in classes).encode()
    home = make_folder(folder / name)
    for path, wanted in ((home / "config.pbtxt", config), (home / "labels.txt", labels)):
        if path.exists() and path.read_bytes() != wanted:
            raise ModelFileError(f"{path} is there already and says something else; choose another name, or delete {home}")
        write_bytes(path, wanted)
    known = [int(entry.name) for entry in home.iterdir() if entry.name.isdigit()]
    made = make_folder(home / str(max(known, default=0) + 1)) / "model.onnx"
    write_bytes(made, content)
    return made


def check_name(name: str) -> None:
    """Raise UsageError unless a model may have this name in a model repository."""
    if not NAME.fullmatch(name):
        raise UsageError(f"the name {name!r} of the model does not do; expected letters, digits, dots and hyphens")


def _config(name: str, size: int, outputs: dict[str, tuple[int, ...]]) -> str:
    """Triton's description of the model, as text of its protocol buffer ModelConfig; without a delay, batches are what is queued."""
    described = ",\n".join(
        f'  {{ name: "{output}" data_type: TYPE_FP32 dims: [ {", ".join(map(str, shape))} ]'
        + (' label_filename: "labels.txt" }' if output in ("probabilities", "logits") else " }")
        for output, shape in outputs.items()
    )
    return (
        f'name: "{name}"\n'
        'platform: "onnxruntime_onnx"\n'
        f"max_batch_size: {MOST}\n"
        f'input [\n  {{ name: "pixels" data_type: TYPE_UINT8 dims: [ {size}, {size}, 3 ] }}\n]\n'
        f"output [\n{described}\n]\n"
        "instance_group [ { kind: KIND_CPU count: 1 } ]\n"
        "dynamic_batching {\n"
        "  max_queue_delay_microseconds: 0\n"
        "  default_queue_policy { timeout_action: REJECT default_timeout_microseconds: 10000000 max_queue_size: 256 }\n"
        "}\n"
        "version_policy { latest { num_versions: 1 } }\n"
    )
