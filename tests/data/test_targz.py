"""Archives that are cut, damaged or hostile. "Fault n": its number in the list of faults to survive."""

import gzip
import io
import tarfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.cifar_archives import END, piece, write

from seefar.data.targz import check_gzip, members
from seefar.errors import DataError

in_tmp_path = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def contents(path: Path, *names: str) -> list[tuple[str, bytes]]:
    return [(member.name, member.read(member.size)) for member in members(path, names)]


def test_members_come_in_the_archives_order_whether_or_not_they_are_read(tmp_path):
    path = write(
        tmp_path / "a.tar.gz", piece("d/b", b"2" * 600), piece("d/a", b"1"), piece("d/c", b""), piece("d/e", b"5" * 512)
    )
    assert contents(path, "d/a", "d/b", "d/c") == [("d/b", b"2" * 600), ("d/a", b"1"), ("d/c", b"")]
    assert [member.size for member in members(path, ["d/a", "d/e"])] == [1, 512]
    half_read = [member.read(100) for member in members(path, ["d/b", "d/e"])]
    assert half_read == [b"2" * 100, b"5" * 100]


def test_a_member_is_read_in_parts_and_never_beyond_its_end(tmp_path):
    member = next(members(write(tmp_path / "a.tar.gz", piece("a", b"12345"), piece("b", b"no")), ["a"]))
    assert [member.read(3), member.read(100), member.read(1)] == [b"123", b"45", b""]


@pytest.mark.parametrize("format_", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_pythons_tarfile_writes(tmp_path, format_):
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz", format=format_) as tar:
        for name, content in {"d/a": b"1" * 513, "long/" * 15: b"", "d/b": b"2"}.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(content), 1.5
            tar.addfile(info, io.BytesIO(content))
    assert contents(path, "d/a", "d/b") == [("d/a", b"1" * 513), ("d/b", b"2")]


ABSOLUTE = "/tmp/seefar-canary"
EVIL = [
    piece("../../evil", b"evil"),
    piece(ABSOLUTE, b"evil"),
    piece("d/../d/a", b"evil"),
    piece("./d/a", b"evil"),
    piece("d/a", type=tarfile.SYMTYPE, link="/etc/passwd"),
    piece("d/a", type=tarfile.LNKTYPE, link="../../evil"),
    piece("d/a", type=tarfile.CHRTYPE),
    piece("d/a", type=tarfile.BLKTYPE),
    piece("d/a", type=tarfile.FIFOTYPE),
    piece("d/a", type=tarfile.DIRTYPE),
    piece("d/a", b"0 evil", type=tarfile.GNUTYPE_SPARSE),
    piece("d/a", b"evil", type=b"Z"),
    piece("d/x", b"17 path=d/a\n5 size=4\n", type=tarfile.XHDTYPE),
    piece("d/x", b"17 path=d/a\n", type=tarfile.XGLTYPE),
    piece("d/x", b"d/evil\0", type=tarfile.GNUTYPE_LONGNAME),
    piece("d/x", b"9999999999999999 =", type=tarfile.XHDTYPE),
]


def test_fault_11_hostile_members_are_passed_over_and_nothing_is_written(tmp_path):
    folder = tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    path = write(folder / "a.tar.gz", *EVIL, piece("d/a", b"good"), *EVIL, piece("d/b", b"too"))
    assert contents(path, "d/a", "d/b") == [("d/a", b"good"), ("d/b", b"too")]
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]
    assert not Path(ABSOLUTE).exists()


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_what_has_no_content_has_none_whatever_its_size_says(tmp_path, kind):
    info = tarfile.TarInfo("d/x")
    info.type, info.size = kind, 1024
    path = write(tmp_path / "a.tar.gz", gzip.compress(info.tobuf(tarfile.USTAR_FORMAT)), piece("d/a", b"good"))
    assert contents(path, "d/a") == [("d/a", b"good")]


def test_extended_headers_in_thousands_do_not_matter(tmp_path):
    path = write(tmp_path / "a.tar.gz", *[piece("x", b"17 path=d/a\n", type=tarfile.XHDTYPE)] * 900, piece("d/a", b"good"))
    assert contents(path, "d/a") == [("d/a", b"good")]


