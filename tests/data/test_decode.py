"""Decoding one file: every mode against known pixels, hostile files refused in a few words; faults 27 to 36."""

import io
import resource
import struct
import threading
import time
import warnings
import zlib
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from seefar.data import decode as module
from seefar.data.decode import WORTH_A_THREAD, Decoded, NotAnImageError, decode, decode_each, decode_some
from seefar.errors import DataError, UsageError

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF")
NOISE = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
SMOOTH = np.stack(np.broadcast_arrays(np.arange(0, 256, 8)[:, None], np.arange(255, 0, -8)[None, :], 128), -1).astype(np.uint8)


def encode(pixels: np.ndarray | Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    image = Image.fromarray(pixels) if isinstance(pixels, np.ndarray) else pixels
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour: int, data: bytes, *more: tuple[bytes, bytes]) -> bytes:
    """A PNG made by hand: Pillow writes neither 16-bit RGB nor pictures that lie about their size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *more, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*item) for item in chunks)


def test_a_picture_of_the_wanted_size_keeps_its_pixels() -> None:
    found = decode(encode(NOISE), 16)
    assert found.pixels.dtype == np.uint8
    assert np.array_equal(found.pixels, NOISE)
    assert found[1:] == ("RGB", "16x16", False)
    jpeg = encode(NOISE, "JPEG")
    assert np.array_equal(decode(jpeg, 16).pixels, np.asarray(Image.open(io.BytesIO(jpeg))))


@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format(file_format: str) -> None:
    found = decode(encode(SMOOTH, file_format), 32)
    assert np.abs(found.pixels.astype(int) - SMOOTH).mean() < (12 if file_format in ("GIF", "JPEG", "WEBP") else 1e-9)
    assert found.original_size == "32x32"


def test_fault_29_grey_one_bit_and_palette() -> None:
    grey = Image.fromarray(NOISE).convert("L")
    black_white = Image.fromarray(NOISE).convert("1")
    palette = Image.fromarray(NOISE).quantize(16)
    for image, mode in ((grey, "L"), (black_white, "1"), (palette, "P")):
        found = decode(encode(image), 16)
        assert found.mode == mode
        assert np.array_equal(found.pixels, np.asarray(image.convert("RGB")))


@pytest.mark.parametrize(("background", "behind"), [("white", (255, 255, 255)), ("#102030", (16, 32, 48))])
def test_faults_29_and_30_transparency_shows_the_background(background: str, behind: tuple[int, int, int]) -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[:, :2] = (200, 100, 50, 255)
    rgba[:, 2] = (200, 100, 50, 0)
    rgba[:, 3] = (200, 100, 50, 51)  # one fifth
    image = Image.fromarray(rgba)
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 200, 100, 50])
    palette.paste(0, (2, 0, 4, 4))

    pixels = decode(encode(image), 4, background).pixels
    assert pixels[0].tolist()[:3] == [[200, 100, 50], [200, 100, 50], list(behind)]
    mixed = 0.2 * np.array([200, 100, 50]) + 0.8 * np.array(behind)
    assert np.abs(pixels[0, 3] - mixed).max() <= 1
    assert decode(encode(image.convert("LA")), 4, background).pixels[0, 2].tolist() == list(behind)
    for transparency in (0, b"\x00\xff"):
        pixels = decode(encode(palette, transparency=transparency), 4, background).pixels
        assert pixels[0].tolist() == [[200, 100, 50]] * 2 + [list(behind)] * 2
    pixels = decode(encode(image.convert("RGB"), transparency=(200, 100, 50)), 4, background).pixels
    assert np.all(pixels == behind)
    assert decode(encode(palette, "GIF", transparency=0), 4, background).pixels[0, 3].tolist() == list(behind)
    assert decode(encode(image, "WEBP", lossless=True), 4, background).pixels[0, 2].tolist() == list(behind)


def test_fault_31_sixteen_bits_are_scaled() -> None:
    grey = np.array([[0, 257, 256 * 100], [32768, 65534, 65535], [1000, 2000, 3000]], np.uint16)
    found = decode(encode(Image.fromarray(grey)), 3)
    assert found.mode == "I;16"
    assert np.array_equal(found.pixels, np.repeat(np.rint(grey / 257)[..., None], 3, axis=2))

    see_through = png(1, 2, 16, 0, b"\0\x12\x34" * 2, (b"tRNS", b"\x12\x34"))
    assert decode(see_through, 1).pixels.tolist() == [[[255, 255, 255]]]

    row = b"\0" + struct.pack(">6H", 65535, 32768, 0, 257, 65280, 128)
    pixels = decode(png(2, 2, 16, 2, row * 2), 2).pixels
    assert np.abs(pixels[0].astype(int) - [[255, 128, 0], [1, 254, 0]]).max() <= 1


def test_fault_32_cmyk() -> None:
    """Adobe stores the inks inverted; Pillow, browsers and ImageMagick take a file without Adobe's mark for inverted, too."""
    for inks, colour in (((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255, 255, 255)), ((0, 0, 0, 255), (0, 0, 0))):
        adobe = encode(Image.new("CMYK", (8, 8), inks), "JPEG")
        start = adobe.index(b"\xff\xee")
        plain = adobe[:start] + adobe[start + 2 + int.from_bytes(adobe[start + 2 : start + 4], "big") :]
        assert b"Adobe" in adobe
        assert b"Adobe" not in plain
        for content in (adobe, plain):
            found = decode(content, 8)
            assert found.mode == "CMYK"
            assert np.abs(found.pixels.astype(int) - colour).max() <= 4


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP"])
def test_fault_33_first_frame_of_an_animation(file_format: str) -> None:
    red, blue = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    found = decode(encode(red, file_format, save_all=True, append_images=[blue], lossless=True), 8)
    assert found.animated
    assert np.abs(found.pixels.astype(int) - (255, 0, 0)).max() <= 1
    assert not decode(encode(red, file_format), 8).animated


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["PNG", "WEBP", "JPEG"])
def test_fault_34_exif_orientation(file_format: str, orientation: int) -> None:
    upright = Image.fromarray(SMOOTH[:, :24])
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that a camera held so makes, in Pillow's numbers
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x112] = orientation
    quality = {"JPEG": {"quality": 100, "subsampling": 0}, "WEBP": {"lossless": True}, "PNG": {}}[file_format]
    turned = decode(encode(stored, file_format, exif=exif, **quality), 24).pixels
    straight = decode(encode(upright, file_format, **quality), 24).pixels
    assert np.abs(turned.astype(int) - straight).max() <= (3 if file_format == "JPEG" else 0)


