"""A trained network as an ONNX graph: torch's exporter makes it, and what it says of this machine is taken out."""

import contextlib
import copy
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from seefar.errors import UsageError
from seefar.exporting.torch_program import Program
from seefar.model.model import Model
from seefar.model.onnx_file import DIGEST, FACTS, NO_DIGEST, TEST, sealed
from seefar.version import __version__

OUTPUTS = ("probabilities", "logits", "features", "maps")
OPSET = 18  # torch's operators are written in it, and runtimes from early 2023 on read it: ONNX Runtime 1.14, OpenVINO 2023, TensorRT 8.6
IR_VERSION = 8  # of the file format: the one that came with opset 18


def onnx_graph(model: Model) -> Any:
    """The network of a run as an `onnx.ModelProto` without metadata: see `Program` for its input and its outputs.

    Args:
        model: from a run, evaluated on validation.

    Raises:
        UsageError: the packages are not installed.
    """
    check_installed()
    network = copy.deepcopy(model.network).cpu().float().eval()
    network.lie_plainly()
    program = Program(network, model.temperature or 1.0).eval()
    # Two images: from one image the exporter would take the number of images for fixed (pytorch issue 157621)
    example = torch.zeros(2, model.size, model.size, 3, dtype=torch.uint8)
    with _quiet(), torch.inference_mode(False), torch.no_grad():
        exported = torch.onnx.export(
            program,
            (example,),
            dynamo=True,
            input_names=["pixels"],
            output_names=list(OUTPUTS),
            dynamic_shapes=({0: torch.export.Dim.DYNAMIC},),
            opset_version=OPSET,
            external_data=False,
            verbose=False,
        )
    assert exported is not None  # noqa: S101 # it is None only where a file was named
    made = exported.model_proto
    clean(made)
    return made


def with_metadata(made: Any, facts: Mapping[str, Any], examples: list[dict[str, Any]]) -> bytes:
    """The bytes of a file: the graph, what it says of itself, its self-test, and its digest.

    Args:
        made: an `onnx.ModelProto`.
        facts: what `model/onnx_file.py` reads.
        examples: of the self-test, as JSON has them.
    """
    del made.metadata_props[:]
    for key, value in ((FACTS, json.dumps(facts, ensure_ascii=False)), (TEST, json.dumps(examples)), (DIGEST, NO_DIGEST)):
        entry = made.metadata_props.add()
        entry.key, entry.value = key, value
    return sealed(made.SerializeToString(deterministic=True))


def check_installed() -> None:
    """Raise UsageError if a package that export needs is missing."""
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise UsageError(f"export to ONNX needs the package {error.name}; pip install 'seefar[export]'") from None


def clean(made: Any) -> None:
    """Take out of an `onnx.ModelProto` names of folders, lines of code, intermediate shapes and unused operator sets; call the number
    of images n."""
    used = {node.domain for node in made.graph.node}
    for place in reversed(range(len(made.opset_import))):
        if made.opset_import[place].domain not in used:
            del made.opset_import[place]
    made.producer_name, made.producer_version, made.graph.name, made.ir_version = "seefar", __version__, "seefar", IR_VERSION
    made.doc_string = made.graph.doc_string = ""
    for part in (made.metadata_props, made.graph.metadata_props, made.graph.value_info):
        del part[:]
    for number, node in enumerate(made.graph.node):
        node.name, node.doc_string = f"{node.op_type}_{number}", ""
        del node.metadata_props[:]
    for tensor in made.graph.initializer:
        tensor.doc_string = ""
        del tensor.metadata_props[:]
    for value in (*made.graph.input, *made.graph.output):
        value.doc_string = ""
        del value.metadata_props[:]
        value.type.tensor_type.shape.dim[0].dim_param = "n"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Within the block the exporter keeps to itself that torchvision is missing, and what it thinks of torch."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
