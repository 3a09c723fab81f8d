"""What seefar keeps of images between runs: fetch an archive into the cache, free the space again."""

from pathlib import Path

from seefar import progress
from seefar.data import decoded_cache, download
from seefar.data.cifar import fetch_cifar


def fetch(name: str) -> Path:
    """Download the archive of "cifar10" or "cifar100" into the cache, unless it is there; return the verified file."""
    with progress.bar(f"downloading {name}") as tell:
        return fetch_cifar(name, progress=lambda done, total: tell(done, total, ""))


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
