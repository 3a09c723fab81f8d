"""Pickles that are honest, damaged or hostile. "Fault n": its number in the list of faults to survive."""

import hashlib
import os
import pickle
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.cifar_archives import NAMES, Python2, array, meta

from seefar.data.cifar_pickle import read_class_names, read_images, read_pickle
from seefar.errors import DataError

IMAGES = np.random.default_rng(0).integers(0, 256, (3, 3072), np.uint8)
LABELS = [2, 0, 1]


def python2(data: bytes = array(IMAGES), labels: bytes = b"](K\x02K\x00K\x01e") -> bytes:
    """A small batch in the dialect of the published files; the parts are pickles without head and end."""
    return b"\x80\x02}(U\x06labels" + labels + b"U\x04data" + data + b"u."


def refusal(content: bytes, images: int = 3) -> str:
    with pytest.raises(DataError) as caught:
        read_images(content, "data_batch_1", b"labels", images)
    assert caught.value.exit_code == 3
    return str(caught.value)


@pytest.mark.parametrize(
    ("data", "md5"), [("cifar10", "5ff9c542aee3614f3951f8cda6e48888"), ("cifar100", "7973b15100ade9c7d40fb424638fde48")]
)
def test_the_published_files_of_class_names(data, md5):
    """Made anew byte for byte, as their MD5 in torchvision shows: the dialect of these tests is that of the published files."""
    content = Python2().dumps(meta(data))
    assert hashlib.md5(content).hexdigest() == md5
    key = b"label_names" if data == "cifar10" else b"fine_label_names"
    assert read_class_names(content, "meta", key, len(NAMES[data])) == [name.encode() for name in NAMES[data]]


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_batch_as_python_2_wrote_it(order):
    images = np.asarray(IMAGES, order=order)
    pixels, labels = read_images(python2(array(images)), "data_batch_1", b"labels", 3)
    np.testing.assert_array_equal(pixels, IMAGES)
    assert pixels.dtype == np.uint8
    assert labels == LABELS


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("key", ["text", "bytes"])
def test_a_batch_as_python_3_writes_it(order, protocol, key):
    batch = {"data": np.asarray(IMAGES, order=order), "labels": LABELS, "filenames": ["a", "b", "c"]}
    if key == "bytes":
        batch = {name.encode(): value for name, value in batch.items()}
    pixels, labels = read_images(pickle.dumps(batch, protocol), "data_batch_1", b"labels", 3)
    np.testing.assert_array_equal(pixels, IMAGES)
    assert labels == LABELS


def test_numpy_before_version_2_spelt_its_module_otherwise():
    content = pickle.dumps({"data": IMAGES, "labels": LABELS}, 3)
    assert b"numpy._core.multiarray" in content
    read_images(content.replace(b"numpy._core.multiarray", b"numpy.core.multiarray"), "data_batch_1", b"labels", 3)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**900), 2**900) | st.binary(max_size=400) | st.text(max_size=300),
    lambda values: (
        st.lists(values, max_size=5) | st.tuples(values, values) | st.dictionaries(st.text() | st.binary(), values, max_size=5)
    ),
    max_leaves=30,
)


def as_bytes(value: object) -> object:
    """The value with all its text as bytes."""
    match value:
        case str():
            return value.encode("utf-8", "surrogatepass")
        case list() | tuple():
            return type(value)(as_bytes(item) for item in value)
        case dict():
            return {as_bytes(key): as_bytes(item) for key, item in value.items()}
    return value


@given(plain, st.sampled_from([3, 4]))
def test_plain_values_are_read_as_python_reads_them(value, protocol):
    read = read_pickle(pickle.dumps(value, protocol), "x", 10_000)
    assert read == as_bytes(value)
    assert repr(read) == repr(as_bytes(value))  # True is not 1


@settings(max_examples=300)
@given(
    st.binary(max_size=200)
    | st.lists(st.sampled_from([bytes([i]) for i in b"}](){NK\x01\x85\x86\x87aeusRb0.q\x00h"])).map(b"".join)
)
def test_any_bytes_give_a_value_or_a_data_error(content):
    try:
        read_pickle(b"\x80\x02" + content + b".", "x", 1_000)
    except DataError as error:
        assert "x is not a readable pickle" in str(error) or str(error).startswith("refused: x ")  # noqa: PT017 (either is right)


def test_a_batch_cut_at_any_byte():
    content = python2(array(IMAGES[:, :5]))
    for length in range(len(content)):
        assert "data_batch_1 is not a readable pickle" in refusal(content[:length])


class Evil:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_fault_16_a_pickle_that_runs_a_command_is_refused_and_does_not_run(tmp_path, protocol):
    canary = tmp_path / "canary"
    for value in (Evil(canary), {"data": IMAGES.tolist(), "labels": [1, 2, Evil(canary)]}):
        content = pickle.dumps(value, protocol)
        if protocol:
            assert refusal(content, 10_000) == "refused: data_batch_1 asks for posix.system"
        else:  # the oldest dialect writes other operations first
            assert refusal(content, 10_000).startswith("refused: data_batch_1 ")
        with pytest.raises(DataError, match="refused"):
            read_class_names(content, "meta", b"label_names", 10)
        assert not canary.exists()
        pickle.loads(content)
        assert canary.exists(), "the pickle must be a live one for this test to mean anything"
        canary.unlink()