def test_unreadable_exif_leaves_the_picture_as_stored() -> None:
    whole = encode(NOISE, "JPEG")
    segment = b"Exif\0\0" + b"nonsense"
    content = whole[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + whole[2:]
    assert np.array_equal(decode(content, 16).pixels, decode(whole, 16).pixels)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 500), (500, 1), (65500, 1), (3, 2)])
def test_fault_35_odd_shapes_are_resized(width: int, height: int) -> None:
    found = decode(encode(Image.new("RGB", (width, height), (9, 8, 7))), 8)
    assert found.original_size == f"{width}x{height}"
    assert np.all(found.pixels == (9, 8, 7))


def test_fault_35_no_pixels_at_all() -> None:
    with pytest.raises(DataError, match=r"^damaged$"):
        decode(png(0, 5, 8, 2, b""), 8)


def test_centre_square_of_the_shorter_side() -> None:
    wide = np.zeros((16, 26, 3), np.uint8)
    wide[:, 5:21] = NOISE
    assert np.array_equal(decode(encode(wide), 16).pixels, NOISE)
    assert np.array_equal(decode(encode(wide.transpose(1, 0, 2)), 16).pixels, NOISE.transpose(1, 0, 2))


def test_shrinking_is_antialiased() -> None:
    chequered = np.repeat(((np.indices((64, 64)).sum(0) % 2) * 255)[..., None], 3, axis=2).astype(np.uint8)
    assert np.abs(decode(encode(chequered), 32).pixels.astype(int) - 127).max() <= 8


