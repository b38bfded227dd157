"""Each figure over a few contacts whose numbers can be counted by hand."""

from __future__ import annotations

from datetime import UTC, date, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.unit.insights.shops import MONDAY, contact, frame_of
from triage.conversations.working_time import Calendar, Opening
from triage.insights import drafts, repeats, response, volume
from triage.insights.frame import Decision, Flag, Frame, empty_contacts
from triage.insights.periods import buckets
from triage.insights.types import Filters

FILTERS = Filters(since=date(2026, 5, 4), until=date(2026, 5, 6))
EDGES = buckets(FILTERS, UTC)
HOUR = 3600.0
READ = Flag.READ | Flag.NEEDS_REPLY


def shape(frame: Frame) -> volume.Volume:
    return volume.volume(frame, EDGES, UTC, before=2)


def test_volume_counts_contacts_and_not_products_twice() -> None:
    both = (("KT", "A"), ("PA", "B"))
    found = shape(
        frame_of(
            [
                contact(1, lines=both),
                contact(2, lines=both, channel="chat"),
                contact(3, lines=(("KT", "A"), ("KT", "B"))),
            ],
            [contact(49, flags=Flag.READ), contact(50, flags=Flag(0), intent="")],
        )
    )
    assert (found.contacts, found.conversations, found.unread, found.before) == (5, 3, 1, 2)
    assert [(c.value, c.contacts, c.share) for c in found.by["product"]] == [("KT", 3, 0.6), ("PA", 2, 0.4)]
    assert [(c.value, c.contacts) for c in found.by["supplier"]] == [("A", 3), ("B", 3)]
    assert [(c.value, c.contacts) for c in found.by["channel"]] == [("email", 4), ("chat", 1)]
    assert [point.value for point in found.series] == [3.0, 0.0, 2.0]
    assert found.week[0][1:4] == (1, 1, 1)
    assert found.week[2][1:3] == (1, 1)
    assert (found.deflection.count, found.deflection.of) == (1, 4)


def test_the_week_is_on_the_shops_clock() -> None:
    found = volume.volume(frame_of([contact(22.5)]), EDGES, ZoneInfo("Asia/Kathmandu"), before=0)
    assert found.week[1][4] == 1  # 22:30 on Monday in London is 04:15 on Tuesday in Kathmandu


def test_first_response_is_of_the_first_contact_alone() -> None:
    frame = frame_of(
        [
            contact(1, response=HOUR),
            contact(1.5, response=HOUR / 2, flags=READ | Flag.CHASES),
            contact(2, response=3 * HOUR, channel="chat"),
            contact(3),
            contact(4, flags=Flag.OPENS | Flag.READ),  # needs no answer, so nobody left it without one
        ]
    )
    found = response.response(frame, EDGES, now=MONDAY + timedelta(days=2), calendar=None)
    assert (found.span.answered, found.span.unanswered, found.span.median) == (2, 1, 2 * HOUR)
    assert found.span.p90 == pytest.approx(2.8 * HOUR)
    assert [(row.value, row.span.answered) for row in found.by["channel"]] == [("email", 1), ("chat", 1)]
    assert [point.value for point in found.series] == [2 * HOUR, None, None]
    assert found.span.working_median is None


def test_working_time_counts_alone_where_there_is_a_calendar() -> None:
    calendar = Calendar(zone=ZoneInfo("UTC"), week=((Opening(begin=540, end=1020),),) * 5 + ((), ()))
    frame = frame_of([contact(16, response=17.5 * HOUR)])  # Monday 16:00 until Tuesday 09:30
    found = response.response(frame, EDGES, now=MONDAY + timedelta(days=2), calendar=calendar)
    assert (found.span.median, found.span.working_median) == (17.5 * HOUR, 1.5 * HOUR)


def test_attainment_tells_all_five_ends_apart() -> None:
    due = 4 * HOUR
    frame = frame_of(
        [
            contact(1, due=due, response=due), contact(2, due=due, response=due + 1), contact(3, due=due),
            contact(30, due=due), contact(4, due=due, closed=60.0), contact(5),
        ]
    )  # fmt: skip
    found = response.response(frame, EDGES, now=MONDAY + timedelta(hours=31), calendar=None).attainment
    assert (found.met, found.late, found.open_late, found.open, found.closed) == (1, 1, 1, 1, 1)
    assert (found.share.count, found.share.of) == (1, 3)