@pytest.mark.parametrize(
    ("content", "asked"),
    [
        (b"cbuiltins\neval\n.", "builtins.eval"),
        (b"(S'id'\nios\nsystem\n.", "operation STRING"),
        (b"(ios\nsystem\n.", "os.system"),
        (b"cnumpy\nload\n.", "numpy.load"),
        (b"cnumpy\nndarray.tofile\n.", "numpy.ndarray.tofile"),
        (b"cnumpy.core.multiarray\nfromfile\n.", "numpy.core.multiarray.fromfile"),
        (b"c_codecs\nencode\n.", "_codecs.encode"),
        (b"c\x1b[2J\n\x07\n.", r"asks for \x1b[2J.\x07"),
        (b"\x82\x01.", "operation EXT1"),
        (b"cnumpy\nndarray\n)\x81.", "operation NEWOBJ"),
        (b"(cnumpy\nndarray\no.", "operation OBJ"),
        (b"P1\n.", "operation PERSID"),
        (b"NQ.", "operation BINPERSID"),
        (b"cnumpy\ndtype\n}b.", "not a readable pickle"),
        (b"}}b.", "not a readable pickle"),
        (b"}K\x01Ns.", "a dictionary whose keys are not strings"),
        (b"](U\x01aNu.", "a dictionary whose keys are not strings"),
        (b"}(U\x01au.", "not a readable pickle"),
        (b"K\x01)R.", "not a readable pickle"),
        (b"U\x05dtype)R.", "not a readable pickle"),
        (b"cnumpy\ndtype\nN)RR.", "not a readable pickle"),
    ],
)
def test_fault_16_other_things_to_ask_for(content, asked):
    assert asked in refusal(b"\x80\x02" + content)


def test_what_may_be_called_is_written_down_and_not_called():
    """`ndarray` with a buffer, offset and strides of the file's choice would read memory that is not its own."""
    call = read_pickle(b"\x80\x02cnumpy\nndarray\n(K\x01U\x02u1U\x08bufferedK\xffK\xfftR.", "x", 100)
    assert (call.function, call.arguments) == ("ndarray", (1, b"u1", b"buffered", 255, 255))


SHAPE = b"K\x03M\x00\x0c\x86"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (array(IMAGES, dtype=b"i1"), "'data' must be of type u1 (uint8), found i1"),
        (array(IMAGES, dtype=b"O8"), "'data' must be of type u1 (uint8), found O8"),
        (array(IMAGES[:2]), "'data' must be 3 x 3,072, found 2 x 3072"),
        (array(IMAGES.T), "'data' must be 3 x 3,072, found 3072 x 3"),
        (array(IMAGES[:, :100], shape=SHAPE), "'data' must be 9,216 bytes, found 300"),
        (array(IMAGES, shape=b"]"), "'data' must be a numpy array, found another call of array"),
        (array(IMAGES, shape=b"NN\x86"), "'data' must be 3 x 3,072, found nothing x nothing"),
        (array(IMAGES, shape=b"K\x03\x85"), "'data' must be 3 x 3,072, found 3"),
        (b"]", "'data' must be a numpy array, found a list of 0"),
        (b"N", "'data' must be a numpy array, found nothing"),
        (b"cnumpy\ndtype\nU\x02u1\x85R", "'data' must be a numpy array, found another call of dtype"),
        (b"cnumpy\nndarray\n", "'data' must be a numpy array, found a str"),
    ],
)
def test_fault_17_another_type_or_shape(data, message):
    assert refusal(python2(data)) == f"data_batch_1: {message}"


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (b"](K\x02K\x00e", "'labels' must be a list of 3, found a list of 2"),
        (b"(K\x02K\x00K\x01t", "'labels' must be a list of 3, found a tuple"),
        (b"U\x03abc", "'labels' must be a list of 3, found a bytes"),
        (b"N", "'labels' must be a list of 3, found nothing"),
    ],
)
def test_fault_17_other_labels(labels, message):
    assert refusal(python2(labels=labels)) == f"data_batch_1: {message}"


def test_fault_17_no_dictionary_or_no_such_key():
    assert refusal(b"\x80\x02].") == "data_batch_1 must hold a dictionary, found a list of 0"
    assert refusal(b"\x80\x02}.") == "data_batch_1: 'data' must be a numpy array, found nothing"
    with pytest.raises(DataError, match="'fine_labels' must be a list of 3, found nothing"):
        read_images(python2(), "train", b"fine_labels", 3)
    with pytest.raises(DataError, match="'label_names' must be a list of 10, found nothing"):
        read_class_names(b"\x80\x02}.", "batches.meta", b"label_names", 10)


@pytest.mark.parametrize(
    "bomb",
    [
        b"]" * 5_000_000,
        b"(" * 5_000_000,
        b"Nr\xff\xff\xff\xff.",
        b"N" + b"".join(b"r" + (i << 22).to_bytes(4, "little") for i in range(1000)) + b".",
        b"T\xff\xff\xff\x7f.",
        b"B\xff\xff\xff\xff.",
        b"X\xff\xff\xff\xff.",
        b"\x8e" + b"\xff" * 7 + b"\x7f.",
        b"\x96" + b"\xff" * 7 + b"\x7f.",
        b"\x95" + b"\xff" * 8 + b".",
        b"\x8b\xff\xff\xff\x7f.",
        b"I" + b"9" * 1_000_000 + b"\n.",
        b"]q\x00" + b"h\x00h\x00\x86q\x00" * 400 + b".",
        b"}" + b"".join(b"\x8a\x08" + (i * (2**61 - 1)).to_bytes(8, "little", signed=True) + b"Ns" for i in range(3)) + b".",
    ],
    ids=[
        "lists",
        "marks",
        "memo",
        "memos",
        "T",
        "B",
        "X",
        "BINBYTES8",
        "BYTEARRAY8",
        "FRAME",
        "LONG4",
        "INT",
        "nested",
        "collide",
    ],
)
def test_a_bomb_is_refused_soon_and_in_little_memory(bomb):
    tracemalloc.start()
    try:
        started = time.process_time()
        refusal(b"\x80\x02" + bomb, images=10_000)
        assert time.process_time() - started < 5
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
