"""One seed in, as many independent streams of random numbers as are needed out.

Every random draw in seefar starts from `derive(seed, purpose, ...)`. The purpose ("weights", "order", "dropout", "validation")
and the epoch or step are part of the key, so a stream never depends on what was drawn before it, on the number of threads, or on
global state, and training can be resumed anywhere.
"""

import hashlib


def derive(seed: int, purpose: str, *counters: int) -> int:
    """A 63-bit seed for one stream: the same for the same arguments on every machine, unrelated for any others.

    Args:
        seed: the user's seed, any integer.
        purpose: what the stream is for, in a word.
        counters: epoch, step or image number, where a purpose needs many streams.
    """
    key = ":".join([str(seed), purpose, *map(str, counters)])
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1
