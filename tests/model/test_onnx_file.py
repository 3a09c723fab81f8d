"""Files that were exported answer like their run; files that were changed, cut, or made by an enemy are refused with their reason."""

import contextlib
import dataclasses
import json
import re
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import seefar as sf
from seefar.data.images import Dataset
from seefar.errors import ModelFileError, UsageError
from seefar.exporting.onnx_writer import with_metadata
from seefar.model import onnx_graph
from seefar.model.onnx_file import DIGEST, FACTS, TEST


def open_changed(exported: Path, tmp_path: Path, change: Callable[[Any], object], seal: bool = True) -> sf.Model:
    """What comes of the file after a change to its protocol buffer; `seal`: with a digest that fits."""
    made = onnx.load(exported)
    change(made)
    facts = {entry.key: entry.value for entry in made.metadata_props}
    content = made.SerializeToString()
    if seal and FACTS in facts:
        content = with_metadata(made, json.loads(facts[FACTS]), json.loads(facts[TEST]))
    path = tmp_path / "changed.onnx"
    path.write_bytes(content)
    return sf.load_model(path)


def facts_changed(**changes: Any) -> Callable[[Any], object]:
    """A change of what the file says of itself."""

    def change(made: Any) -> None:
        entry = next(entry for entry in made.metadata_props if entry.key == FACTS)
        entry.value = json.dumps(json.loads(entry.value) | changes)

    return change


def first_conv(made: Any) -> Any:
    return next(node for node in made.graph.node if node.op_type == "Conv")


NEAR = {"score": "class_similarity", "threshold": 0.5, "passed": 1.0, "shape": [1, 1], "means": "ADw="}

# Ours


def test_a_file_answers_like_its_run(exported: Path, small_data: Dataset) -> None:
    file, run = sf.load_model(exported), sf.load_model(exported.parent)
    pixels = small_data.test.pixels
    ours, theirs = run.answers(pixels, maps=True), file.answers(pixels, maps=True)
    for name in ("logits", "features", "probabilities", "maps"):
        np.testing.assert_allclose(getattr(theirs, name), getattr(ours, name), atol=1e-5)
    named = ("classes", "size", "background", "temperature", "sure", "origin", "recipe")
    assert [getattr(file, name) for name in named] == [getattr(run, name) for name in named]
    assert "ONNX Runtime" in file.engine.name
    assert file.familiar is not None
    assert run.familiar is not None
    assert file.familiar.threshold == run.familiar.threshold
    assert np.array_equal(file.familiar.unlike(theirs), run.familiar.unlike(ours))


def test_a_file_has_no_torch_network_and_no_test_time_augmentation(exported: Path, small_data: Dataset) -> None:
    file = sf.load_model(exported)
    with pytest.raises(UsageError, match="has no torch network; load the run"):
        file.network  # noqa: B018
    with pytest.raises(UsageError, match="test-time augmentation needs the run"):
        file.logits(small_data.test.pixels, tta="flip")


