"""The global random states of torch, numpy and Python, for code that is not ours and draws from them: seeded, and then as they were."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

CPU = torch.device("cpu")


@contextmanager
def global_randomness(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """Within the block all of them start at `seed`; afterwards they are as before.

    Args:
        seed: any whole number from 0 to below 2**64.
        device: a GPU whose generator is seeded, too.
    """
    ours, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002 # the global state is the point
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            np.random.seed(seed % 2**32)  # noqa: NPY002
            random.seed(seed)
            # torch.manual_seed would change the generators of all other devices, too
            torch.default_generator.manual_seed(seed)
            if device.type == "cuda":
                with torch.cuda.device(device):
                    torch.cuda.manual_seed(seed)
            yield
    finally:
        np.random.set_state(ours)  # noqa: NPY002
        random.setstate(pythons)
