from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.conversations.working_time import Calendar, Opening
from triage.insights.periods import buckets, local, placed, working_seconds
from triage.insights.types import Bucket, Filters

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("America/St_Johns"), UTC]


def test_a_day_with_a_change_of_the_clocks_has_its_own_hours() -> None:
    for day, hours in ((date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 4), 24)):
        edges = buckets(Filters(since=day, until=day), BERLIN)
        assert len(edges) - 1 == hours
        assert {
            (b - a)
            for a, b in zip([e.astimezone(UTC) for e in edges], [e.astimezone(UTC) for e in edges[1:]], strict=False)
        } == {timedelta(hours=1)}


def test_weeks_begin_on_monday_and_the_ends_may_be_short() -> None:
    edges = buckets(Filters(since=date(2026, 5, 6), until=date(2026, 5, 19), bucket=Bucket.WEEK), BERLIN)
    assert [edge.date() for edge in edges] == [
        date(2026, 5, 6),
        date(2026, 5, 11),
        date(2026, 5, 18),
        date(2026, 5, 20),
    ]


@given(
    st.integers(0, 2_200_000_000), st.lists(st.integers(0, 70_000_000), min_size=1, max_size=5), st.sampled_from(ZONES)
)
def test_the_wall_clock_is_right(first: int, further: list[int], zone: ZoneInfo) -> None:
    aware = [datetime.fromtimestamp(first + later, UTC) for later in further]
    shown = local(np.array([int(moment.timestamp()) for moment in aware]), zone)
    assert [datetime.fromtimestamp(int(second), UTC).replace(tzinfo=None) for second in shown] == [
        moment.astimezone(zone).replace(tzinfo=None) for moment in aware
    ]


def test_moments_fall_into_their_buckets() -> None:
    edges = buckets(Filters(since=date(2026, 5, 4), until=date(2026, 5, 6)), BERLIN)
    at = np.array([int(edge.timestamp()) for edge in edges])
    assert placed(at, edges).tolist() == [0, 1, 2, 3]
    assert placed(at - 1, edges).tolist() == [-1, 0, 1, 2]


@pytest.mark.parametrize("zone", ZONES[:4])
def test_working_time_is_that_of_the_calendar(zone: ZoneInfo) -> None:
    hours = (Opening(begin=540, end=720), Opening(begin=780, end=1020))
    calendar = Calendar(zone=zone, week=(hours,) * 5 + ((), ()), holidays=frozenset({date(2026, 4, 6)}))
    begins = [datetime(2026, 3, 27, 5, tzinfo=UTC) + timedelta(hours=7 * number) for number in range(30)]
    spans = [timedelta(minutes=37 * number + 1) for number in range(30)]
    ends = [calendar.after(begin, span) for begin, span in zip(begins, spans, strict=True)]
    found = working_seconds(*(np.array([int(m.timestamp()) for m in moments]) for moments in (begins, ends)), calendar)
    assert found.tolist() == [span.total_seconds() for span in spans]
