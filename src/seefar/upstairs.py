"""What a run can do only with the help of a higher floor: `import seefar` hands the way down (see the floors in docs/architecture.md)."""

from collections.abc import Callable
from typing import Any


def _nobody(run: Any, device: str) -> Any:
    """Nobody has said yet how a run is opened."""
    raise NotImplementedError("import seefar first")


_open: Callable[[Any, str], Any] = _nobody


def network_of(run: Any, device: str) -> Any:
    """The network of a run on a device, by whoever can open runs."""
    return _open(run, device)


def open_with(opener: Callable[[Any, str], Any]) -> None:
    """From now on networks are opened by this function: a run and a device in, a `torch.nn.Module` out."""
    global _open
    _open = opener
