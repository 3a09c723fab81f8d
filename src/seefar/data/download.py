"""Archives from the internet, kept in the cache folder: https only, pinned by SHA-256, resumed where a download ended."""

import contextlib
import itertools
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from seefar.data.targz import MAGIC, check_gzip, starts_with
from seefar.errors import DataError, UsageError
from seefar.files import disk_errors, home, lock, make_folder, sha256, sync_folder

if TYPE_CHECKING:
    import httpx

Progress = Callable[[int, int], None]  # bytes done, bytes in all

USER_AGENT = "seefar (dataset download; python-httpx)"
ARCHIVES = (".gz", ".mat", ".npy")  # how their names end
MAX_REDIRECTS = 5  # chosen by hand


@dataclass(frozen=True)
class Form:
    """How a file begins, and what such a file is called."""

    magic: bytes
    called: str


GZIP = Form(MAGIC, "gzip file")


@dataclass(frozen=True)
class Archive:
    """A file on the internet. Any mirror will do, because the digest says whether it sent the right bytes."""

    file: str
    size: int  # bytes
    sha256: str  # in hexadecimal
    urls: tuple[str, ...]  # https, the first is tried first
    form: Form = GZIP


@dataclass(frozen=True)
class Patience:
    """How long to try. All values are chosen by hand."""

    connect: float = 10.0  # seconds to connect
    read: float = 30.0  # seconds without a byte
    attempts: int = 4  # at each mirror
    pause: float = 0.5  # seconds before the second attempt; doubled before each further one


PATIENCE = Patience()


class _MirrorError(Exception):
    """A mirror did not deliver. `again`: it may do so at another attempt."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


def is_cached(archive: Archive) -> bool:
    """Whether the cache folder has a file of this name. An empty one, left by a killed program, does not count."""
    path = _path(archive)
    with disk_errors(path):
        return path.is_file() and path.stat().st_size > 0


def fetch(archive: Archive, progress: Progress = lambda done, total: None, patience: Patience = PATIENCE) -> Path:
    """The path of the archive in the cache folder, verified; downloaded first if it is not there.

    `SEEFAR_MIRROR`, an https address to which the file's name is appended, is tried before the archive's own mirrors. Of
    several processes one downloads while the others wait. Proxies and certificates are httpx's: HTTPS_PROXY, SSL_CERT_FILE.

    Args:
        archive: what to get.
        progress: called with the bytes received so far and the total.
        patience: how long to wait and how often to try.

    Raises:
        DataError: no mirror delivered it, or the file in the cache folder is not the right one.
        DiskError: the cache folder cannot be used.
        UsageError: SEEFAR_MIRROR is no https address.
    """
    final = _path(archive)
    if not is_cached(archive):
        make_folder(final.parent)
        with lock(
            final.with_name(f"{final.name}.lock"),
            wait=lambda owner: _say(f"waiting for {owner}, which is downloading {archive.file}"),
        ):
            if not is_cached(archive):
                _download(archive, final, progress, patience)
                return final
    _verify(final, archive)
    return final


def clean(*, archives: bool) -> list[tuple[str, int]]:
    """Delete unfinished downloads from the cache folder.

    Args:
        archives: delete the finished ones, too.

    Returns:
        The name and the size in bytes of each file that was deleted.

    Raises:
        InUseError: another process is downloading.
    """
    deleted = []
    for path in sorted(_folder().glob("*")):
        if path.suffix == ".partial" or (archives and path.suffix in ARCHIVES):
            with lock(path.with_name(f"{path.name.removesuffix('.partial')}.lock")), disk_errors(path):
                deleted.append((path.name, path.stat().st_size))
                path.unlink()
    return deleted


def _folder() -> Path:
    return home() / "archives"


def _path(archive: Archive) -> Path:
    return _folder() / archive.file


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _verify(path: Path, archive: Archive) -> None:
    """Raise DataError unless the file in the cache folder is the archive, byte for byte."""
    if archive.form == GZIP:
        check_gzip(path)
    if (size := path.stat().st_size) != archive.size:
        raise DataError(f"{path} is {size:,} bytes, expected {archive.size:,}; delete it and run again to download it afresh")
    if (digest := sha256(path)) != archive.sha256:
        raise DataError(
            f"{path} has the SHA-256 {digest}, expected {archive.sha256}; delete it and run again to download it afresh"
        )


def _download(archive: Archive, final: Path, progress: Progress, patience: Patience) -> None:
    """Try mirror after mirror, each several times, until the whole file has arrived and its digest is right."""
    partial = final.with_name(f"{final.name}.partial")
    hosts, reasons = [], []
    with _client(patience) as client:
        for url in _urls(archive):
            host = _host(url)
            hosts.append(host)
            for attempt in range(patience.attempts):
                try:
                    _attempt(client, url, archive, partial, progress, patience)
                except _MirrorError as error:
                    reasons.append(f"{host}: {error}")
                    _say(reasons[-1])
                    if not error.again:
                        break
                    if attempt + 1 < patience.attempts:
                        time.sleep(patience.pause * 2**attempt)
                else:
                    with disk_errors(final):
                        partial.replace(final)
                        sync_folder(final.parent)
                    return
    raise DataError(
        f"could not download {archive.file} from {', '.join(hosts)}; {_bytes_in(partial):,} of {archive.size:,} bytes are here "
        f"and a new run resumes; or {_by_hand(archive, final)}, or use --data shapes, which needs no download",
        details=(
            *dict.fromkeys(reasons),
            "HTTPS_PROXY names a proxy, SSL_CERT_FILE further certificates, SEEFAR_MIRROR another https address",
        ),
    )


def _by_hand(archive: Archive, final: Path) -> str:
    """What to do with a file that was got in another way."""
    return "give the file with --archive FILE" if archive.file.endswith(".tar.gz") else f"put the file at {final}"


def _urls(archive: Archive) -> list[str]:
    """Where to look, the user's own mirror first."""
    import httpx

    if not (mirror := os.environ.get("SEEFAR_MIRROR")):
        return list(archive.urls)
    try:
        url = httpx.URL(f"{mirror.rstrip('/')}/{archive.file}")
    except httpx.InvalidURL as error:
        raise UsageError(f"SEEFAR_MIRROR is not an address: {error}; it must start with https://") from error
    if url.scheme != "https" or not url.host:
        raise UsageError(f"SEEFAR_MIRROR must be an address that starts with https://, found the scheme {url.scheme!r}")
    return [str(url), *archive.urls]


