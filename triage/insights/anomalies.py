"""Days on which far more customers wrote about something than its own season and trend let expect.

A customer who writes several times on one day counts once: that is one person's trouble, and chance would look like a wave.

What is looked at, each with everything above it: all contacts, intents, products, suppliers, and their crossings down to product
× intent × region. Everything that was ever written about counts as a test, and the p-values are corrected for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta, tzinfo

import numpy as np

from triage.insights.expected import expected
from triage.insights.frame import Frame, Indices
from triage.insights.grouping import distinct
from triage.insights.intervals import benjamini_hochberg, smallest_above, upper_tail
from triage.insights.periods import day_number, local
from triage.insights.types import NOTHING, Cell

LEVELS: tuple[tuple[str, ...], ...] = (
    (), ("intent",), ("product",), ("supplier",), ("product", "intent"), ("supplier", "intent"), ("intent", "region"),
    ("product", "intent", "region"),
)  # fmt: skip
NEEDED = 28
"""Days of history before anything is said."""
WINDOW = 182
"""Days of history that are used."""
SHOWN = 56
LEVEL = 0.05
"""Expected share of false alarms among the alarms of a day; so at most one day in twenty on which nothing is wrong has one."""
FEWEST = 5
"""Contacts of a day below which nothing stands out, however rare it is (Farrington and others 1996, section 3.7)."""
_LARGEST, _PLENTY, _UNKNOWN = 12, 60, 1.5
_SAME = 0.8
"""Share of the smaller one's contacts from which two findings are told as one."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cell that stood out on the day; ``history``: contacts of up to ``SHOWN`` days before it, and of the day."""

    cell: Cell
    observed: int
    expected: float
    high: int
    p_value: float
    adjusted: float
    history: tuple[tuple[date, int], ...]


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    cell: Cell
    series: Indices
    rows: frozenset[int]
    mean: float
    variance: float
    p_value: float


