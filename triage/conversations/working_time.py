"""Working time: a shop's calendar, and the moment at which so much of it has passed.

A moment is working time where the clocks on the shop's wall show one of its hours on a day that is no holiday. So a local
time that a change of the clocks leaves out never comes, and one that it repeats counts twice, as people work it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from triage.errors import ConfigurationError

HORIZON = timedelta(days=3660)
"""No search goes on for longer than this; working time that would end later ends here."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, kw_only=True, order=True)
class Opening:
    """Working hours within one day, as minutes after midnight: from ``begin`` until ``end``, which may be 1440."""

    begin: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.begin < self.end <= 1440:
            raise ConfigurationError("working hours must end after they begin, on the same day")


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """When a shop works.

    Attributes:
        zone: IANA time zone whose wall clock the hours are read on.
        week: the hours of each weekday, Monday first.
        holidays: days of the zone without working time.

    Raises:
        ConfigurationError: not seven days, hours that overlap, or no working time at all.
    """

    zone: ZoneInfo
    week: tuple[tuple[Opening, ...], ...]
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if len(self.week) != len(WEEKDAYS):
            raise ConfigurationError("a week has seven days")
        ordered = tuple(tuple(sorted(day)) for day in self.week)
        for name, day in zip(WEEKDAYS, ordered, strict=True):
            if any(after.begin < before.end for before, after in pairwise(day)):
                raise ConfigurationError(f"the working hours of {name} overlap")
        if not any(ordered):
            raise ConfigurationError("there is no working time at all")
        object.__setattr__(self, "week", ordered)

    @property
    def weekly(self) -> timedelta:
        """Working time of a week without holidays."""
        return timedelta(minutes=sum(opening.end - opening.begin for day in self.week for opening in day))

    def after(self, moment: datetime, span: timedelta) -> datetime:
        """When ``span`` of working time has passed since ``moment``, in UTC; at the latest ``HORIZON`` later.

        Time that ends with the working day ends when it closes, not when the next one opens.
        """
        begin, left = moment.astimezone(UTC), span
        if left <= timedelta(0):
            return begin
        for opens, closes in self.openings(begin, begin + HORIZON):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return begin + HORIZON

    def openings(self, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Stretches of working time between two moments, in UTC and in order."""
        moment = begin.astimezone(UTC)
        while moment < end:
            until, offset = self._steady(moment)
            yield from self._shown(moment, min(until, end), offset)
            moment = until

    def _steady(self, moment: datetime) -> tuple[datetime, timedelta]:
        """How long from ``moment`` the zone's offset stays as it is, a day at most; and the offset."""
        offset, low, high = self._offset(moment), moment, moment + _DAY
        if self._offset(high) == offset:
            return high, offset
        while high - low > _SECOND:
            middle = low + (high - low) / 2
            if self._offset(middle) == offset:
                low = middle
            else:
                high = middle
        return high.replace(microsecond=0), offset  # zones change on whole seconds

    def _offset(self, moment: datetime) -> timedelta:
        offset = moment.astimezone(self.zone).utcoffset()
        assert offset is not None  # the zone is one
        return offset

    def _shown(self, begin: datetime, end: datetime, offset: timedelta) -> Iterator[tuple[datetime, datetime]]:
        """Working time between two moments between which the wall clock runs evenly."""
        shown, last = (moment.replace(tzinfo=None) + offset for moment in (begin, end))
        day = shown.date()
        while day <= last.date():
            if day not in self.holidays:
                midnight = datetime.combine(day, time())
                for opening in self.week[day.weekday()]:
                    opens = max(midnight + timedelta(minutes=opening.begin), shown)
                    closes = min(midnight + timedelta(minutes=opening.end), last)
                    if opens < closes:
                        yield (opens - offset).replace(tzinfo=UTC), (closes - offset).replace(tzinfo=UTC)
            day += _DAY
