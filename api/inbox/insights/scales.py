"""Axes: round numbers from zero upwards, for counts, shares and lengths of time."""

from __future__ import annotations

from collections.abc import Sequence

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SPANS = (
    _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR, _DAY,
    2 * _DAY, 5 * _DAY, 10 * _DAY, 30 * _DAY, 90 * _DAY, 365 * _DAY, 1825 * _DAY,
)  # fmt: skip
MOST_STEPS = 4
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def counts(highest: float) -> tuple[float, ...]:
    """Whole numbers, at most ``MOST_STEPS`` above zero, the last at or above ``highest``."""
    step, place = 1.0, 1.0
    while True:
        for first in (1, 2, 5):
            step = first * place
            if step * MOST_STEPS >= highest:
                return _upto(step, highest)
        place *= 10


def rates(highest: float) -> tuple[float, ...]:
    """As ``counts``, with steps below one where all is small."""
    if highest <= 0:
        return (0.0, 1.0)
    place = 1.0
    while highest * place < MOST_STEPS and place < 1e6:
        place *= 10
    return tuple(tick / place for tick in counts(highest * place))


def spans(highest: float) -> tuple[float, ...]:
    """Seconds, in steps that people count time by."""
    step = next((step for step in _SPANS if step * MOST_STEPS >= highest), _SPANS[-1])
    return _upto(float(step), highest)


def spread(count: int, most: int) -> Sequence[int]:
    """The places of at most ``most`` of ``count`` labels at even distances, the first among them."""
    step = max(1, -(-count // most))
    return range(0, count, step)


def _upto(step: float, highest: float) -> tuple[float, ...]:
    steps = max(1, -int(-highest // step))
    return tuple(step * number for number in range(steps + 1))
