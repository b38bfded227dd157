from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from triage.channels.policies import ChannelPolicies
from triage.conversations.circumstances import circumstances
from triage.conversations.sla import sla
from triage.errors import ConfigurationError
from triage.types import Author, InboundMessage, Order, ThreadMessage

SATURDAY = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("channel", "hours", "name"),
    [
        ("amazon", 24, "amazon_24h"),
        ("walmart", 48, "walmart_48h"),
        ("email", 24, "email_24h"),
        ("new", 24, "default_24h"),
    ],
)
def test_every_channel_has_its_clock_weekends_included(channel: str, hours: int, name: str) -> None:
    due = sla(SATURDAY, ChannelPolicies()[channel], needs_reply=True)
    assert due.due_at == SATURDAY + timedelta(hours=hours)
    assert due.policy == name


def test_a_message_without_need_of_a_reply_has_no_due_time() -> None:
    assert sla(SATURDAY, ChannelPolicies()["email"], needs_reply=False).due_at is None


def test_a_workspace_overrides_one_value_and_keeps_the_others() -> None:
    policy = ChannelPolicies({"amazon": {"sla_hours": 12}})["amazon"]
    assert policy.sla_hours == 12
    assert policy.links is False


@pytest.mark.parametrize(
    ("override", "complaint"),
    [({"sla_hours": 0}, "amazon.sla_hours"), ({"sla_hour": 5}, "amazon.sla_hour"), ({"limit": "long"}, "amazon.limit")],
)
def test_a_wrong_policy_is_named(override: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        ChannelPolicies({"amazon": override})


def test_every_policy_names_its_source() -> None:
    policies = ChannelPolicies()
    assert {"amazon", "ebay", "walmart", "allegro", "tokopedia", "sms", "whatsapp", "email"} <= set(policies.channels)
    assert all(policies[channel].source for channel in policies.channels)


def _thread(*authors: str) -> tuple[ThreadMessage, ...]:
    return tuple(ThreadMessage(author=Author(author), text="…") for author in authors)


@pytest.mark.parametrize(
    ("thread", "reasons"),
    [
        (_thread(), ()),
        (_thread("customer", "agent"), ()),
        (_thread("customer"), ("second contact without an answer",)),
        (_thread("agent", "customer", "customer"), ("third contact without an answer",)),
        (_thread(*["customer"] * 9), ("10th contact without an answer",)),
    ],
)
def test_unanswered_contacts_are_counted(thread: tuple[ThreadMessage, ...], reasons: tuple[str, ...]) -> None:
    assert circumstances(InboundMessage(text="x", thread=thread), SATURDAY) == reasons


@pytest.mark.parametrize(
    ("status", "promised", "passed"),
    [("in_transit", -1, True), ("in_transit", 1, False), ("delivered", -1, False), (None, -1, False)],
)
def test_a_promised_date_passes_only_for_an_order_under_way(status: str | None, promised: int, passed: bool) -> None:
    order = Order(id="1", status=status, promised_by=SATURDAY + timedelta(days=promised))
    found = circumstances(InboundMessage(text="x", order=order), SATURDAY)
    assert found == (("promised date passed",) if passed else ())
