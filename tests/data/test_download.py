"""Downloads from a server that does everything wrong. "Fault n": its number in the list of faults to survive."""

import gzip
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.data.https_server import Server, authority, running

from seefar.data.download import Archive, Patience, clean, fetch
from seefar.errors import DataError, DiskError, InUseError, SeefarError, UsageError

CONTENT = gzip.compress(random.Random(0).randbytes(300_000), mtime=0)  # more than one network read
QUICK = Patience(connect=10, read=10, attempts=3, pause=0.001)
IMPATIENT = Patience(connect=0.3, read=0.3, attempts=2, pause=0.001)


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory):
    return authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def running_server(tls) -> Iterator[Server]:
    with running(CONTENT, tls[1]) as server:
        yield server


@pytest.fixture
def server(running_server: Server, tls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, its log empty, in an environment that trusts it, with an empty cache folder."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SEEFAR_MIRROR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tls[0]))
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path))
    running_server.requests.clear()
    return running_server


@pytest.fixture
def archive(server: Server) -> Callable[..., Archive]:
    """Makes the archive whose mirrors behave as named."""

    def make(*behaviours: str) -> Archive:
        urls = tuple(b if b.startswith("http") else server.url(b) for b in behaviours)
        return Archive("a.tar.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest(), urls)

    return make


@pytest.fixture
def final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SEEFAR_HOME", str(tmp_path))
    (tmp_path / "archives").mkdir()
    return tmp_path / "archives" / "a.tar.gz"


def partial(final: Path) -> Path:
    return final.with_name("a.tar.gz.partial")


def failure(archive: Archive, patience: Patience = QUICK) -> SeefarError:
    with pytest.raises(DataError) as caught:
        fetch(archive, patience=patience)
    assert caught.value.exit_code == 3
    return caught.value


def test_a_download_arrives_verified_and_reports_its_progress(archive, server, final):
    told = []
    assert fetch(archive("good"), lambda done, total: told.append((done, total))) == final
    assert final.read_bytes() == CONTENT
    assert not partial(final).exists()
    assert told == sorted(told)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [(behaviour, wanted) for behaviour, wanted, _ in server.requests] == [("good", None)]
    assert server.requests[0][2].startswith("seefar ")


def test_what_is_in_the_cache_is_not_downloaded(archive, server, final):
    final.write_bytes(CONTENT)
    assert fetch(archive("good")) == final
    assert server.requests == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (CONTENT[:-1000], f"a.tar.gz is {len(CONTENT) - 1000:,} bytes, expected {len(CONTENT):,}; delete it"),
        (CONTENT[:-1] + b"!", f"expected {hashlib.sha256(CONTENT).hexdigest()}; delete it"),
        (b"<!DOCTYPE html>", "a.tar.gz is not a gzip file (starts with '<!DOC'); delete it"),
    ],
    ids=["cut", "changed", "html"],
)
def test_faults_1_2_3_a_wrong_file_in_the_cache_is_refused_and_left_alone(archive, server, final, content, message):
    final.write_bytes(content)
    assert message in str(failure(archive("good")))
    assert final.read_bytes() == content
    assert server.requests == []


def test_fault_4_an_empty_file_counts_as_none(archive, final):
    final.touch()
    assert fetch(archive("good")).read_bytes() == CONTENT


def test_fault_5_a_cut_connection_is_resumed(archive, server, final, capsys):
    assert fetch(archive("cut-once"), patience=QUICK).read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert [wanted for _, wanted, _ in server.requests] == [None, f"bytes={half}-"]
    assert "RemoteProtocolError" in capsys.readouterr().err