def _host(url: "str | httpx.URL") -> str:
    import httpx

    return httpx.URL(url).netloc.decode("ascii")


def _client(patience: Patience) -> "httpx.Client":
    import httpx

    # Some servers send a .tar.gz with "Content-Encoding: gzip", and httpx would unpack it: ask for the bytes as they are.
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
    try:
        return httpx.Client(headers=headers, timeout=httpx.Timeout(patience.read, connect=patience.connect))
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise DataError(f"cannot prepare the download: {error}; look at HTTPS_PROXY and SSL_CERT_FILE") from error


def _bytes_in(partial: Path) -> int:
    with disk_errors(partial):
        return partial.stat().st_size if partial.exists() else 0


def _attempt(client: "httpx.Client", url: str, archive: Archive, partial: Path, progress: Progress, patience: Patience) -> None:
    """Bring `partial` to the whole, right file, or raise _MirrorError."""
    import httpx

    start = _bytes_in(partial)
    try:
        if start < archive.size:
            start = _transfer(client, url, archive, partial, start, progress)
    except httpx.ConnectTimeout as error:
        raise _MirrorError(f"no connection within {patience.connect:g} s", again=True) from error
    except httpx.TimeoutException as error:
        raise _MirrorError(f"sent nothing for {patience.read:g} s", again=True) from error
    except (
        httpx.HTTPError,
        UnicodeError,
        OverflowError,
    ) as error:  # the last two: https://a..b, https://a:99999999999999999999
        reason = f"{type(error).__name__}: {error}"
        raise _MirrorError(reason, again="CERTIFICATE_VERIFY_FAILED" not in reason) from error
    if (size := _bytes_in(partial)) < archive.size:
        raise _MirrorError(f"the connection ended after {size:,} of {archive.size:,} bytes", again=True)
    if (digest := sha256(partial)) != archive.sha256:
        with disk_errors(partial):
            partial.unlink()
        # What was resumed may have been damaged before; what came in one piece from here would come again.
        raise _MirrorError(f"sent other bytes: SHA-256 {digest}, expected {archive.sha256}", again=start > 0)


def _transfer(client: "httpx.Client", url: str, archive: Archive, partial: Path, start: int, progress: Progress) -> int:
    """Append what the mirror sends from byte `start` on. Returns where it did start: 0 if it sends nothing but whole files."""
    with _open(client, url, start) as response:
        status, headers = response.status_code, response.headers
        if status == 200:
            start = 0
            if (length := headers.get("Content-Length", str(archive.size))) != str(archive.size):
                raise _MirrorError(f"offers {length[:20]} bytes, expected {archive.size:,}", again=False)
        wrong_range = headers.get("Content-Range") != f"bytes {start}-{archive.size - 1}/{archive.size}"
        if start and (status == 416 or (status == 206 and wrong_range)):
            return _transfer(client, url, archive, partial, 0, progress)
        if status != 200 and not (status == 206 and start):
            raise _MirrorError(f"HTTP status {status}", again=status >= 500 or status in (408, 429))
        pieces = response.iter_raw()
        first = next(pieces, b"")
        magic = archive.form.magic
        if start == 0 and not magic.startswith(first[: len(magic)]):
            raise _MirrorError(f"sent something that is not a {archive.form.called} ({starts_with(first)})", again=False)
        with disk_errors(partial), partial.open("ab" if start else "wb") as file:
            done = start
            for piece in itertools.chain([first], pieces):
                done += len(piece)
                if done > archive.size:
                    file.truncate(0)
                    raise _MirrorError(f"sent more than {archive.size:,} bytes", again=False)
                file.write(piece)
                progress(done, archive.size)
            file.flush()
            os.fsync(file.fileno())
    return start


@contextlib.contextmanager
def _open(client: "httpx.Client", url: str, start: int) -> "Iterator[httpx.Response]":
    """Ask for the file from byte `start` on. Redirects are followed here: httpx would go to http, and read bodies whole."""
    request = client.build_request("GET", url, headers={"Range": f"bytes={start}-"} if start else {})
    for _ in range(MAX_REDIRECTS + 1):
        if request.url.scheme != "https":
            raise _MirrorError(f"redirects to {request.url.scheme}://{_host(request.url)}, not to https", again=False)
        with contextlib.closing(client.send(request, stream=True)) as response:
            if response.next_request is None:
                yield response
                return
        request = response.next_request
    raise _MirrorError(f"redirects more than {MAX_REDIRECTS} times", again=False)
