"""Days, hours and buckets on the shop's clock, for columns of moments."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

import numpy as np

from triage.conversations.working_time import Calendar
from triage.insights.frame import Indices, Numbers
from triage.insights.types import Bucket, Filters

_DAY = 86400


def bounds(filters: Filters, zone: tzinfo) -> tuple[datetime, datetime]:
    """From the first moment of the first day until the first after the last day."""
    return local_midnight(filters.since, zone), local_midnight(filters.until + timedelta(days=1), zone)


def buckets(filters: Filters, zone: tzinfo) -> list[datetime]:
    """When each bucket begins, and when the last one ends; weeks begin on Monday, the first and the last may be shorter."""
    begin, end = bounds(filters, zone)
    if filters.step is Bucket.HOUR:
        hours = round((end.timestamp() - begin.timestamp()) / 3600)  # of a day with a change of the clocks, 23 or 25
        edges = [(begin.astimezone(UTC) + timedelta(hours=hour)).astimezone(zone) for hour in range(hours)]
        return [*edges, end]
    days = [filters.since + timedelta(days=number) for number in range(filters.days)]
    if filters.step is Bucket.WEEK:
        days = [day for day in days if day == filters.since or day.weekday() == 0]
    return [*(local_midnight(day, zone) for day in days), end]


def placed(at: Indices, edges: list[datetime]) -> Indices:
    """The number of the bucket that each moment lies in; moments outside give -1 or the number of buckets."""
    found: Indices = np.searchsorted(stamps(edges), at, side="right") - 1
    return found


def stamps(edges: list[datetime]) -> Indices:
    """Seconds since 1970."""
    return np.array([int(edge.timestamp()) for edge in edges], dtype=np.int64)


def local(at: Indices, zone: tzinfo) -> Indices:
    """Seconds since 1970 as the shop's wall clock would have it."""
    if not len(at):
        return at
    begins, offsets = _offsets(int(at.min()), int(at.max()), zone)
    shown: Indices = at + offsets[np.searchsorted(begins, at, side="right") - 1]
    return shown


def day_number(day: date) -> int:
    """Days since 1970, as ``local(…) // 86400`` gives them."""
    return (day - date(1970, 1, 1)).days


def working_seconds(begin: Indices, end: Numbers, calendar: Calendar) -> Numbers:
    """Working time between two columns of moments, in seconds."""
    if not len(begin):
        return np.zeros(0)
    first, last = int(begin.min()), int(np.max(end))
    points, worked = [float(first)], [0.0]
    for opens, closes in calendar.openings(datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last + 1, UTC)):
        points += [opens.timestamp(), closes.timestamp()]
        worked += [worked[-1], worked[-1] + (closes - opens).total_seconds()]
    found: Numbers = np.interp(end, points, worked) - np.interp(begin, points, worked)
    return found


def local_midnight(day: date, zone: tzinfo) -> datetime:
    """When the day begins on the shop's clock."""
    return datetime.combine(day, time(), tzinfo=zone)


def _offsets(first: int, last: int, zone: tzinfo) -> tuple[Indices, Indices]:
    """From which moment the wall clock is how many seconds ahead of UTC; exact to a quarter of an hour."""
    begins, offsets = [], list[int]()
    moment = first - first % _DAY
    while moment <= last:
        steps = [moment] if _ahead(moment, zone) == _ahead(moment + _DAY, zone) else range(moment, moment + _DAY, 900)
        for step in steps:
            ahead = _ahead(step, zone)
            if not offsets or offsets[-1] != ahead:
                begins.append(step)
                offsets.append(ahead)
        moment += _DAY
    return np.array(begins, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _ahead(moment: int, zone: tzinfo) -> int:
    offset = datetime.fromtimestamp(moment, zone).utcoffset()
    return 0 if offset is None else int(offset.total_seconds())
