"""What the detectors hand over, and how overlapping findings are settled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

INNER_DOT = re.compile(r"\.(?=[.,:;!?)-]|\s[-(]|\s[^\W\dA-ZА-ЯΑ-Ω_])")
"""A dot that an abbreviation or an ordinal owns ("am 12.05. geliefert", "139 kr. ville"), not the end of a sentence."""


class Rank(IntEnum):
    """How specific the evidence is; the lower rank wins an overlap, then the longer span, then the earlier one."""

    EXACT = 0
    """A format that cannot be anything else: an e-mail address, a marketplace's order number."""
    CHECKED = 1
    """A check digit holds."""
    MARKED = 2
    """The value carries its own marker: a currency, a month's name, a country prefix."""
    CUED = 3
    """A word right beside it says what it is."""
    SHAPED = 4
    """The shape is typical and the surroundings do not contradict."""
    LOOSE = 5
    """Only the surroundings suggest it."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A finding in the folded text; ``type`` None claims the span and reports nothing (a tax number)."""

    type: str | None
    start: int
    end: int
    rank: Rank


def settle(candidates: Iterable[Candidate], length: int) -> list[Candidate]:
    """The candidates that survive, in order, none overlapping. ``length`` is the folded text's length."""
    taken = bytearray(length)
    kept: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (c.rank, c.start - c.end, c.start)):
        span = slice(candidate.start, candidate.end)
        if candidate.end <= candidate.start or any(taken[span]):
            continue
        taken[span] = b"\x01" * (candidate.end - candidate.start)
        kept.append(candidate)
    return sorted(kept, key=lambda c: c.start)
