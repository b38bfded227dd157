"""A workspace's SLA settings as data (``workspaces.settings["sla"]``), checked where they come in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from triage.conversations.sla import WARNING, SlaTerms, Term
from triage.conversations.working_time import HORIZON, WEEKDAYS, Calendar, Opening
from triage.errors import ConfigurationError
from triage.types import Urgency

MOST_HOLIDAYS = 1000
MOST_HOURS = 24 * 365
MOST_WARNING = 7 * 24 * 60


def _iso_date(value: Any) -> Any:
    """Pydantic would read a number as seconds since 1970, and nobody who writes one means that."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a date such as 2026-12-25")
    return value


Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Hours = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
Holiday = Annotated[date, BeforeValidator(_iso_date)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CalendarSettings(_Strict):
    """``hours``: ``{"monday": ["08:00-12:00", "13:00-17:30"]}``; a day that is not listed is free. Work over midnight is
    written as two ranges: ``22:00-24:00`` and, on the next day, ``00:00-06:00``."""

    time_zone: Annotated[str, Field(min_length=1, max_length=100)]
    hours: dict[Weekday, Annotated[list[Hours], Field(max_length=12)]]
    holidays: Annotated[list[Holiday], Field(max_length=MOST_HOLIDAYS)] = Field(default_factory=list)


class TermSettings(_Strict):
    """A clock. ``count``: all hours, or the calendar's working hours alone."""

    hours: Annotated[float, Field(gt=0, le=MOST_HOURS, allow_inf_nan=False)]
    count: Literal["working", "all"] = "all"


class SlaSettings(_Strict):
    """Clocks of a workspace. ``warn_minutes``: how long before the due time ``sla.at_risk`` is told."""

    calendar: CalendarSettings | None = None
    channels: dict[ChannelName, TermSettings] = Field(default_factory=dict)
    urgency: dict[Urgency, TermSettings] = Field(default_factory=dict)
    warn_minutes: Annotated[int, Field(ge=1, le=MOST_WARNING)] = int(WARNING.total_seconds() // 60)

    def terms(self) -> SlaTerms:
        """What the settings mean.

        Raises:
            ConfigurationError: they contradict each other or name what there is not; the message begins with the field.
        """
        calendar = None if self.calendar is None else _calendar(self.calendar)
        terms = SlaTerms(
            calendar=calendar,
            channels={name: _term(term) for name, term in self.channels.items()},
            urgency={level: _term(term) for level, term in self.urgency.items()},
            warning=timedelta(minutes=self.warn_minutes),
        )
        if calendar is not None:
            named = [(f"channels.{name}", term) for name, term in terms.channels.items()]
            named += [(f"urgency.{level}", term) for level, term in terms.urgency.items()]
            for place, term in named:
                if term.count == "working" and _slow(calendar, term.hours):
                    years = HORIZON.days // 365
                    raise ConfigurationError(
                        f"{place}.hours: with this calendar it would take more than {years} years until it is due"
                    )
        return terms


def read_sla(stored: Any) -> SlaTerms:
    """The terms in a workspace's settings; None are the defaults.

    Raises:
        ConfigurationError: what is wrong, beginning with the field's name.
    """
    if stored is None:
        return SlaTerms()
    try:
        return SlaSettings.model_validate(stored).terms()
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in ("sla", *first["loc"]) if part != "[key]")
        raise ConfigurationError(f"{place}: {first['msg']}") from error
    except ConfigurationError as error:
        raise ConfigurationError(f"sla.{error}") from error


def _calendar(settings: CalendarSettings) -> Calendar:
    try:
        zone = ZoneInfo(settings.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ConfigurationError("calendar.time_zone: not a time zone known here, such as Europe/Berlin") from error
    week = []
    for name in WEEKDAYS:
        hours: Mapping[str, list[str]] = settings.hours  # type: ignore[assignment]
        try:
            week.append(tuple(_opening(text) for text in hours.get(name, ())))
        except ConfigurationError as error:
            raise ConfigurationError(f"calendar.hours.{name}: {error}") from error
    try:
        return Calendar(zone=zone, week=tuple(week), holidays=frozenset(settings.holidays))
    except ConfigurationError as error:
        raise ConfigurationError(f"calendar.hours: {error}") from error


def _opening(text: str) -> Opening:
    begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    return Opening(begin=begin, end=end)


def _term(settings: TermSettings) -> Term:
    return Term(hours=settings.hours, count=settings.count)


def _slow(calendar: Calendar, hours: float) -> bool:
    """Whether the clock could run beyond the horizon: its weeks, the holidays, and a week for where it begins."""
    days = hours * 3600 / calendar.weekly.total_seconds() * 7 + len(calendar.holidays) + 7
    return days > HORIZON.days
