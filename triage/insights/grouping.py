"""Figures by the values of a dimension, or by bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TypeVar

import numpy as np

from triage.insights.frame import Frame, Indices, Numbers
from triage.insights.periods import placed
from triage.insights.types import Point

T = TypeVar("T")

MOST_LISTED = 60
"""Values of a dimension that are shown; the rest is counted together."""


def by_value(frame: Frame, name: str, make: Callable[[str, Indices], T]) -> tuple[T, ...]:
    """``make(value, its rows)`` for the most frequent values, most first."""
    codes = frame[name]
    counts = np.bincount(codes, minlength=len(frame.words[name]))
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda code: (-counts[code], frame.words[name][code]))
    rows = dict(_parted(codes))
    return tuple(make(frame.words[name][code], rows[int(code)]) for code in order[:MOST_LISTED])


def by_bucket(frame: Frame, edges: list[datetime], measure: Callable[[Indices], float | None]) -> tuple[Point, ...]:
    """``measure(rows)`` of each bucket; None where there are no rows."""
    rows = dict(_parted(placed(frame.at, edges)))
    return tuple(
        Point(at=edge, value=measure(rows[number]) if number in rows else None)
        for number, edge in enumerate(edges[:-1])
    )


def counted(at: Indices, edges: list[datetime]) -> tuple[Point, ...]:
    """How many moments lie in each bucket."""
    where = placed(at, edges)
    counts = np.bincount(where[(where >= 0) & (where < len(edges) - 1)], minlength=len(edges) - 1)
    return tuple(Point(at=edge, value=float(count)) for edge, count in zip(edges, counts, strict=False))


def distinct(values: Numbers) -> Numbers:
    """The values that occur, in order."""
    ordered = np.sort(values)  # much faster than the hash table that numpy's own takes for this
    first = np.ones(len(ordered), dtype=bool)
    first[1:] = ordered[1:] != ordered[:-1]
    found: Numbers = ordered[first]
    return found


def numbered(values: Numbers) -> Indices:
    """Each value's place among those that occur."""
    order = np.argsort(values)
    steps = np.zeros(len(values), dtype=np.int64)
    steps[1:] = values[order][1:] != values[order][:-1]
    found: Indices = np.empty(len(values), dtype=np.int64)
    found[order] = np.cumsum(steps)
    return found


def _parted(codes: Numbers) -> Iterator[tuple[int, Indices]]:
    """Each value with the places where it stands, in order."""
    small = codes.astype(np.int16) if len(codes) and codes.max() < 2**15 and codes.dtype != np.uint8 else codes
    order = np.argsort(small, kind="stable")  # of 16 bits: a radix sort
    ordered = codes[order]
    starts = (
        np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(codes) else np.zeros(0, dtype=int)
    )
    for start, rows in zip(starts, np.split(order, starts[1:]), strict=False):
        yield int(ordered[start]), rows
