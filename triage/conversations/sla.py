"""The clock of a message: when its answer is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from triage.conversations.working_time import Calendar
from triage.errors import ConfigurationError
from triage.types import ChannelPolicy, Sla, Urgency

MARKETPLACE_HOURS: Mapping[str, float] = {"amazon": 24, "walmart": 48}
"""Channels whose operator sets the clock: every hour counts, weekends included, and a shop can only answer sooner.

Sources: Amazon, Buyer-Seller Messages, contact response time (G200389080); Walmart, Customer Care policy.
"""
WARNING = timedelta(hours=2)
"""How long before the due time people are told, where a workspace does not say."""


@dataclass(frozen=True, kw_only=True)
class Term:
    """Hours in which an answer is due. ``count``: ``all`` hours, or only those of the workspace's calendar."""

    hours: float
    count: Literal["working", "all"] = "all"


@dataclass(frozen=True, kw_only=True)
class SlaTerms:
    """What a workspace promises its customers.

    Attributes:
        channels: by channel; a channel that is not listed keeps the hours of its policy, all of which count.
        urgency: a second, shorter clock for messages so urgent; the answer is due by the earlier of the two.
        warning: how long before the due time people are told.

    Raises:
        ConfigurationError: a clock of working hours without a calendar, or one that a marketplace does not grant.
    """

    calendar: Calendar | None = None
    channels: Mapping[str, Term] = field(default_factory=dict)
    urgency: Mapping[Urgency, Term] = field(default_factory=dict)
    warning: timedelta = WARNING

    def __post_init__(self) -> None:
        named = {f"channels.{name}": term for name, term in self.channels.items()}
        named |= {f"urgency.{level}": term for level, term in self.urgency.items()}
        for place, term in named.items():
            if term.hours <= 0:
                raise ConfigurationError(f"{place}.hours: must be more than 0")
            if term.count == "working" and self.calendar is None:
                raise ConfigurationError(f"{place}.count: working hours need a calendar")
        for channel, most in MARKETPLACE_HOURS.items():
            own = self.channels.get(channel)
            if own is not None and own.count != "all":
                raise ConfigurationError(f"channels.{channel}.count: this marketplace counts all hours")
            if own is not None and own.hours > most:
                raise ConfigurationError(
                    f"channels.{channel}.hours: this marketplace wants an answer in {most:g} hours"
                )


class SlaClock:
    """A workspace's clocks; without terms of its own every channel has the clock of its policy."""

    def __init__(self, terms: SlaTerms | None = None) -> None:
        self._terms = terms or SlaTerms()

    def __call__(
        self, received_at: datetime, policy: ChannelPolicy, *, needs_reply: bool, urgency: Urgency | None = None
    ) -> Sla:
        """The due time, in ``received_at``'s zone and never before it."""
        terms = self._terms
        own, most = terms.channels.get(policy.channel), MARKETPLACE_HOURS.get(policy.channel, policy.sla_hours)
        term = own or Term(hours=min(policy.sla_hours, most))
        name = policy.name if term.hours == policy.sla_hours and own is None else _name(policy.channel, term)
        if not needs_reply:
            return Sla(due_at=None, policy=name)
        due = self._due(received_at, term)
        pressing = None if urgency is None else terms.urgency.get(urgency)
        if pressing is not None and (sooner := self._due(received_at, pressing)) < due:
            assert urgency is not None
            due, name = sooner, _name(urgency.value, pressing)
        return Sla(due_at=due, policy=name)

    def _due(self, received_at: datetime, term: Term) -> datetime:
        if term.count == "all":
            return _later(received_at, term.hours)
        assert self._terms.calendar is not None  # the terms were checked
        try:
            due = self._terms.calendar.after(received_at, timedelta(hours=term.hours))
            return max(due.astimezone(received_at.tzinfo), received_at)
        except OverflowError:
            return received_at


def sla(received_at: datetime, policy: ChannelPolicy, *, needs_reply: bool, urgency: Urgency | None = None) -> Sla:
    """The due time by the channel's policy alone; every hour counts, weekends included.

    Args:
        received_at: aware; the due time is in the same zone.
        needs_reply: a message that nobody must answer has no due time.
        urgency: makes no difference here; see ``SlaClock``.
    """
    due = _later(received_at, policy.sla_hours) if needs_reply else None
    return Sla(due_at=due, policy=policy.name)


def _later(moment: datetime, hours: float) -> datetime:
    """``hours`` of real time later: in a zone with daylight saving, adding to its wall clock would miss or gain an hour."""
    try:
        return (moment.astimezone(UTC) + timedelta(hours=hours)).astimezone(moment.tzinfo)
    except OverflowError:  # after the last day of the calendar there is none
        return moment


def _name(whose: str, term: Term) -> str:
    return f"{whose[:40]}_{term.hours:g}h" + ("_working" if term.count == "working" else "")
