"""Eight bits: which operators they reach, what they cost by a hand-made example, and when they are refused."""

import dataclasses

import numpy as np
import onnx
import pytest

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import UsageError
from seefar.evaluation.paired import Difference
from seefar.exporting.certificate import Agreement
from seefar.exporting.quantise import Quantised, calibration_images, insist_on_worth
from seefar.metrics import Share

AGREED = Agreement(1000, 0.99, 1, 9, 0.1, 0.2, 0.1, None)
GAIN = Quantised(
    512, Share(0.9, 0.88, 0.92), Share(0.902, 0.88, 0.92), Difference(-0.002, -0.008, 0.004, 5, 7, 0.8), AGREED, [], 1.5, 0.3
)


def test_a_faster_file_that_loses_little_is_worth_it() -> None:
    insist_on_worth(GAIN, force=False)
    insist_on_worth(dataclasses.replace(GAIN, change=Difference(-0.005, -0.01, 0.0, 5, 10, 0.3)), force=False)


def test_a_slower_one_and_one_that_loses_more_than_half_a_point_are_refused_unless_forced() -> None:
    slower = dataclasses.replace(GAIN, speed_up=0.9)
    with pytest.raises(UsageError, match=r"not worth it here: it is not faster on this machine \(0.90 times"):
        insist_on_worth(slower, force=False)
    worse = dataclasses.replace(GAIN, change=Difference(-0.0061, -0.011, -0.001, 5, 11, 0.2))
    with pytest.raises(UsageError, match=r"it loses 0.61 points .*interval 0.10 to 1.10\), more than half a point; .*--force"):
        insist_on_worth(worse, force=False)
    for found in (slower, worse):
        insist_on_worth(found, force=True)


def test_calibration_images_are_training_images_always_the_same(small_data: Dataset) -> None:
    chosen = calibration_images(small_data.train)
    assert np.array_equal(chosen, calibration_images(small_data.train))
    assert np.array_equal(chosen, small_data.train.pixels)  # there are fewer than 512


def test_an_int8_file_has_its_own_certificate_and_answers_nearly_alike(run: sf.Run, small_data: Dataset) -> None:
    made = sf.export(run, int8=True, force=True, data=small_data)
    assert made.path == run.path / "model.int8.onnx"
    assert made.int8 is not None
    assert made.int8.calibrated_on == 108
    assert made.int8.change.value == pytest.approx(made.int8.accuracy.value - made.int8.plain_accuracy.value)
    assert made.int8.size_ratio < 1
    assert run.read("export.json")["onnx-int8"]["int8"]["calibrated_on"] == 108

    graph = onnx.load(made.path).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    through = {node.output[0]: node for node in graph.node if node.op_type == "DequantizeLinear"}
    for node in convolutions:
        weights = through[node.input[1]]
        assert kinds[weights.input[0]] == onnx.TensorProto.INT8
        scales = next(tensor for tensor in graph.initializer if tensor.name == weights.input[1])
        assert list(scales.dims) == [8]  # one for each channel
    last = next(node for node in graph.node if "logits" in node.output)
    assert kinds[last.input[1]] == onnx.TensorProto.FLOAT

    pixels = small_data.test.pixels
    small, whole = sf.load_model(made.path).predict_proba(pixels), sf.load_model(run).predict_proba(pixels)
    assert (small.argmax(1) == whole.argmax(1)).mean() > 0.9
    assert not np.allclose(small, whole, atol=1e-7)