def test_fault_5_a_connection_that_is_always_cut_leaves_a_part_that_the_next_run_resumes(archive, server, final):
    error = failure(archive("cut"))
    got = partial(final).stat().st_size
    assert f"{got:,} of {len(CONTENT):,} bytes are here and a new run resumes" in str(error)
    assert "--archive FILE" in str(error)
    assert "--data shapes" in str(error)
    assert not final.exists()
    assert len(server.requests) == QUICK.attempts
    server.requests.clear()
    assert fetch(archive("good")).read_bytes() == CONTENT
    assert server.requests[0][1] == f"bytes={got}-"


@pytest.mark.parametrize("behaviour", ["stall", "stall-half-way"])
def test_fault_6_a_server_that_falls_silent(archive, final, capsys, behaviour):
    error = failure(archive(behaviour), IMPATIENT)
    assert any("sent nothing for 0.3 s" in line for line in error.details)
    assert len(capsys.readouterr().err.splitlines()) == IMPATIENT.attempts
    assert not final.exists()


def test_fault_6_a_server_that_never_answers_the_call(archive, final):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = failure(archive(f"https://127.0.0.1:{silent.getsockname()[1]}/a.tar.gz"), IMPATIENT)
    assert any("no connection within 0.3 s" in line for line in error.details)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://127.0.0.1:1/a.tar.gz", "ConnectError"),
        ("https://a..b/a.tar.gz", "UnicodeError"),
        ("https://127.0.0.1:99999999999999999999/a.tar.gz", "OverflowError"),
    ],
    ids=["refused", "no name", "no port"],
)
def test_fault_7_no_connection_names_the_host_and_the_way_out(archive, final, url, reason):
    error = failure(archive(url))
    host = url.split("/")[2]
    assert f"could not download a.tar.gz from {host};" in str(error)
    assert error.details[0].startswith(f"{host}: {reason}")
    assert "HTTPS_PROXY" in error.details[-1]
    assert not final.exists()


def test_fault_7_an_unknown_certificate_is_not_accepted_and_not_tried_again(archive, server, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SSL_CERT_FILE", str(authority(tmp_path)[0]))
    error = failure(archive("good"))
    assert "CERTIFICATE_VERIFY_FAILED" in error.details[0]
    assert capsys.readouterr().err.count("CERTIFICATE_VERIFY_FAILED") == 1
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SSL_CERT_FILE", "/nowhere.pem"),
        ("HTTPS_PROXY", "ftp://127.0.0.1"),
        ("HTTPS_PROXY", "socks5://127.0.0.1"),
        ("HTTPS_PROXY", "http://127.0.0.1:x"),
    ],
)
def test_fault_7_a_wrong_environment_is_named(archive, server, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert "cannot prepare the download" in str(failure(archive("good")))


def test_fault_7_a_proxy_that_refuses(archive, server, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    assert any("ConnectError" in line for line in failure(archive("good")).details)
    assert server.requests == []


@pytest.mark.parametrize("behaviour", ["ignores-range", "other-range", "416"])
def test_fault_8_a_server_that_cannot_resume_sends_all_of_it(archive, server, final, behaviour):
    partial(final).write_bytes(CONTENT[:1000])
    assert fetch(archive(behaviour), patience=QUICK).read_bytes() == CONTENT
    assert server.requests[0][1] == "bytes=1000-"


@pytest.mark.parametrize("behaviour", ["elsewhere", "elsewhere-endless"])
def test_fault_9_a_redirect_to_http_is_refused(archive, server, final, behaviour):
    with running(CONTENT, None) as plain:
        server.elsewhere = plain.url("good")
        error = failure(archive(behaviour))
        assert plain.requests == []
    assert f"redirects to http://127.0.0.1:{plain.server_port}, not to https" in error.details[0]
    assert len(server.requests) == 1
    assert not final.exists()


@pytest.mark.parametrize("behaviour", ["elsewhere", "elsewhere-endless"])
def test_fault_9_a_redirect_to_another_https_host_is_followed(archive, server, tls, final, behaviour):
    partial(final).write_bytes(CONTENT[:1000])
    with running(CONTENT, tls[1]) as other:
        server.elsewhere = other.url("good")
        assert fetch(archive(behaviour), patience=QUICK).read_bytes() == CONTENT
        assert other.requests[0][1] == "bytes=1000-"


def test_fault_9_redirects_without_end(archive, server):
    assert "redirects more than 5 times" in failure(archive("loop")).details[0]
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("endless", f"sent more than {len(CONTENT):,} bytes"),
        ("one-more", f"sent more than {len(CONTENT):,} bytes"),
        ("says-more", f"offers {len(CONTENT) + 1} bytes, expected {len(CONTENT):,}"),
        ("html", "not a gzip file (starts with '<!DOC')"),
        ("404", "HTTP status 404"),
        ("204", "HTTP status 204"),
        ("206", "HTTP status 206"),
        ("416-always", "HTTP status 416"),
        ("wrong", f"expected {hashlib.sha256(CONTENT).hexdigest()}"),
    ],
)
def test_fault_10_a_mirror_with_something_else_is_left_for_the_next(archive, server, final, capsys, behaviour, reason):
    assert fetch(archive(behaviour, "good"), patience=QUICK).read_bytes() == CONTENT
    assert [request[:2] for request in server.requests] == [(behaviour, None), ("good", None)]
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("behaviour", ["html", "404", "416-always", "says-more"])
def test_a_mirror_with_something_else_does_not_cost_what_is_there(archive, server, final, behaviour):
    partial(final).write_bytes(CONTENT[:1000])
    assert fetch(archive(behaviour, "good"), patience=QUICK).read_bytes() == CONTENT
    assert server.requests[-1][:2] == ("good", "bytes=1000-")


