"""Bodies and forms, taken apart as other programs put them together."""

import io

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.serving.running import png

from seefar.serving.problem import Problem
from seefar.serving.uploads import Memory, files_of

KIND = b"multipart/form-data; boundary=b"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_the_files_of_a_form_come_back_whole_and_in_order(files: list[bytes]) -> None:
    request = httpx.Request(
        "POST", "http://x", files=[("image", (f"{n}.png", file)) for n, file in enumerate(files)], data={"a": "b"}
    )
    assert files_of(request.read(), request.headers["content-type"].encode(), 6) == files


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"--b\r\n", b"--b\r\nContent-Disposition: form-data; filename=x\r\n\r\n"])
)
def test_bytes_that_do_not_end_as_a_form_are_a_problem(content: bytes, start: bytes) -> None:
    with pytest.raises(Problem) as refused:
        files_of(start + content.replace(b"--b", b""), KIND, 3)
    assert refused.value.status in (400, 413)


def test_boundaries_are_read_as_browsers_write_them() -> None:
    body = b'--x y\r\nContent-Disposition: form-data; name="a"; filename="f"\r\n\r\nhello\r\n--x y--\r\n'
    assert files_of(body, b'multipart/form-data; boundary="x y"', 1) == [b"hello"]
    assert files_of(body, b'Multipart/Form-Data; charset=utf-8; BOUNDARY="x y"; z=1', 1) == [b"hello"]


def test_a_body_of_an_image_type_is_the_file_itself() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((2, 2, 3), np.uint8)).save(file, "GIF")
    for kind in (b"image/gif", b"image/png", b"image/anything", b"application/octet-stream", b"IMAGE/PNG; x=y"):
        assert files_of(file.getvalue(), kind, 1) == [file.getvalue()]


def test_more_files_than_allowed_are_refused() -> None:
    request = httpx.Request("POST", "http://x", files=[("image", ("x", png(1)))] * 4)
    with pytest.raises(Problem, match="more than 3 files"):
        files_of(request.read(), request.headers["content-type"].encode(), 3)


def test_memory_is_bounded() -> None:
    memory = Memory(10)
    memory.add(10)
    with pytest.raises(Problem) as refused:
        memory.add(1)
    assert refused.value.status == 503
    memory.free(10)
    memory.add(1)