def test_a_photograph_decoded_small_looks_as_if_decoded_in_full() -> None:
    """Large JPEGs are decoded at a fraction of their size; against Pillow's full decoding."""
    y, x = np.mgrid[:800, :900]
    photo = np.stack([x % 256, y % 256, 127 + 100 * np.sin((x * y) / 5e4)], -1).astype(np.uint8)
    content = encode(photo, "JPEG", quality=95)
    square = ImageOps.fit(Image.open(io.BytesIO(content)), (32, 32), Image.Resampling.BICUBIC)
    difference = np.abs(decode(content, 32).pixels.astype(int) - np.asarray(square))
    assert difference.mean() < 2


@pytest.mark.parametrize("file_format", FORMATS)
def test_fault_36_limit_on_pixels(file_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PIXELS", 100)
    assert decode(encode(Image.new("RGB", (10, 10)), file_format), 8).original_size == "10x10"
    with pytest.raises(DataError, match=r"^10x11 pixels, more than"):
        decode(encode(Image.new("RGB", (10, 11)), file_format), 8)


def test_fault_36_decompression_bombs_are_refused_before_decoding() -> None:
    start, memory = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for side in (4001, 12000, 30000):  # above our limit, above Pillow's warning, above Pillow's error
        with pytest.raises(DataError, match=rf"^{side}x{side} pixels, more than 16 million$") as caught:
            decode(png(side, side, 8, 2, b"\0" * 1_000_000), 32)
        assert caught.value.exit_code == 3
    with pytest.raises(DataError, match="16 million"):
        decode(b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2, 32)
    frame = b",\0\0\0\0" + struct.pack("<HH", 50000, 50000) + b"\0\x02\0"  # larger than the GIF's own canvas
    with pytest.raises(DataError, match="16 million"):
        decode(b"GIF89a\x01\0\x01\0\0\0\0" + frame + b";", 32)
    assert time.perf_counter() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100_000  # kilobytes; the PNG alone would take 2.7 GB


@pytest.mark.parametrize("content", [b"hello, I am a text", b"BMW is no bitmap, but begins like one", b"\x89PNG", b"II*\0"])
def test_fault_27_not_an_image(content: bytes) -> None:
    with pytest.raises(NotAnImageError, match=r"^not an image") as caught:
        decode(content, 8)
    assert caught.value.exit_code == 3


def test_fault_27_empty_file() -> None:
    with pytest.raises(NotAnImageError, match=r"^empty file$"):
        decode(b"", 8)


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_fault_27_truncated(file_format: str, kept: float) -> None:
    content = encode(NOISE, file_format)
    with pytest.raises(DataError, match=r"^(truncated|damaged)$"):
        decode(content[: int(kept * len(content))], 8)


@pytest.mark.parametrize(("file_format", "kept"), [("JPEG", 600), ("PNG", 400), ("BMP", 400), ("GIF", 800)])
def test_fault_27_truncated_is_called_so(file_format: str, kept: int) -> None:
    with pytest.raises(DataError, match=r"^truncated$"):
        decode(encode(NOISE, file_format)[:kept], 8)


def every_kind() -> Iterator[bytes]:
    image = Image.fromarray(NOISE)
    exif = Image.Exif()
    exif[0x112] = 6
    for file_format in FORMATS:
        yield encode(image, file_format)
        yield (
            encode(image.quantize(8), file_format)
            if file_format not in ("JPEG", "WEBP")
            else encode(image, file_format, exif=exif)
        )
    for file_format in ("PNG", "GIF", "WEBP"):
        yield encode(image, file_format, save_all=True, append_images=[image.rotate(90)])
    yield encode(image, "JPEG", progressive=True)
    yield encode(image.convert("CMYK"), "JPEG")
    yield encode(image.convert("RGBA"), "PNG", exif=exif)


@given(st.sampled_from(list(every_kind())), st.data())
def test_damaged_bytes_give_pixels_or_a_short_reason(content: bytes, data: st.DataObject) -> None:
    damaged = bytearray(content[: data.draw(st.integers(0, len(content)), "kept")])
    places = st.tuples(st.integers(0, max(0, len(damaged) - 1)), st.integers(0, 255))
    for place, value in data.draw(st.lists(places, max_size=8), "changed") if damaged else ():
        damaged[place] = value
    try:
        assert decode(bytes(damaged), 8).pixels.shape == (8, 8, 3)
    except DataError as error:
        assert 0 < len(str(error)) < 80  # noqa: PT017 (either outcome is right)


@given(st.sampled_from([encode(NOISE, file_format)[:18] for file_format in FORMATS]), st.binary(max_size=200))
def test_a_right_beginning_and_any_rest(head: bytes, rest: bytes) -> None:
    with pytest.raises(DataError):
        decode(head + rest, 8)


def test_unknown_background() -> None:
    with pytest.raises(UsageError, match="background is 'whiet'; allowed is a colour name") as caught:
        decode(encode(NOISE), 8, "whiet")
    assert caught.value.exit_code == 2


def test_pillows_warnings_are_silenced_in_threads_and_the_filters_come_back() -> None:
    bad_animation = png(1, 1, 8, 0, b"\0\0", (b"acTL", b"\0" * 8))  # Pillow warns "Invalid APNG"
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [decode(bad_animation, 1) for _ in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert decode(bad_animation, 1).pixels.tolist() == [[[0, 0, 0]]]
    assert list(warnings.filters) == before


@pytest.mark.parametrize("large", [0, 1 << 40])
def test_many_files_come_in_order_with_their_own_troubles(large: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_A_THREAD", large)
    files = [encode(np.full((4, 4, 3), i, np.uint8)) for i in range(50)]
    files[7] = b"text"

    def read(item: int) -> bytes:
        if item == 9:
            raise FileNotFoundError(2, "gone")
        return files[item]

    results = list(decode_each(read, range(50), 4, "white"))
    assert isinstance(results.pop(9), FileNotFoundError)
    assert isinstance(results.pop(7), NotAnImageError)
    assert [result.pixels[0, 0, 0] for result in results] == [i for i in range(50) if i not in (7, 9)]  # type: ignore[union-attr]


def test_files_are_read_only_a_little_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTH_A_THREAD", 0)
    content, seen = encode(NOISE), []

    def read(item: int) -> bytes:
        seen.append(item)
        return content

    results = decode_each(read, range(1000), 8, "white")
    next(results)
    assert len(seen) <= 2 * module.MAX_WORKERS + 1 + module.TURN_FILES
    results.close()  # type: ignore[attr-defined]
    large, seen[:] = content + bytes(module.TURN_BYTES), []
    next(decode_each(lambda item: seen.append(item) or large, range(1000), 8, "white"))
    assert len(seen) <= 2 * module.MAX_WORKERS + 2


def test_an_error_that_is_not_about_one_file_ends_all() -> None:
    def read(item: int) -> bytes:
        raise DataError("the zip is damaged")

    with pytest.raises(DataError, match="the zip is damaged"):
        list(decode_each(read, range(3), 8, "white"))


def test_some_pictures_are_what_each_would_be_and_their_trouble_is_told() -> None:
    contents = [encode(NOISE[:, : 16 - number % 8]) for number in range(40)]
    contents[3], contents[20] = b"", encode(np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8))
    refused = OSError("refused")

    def read(number: int) -> bytes:
        if number == 7:
            raise refused
        return contents[number]

    found = list(decode_some(read, range(40), 8, "white"))
    each = list(decode_each(read, range(40), 8, "white"))
    assert found[7] is refused
    for one, other in zip(found, each, strict=True):
        if isinstance(one, Decoded) and isinstance(other, Decoded):
            assert np.array_equal(one.pixels, other.pixels)
        else:
            assert (type(one), str(one)) == (type(other), str(other))
    assert len(contents[20]) > WORTH_A_THREAD
    assert isinstance(found[20], Decoded)
