"""Customers who had to write more than once for one matter."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from triage.insights.frame import Flag, Frame, Indices
from triage.insights.grouping import by_bucket, by_value, numbered
from triage.insights.intervals import share
from triage.insights.types import RepeatCounts, RepeatRow, Repeats

BY = ("intent", "channel", "language")


def repeats(frame: Frame, edges: list[datetime]) -> Repeats:
    """Contacts about a matter that was asked before, and those that chase an answer."""
    asked, chasing = frame.has(Flag.ASKED_BEFORE), frame.has(Flag.CHASES)
    again, known = asked | chasing, frame["customer"] > 0
    customer = numbered(frame["customer"])
    seen = np.zeros(frame.rows + 1, dtype=bool)

    def people(rows: Indices) -> int:
        seen[:] = False
        seen[customer[rows]] = True
        return int(np.count_nonzero(seen))

    def count(rows: Indices) -> RepeatCounts:
        theirs = rows[known[rows]]
        return RepeatCounts(
            asked_before=share(int(np.count_nonzero(asked[rows])), len(rows)),
            chasing=share(int(np.count_nonzero(chasing[rows])), len(rows)),
            customers=share(people(theirs[again[theirs]]), people(theirs)),
        )  # fmt: skip

    return Repeats(
        counts=count(np.arange(frame.rows)),
        series=by_bucket(frame, edges, lambda rows: float(np.count_nonzero(again[rows]))),
        by={
            name: by_value(frame, name, lambda value, rows: RepeatRow(value=value, counts=count(rows))) for name in BY
        },
    )  # fmt: skip
