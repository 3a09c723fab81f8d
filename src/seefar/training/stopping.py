"""When a run ends: what counts as better, how long it is waited for, and the reasons why runs end.

All of it is a function of the scores so far, so that a resumed run decides as if it had never stopped.
"""

import math
from collections.abc import Sequence
from typing import Literal

Ending = Literal["finished", "patience", "budget", "diverged", "interrupted", "pruned"]
"""Why a run ended: all its epochs are done; nothing better came; its time was up; the loss was not finite; someone stopped it;
a search gave it up."""


def better(scores: Sequence[float], min_change: float = 0.0) -> list[bool]:
    """Which epochs were better than all before. The first is, unless it is NaN; of equals only the first is.

    The best moves only when it is beaten by more than `min_change`, so that many small gains add up to one that counts.

    Args:
        scores: the monitored figure of each epoch; higher is better.
        min_change: by how much a score must be higher than the best, at least 0.

    Returns:
        One truth value an epoch.
    """
    best, found = -math.inf, []
    for score in scores:
        found.append(score - min_change > best)
        if found[-1]:
            best = score
    return found


def out_of_patience(scores: Sequence[float], patience: int, min_change: float) -> bool:
    """Whether the last `patience` epochs, all of them, brought nothing better: early stopping.

    Source: Prechelt 1998, "Early stopping - but when?", https://doi.org/10.1007/3-540-49430-8_3; counted as in Keras.

    Args:
        scores: the monitored figure of each ended epoch; higher is better.
        patience: epochs; 0 never stops.
        min_change: as in `better`.
    """
    return 0 < patience <= len(scores) and not any(better(scores, min_change)[-patience:])
