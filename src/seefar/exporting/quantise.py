"""Weights and activations in 8 bits: smaller, often faster, a little less accurate. It is measured here, and may be refused."""

import logging
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seefar.data.images import ImageSet
from seefar.errors import UsageError
from seefar.evaluation.paired import Difference, paired_difference
from seefar.exporting.certificate import Agreement, Speed, agreement, images_per_second, threads_to_measure
from seefar.exporting.drafts import Draft
from seefar.exporting.onnx_writer import clean, onnx_graph
from seefar.metrics import Share, wilson
from seefar.model.model import Model
from seefar.seeds import derive

CALIBRATION = 512  # training images that set the ranges (chosen by hand; ONNX Runtime's examples take 100 to 1000)
BATCH = 64
LOSS = 0.005  # of accuracy: what a file may lose without --force (half a point)
OPERATORS = ("Conv", "Gemm")  # nearly all the work; what is between them stays in float32


@dataclass(frozen=True)
class Quantised:
    """The certificate of an int8 file, beside that of the float32 file that it was made from.

    Attributes:
        calibrated_on: training images that set the ranges of the activations.
        accuracy: of the int8 file on validation, with its interval.
        plain_accuracy: of the float32 file on the same images.
        change: int8 less float32, paired, with interval.
        agreement: of the two files; nobody insists on it.
        speeds: of both, with one and with all threads.
        speed_up: with all threads: above 1 int8 is faster.
        size_ratio: the bytes of the int8 graph by those of the float32 graph.
    """

    calibrated_on: int
    accuracy: Share
    plain_accuracy: Share
    change: Difference
    agreement: Agreement
    speeds: list[Speed]
    speed_up: float
    size_ratio: float

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def calibration_images(training: ImageSet) -> np.ndarray:
    """The training images that ranges are measured on, by a fixed rule: uint8 `(at most 512, size, size, 3)`."""
    chosen = np.random.default_rng(derive(0, "calibration")).permutation(len(training))[:CALIBRATION]
    return training.pixels[np.sort(chosen)]


def quantised(model: Model, images: np.ndarray) -> Any:
    """The network as an `onnx.ModelProto` whose convolutions and dense layers work on 8 bits, per channel (S8S8, QDQ).

    The last layer stays in float32: it is the smallest, and its rounding shows most.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc] # the package has no types
        def __init__(self) -> None:
            self.left: Iterator[np.ndarray] = iter([images[start : start + BATCH] for start in range(0, len(images), BATCH)])

        def get_next(self) -> dict[str, np.ndarray] | None:
            block = next(self.left, None)
            return None if block is None else {"pixels": block}

    plain = onnx_graph(model)
    last = next(node.name for node in reversed(plain.graph.node) if node.op_type == "Gemm")
    level = logging.getLogger().level
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, after = Path(name) / "before.onnx", Path(name) / "after.onnx"
        onnx.save(plain, before)
        logging.getLogger().setLevel(logging.ERROR)
        try:
            quant_pre_process(before, before, skip_symbolic_shape=True)
            quantize_static(
                before,
                after,
                Reader(),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_exclude=[last],
                per_channel=True,
                activation_type=QuantType.QInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
        finally:
            logging.getLogger().setLevel(level)
        made = onnx.load(after)
    clean(made)
    return made


def judge(plain: Draft, small: Draft, validation: ImageSet, calibrated_on: int) -> Quantised:
    """Compare an int8 file with the float32 file that it was made from, on all validation images."""
    before, after = plain.answers(validation.pixels, BATCH), small.answers(validation.pixels, BATCH)
    right = [answers.logits.argmax(1) == validation.labels for answers in (before, after)]
    speeds = []
    for threads in threads_to_measure():
        for name, draft in (("float32", plain), ("int8", small)):
            answer = draft.timed(threads)
            assert answer is not None  # noqa: S101 # both are ONNX files
            speeds.append(Speed(name, threads, images_per_second(answer, validation.pixels)))
    return Quantised(
        calibrated_on=calibrated_on,
        accuracy=wilson(int(right[1].sum()), len(validation)),
        plain_accuracy=wilson(int(right[0].sum()), len(validation)),
        change=paired_difference(right[0], right[1]),
        agreement=agreement(before, after),
        speeds=speeds,
        speed_up=speeds[-1].images_per_second / speeds[-2].images_per_second,
        size_ratio=small.size / plain.size,
    )


def insist_on_worth(found: Quantised, force: bool) -> None:
    """Raise UsageError if the int8 file is not faster, or loses more than half a point, unless `force` says that it is wanted so."""
    change, reasons = found.change, []
    if found.speed_up <= 1:
        reasons.append(f"it is not faster on this machine ({found.speed_up:.2f} times the speed of float32)")
    if change.value < -LOSS:
        reasons.append(
            f"it loses {-100 * change.value:.2f} points of accuracy on validation (95 % interval {-100 * change.high:.2f} to "
            f"{-100 * change.low:.2f}), more than half a point"
        )
    if reasons and not force:
        raise UsageError(f"int8 is not worth it here: {', and '.join(reasons)}; export without it, or write it with --force")
