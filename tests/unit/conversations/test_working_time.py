"""The calendar against a clock that counts minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.conversations.working_time import HORIZON, Calendar, Opening
from triage.errors import ConfigurationError

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = timedelta(minutes=1)
NINE_TO_FIVE = (Opening(begin=540, end=1020),)
WEEKDAYS = (NINE_TO_FIVE,) * 5 + ((), ())
ALWAYS = ((Opening(begin=0, end=1440),),) * 7


def calendar(
    week: tuple[tuple[Opening, ...], ...] = WEEKDAYS, zone: ZoneInfo = BERLIN, *holidays: date
) -> Calendar:  # fmt: skip
    return Calendar(zone=zone, week=week, holidays=frozenset(holidays))


def local(*parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=BERLIN, fold=fold)  # type: ignore[arg-type,misc]


def slow(of: Calendar, moment: datetime, minutes: int) -> datetime:
    """Looks at the wall clock of every single minute."""
    moment = moment.astimezone(UTC)
    while minutes:
        wall = moment.astimezone(of.zone)
        shown = wall.hour * 60 + wall.minute
        if wall.date() not in of.holidays and any(o.begin <= shown < o.end for o in of.week[wall.weekday()]):
            minutes -= 1
        moment += MINUTE
    return moment


@pytest.mark.parametrize(
    ("received", "hours", "due"),
    [
        (local(2026, 5, 5, 10, 0), 4, local(2026, 5, 5, 14, 0)),
        (local(2026, 5, 5, 10, 0), 7, local(2026, 5, 5, 17, 0)),  # ends with the day, not with the next morning
        (local(2026, 5, 5, 16, 0), 4, local(2026, 5, 6, 12, 0)),
        (local(2026, 5, 5, 3, 0), 1, local(2026, 5, 5, 10, 0)),
        (local(2026, 5, 8, 16, 30), 1, local(2026, 5, 11, 9, 30)),  # over the weekend
        (local(2026, 5, 9, 12, 0), 8, local(2026, 5, 11, 17, 0)),
        (local(2026, 5, 5, 16, 59, 59, 999_999), 1, local(2026, 5, 6, 9, 59, 59, 999_999)),
    ],
)
def test_working_hours_alone_count(received: datetime, hours: float, due: datetime) -> None:
    assert calendar().after(received, timedelta(hours=hours)) == due


def test_a_holiday_has_no_working_time() -> None:
    found = calendar(WEEKDAYS, BERLIN, date(2026, 5, 14)).after(local(2026, 5, 13, 16, 0), timedelta(hours=2))
    assert found == local(2026, 5, 15, 10, 0)


@pytest.mark.parametrize(
    ("week", "received", "hours", "due"),
    [
        # 29 March 2026: 02:00 becomes 03:00. 25 October 2026: 03:00 becomes 02:00.
        (ALWAYS, local(2026, 3, 28, 12, 0), 24, local(2026, 3, 29, 13, 0)),
        (ALWAYS, local(2026, 10, 24, 12, 0), 24, local(2026, 10, 25, 11, 0)),
        (((Opening(begin=150, end=600),),) * 7, local(2026, 3, 29, 0, 0), 1, local(2026, 3, 29, 4, 0)),  # opens in no time
        (((Opening(begin=60, end=150),),) * 7, local(2026, 3, 29, 0, 0), 1, local(2026, 3, 29, 3, 0)),  # closes in no time
        (((Opening(begin=120, end=180),),) * 7, local(2026, 10, 25, 0, 0), 2, local(2026, 10, 25, 3, 0)),  # twice the hour
        (((Opening(begin=120, end=180),),) * 7, local(2026, 3, 29, 0, 0), 1, local(2026, 3, 30, 3, 0)),  # the hour is left out
        (((Opening(begin=540, end=1020),),) * 7, local(2026, 3, 28, 9, 0), 24, local(2026, 3, 30, 17, 0)),
        (((Opening(begin=0, end=1440),),) * 7, local(2026, 10, 25, 2, 30, fold=0), 1, local(2026, 10, 25, 2, 30, fold=1)),
    ],
)  # fmt: skip
def test_the_clocks_change(
    week: tuple[tuple[Opening, ...], ...], received: datetime, hours: int, due: datetime
) -> None:
    assert calendar(week).after(received, timedelta(hours=hours)) == due.astimezone(UTC)


def test_a_day_that_a_zone_left_out_never_comes() -> None:
    apia = ZoneInfo("Pacific/Apia")  # no 30 December 2011
    received = datetime(2011, 12, 29, 16, 0, tzinfo=apia)
    assert calendar(WEEKDAYS, apia).after(received, timedelta(hours=2)) == datetime(2012, 1, 2, 10, 0, tzinfo=apia)


def test_a_search_ends() -> None:
    rare = (((Opening(begin=0, end=1),),) + ((),) * 6)  # fmt: skip
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    assert calendar(rare).after(begin, timedelta(hours=8760)) == begin + HORIZON
    assert calendar().after(begin, timedelta(0)) == begin


@pytest.mark.parametrize(
    ("week", "complaint"),
    [
        (((),) * 7, "no working time"),
        (WEEKDAYS[:5], "seven days"),
        (((Opening(begin=540, end=720), Opening(begin=700, end=800)),) + ((),) * 6, "monday overlap"),
    ],
)
def test_a_week_that_is_none_is_refused(week: tuple[tuple[Opening, ...], ...], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        calendar(week)


@pytest.mark.parametrize(("begin", "end"), [(600, 600), (700, 600), (-1, 5), (0, 1441)])
def test_hours_that_do_not_end_are_refused(begin: int, end: int) -> None:
    with pytest.raises(ConfigurationError, match="end after they begin"):
        Opening(begin=begin, end=end)


ZONES = st.sampled_from(
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca",
     "America/St_Johns", "Pacific/Apia", "Asia/Gaza", "Antarctica/Troll"]
).map(ZoneInfo)  # fmt: skip


@st.composite
def openings(draw: st.DrawFn) -> tuple[Opening, ...]:
    marks = sorted(draw(st.lists(st.integers(0, 1440), max_size=6, unique=True)))
    return tuple(Opening(begin=a, end=b) for a, b in zip(marks[::2], marks[1::2], strict=False))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = draw(st.tuples(*[openings()] * 7).filter(lambda days: any(days)))
    holidays = draw(st.frozensets(st.dates(date(2026, 10, 1), date(2026, 11, 30)), max_size=10))
    return Calendar(zone=draw(ZONES), week=week, holidays=holidays)


MOMENTS = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1)).map(lambda m: m.replace(tzinfo=UTC))  # noqa: DTZ001
AROUND_CHANGES = st.builds(
    lambda day, minutes: datetime(*day, tzinfo=UTC) + timedelta(minutes=minutes),  # type: ignore[arg-type,misc]
    st.sampled_from([(2026, 10, 24), (2026, 11, 1), (2026, 3, 28), (2026, 3, 8), (2026, 4, 4), (2026, 10, 3), (2011, 12, 29)]),
    st.integers(0, 2880),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(calendars(), AROUND_CHANGES, st.integers(1, 900))
def test_as_counting_every_minute(of: Calendar, received: datetime, minutes: int) -> None:
    found = of.after(received, timedelta(minutes=minutes))
    if found < received + timedelta(days=12):  # counting further takes long
        assert found == slow(of, received, minutes)


@settings(max_examples=60, deadline=None)
@given(calendars(), MOMENTS, st.integers(0, 10**11), st.integers(0, 10**11))
def test_more_time_is_never_due_earlier_nor_sooner_than_real_time(
    of: Calendar, received: datetime, first: int, second: int
) -> None:
    spans = sorted((timedelta(microseconds=first), timedelta(microseconds=second)))
    due = [of.after(received, span) for span in spans]
    assert received <= due[0] <= due[1]
    assert all(moment >= received + span for moment, span in zip(due, spans, strict=True))