def test_a_body_without_length_that_ends_early_is_seen(archive, final):
    assert "the connection ended after" in failure(archive("no-length")).details[0]
    assert not final.exists()


def test_a_server_in_trouble_is_tried_again(archive, server):
    assert fetch(archive("500-once"), patience=QUICK).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_the_pauses_between_attempts_grow(archive, monkeypatch):
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    failure(archive("500"), Patience(attempts=4, pause=0.5))
    assert pauses == [0.5, 1.0, 2.0]


def test_the_file_is_not_unpacked_on_the_way(archive):
    assert fetch(archive("encoded"), patience=QUICK).read_bytes() == CONTENT


def test_every_mirror_that_was_tried_is_named(archive, server):
    error = failure(archive("404", "https://127.0.0.1:1/a.tar.gz"))
    assert f"from 127.0.0.1:{server.server_port}, 127.0.0.1:1;" in str(error)
    assert error.details[0] == f"127.0.0.1:{server.server_port}: HTTP status 404"
    assert error.details[1].startswith("127.0.0.1:1: ConnectError")


def test_the_users_mirror_comes_first(archive, server, monkeypatch):
    monkeypatch.setenv("SEEFAR_MIRROR", server.url("good", "mine/"))
    assert fetch(archive("404")).read_bytes() == CONTENT
    assert [request[0] for request in server.requests] == ["good"]


@pytest.mark.parametrize("mirror", ["http://example.org", "example.org", "https://", "https://example.org:x"])
def test_the_users_mirror_must_be_https(archive, server, monkeypatch, mirror):
    monkeypatch.setenv("SEEFAR_MIRROR", mirror)
    with pytest.raises(UsageError, match=r"SEEFAR_MIRROR .* https://"):
        fetch(archive("good"))
    assert server.requests == []


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, len(CONTENT)), garbage=st.binary(max_size=30), more=st.sampled_from([0, 0, 1 << 20]))
def test_whatever_an_earlier_run_left_the_file_is_right(archive, final, length, garbage, more):
    final.unlink(missing_ok=True)
    partial(final).write_bytes(CONTENT[:length] + garbage + bytes(more))
    assert fetch(archive("good"), patience=QUICK).read_bytes() == CONTENT


