"""What a page of figures is asked for: the time and what it is narrowed to, in the page's address and kept over all its links."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from api.inbox.i18n import N_
from triage.insights.types import DIMENSIONS, NOTHING, Choices, Filters
from triage.storage import insights
from triage.storage.columns import clean
from triage.storage.workspace import Workspace

DEFAULT_DAYS = 30
PRESETS = {7: N_("7 days"), 30: N_("30 days"), 90: N_("90 days"), 365: N_("12 months")}
WITHOUT = "-"
"""Chooses the contacts without a value; an empty field of a form leaves the figures wide."""
IN_QUEUE = ("channel", "language", "intent", "urgency")
"""Dimensions that the queue can be narrowed by too."""
LONGEST_VALUE = 200
MOST_CHOICE_DAYS = 92
"""The lists to choose from are read of the last days of the time alone: those of years would take as long as the figures."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a page shows.

    Attributes:
        days: of ``PRESETS``, where the time is one of them; None for other days.
        today: the shop's.
        first: the day of the first contact ever; None where nobody has written yet.
        trouble: why the time that was asked for is not shown; a marked string, empty where it is.
    """

    filters: Filters
    days: int | None
    today: date
    first: date | None
    trouble: str = ""

    def address(self, section: str = "", *, ending: str = "", **changed: str | None) -> str:
        """The page of ``section`` for the same time and narrowing, with dimensions ``changed``; None takes one away."""
        time = {"days": str(self.days)} if self.days else {
            "from": self.filters.since.isoformat(), "to": self.filters.until.isoformat()
        }  # fmt: skip
        values = {name: value for name, value in {**self.filters.narrowed, **changed}.items() if value is not None}
        if self.days == DEFAULT_DAYS:
            time = {}
        query = urlencode(time | {name: value or WITHOUT for name, value in values.items()})
        return f"/insights{'/' if section else ''}{section}{ending}{'?' if query else ''}{query}"

    def within(self, section: str, days: int) -> str:
        """The same page for the last ``days``."""
        return replace(self, days=days).address(section)

    def queue(self, dimension: str, value: str) -> str | None:
        """The queue with the conversations of ``value``, as far as it can be narrowed; None where it cannot."""
        if dimension not in IN_QUEUE or value == NOTHING:
            return None
        kept = {name: known for name, known in self.filters.narrowed.items() if name in IN_QUEUE and known}
        return "/?" + urlencode({"status": "", **kept, dimension: value})

    @property
    def comparable(self) -> bool:
        """Whether there were contacts to be counted in the whole of the time before."""
        return self.first is not None and self.first <= self.filters.before.since

    @property
    def is_running(self) -> bool:
        """Whether the last day is not over."""
        return self.filters.until >= self.today


def asked(query: Mapping[str, str], *, today: date, first: date | None, whole: bool = False) -> Asked:
    """What ``query`` asks for: ``days``, or ``from`` and ``to``, and the dimensions; the last 30 days where it asks nothing.

    Args:
        first: the last so many days begin with the first contact, unless ``whole``: orders were placed before it too.
    """
    values = {name: clean(query.get(name, "").strip())[:LONGEST_VALUE] for name in DIMENSIONS}
    narrowed: dict[str, Any] = {name: NOTHING if value == WITHOUT else value for name, value in values.items() if value}
    try:
        since, until = _day(query.get("from", "")), _day(query.get("to", ""))
        days = _preset(query.get("days", ""))
        if since is None and until is None:
            return _last(days or DEFAULT_DAYS, narrowed, today=today, first=first, whole=whole)
        until = until or max(today, since or today)
        since = since or until - timedelta(days=DEFAULT_DAYS - 1)
        filters = Filters(since=since, until=until, **narrowed)
    except (ValueError, OverflowError):
        trouble = N_(
            "These days cannot be shown: the first has to come before the last, with ten years between them at most."
        )
        return replace(_last(DEFAULT_DAYS, narrowed, today=today, first=first, whole=whole), trouble=trouble)
    is_preset = until == today and filters.days in PRESETS
    return Asked(filters=filters, days=filters.days if is_preset else None, today=today, first=first)


def choices(workspace: Workspace, asked: Asked, *, now: datetime) -> Choices:
    """What the figures can be narrowed to; what they are narrowed to already is among it."""
    filters = asked.filters
    since = max(filters.since, filters.until - timedelta(days=MOST_CHOICE_DAYS - 1))
    found = insights.choices(workspace, Filters(since=since, until=filters.until), now=now)
    values = dict(found.values)
    for name, value in filters.narrowed.items():
        if value and value not in values.get(name, ()):
            values[name] = (*values.get(name, ()), value)
    return replace(found, values=values)


def _last(days: int, narrowed: Mapping[str, Any], *, today: date, first: date | None, whole: bool) -> Asked:
    """The last ``days``, or those since the first contact."""
    since = today - timedelta(days=days - 1)
    since = since if whole else min(max(since, first or since), today)
    return Asked(filters=Filters(since=since, until=today, **narrowed), days=days, today=today, first=first)


def _day(text: str) -> date | None:
    return date.fromisoformat(text.strip()[:10]) if text.strip() else None


def _preset(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 4 and int(text) in PRESETS else None