SMALL = b"".join([piece("d/a", bytes(range(256)) * 5), piece("d/b", b"2"), END])


def test_fault_1_an_archive_cut_at_any_byte(tmp_path):
    path = tmp_path / "a.tar.gz"
    whole = gzip.compress(gzip.decompress(SMALL))  # in one stream
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError) as caught:
            contents(path, "d/a", "d/b")
        assert "is damaged" in str(caught.value) if length >= 2 else "not a gzip file" in str(caught.value)
        assert caught.value.exit_code == 3


def test_fault_1_a_tar_file_cut_before_it_was_compressed(tmp_path):
    whole = gzip.decompress(SMALL)
    for length in [100, 512, 600, 1791, 2047, 2560]:
        path = tmp_path / "a.tar.gz"
        path.write_bytes(gzip.compress(whole[:length]))
        with pytest.raises(DataError, match="is damaged"):
            contents(path, "d/a", "d/b")


@in_tmp_path
@given(st.integers(0, len(SMALL) * 8 - 1))
def test_fault_2_a_flipped_bit_is_harmless_or_named(tmp_path, bit):
    path = tmp_path / "a.tar.gz"
    damaged = bytearray(SMALL)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        read = contents(path, "d/a", "d/b")
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017 (either outcome is right)
    else:
        assert read == contents(write(tmp_path / "good.tar.gz", SMALL), "d/a", "d/b")


@in_tmp_path
@given(st.data())
def test_any_header_gives_members_or_a_data_error(tmp_path, data):
    header = bytearray(tarfile.TarInfo("d/a").tobuf(tarfile.USTAR_FORMAT))
    for position, values in data.draw(st.lists(st.tuples(st.integers(0, 511), st.binary(min_size=1, max_size=12)), max_size=4)):
        header[position : position + len(values)] = values
    header = header[:512]
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)  # the checksum, so that the rest is looked at
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(header) + bytes(2048), 1))
    try:
        for name, content in contents(path, "d/a"):
            assert (name, content) == ("d/a", bytes(len(content)))
            assert len(content) <= 2048
    except DataError as error:
        assert "is damaged" in str(error)  # noqa: PT017 (either outcome is right)


def test_a_negative_size(tmp_path):
    header = bytearray(tarfile.TarInfo("d/a").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 12  # -1 in base 256
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(bytes(header) + bytes(1024)))
    with pytest.raises(DataError, match="a size in it is negative"):
        contents(path, "d/a")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"<!DOCTYPE html>", "not a gzip file (starts with '<!DOC')"), (b"", "not a gzip file (it is empty)")],
)
def test_fault_3_another_file(tmp_path, content, words):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)
    for read in (check_gzip, contents):
        with pytest.raises(DataError) as caught:
            read(path)
        assert words in str(caught.value)


def test_what_a_file_begins_with_is_shown_without_control_characters(tmp_path):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(b"\x1b[2J!")
    with pytest.raises(DataError, match=r"starts with '\\x1b\[2J!'"):
        check_gzip(path)


@pytest.mark.parametrize("start", [b"", tarfile.TarInfo("zeros").tobuf()], ids=["padding", "member"])
def test_fault_15_a_gzip_bomb_is_stopped_in_little_memory(tmp_path, start):
    info = tarfile.TarInfo("zeros")
    info.size = 10 * 10**9
    bomb = gzip.compress(bytes(10_000_000))
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf(tarfile.GNU_FORMAT) if start else bytes(512)) + bomb * 1000)  # 10 GB
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="it holds more than 250,000,000 bytes when decompressed"):
            contents(path, "d/a")
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_a_thousand_members_are_too_many(tmp_path):
    path = write(tmp_path / "a.tar.gz", *[piece("x")] * 1000)
    with pytest.raises(DataError, match="it holds more than 1,000 members"):
        contents(path, "d/a")


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="there is no archive"):
        contents(tmp_path / "a.tar.gz", "d/a")