def history_days(frame: Frame, day: date, zone: tzinfo) -> int:
    """How many days before ``day`` there are since the first contact."""
    if not frame.rows:
        return 0
    return max(0, day_number(day) - int(local(frame.at.min(keepdims=True), zone)[0] // 86400))


def detect(frame: Frame, day: date, zone: tzinfo, *, level: float = LEVEL) -> list[Found]:
    """What stood out on ``day``, the least likely first; nothing where the history is too short.

    Args:
        frame: contacts of the day and of ``WINDOW`` days before it; the day may still be running.
    """
    days = min(WINDOW, history_days(frame, day, zone))
    if days < NEEDED:
        return []
    number = local(frame.at, zone) // 86400 - (day_number(day) - days)
    frame, number = _between(frame, number, days)
    candidates, tests, least = [], 0, _dispersion(frame, number, days, day.weekday())
    for dimensions in LEVELS:
        found, cells = _candidates(frame, number, days, dimensions, day.weekday(), least)
        candidates += found
        tests += cells
    adjusted = benjamini_hochberg([one.p_value for one in candidates], tests=tests)
    clear = sorted(
        ((one, value) for one, value in zip(candidates, adjusted, strict=True) if value < level),
        key=lambda pair: (pair[0].p_value, -len(pair[0].rows)),
    )
    kept: list[tuple[_Candidate, float]] = []
    for one, value in clear:
        if all(len(one.rows & other.rows) < _SAME * min(len(one.rows), len(other.rows)) for other, _ in kept):
            kept.append((one, value))
    return [_found(one, value, day) for one, value in kept]


def holds(cell: Cell, *, intent: str, region: str, lines: tuple[tuple[str, str], ...]) -> bool:
    """Whether a contact with these values belongs to the cell."""
    if cell.intent not in (None, intent) or cell.region not in (None, region):
        return False
    if cell.product is None and cell.supplier is None:
        return True
    return any(cell.product in (None, product) and cell.supplier in (None, supplier) for product, supplier in lines)


def _between(frame: Frame, number: Indices, days: int) -> tuple[Frame, Indices]:
    inside = (number >= 0) & (number <= days)
    return frame.select(inside), number[inside]


def _dispersion(frame: Frame, number: Indices, days: int, weekday: int) -> float:
    """How much more than by pure chance the shop's counts vary from day to day: what its largest cells show holds for those that
    are too thin to show it, for who writes at once with others does so about the same thing."""
    seen = []
    for dimensions in (("intent",), ("product",)):
        _, day, _, place, _ = _cells(frame, number, dimensions)
        totals = np.bincount(place[day < days])
        for cell in np.argsort(-totals)[:_LARGEST]:
            if totals[cell] >= _PLENTY:
                series = np.bincount(day[(place == cell) & (day < days)], minlength=days)
                seen.append(expected(series, weekday).dispersion)
    return float(np.quantile(seen, 0.75)) if seen else _UNKNOWN


def _candidates(
    frame: Frame, number: Indices, days: int, dimensions: tuple[str, ...], weekday: int, least: float
) -> tuple[list[_Candidate], int]:
    """The cells of a level that the day brought enough contacts to, and how many cells the level has."""
    rows, day, every, place, words = _cells(frame, number, dimensions)
    counts = np.bincount(place[day == days], minlength=len(every))
    found = []
    for cell in np.flatnonzero(counts >= FEWEST):
        mine = place == cell
        series = np.bincount(day[mine], minlength=days + 1)
        guess = expected(series[:days], weekday, least=least)
        p_value = upper_tail(int(series[days]), guess.mean, guess.variance)
        found.append(
            _Candidate(
                cell=_cell(int(every[cell]), dimensions, words), series=series, mean=guess.mean, variance=guess.variance,
                p_value=p_value, rows=frozenset(rows[mine & (day == days)].tolist()),
            )
        )  # fmt: skip
    return found, len(every)


def _cells(
    frame: Frame, number: Indices, dimensions: tuple[str, ...]
) -> tuple[Indices, Indices, Indices, Indices, list[tuple[str, ...]]]:
    """(rows, their day, the cells' keys, the cell of each row, words): each customer once a day and cell."""
    rows, keys, words = _keys(frame, dimensions)
    every, place = np.unique(keys, return_inverse=True)
    day, who = number[rows], frame["customer"][rows].astype(np.int64)
    known = np.flatnonzero(who)
    order = known[np.lexsort((day[known], place[known], who[known]))]
    same = np.ones(len(order), dtype=bool)
    for values in (day, place, who):
        same[1:] &= values[order[1:]] == values[order[:-1]]
    same[:1] = False
    kept = np.ones(len(rows), dtype=bool)
    kept[order[same]] = False
    return rows[kept], day[kept], every, place[kept], words


def _keys(frame: Frame, dimensions: tuple[str, ...]) -> tuple[Indices, Indices, list[tuple[str, ...]]]:
    """For each contact (and each product or supplier of it) its row and a number that stands for its cell."""
    ordered = next((name for name in ("product", "supplier") if name in dimensions), None)
    rows: Indices = np.arange(frame.rows)
    if ordered is not None:
        known = frame[f"line_{ordered}"] != frame.code(f"line_{ordered}", NOTHING)
        width = len(frame.words[f"line_{ordered}"]) + 1
        pairs = frame["line_row"][known].astype(np.int64) * width + frame[f"line_{ordered}"][known]
        rows, values = np.divmod(distinct(pairs), width)  # an order may hold a product twice
    keys, words = np.zeros(len(rows), dtype=np.int64), []
    for name in dimensions:
        column = f"line_{name}" if name == ordered else name
        words.append(tuple(frame.words[column]))
        keys = keys * (len(words[-1]) + 1) + (values if name == ordered else frame[name][rows].astype(np.int64))
    return rows, keys, words


def _cell(key: int, dimensions: tuple[str, ...], words: list[tuple[str, ...]]) -> Cell:
    named = {}
    for name, known in zip(reversed(dimensions), reversed(words), strict=True):
        key, place = divmod(key, len(known) + 1)
        named[name] = known[place]
    return Cell(**named)


def _found(one: _Candidate, adjusted: float, day: date) -> Found:
    days = len(one.series) - 1
    shown = range(max(0, days - SHOWN), days + 1)
    return Found(
        cell=one.cell, observed=int(one.series[days]), expected=one.mean,
        high=smallest_above(0.01, one.mean, one.variance), p_value=one.p_value, adjusted=adjusted,
        history=tuple((day - timedelta(days=days - number), int(one.series[number])) for number in shown),
    )  # fmt: skip
