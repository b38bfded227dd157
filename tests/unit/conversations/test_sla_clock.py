from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triage.channels.policies import ChannelPolicies
from triage.conversations.sla import SlaClock, sla
from triage.conversations.sla_settings import read_sla
from triage.errors import ConfigurationError
from triage.types import Sla, Urgency

SATURDAY = datetime(2026, 11, 21, 10, tzinfo=UTC)
BERLIN = {"time_zone": "Europe/Berlin", "hours": {day: ["09:00-17:00"] for day in
          ("monday", "tuesday", "wednesday", "thursday", "friday")}}  # fmt: skip
SHOP = {
    "calendar": {**BERLIN, "holidays": ["2026-11-23"]},
    "channels": {"email": {"hours": 8, "count": "working"}, "amazon": {"hours": 12}},
    "urgency": {"critical": {"hours": 1}},
    "warn_minutes": 30,
}
POLICIES = ChannelPolicies()


def due(channel: str, stored: Any = SHOP, received: datetime = SATURDAY, **more: Any) -> Sla:
    return SlaClock(read_sla(stored))(received, POLICIES[channel], **{"needs_reply": True, **more})


def test_a_channel_counts_working_hours_where_the_workspace_says_so() -> None:
    assert due("email") == Sla(due_at=datetime(2026, 11, 24, 16, tzinfo=UTC), policy="email_8h_working")


@pytest.mark.parametrize("channel", ["chat", "walmart", "sms"])
def test_a_channel_that_is_not_listed_keeps_its_policy(channel: str) -> None:
    assert due(channel) == sla(SATURDAY, POLICIES[channel], needs_reply=True)
    assert due(channel, None) == sla(SATURDAY, POLICIES[channel], needs_reply=True)


def test_a_marketplace_counts_the_weekend_and_can_be_made_shorter() -> None:
    assert due("amazon") == Sla(due_at=SATURDAY + timedelta(hours=12), policy="amazon_12h")


def test_a_marketplace_is_not_made_longer_by_a_policy_either() -> None:
    longer = ChannelPolicies({"amazon": {"sla_hours": 72}})["amazon"]
    found = SlaClock()(SATURDAY, longer, needs_reply=True)
    assert found == Sla(due_at=SATURDAY + timedelta(hours=24), policy="amazon_24h")


def test_a_critical_message_has_the_shorter_clock() -> None:
    critical = due("email", urgency=Urgency.CRITICAL)
    assert critical == Sla(due_at=SATURDAY + timedelta(hours=1), policy="critical_1h")
    assert due("email", urgency=Urgency.HIGH) == due("email")
    later = {**SHOP, "urgency": {"critical": {"hours": 400}}}
    assert due("email", later, urgency=Urgency.CRITICAL) == due("email")


def test_a_message_without_need_of_a_reply_has_no_due_time() -> None:
    assert due("email", needs_reply=False).due_at is None


def test_the_due_time_is_in_the_zone_of_the_message() -> None:
    received = SATURDAY.astimezone(timezone(timedelta(hours=-5)))
    for channel in ("email", "chat"):
        found = due(channel, received=received).due_at
        assert found is not None
        assert found.utcoffset() == timedelta(hours=-5)


@pytest.mark.parametrize("day", [28, 24])
def test_hours_are_real_hours_where_the_clocks_change(day: int) -> None:
    received = datetime(2026, 3 if day == 28 else 10, day, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    found = due("chat", received=received).due_at
    assert found is not None
    assert found.astimezone(UTC) - received.astimezone(UTC) == timedelta(hours=24)


@pytest.mark.parametrize("channel", ["email", "chat"])
@pytest.mark.parametrize("received", [datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_the_ends_of_time_raise_nothing(channel: str, received: datetime) -> None:
    found = due(channel, received=received).due_at
    assert found is not None
    assert found >= received


def _with(path: str, value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = {"calendar": dict(BERLIN), "channels": {}, "urgency": {}}
    *folders, name = path.split(".")
    place = changed
    for folder in folders:
        place[folder] = place = dict(place.get(folder, {}))
    place[name] = value
    return changed


@pytest.mark.parametrize(
    ("stored", "field"),
    [
        (_with("calendar.time_zone", "Europe/Nowhere"), "sla.calendar.time_zone"),
        (_with("calendar.time_zone", "../../etc/passwd"), "sla.calendar.time_zone"),
        (_with("calendar.time_zone", "Europe"), "sla.calendar.time_zone"),
        (_with("calendar.hours", {}), "sla.calendar.hours: there is no working time"),
        (_with("calendar.hours.monday", ["17:00-09:00"]), "sla.calendar.hours.monday"),
        (_with("calendar.hours.monday", ["09:00-25:00"]), "sla.calendar.hours.monday.0"),
        (_with("calendar.hours.monday", ["09:00-12:00", "11:00-17:00"]), "sla.calendar.hours: .*monday overlap"),
        (_with("calendar.hours.mon", ["09:00-17:00"]), "sla.calendar.hours.mon"),
        (_with("calendar.holidays", ["25.12.2026"]), "sla.calendar.holidays.0"),
        (_with("calendar.holidays", [20261225]), "sla.calendar.holidays.0"),
        (_with("channels.email.hours", 0), "sla.channels.email.hours"),
        (_with("channels.email", {"hours": 8, "count": "office"}), "sla.channels.email.count"),
        (_with("channels.email", {"hour": 8}), "sla.channels.email.hour"),
        (_with("channels.amazon", {"hours": 36}), "sla.channels.amazon.hours"),
        (_with("channels.amazon", {"hours": 12, "count": "working"}), "sla.channels.amazon.count"),
        (_with("channels.walmart", {"hours": 49}), "sla.channels.walmart.hours"),
        (_with("urgency.urgent", {"hours": 1}), "sla.urgency.urgent"),
        (_with("warn_minutes", 0), "sla.warn_minutes"),
        ({"channels": {"email": {"hours": 8, "count": "working"}}}, "sla.channels.email.count"),
        ({"urgency": {"critical": {"hours": 8, "count": "working"}}}, "sla.urgency.critical.count"),
        (
            {"calendar": {"time_zone": "UTC", "hours": {"monday": ["00:00-00:05"]}},
             "channels": {"email": {"hours": 80, "count": "working"}}},
            "sla.channels.email.hours: with this calendar",
        ),
        ([], "sla"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(stored: Any, field: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^{field}"):
        read_sla(stored)


@settings(max_examples=60, deadline=None)
@given(
    received=st.datetimes(timezones=st.just(UTC), min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1)),  # noqa: DTZ001
    hours=st.tuples(st.floats(0.01, 500), st.floats(0.01, 500)).map(sorted),
    urgency=st.sampled_from([None, *Urgency]),
)
def test_never_before_it_came_nor_earlier_with_more_hours_nor_than_all_hours(
    received: datetime, hours: list[float], urgency: Urgency | None
) -> None:
    def found(count: str, hour: float) -> datetime:
        stored = {**SHOP, "channels": {"email": {"hours": hour, "count": count}}}
        moment = due("email", stored, received, urgency=urgency).due_at
        assert moment is not None
        return moment

    shorter, longer, everything = found("working", hours[0]), found("working", hours[1]), found("all", hours[1])
    assert received <= shorter <= longer
    assert everything <= longer