def test_a_file_is_used_without_torch_and_without_much_memory(exported: Path) -> None:
    code = (
        "import sys, numpy as np, seefar as sf\n"
        f"model = sf.load_model({str(exported)!r})\n"
        "model.predict(np.zeros((40, 50, 3), np.uint8))\n"
        "print(sorted({'torch', 'scipy', 'sklearn', 'onnx'} & set(sys.modules)))\n"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, kilobytes = done.stdout.splitlines()
    assert loaded == "[]"
    assert int(kilobytes) < 200 * 1024


def test_what_a_file_says_of_itself_can_be_read_by_anybody(exported: Path) -> None:
    entries = {entry.key: entry.value for entry in onnx.load(exported).metadata_props}
    facts, examples = json.loads(entries[FACTS]), json.loads(entries[TEST])
    assert list(entries) == [FACTS, TEST, DIGEST]
    assert facts["certificate"]["agreement"]["differing"] == 0
    assert len(examples) == 12  # all validation images of the small data set
    assert any("bicubic" in step for step in facts["preparation"])


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_processor_without_wide_vectors_gives_the_same_answers(exported: Path, tmp_path: Path, small_data: Dataset) -> None:
    """valgrind translates the program for a processor without AVX-512: ONNX Runtime then takes its other kernels."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        pytest.skip("valgrind is not installed")
    np.save(tmp_path / "pixels.npy", small_data.test.pixels[:9])
    code = (
        "import sys, numpy as np, seefar as sf\n"
        "from numpy._core._multiarray_umath import __cpu_features__\n"
        "print(__cpu_features__['AVX2'], __cpu_features__.get('AVX512F', False))\n"
        f"model = sf.load_model({str(exported)!r}, threads=1)\n"
        f"answers = model.answers(np.load({str(tmp_path / 'pixels.npy')!r}), maps=True)\n"
        f"np.savez({str(tmp_path / 'found.npz')!r}, probabilities=answers.probabilities, logits=answers.logits, maps=answers.maps)\n"
    )
    done = subprocess.run(
        [valgrind, "--tool=none", "-q", sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-2:] == ["True", "False"]
    expected = sf.load_model(exported).answers(small_data.test.pixels[:9], maps=True)
    with np.load(tmp_path / "found.npz") as found:
        for name in found:
            np.testing.assert_allclose(found[name], getattr(expected, name), atol=1e-5)


# Changed or damaged


def test_a_flipped_bit_anywhere_is_noticed(exported: Path, tmp_path: Path) -> None:
    content, path = exported.read_bytes(), tmp_path / "flipped.onnx"
    for place in range(7, len(content), len(content) // 40):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(ModelFileError, match="is not used"):
            sf.load_model(path)


@pytest.mark.parametrize("length", [0, 1, 100, 20_000])
def test_a_truncated_file_is_refused(exported: Path, tmp_path: Path, length: int) -> None:
    (tmp_path / "cut.onnx").write_bytes(exported.read_bytes()[:length])
    with pytest.raises(ModelFileError, match="is not used"):
        sf.load_model(tmp_path / "cut.onnx")


@pytest.mark.parametrize("digest", [True, False])
def test_weights_that_were_changed_fail_the_self_test_whatever_the_digest(exported: Path, tmp_path: Path, digest: bool) -> None:
    """Fault 76."""

    def change(made: Any) -> None:
        name = next(node.input[1] for node in made.graph.node if "logits" in node.output)
        last = next(tensor for tensor in made.graph.initializer if tensor.name == name)
        last.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(last)[::-1].copy(), last.name))
        if not digest:
            del made.metadata_props[2]

    with pytest.raises(ModelFileError, match="fails its self-test: a probability differs by"):
        open_changed(exported, tmp_path, change, seal=digest)


def test_weights_that_were_changed_break_the_digest(exported: Path, tmp_path: Path) -> None:
    def change(made: Any) -> None:
        made.graph.initializer[0].raw_data = bytes(len(made.graph.initializer[0].raw_data))

    with pytest.raises(ModelFileError, match="its SHA-256 is not the one that it states"):
        open_changed(exported, tmp_path, change, seal=False)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, "format 2, this seefar reads 1: use a newer"),
        ({"format": "x"}, "what it says of itself cannot be read"),
        ({"classes": ["a", "b"]}, "says 2 classes and 16 pixels, and its graph has 3 and 16"),
        ({"classes": ["a", "a", "b"]}, "not different texts"),
        ({"classes": 3}, "what it says of itself cannot be read"),
        ({"size": 17}, "says 3 classes and 17 pixels"),
        ({"temperature": 0}, "no numbers that can be used"),
        ({"temperature": None}, "what it says of itself cannot be read|no numbers"),
        ({"temperature": float("nan")}, "no numbers that can be used"),
        ({"temperature": 3.0}, "fails its self-test"),
        ({"background": "no colour"}, "what it says of itself cannot be read"),
        ({"familiar": {"score": "other", "threshold": 1.0, "passed": 1.0}}, "what it says of itself cannot be read"),
        ({"familiar": NEAR | {"threshold": float("inf")}}, "no numbers that can be used"),
        ({"familiar": NEAR}, r"its mean features have the shape \(1, 1\)"),
        ({"familiar": NEAR | {"shape": [9, 9]}}, "what it says of itself cannot be read"),
        ({"recipe": {"name": "x"}}, "what it says of itself cannot be read"),
    ],
)
def test_facts_that_do_not_fit_are_refused(exported: Path, tmp_path: Path, changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ModelFileError, match=reason):
        open_changed(exported, tmp_path, facts_changed(**changes))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "self-test has 0 images"),
        ("not json", "its self-test cannot be read"),
        ('[{"file": "AAAA", "logits": [1, 2, 3], "probabilities": [1, 2, 3]}]', "an image of its self-test is not an image"),
        ('[{"file": "AAAA", "logits": [1], "probabilities": [1]}]', "answers for .* classes; expected 3"),
        ("[" * 100_000, "its self-test cannot be read"),
    ],
)
def test_a_self_test_that_is_none_is_refused(exported: Path, tmp_path: Path, text: str, reason: str) -> None:
    def change(made: Any) -> None:
        made.metadata_props[1].value = text
        del made.metadata_props[2]

    with pytest.raises(ModelFileError, match=reason):
        open_changed(exported, tmp_path, change, seal=False)


def test_a_self_test_that_is_missing_is_noticed(exported: Path, tmp_path: Path) -> None:
    def change(made: Any) -> None:
        del made.metadata_props[1:]

    with pytest.raises(ModelFileError, match="its self-test cannot be read"):
        open_changed(exported, tmp_path, change, seal=False)


# Foreign


def test_a_foreign_file_is_called_foreign(exported: Path, tmp_path: Path, small_data: Dataset) -> None:
    model = open_changed(exported, tmp_path, lambda made: made.ClearField("metadata_props"))
    assert model.origin == {"foreign": True}
    assert (model.classes, model.size, model.temperature) == (("class 0", "class 1", "class 2"), 16, None)
    ours = sf.load_model(exported)
    assert np.array_equal(model.predict_proba(small_data.test.pixels), ours.predict_proba(small_data.test.pixels))
    with pytest.raises(UsageError, match="was not written by seefar"):
        model.recipe  # noqa: B018


def external(location: str) -> Callable[[Any], object]:
    def change(made: Any) -> None:
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        entry = tensor.external_data.add()
        entry.key, entry.value = "location", location

    return change


def big_claim(made: Any) -> None:
    made.graph.initializer[0].dims[0] = 800_000_000


def custom_operator(made: Any) -> None:
    first_conv(made).domain = "evil.org"
    made.opset_import.append(helper.make_opsetid("evil.org", 1))


def subgraph(made: Any) -> None:
    made.graph.node.append(helper.make_node("If", ["pixels"], ["x"], then_branch=made.graph, else_branch=made.graph))


def sparse(made: Any) -> None:
    made.graph.sparse_initializer.add()


def sparse_attribute(made: Any) -> None:
    first_conv(made).attribute.add(name="value").sparse_tensor.dims.append(1)


def tensors_in_attribute(made: Any) -> None:
    first_conv(made).attribute.add(name="value").tensors.add()


def external_in_attribute(made: Any) -> None:
    tensor = first_conv(made).attribute.add(name="value").t
    tensor.data_type = 1
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"


def function(made: Any) -> None:
    made.functions.add(name="f", domain="x")


def training(made: Any) -> None:
    made.training_info.add()


def huge_padding(made: Any) -> None:
    pads = next(attribute for attribute in first_conv(made).attribute if attribute.name == "pads")
    pads.ints[:] = [1_000_000] * 4


def outer_product(made: Any) -> None:
    for name, dims in (("a", [60_000, 1]), ("b", [1, 60_000])):
        made.graph.initializer.append(helper.make_tensor(name, 1, dims, [0.0] * 60_000))
    made.graph.node.append(helper.make_node("MatMul", ["a", "b"], ["huge"]))


def second_input(made: Any) -> None:
    made.graph.input.append(helper.make_tensor_value_info("more", 1, [1]))


def input_of_floats(made: Any) -> None:
    made.graph.input[0].type.tensor_type.elem_type = 1


def fixed_batch(made: Any) -> None:
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1


def any_size(made: Any) -> None:
    made.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "h"


def no_features(made: Any) -> None:
    kept = [output for output in made.graph.output if output.name != "features"]
    del made.graph.output[:]
    made.graph.output.extend(kept)


def settings(made: Any) -> None:
    made.metadata_props.add(key="ort_config", value="{}")


def other_weights_shape(made: Any) -> None:
    tensor = next(tensor for tensor in made.graph.initializer if len(tensor.dims) == 4)
    tensor.dims[:] = [tensor.dims[0], tensor.dims[1], 1, 9]


def a_loop(made: Any) -> None:
    first_conv(made).input[0] = "logits"


def new_opset(made: Any) -> None:
    made.opset_import[0].version = 99


def twice(made: Any) -> None:
    made.graph.initializer.append(made.graph.initializer[0])


def declared_otherwise(made: Any) -> None:
    made.graph.output[1].type.tensor_type.shape.dim[1].dim_value = 4


ENEMIES: dict[str, tuple[Callable[[Any], object], str]] = {
    "external data above": (external("../../etc/passwd"), "external data"),
    "external data, absolute": (external("/etc/passwd"), "external data"),
    "an address in memory": (external("*/_ORT_MEM_ADDR_/*"), "marker for addresses in memory"),
    "an address in memory, other spelling": (external("*/_ORT_NATIVE_ENDIAN_MEM_ADDR_/*"), "marker for addresses in memory"),
    "external data in an attribute": (external_in_attribute, "external data"),
    "a claim of 3 GB": (big_claim, "claims"),
    "an operator of its own": (custom_operator, "operator sets"),
    "a graph within": (subgraph, "a graph within its graph"),
    "sparse tensors": (sparse, "sparse tensors"),
    "sparse tensors in an attribute": (sparse_attribute, "sparse tensors"),
    "tensors in an attribute": (tensors_in_attribute, "lists of tensors"),
    "functions": (function, "functions of its own"),
    "training": (training, "training instructions"),
    "padding by a million": (huge_padding, "would need"),
    "a product of vectors": (outer_product, "would need 3,600,000,000 numbers"),
    "a second input": (second_input, "it has 2 inputs"),
    "floats as input": (input_of_floats, "expected pixels, uint8"),
    "a fixed number of images": (fixed_batch, "any n"),
    "images of any size": (any_size, "a square of a fixed size"),
    "no features": (no_features, "expected probabilities and logits"),
    "settings for the runtime": (settings, "settings for ONNX Runtime"),
    "weights that do not fit": (other_weights_shape, "cannot work on"),
    "a circle": (a_loop, "which nothing before it computes"),
    "operators of the future": (new_opset, "allowed is one"),
    "a tensor twice": (twice, "two tensors of the name"),
    "outputs that are declared otherwise": (declared_otherwise, "is declared as"),
}


@pytest.mark.parametrize("name", ENEMIES)
def test_an_enemys_file_is_refused_before_it_is_run(
    name: str, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fault 75."""
    change, reason = ENEMIES[name]

    def never(*_: object) -> None:
        raise AssertionError("it was given to ONNX Runtime")

    monkeypatch.setattr("seefar.model.onnx_file.OnnxEngine", never)

    def strip_and_change(made: Any) -> None:
        made.ClearField("metadata_props")
        change(made)

    with pytest.raises(ModelFileError, match=reason) as raised:
        open_changed(exported, tmp_path, strip_and_change)
    assert raised.value.exit_code == 4
    assert str(raised.value).startswith(str(tmp_path / "changed.onnx"))


def test_what_stands_twice_is_refused_and_so_is_what_is_unknown(exported: Path, tmp_path: Path) -> None:
    """Two readers could see two networks: one takes the first graph, the other merges both."""
    content, path = exported.read_bytes(), tmp_path / "twice.onnx"
    made = onnx.load(exported)
    graph = made.graph.SerializeToString()
    for more, reason in (
        (b"\x3a" + _length(len(graph)) + graph, "says twice what graph of a model is"),
        (b"\xfa\x01\x00", "field 31 of a model"),
        (b"\x08", "truncated"),
        (b"\x08" + b"\xff" * 11, "more than 64 bits"),
    ):
        path.write_bytes(content + more)
        with pytest.raises(ModelFileError, match=reason):
            sf.load_model(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    for name, content in (("zip.onnx", b"PK\3\4" + bytes(40)), ("text.onnx", b"hello"), ("noise.onnx", bytes(range(256)) * 4)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelFileError, match=re.escape(f"{tmp_path / name} is not used: it is")):
            sf.load_model(tmp_path / name)
    with pytest.raises(ModelFileError, match=r"there is no file .*none.onnx; `seefar export` makes one"):
        sf.load_model(tmp_path / "none.onnx")


def test_a_file_that_is_too_large_is_not_even_read(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seefar.model.onnx_file.MOST_BYTES", 1000)
    with pytest.raises(ModelFileError, match="more than 1,000"):
        sf.load_model(exported)


def test_too_many_operators_are_refused(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_graph, "MOST_NODES", 3)
    with pytest.raises(ModelFileError, match="more than 3"):
        open_changed(exported, tmp_path, lambda made: None)


def test_without_the_runtime_the_error_says_what_to_install(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"pip install 'seefar\[export\]'"):
        sf.load_model(exported)


def test_a_model_can_be_replaced_in_part(exported: Path) -> None:
    assert dataclasses.replace(sf.load_model(exported), sure=0.5).sure == 0.5


def _length(number: int) -> bytes:
    found = b""
    while number > 127:
        found += struct.pack("B", number & 127 | 128)
        number >>= 7
    return found + struct.pack("B", number)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_bytes_are_changed_the_check_says_yes_or_no(exported: Path, seed: int) -> None:
    """The digest would notice; here the checks of the graph stand alone: they must not fail in a way of their own."""
    content, rng = exported.read_bytes(), np.random.default_rng(seed)
    graph_ends = content.index(b"seefar.self_test")
    for _ in range(150):
        changed = bytearray(content)
        for place in rng.integers(0, graph_ends, rng.integers(1, 4)):
            changed[place] = rng.integers(0, 256)
        with contextlib.suppress(ModelFileError):
            onnx_graph.check_graph(bytes(changed))
