"""A connection to a Ray cluster, on this machine or elsewhere (extra `cluster`)."""

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from typing import Any

from seefar.errors import UsageError

CONNECTING = 10.0  # seconds within which a cluster must answer (chosen by hand: a connection takes milliseconds)


@contextlib.contextmanager
def connected(address: str) -> Iterator[None]:
    """A connection to the cluster for the length of the block, unless there is one already.

    Args:
        address: "auto", "local", or "ray://host:port".

    Raises:
        UsageError: Ray is not installed, or no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # no usage statistics are sent without being asked for
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what goes wrong is said by exceptions
    try:
        import ray
    except ImportError:
        raise UsageError("--ray needs Ray, which is not installed: pip install 'seefar[cluster]'") from None
    if ray.is_initialized():
        yield
        return
    try:
        if address not in ("auto", "local"):  # Ray itself would try for many minutes
            host, _, port = address.removeprefix("ray://").rpartition(":")
            socket.create_connection((host, int(port)), CONNECTING).close()
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # noqa: BLE001 (Ray raises bare ones, where it takes too long to start, say)
        raise UsageError(
            f"no Ray cluster answers at {address!r} ({' '.join(str(error).split())[:200]}); start one with `ray start --head`, or give "
            "--ray local, or leave --ray out"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def cores_of_machines() -> list[float]:
    """The cores of each machine of the cluster that this process is connected to."""
    import ray

    machines: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [machine["Resources"].get("CPU", 0) for machine in machines if machine["Alive"]]
