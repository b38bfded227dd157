"""How soon customers were answered, and who still waits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np

from triage.conversations.working_time import Calendar
from triage.insights.frame import Flag, Frame, Indices, Mask, Numbers
from triage.insights.grouping import by_bucket, by_value
from triage.insights.intervals import share
from triage.insights.periods import stamps, working_seconds
from triage.insights.types import Attainment, Backlog, Point, Response, ResponseRow, Span

BY = ("channel", "language", "urgency", "intent", "region")


def response(
    frame: Frame, edges: list[datetime], *, now: datetime, calendar: Calendar | None, by: Sequence[str] = BY
) -> Response:
    """First responses of the conversations that began in the time, attainment of the contacts that came in it."""
    # In the order of their waiting, so that every group's quantiles can be read off.
    frame = frame.ordered(np.argsort(frame["response"]))
    waited = frame["response"].astype(np.float64)
    answered = ~np.isnan(waited)
    worked = _working(frame, waited, calendar) if calendar else None
    standing = _standing(frame, waited, now)
    first = frame.has(Flag.OPENS) & (answered | _awaited(frame))

    def span(rows: Indices) -> Span:
        rows = rows[first[rows]]
        done = rows[answered[rows]]
        in_work = np.sort(worked[done]) if worked is not None else np.zeros(0)
        return Span(
            answered=len(done), unanswered=len(rows) - len(done), median=_quantile(waited[done], 0.5),
            p90=_quantile(waited[done], 0.9), working_median=_quantile(in_work, 0.5), working_p90=_quantile(in_work, 0.9),
        )  # fmt: skip

    def attained(rows: Indices) -> Attainment:
        met, late, open_late, open_, closed = np.bincount(standing[rows], minlength=5)[:5].tolist()
        return Attainment(
            met=met, late=late, open_late=open_late, open=open_, closed=closed, share=share(met, met + late + open_late)
        )

    every = np.arange(frame.rows)
    return Response(
        span=span(every), attainment=attained(every),
        series=by_bucket(frame, edges, lambda rows: span(rows).median),
        attained=by_bucket(frame, edges, lambda rows: attained(rows).share.value),
        by={
            name: by_value(
                frame, name, lambda value, rows: ResponseRow(value=value, span=span(rows), attainment=attained(rows))
            )
            for name in by
        },
    )  # fmt: skip


def backlog(frame: Frame, edges: list[datetime], *, now: datetime) -> Backlog:
    """Who waited at the end of each bucket. The frame reaches back before the first, for what waited already then."""
    begins = frame.has(Flag.BEGINS)
    at = frame.at[begins].astype(np.float64)
    answered, closed = (at + frame[name][begins] for name in ("response", "closed"))
    end = np.fmin(answered, closed)  # the other where one is NaN
    end[np.isnan(end)] = np.inf
    due = at + frame["due"][begins]
    late = due < end  # False where there is no due time
    moment = now.timestamp()
    ends = np.minimum(stamps(edges[1:]).astype(np.float64), moment)
    waiting = _reached(at, ends) - _reached(end, ends)
    overdue = _reached(due[late], ends) - _reached(end[late], ends)
    begun = stamps(edges[:-1]) <= moment
    last = float(ends[-1])
    still = (at <= last) & (end > last)
    return Backlog(
        series=_points(edges, waiting, begun), late=_points(edges, overdue, begun),
        waiting=int(np.count_nonzero(still)), overdue=int(np.count_nonzero(still & (due <= last))),
        oldest=float(last - at[still].min()) if still.any() else None,
    )  # fmt: skip


def _standing(frame: Frame, waited: Numbers, now: datetime) -> Numbers:
    """What became of each contact, as a place in met, late, open late, open, closed; 5 without a due time."""
    due = frame["due"]
    timed, answered, closed = ~np.isnan(due), ~np.isnan(waited), ~np.isnan(frame["closed"])
    passed = frame.at + np.nan_to_num(due) < now.timestamp()
    in_time = np.nan_to_num(waited) <= np.nan_to_num(due)
    ends = (
        answered & in_time,
        answered & ~in_time,
        ~closed & ~answered & passed,
        ~closed & ~answered,
        closed & ~answered,
    )
    found: Numbers = np.select([timed & end for end in ends], range(len(ends)), default=len(ends)).astype(np.uint8)
    return found


def _awaited(frame: Frame) -> Mask:
    """Contacts that somebody should answer, or that nobody has read, in conversations that nobody closed."""
    return (frame.has(Flag.NEEDS_REPLY) | ~frame.has(Flag.READ)) & np.isnan(frame["closed"])


def _working(frame: Frame, waited: Numbers, calendar: Calendar) -> Numbers:
    answered = ~np.isnan(waited)
    found: Numbers = np.full(frame.rows, np.nan)
    begin = frame.at[answered]
    found[answered] = working_seconds(begin, begin + waited[answered], calendar)
    return found


def _quantile(ordered: Numbers, share: float) -> float | None:
    """By linear interpolation between the two nearest (Hyndman and Fan 1996, definition 7)."""
    if not len(ordered):
        return None
    place = (len(ordered) - 1) * share
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return float(ordered[low] + (ordered[high] - ordered[low]) * (place - low))


def _reached(moments: Numbers, ends: Numbers) -> Indices:
    found: Indices = np.searchsorted(np.sort(moments), ends, side="right")
    return found


def _points(edges: list[datetime], values: Indices, begun: Mask) -> tuple[Point, ...]:
    """A bucket that lies ahead has no value."""
    return tuple(
        Point(at=edge, value=float(value) if known else None)
        for edge, value, known in zip(edges, values, begun, strict=False)
    )
