"""What seefar keeps of images between runs: fetch an archive into the cache, free the space again."""

from pathlib import Path

from seefar import progress
from seefar.data import decoded_cache, download
from seefar.data.cifar import fetch_cifar
from seefar.data.named import SETS, fetch_named


def fetch(name: str) -> list[Path]:
    """Download the files of a published set into the cache, unless they are there; return the verified files.

    Args:
        name: "cifar10", "cifar100", or one of `seefar.data.named.SETS`.
    """
    with progress.bar(f"downloading {name}") as tell:
        if name in SETS:
            return fetch_named(name, progress=lambda done, total: tell(done, total, ""))
        return [fetch_cifar(name, progress=lambda done, total: tell(done, total, ""))]


def clean(archives: bool = False) -> list[tuple[str, int]]:
    """Delete decoded images and unfinished downloads from the cache.

    Args:
        archives: delete downloaded archives, too.

    Returns:
        What was deleted, and its size in bytes. Ledgers of looks at test images are never deleted.
    """
    deleted = [(entry.source, entry.size) for entry in decoded_cache.entries()]
    for entry in decoded_cache.entries():
        decoded_cache.delete(entry)
    return deleted + download.clean(archives=archives)
