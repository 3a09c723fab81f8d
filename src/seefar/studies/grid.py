"""Which combinations of levels a part of a grid takes, so that nothing is seen more often than it need be."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations, product

from seefar.seeds import derive


def fraction(levels: Sequence[int], rows: int) -> list[tuple[int, ...]]:
    """Different combinations of levels, the one of the first levels among them, in which each factor has its levels equally often.

    In each factor the counts of two levels differ by one at most. Walking through (1, 1, ...) in the sum of the cyclic groups gives
    every level of every factor in turn; when the walk closes, the next coset follows, so that any number of rows is balanced. The
    order of levels and cosets is drawn (the same each time). Then two rows exchange a level wherever that makes the pairs of levels
    of two factors more even: it leaves the counts of levels as they are, and pulls apart what would be confounded.

    Args:
        levels: how many each factor has.
        rows: how many combinations to choose, 1 to all of them.

    Returns:
        A number of a level for each factor, sorted.
    """
    if rows >= math.prod(levels):
        return list(product(*map(range, levels)))
    walk: dict[tuple[int, ...], None] = {}
    for start in sorted(product(*map(range, levels)), key=lambda start: (any(start), derive(0, "study rows", *start))):
        if len(walk) >= rows:
            break
        if start not in walk:
            for step in range(math.lcm(*levels)):
                walk[tuple((first + step) % count for first, count in zip(start, levels, strict=True))] = None
    names = [_shuffled(factor, count) for factor, count in enumerate(levels)]
    chosen = [tuple(names[factor][level] for factor, level in enumerate(row)) for row in list(walk)[:rows]]
    return sorted(_spread(chosen))


def _shuffled(factor: int, count: int) -> list[int]:
    """The levels of a factor in an order that is drawn, but for the first, which stays."""
    return sorted(range(count), key=lambda level: (level > 0, derive(0, "study levels", factor, level)))


def _spread(rows: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """The rows after exchanges of a level between two of them, as long as one makes pairs of levels more even; the first row stays."""
    factors = range(len(rows[0]))
    counts = Counter((one, row[one], other, row[other]) for row in rows for one in factors for other in factors)
    rows, taken, improved = list(rows), set(rows), True
    while improved:
        improved = False
        for (first, second), factor in product(combinations(range(1, len(rows)), 2), factors):
            one, two = rows[first], rows[second]
            mine, its = one[factor], two[factor]
            others = [other for other in factors if other != factor and one[other] != two[other]]
            if mine == its or not others:
                continue
            gone = [(factor, mine, other, one[other]) for other in others] + [
                (factor, its, other, two[other]) for other in others
            ]
            come = [(factor, its, other, one[other]) for other in others] + [
                (factor, mine, other, two[other]) for other in others
            ]
            if sum(counts[pair] for pair in come) + len(come) >= sum(counts[pair] for pair in gone):
                continue  # the sum of the squares of the counts would not fall
            after = factor + 1
            new = (*one[:factor], its, *one[after:]), (*two[:factor], mine, *two[after:])
            if taken & set(new):
                continue
            for pairs, by in ((gone, -1), (come, 1)):
                for pair in pairs:
                    counts[pair] += by
                    counts[*pair[2:], *pair[:2]] += by
            rows[first], rows[second] = new
            taken, improved = (taken - {one, two}) | set(new), True
    return rows