def test_backlog_is_who_waits_at_the_end_of_each_day() -> None:
    frame = frame_of(
        [
            contact(-30, response=31 * HOUR, due=HOUR),  # came on Saturday, answered on Monday at one
            contact(1, response=24 * HOUR, due=48 * HOUR),
            contact(2, flags=READ | Flag.CHASES),
            contact(3, due=HOUR),
            contact(5, closed=30 * HOUR),
            contact(6, flags=Flag.READ | Flag.OPENS),
        ]
    )
    found = response.backlog(frame, EDGES, now=MONDAY + timedelta(hours=60))
    assert [point.value for point in found.series] == [3.0, 1.0, 1.0]
    assert [point.value for point in found.late] == [1.0, 1.0, 1.0]
    assert (found.waiting, found.overdue, found.oldest) == (1, 1, 57 * HOUR)
    early = response.backlog(frame, EDGES, now=MONDAY + timedelta(hours=10))
    assert [point.value for point in early.series] == [3.0, None, None]  # what lies ahead has no value


def test_drafts_by_what_became_of_them() -> None:
    decided = {"decision": Decision.EDITED, "distance": 0.5}
    frame = frame_of(
        [
            contact(1, decision=Decision.ACCEPTED, distance=0.0), contact(2, **decided), contact(3, decision=Decision.REJECTED),
            contact(4, decision=Decision.PENDING), contact(26, decision=Decision.SUPERSEDED, model="m2"), contact(5),
        ]
    )  # fmt: skip
    found = drafts.drafts(frame, EDGES)
    counts = found.counts
    assert (counts.drafts, counts.accepted, counts.edited, counts.rejected, counts.pending, counts.superseded) == (
        5,
        1,
        1,
        1,
        1,
        1,
    )
    assert (counts.accepted_share.value, counts.distance, counts.edited_distance) == (pytest.approx(1 / 3), 0.25, 0.5)
    assert [(row.value, row.counts.drafts) for row in found.by["model"]] == [("m1", 4), ("m2", 1)]
    assert [point.value for point in found.series] == [pytest.approx(1 / 3), None, None]


def test_precision_counts_who_judged_and_says_how_far_it_may_be_off() -> None:
    labelled, stood = Flag.INTENT_LABELLED, Flag.INTENT_LABELLED | Flag.INTENT_STOOD
    frame = frame_of(
        [
            contact(1, decision=Decision.ACCEPTED),  # agreed without a word
            contact(2, decision=Decision.EDITED, flags=READ | labelled, intent="refund_request"),
            contact(3, flags=READ | stood),
            contact(4, decision=Decision.REJECTED),  # says nothing of the intent
            contact(5, flags=READ | Flag.ABSTAINED | labelled),  # the model did not name one
            contact(6, flags=Flag(0)),
        ]
    )
    found = drafts.model(frame, EDGES)
    assert (found.counts.read, found.counts.coverage.count, found.counts.coverage.of) == (5, 4, 5)
    assert (found.counts.precision.count, found.counts.precision.of) == (2, 3)
    assert (found.counts.corrected.count, found.counts.corrected.of) == (1, 2)
    # A wrong intent is the model's own, not what it was corrected to.
    assert [row.value for row in found.by["intent"]] == ["delivery_late"]


def test_repeats_count_contacts_and_customers() -> None:
    frame = frame_of(
        [
            contact(1), contact(2, flags=READ | Flag.CHASES), contact(3, customer=2, flags=READ | Flag.ASKED_BEFORE),
            contact(4, customer=3), contact(5, customer=0, flags=READ | Flag.CHASES),  # erased: nobody's any more
        ]
    )  # fmt: skip
    found = repeats.repeats(frame, EDGES).counts
    assert (found.asked_before.count, found.chasing.count, found.chasing.of) == (1, 2, 5)
    assert (found.customers.count, found.customers.of) == (2, 3)


def test_nothing_at_all_gives_figures_of_nothing() -> None:
    frame = empty_contacts()
    assert shape(frame).contacts == 0
    assert response.response(frame, EDGES, now=MONDAY, calendar=None).span.median is None
    assert response.backlog(frame, EDGES, now=MONDAY).waiting == 0
    assert drafts.drafts(frame, EDGES).counts.accepted_share.value is None
    assert drafts.model(frame, EDGES).counts.precision.value is None
    assert repeats.repeats(frame, EDGES).counts.customers.value is None
