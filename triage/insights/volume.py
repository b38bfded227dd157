"""How many contacts came, when, and about what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

import numpy as np

from triage.insights.frame import Flag, Frame, Indices
from triage.insights.grouping import MOST_LISTED, counted, distinct
from triage.insights.intervals import share
from triage.insights.periods import local
from triage.insights.types import DIMENSIONS, Count, Volume


def volume(frame: Frame, edges: list[datetime], zone: tzinfo, *, before: int, by: Sequence[str] = DIMENSIONS) -> Volume:
    """The figures of the frame's contacts; ``before``: how many there were in the time before."""
    read = frame.has(Flag.READ)
    counts = {name: value_counts(frame, name) for name in by}
    return Volume(
        contacts=frame.rows, conversations=int(np.count_nonzero(frame.has(Flag.OPENS))), before=before,
        unread=frame.rows - int(np.count_nonzero(read)), series=counted(frame.at, edges),
        by={name: found[:MOST_LISTED] for name, found in counts.items()},
        others={name: sum(count.contacts for count in found[MOST_LISTED:]) for name, found in counts.items()},
        week=_week(frame, zone),
        deflection=share(
            int(np.count_nonzero(read & ~frame.has(Flag.NEEDS_REPLY))), int(np.count_nonzero(read))
        ),
    )  # fmt: skip


def value_counts(frame: Frame, name: str) -> tuple[Count, ...]:
    """Contacts by each value of the dimension, most first; of products and suppliers, those of no order are left out."""
    if name in ("product", "supplier"):
        rows, codes = frame["line_row"].astype(np.int64), frame[f"line_{name}"].astype(np.int64)
        words = frame.words[f"line_{name}"]
        once = distinct(rows * (len(words) + 1) + codes) % (len(words) + 1)  # an order may hold a product twice
        counts: Indices = np.bincount(once, minlength=len(words))
    else:
        words = frame.words[name]
        counts = np.bincount(frame[name], minlength=len(words))
    found = [
        Count(value=words[code], contacts=int(counts[code]), share=int(counts[code]) / frame.rows)
        for code in np.flatnonzero(counts).tolist()
        if words[code] or name not in ("product", "supplier")
    ]
    return tuple(sorted(found, key=lambda count: (-count.contacts, count.value)))


def _week(frame: Frame, zone: tzinfo) -> tuple[tuple[int, ...], ...]:
    hours = local(frame.at, zone) // 3600
    place = (hours // 24 + 3) % 7 * 24 + hours % 24  # 1 January 1970 was a Thursday
    counts = np.bincount(place, minlength=7 * 24).reshape(7, 24)
    return tuple(tuple(int(count) for count in row) for row in counts)
