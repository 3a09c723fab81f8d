"""Learning-rate schedules by name: functions from the progress of a run, 0 to 1, to the share of the recipe's learning rate."""

from collections.abc import Callable


def constant(_progress: float) -> float:
    """The full rate throughout."""
    return 1.0


def linear(progress: float) -> float:
    """A straight line from the full rate down to nothing."""
    return 1.0 - progress


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": constant,
    "linear": linear,
}