def python(code: str, archive: Archive, **options) -> subprocess.Popen:
    """Another process that runs the code, with `archive` and `fetch` defined, in this one's environment."""
    start = f"from seefar.data.download import Archive, Form, fetch\narchive = {archive!r}\n"
    command = [sys.executable, "-c", start + code]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_fault_20_two_processes_download_once(archive, server, final):
    first = python("print(fetch(archive))", archive("slow"))
    wait_for(lambda: partial(final).exists())
    second = python("print(fetch(archive))", archive("slow"))
    (first_out, first_err), (second_out, second_err) = first.communicate(), second.communicate()
    assert (first.returncode, second.returncode) == (0, 0), first_err + second_err
    assert first_out == second_out == f"{final}\n"
    assert f"waiting for process {first.pid} on " in second_err
    assert "which is downloading a.tar.gz" in second_err
    assert final.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_killed_download_leaves_nothing_at_the_final_name_and_is_resumed(archive, server, final):
    process = python("fetch(archive)", archive("stall-half-way"))
    wait_for(lambda: partial(final).exists() and partial(final).stat().st_size > 0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    got = partial(final).stat().st_size
    assert not final.exists()
    assert fetch(archive("good")).read_bytes() == CONTENT
    assert server.requests[-1][1] == f"bytes={got}-"


def test_cleaning_takes_what_is_asked_and_nothing_else(final):
    for name, content in {"a.tar.gz": b"12", "b.tar.gz.partial": b"345", "b.tar.gz.lock": b"", "note.txt": b"6"}.items():
        final.with_name(name).write_bytes(content)
    assert clean(archives=False) == [("b.tar.gz.partial", 3)]
    assert clean(archives=False) == []
    assert clean(archives=True) == [("a.tar.gz", 2)]
    assert final.with_name("note.txt").exists()


def test_cleaning_an_empty_home(own_home):
    assert clean(archives=True) == []


def test_a_running_download_is_not_cleaned_away(archive, final):
    process = python("fetch(archive)", archive("stall-half-way"))
    wait_for(lambda: partial(final).exists())
    with pytest.raises(InUseError, match=f"in use by process {process.pid} "):
        clean(archives=True)
    process.kill()
    process.communicate()
    assert clean(archives=True)[0][0] == "a.tar.gz.partial"


def test_a_full_disk(archive, server, final):
    limit = "import resource, signal\nresource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
    report = "try: fetch(archive)\nexcept Exception as error: print(type(error).__name__, error.exit_code, error)"
    out, err = python(limit + report, archive("good")).communicate()
    assert out.startswith(f"DiskError 7 cannot use {partial(final)}: "), err
    assert not final.exists()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user may look into; pytest's own are root's alone."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
def test_fault_19_a_cache_folder_without_permission(archive, server, public_folder, monkeypatch):
    monkeypatch.setenv("SEEFAR_HOME", str(public_folder))
    become_nobody = "import filelock, httpx, os\nos.setuid(65534)\n"  # Python itself may lie where only root can read
    report = "try: print(fetch(archive))\nexcept Exception as error: print(type(error).__name__, error.exit_code, error)"
    out, err = python(become_nobody + report, archive("good")).communicate()
    assert out.startswith(f"DiskError 7 cannot use {public_folder}/archives: "), err
    assert "user id 65534" in out
    (public_folder / "archives").mkdir()
    out, err = python(become_nobody + report, archive("good")).communicate()
    assert out.startswith(f"DiskError 7 cannot use {public_folder}/archives/a.tar.gz.lock: "), err
    assert "user id 65534" in out
    assert server.requests == []
    (public_folder / "archives" / "a.tar.gz").write_bytes(CONTENT)  # what is there can be used
    out, err = python(become_nobody + report, archive("good")).communicate()
    assert out == f"{public_folder}/archives/a.tar.gz\n", err


def test_a_folder_in_the_archives_place(archive, final):
    final.mkdir()
    with pytest.raises(DiskError, match="Is a directory"):
        fetch(archive("good"))
