"""Intervals and exact tests for counts; they are short, so serving does without scipy.

Each is checked against published values in tests/unit/insights/test_intervals.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from triage.insights.types import Share

Logs = NDArray[np.float64]

Z95 = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""


def share(count: int, of: int) -> Share:
    """``count`` of ``of`` with the 95 % score interval (Wilson 1927; recommended by Brown, Cai and DasGupta 2001)."""
    if of <= 0:
        return Share(count=0, of=0, value=None, low=None, high=None)
    value, square = count / of, Z95 * Z95
    middle = (value + square / (2 * of)) / (1 + square / of)
    half = Z95 / (1 + square / of) * math.sqrt(value * (1 - value) / of + square / (4 * of * of))
    low = 0.0 if count == 0 else max(0.0, middle - half)
    high = 1.0 if count == of else min(1.0, middle + half)
    return Share(count=count, of=of, value=value, low=low, high=high)


def byar(count: int) -> tuple[float, float]:
    """95 % interval of the mean of a Poisson count, by Byar's approximation (Breslow and Day 1987, volume II, section 2.3)."""
    low = 0.0 if count == 0 else count * (1 - 1 / (9 * count) - Z95 / (3 * math.sqrt(count))) ** 3
    above = count + 1
    return max(0.0, low), above * (1 - 1 / (9 * above) + Z95 / (3 * math.sqrt(above))) ** 3


def fisher(first: int, first_of: int, second: int, second_of: int, *, logs: Logs | None = None) -> float:
    """Fisher's exact test, two-sided: how likely two shares at least as unlike as these are where there is no difference.

    All tables that are at most as likely as the one seen count (Agresti 2002, section 3.5.1).

    Args:
        logs: ``log_factorials`` up to at least ``first_of + second_of``, where many tests share them.
    """
    total, having = first_of + second_of, first + second
    table = log_factorials(total) if logs is None else logs
    counts = np.arange(max(0, having - second_of), min(having, first_of) + 1)
    chosen = table[first_of] - table[counts] - table[first_of - counts]
    others = table[second_of] - table[having - counts] - table[second_of - having + counts]
    weights = chosen + others - (table[total] - table[having] - table[total - having])
    seen = weights[first - counts[0]] + 1e-7  # tables as likely as this one, but for rounding
    return min(1.0, float(np.exp(weights[weights <= seen]).sum()))


def log_factorials(most: int) -> Logs:
    """The logarithms of 0! to ``most``!."""
    found: Logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])
    return found


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p-values that hold the chance of any false claim below the level (Holm 1979), in the order given."""
    order = sorted(range(len(values)), key=values.__getitem__)
    found, largest = [1.0] * len(values), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - rank) * values[place]))
        found[place] = largest
    return found


def benjamini_hochberg(values: Sequence[float], *, tests: int | None = None) -> list[float]:
    """Adjusted p-values that hold the expected share of false claims below the level (Benjamini and Hochberg 1995).

    Args:
        tests: how many tests there were, where those left out of ``values`` all gave 1.
    """
    order = sorted(range(len(values)), key=values.__getitem__)
    found, smallest, whole = [1.0] * len(values), 1.0, len(values) if tests is None else tests
    for rank in range(len(order), 0, -1):
        smallest = min(smallest, values[order[rank - 1]] * whole / rank)
        found[order[rank - 1]] = smallest
    return found


def upper_tail(count: int, mean: float, variance: float) -> float:
    """P(X >= ``count``) of a count with this mean and variance: negative binomial, or Poisson where the variance is no larger.

    The negative binomial has size r = mean² / (variance - mean) (Noufaily and others 2013, section 3.2).
    """
    if count <= 0:
        return 1.0
    if mean <= 0:
        return 0.0
    excess = variance - mean
    # Sums from ``count`` upwards: the tail itself, so that a tiny one is not the rest of a subtraction.
    if excess <= 1e-9 * mean:
        log = count * math.log(mean) - mean - math.lgamma(count + 1)
        size, chance = math.inf, 0.0
    else:
        size = mean * mean / excess
        chance = excess / variance  # of one more
        log = (
            math.lgamma(size + count) - math.lgamma(size) - math.lgamma(count + 1)
            + size * math.log1p(-chance) + count * math.log(chance)
        )  # fmt: skip
    term = total = 1.0
    at = count
    while term > 1e-12 * total and at < count + 200_000:
        term *= (mean if size == math.inf else chance * (size + at)) / (at + 1)
        total += term
        at += 1
    return min(1.0, math.exp(min(0.0, log + math.log(total))))


def smallest_above(chance: float, mean: float, variance: float) -> int:
    """The smallest count that is exceeded with less than ``chance``."""
    low, high = 0, max(1, math.ceil(mean))
    while upper_tail(high + 1, mean, variance) >= chance:
        low, high = high, high * 2
    while low < high:
        middle = (low + high) // 2
        if upper_tail(middle + 1, mean, variance) < chance:
            high = middle
        else:
            low = middle + 1
    return low
