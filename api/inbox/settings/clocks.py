"""``/settings/sla``: when answers are due: working hours, holidays, clocks by channel and urgency, and a preview."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_, Sentence
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Fields, Sent, Words, back, complaint, show
from api.problems import Problem
from api.v1.workspace.endpoints import apply
from api.v1.workspace.schemas import SettingsBody
from triage.conversations.sla import MARKETPLACE_HOURS, SlaClock
from triage.conversations.working_time import WEEKDAYS
from triage.errors import ConfigurationError
from triage.storage.workspaces import WorkspaceSettings, read_settings
from triage.types import URGENCIES, Sla, Urgency

router = APIRouter()

DAYS = {
    "monday": N_("Monday"), "tuesday": N_("Tuesday"), "wednesday": N_("Wednesday"), "thursday": N_("Thursday"),
    "friday": N_("Friday"), "saturday": N_("Saturday"), "sunday": N_("Sunday"),
}  # fmt: skip
COUNTS = {"all": N_("all hours"), "working": N_("working hours")}
WARN_MINUTES = 120
_FRIDAY, _SIX = 4, time(18)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """One message to try the clocks on, and when its answer is due; ``at`` and ``due`` on the workspace's own clock."""

    channel: str
    urgency: str
    at: datetime
    due: datetime | None
    sla: Sla


@router.get("/settings/sla")
def read(
    request: Request, seat: LeadSignedIn, done: str = "", channel: str = "email", urgency: str = "critical", at: str = ""
) -> Response:  # fmt: skip
    return _page(request, seat, done=done, tried=(channel, urgency, at))


@router.post("/settings/sla/calendar")
def calendar(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Working hours and holidays; none at all take the calendar away."""
    hours = {day: form.text(day).replace(",", " ").replace("\u2013", "-").split() for day in WEEKDAYS}
    open_days = {day: found for day, found in hours.items() if found}
    changed = None
    if open_days:
        changed = {
            "time_zone": form.text("time_zone"), "hours": open_days, "holidays": sorted(set(form.text("holidays").split())),
        }  # fmt: skip
    return _save(request, seat, form, {"calendar": changed})


@router.post("/settings/sla/urgency")
def urgency_clocks(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Shorter clocks for what presses; an empty field is no clock."""
    clocks = {str(level): _term(form, str(level)) for level in URGENCIES if form.text(f"{level}_hours")}
    return _save(request, seat, form, {"urgency": clocks, "warn_minutes": form.text("warn_minutes") or WARN_MINUTES})


@router.post("/settings/sla/channel")
def channel_clock(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """One channel's own clock; without hours it goes back to its policy's."""
    channel, own = form.text("channel"), dict(_stored(seat.read(read_settings)).get("channels", {}))
    own.pop(channel, None)
    if form.text("channel_hours") and "remove" not in form:
        own[channel] = _term(form, "channel")
    return _save(request, seat, form, {"channels": own})


def _term(form: Fields, name: str) -> dict[str, str]:
    return {"hours": form.text(f"{name}_hours").replace(",", "."), "count": form.text(f"{name}_count") or "all"}


def _save(request: Request, seat: Seat, form: Fields, changes: Mapping[str, Any]) -> Response:
    try:
        wanted = {**_stored(seat.read(read_settings)), **changes}
        body = SettingsBody.model_validate({"sla": {key: value for key, value in wanted.items() if value is not None}})
        apply(body, request.app.state.channels, seat)
    except (ValidationError, Problem) as error:
        return _page(request, seat, trouble=_in_words(error), typed=form)
    return back("/settings/sla", "saved")


def _in_words(error: ValidationError | Problem) -> Words:
    """What goes wrong most, in words of the page; the rest as the API has it."""
    place = str(error.extra.get("field", "")) if isinstance(error, Problem) else ".".join(map(str, _place(error)))
    for day, name in DAYS.items():
        if f"calendar.hours.{day}" in place:
            return Sentence(N_("Nothing was changed: write the hours of %(day)s as 09:00-17:00."), day=name)
    if "holidays" in place:
        return N_("Nothing was changed: write each holiday as 2026-12-25, one a line.")
    if "time_zone" in place:
        return N_("Nothing was changed: this time zone is not known here. Choose one such as Europe/Berlin.")
    return complaint(error)


def _place(error: ValidationError) -> tuple[Any, ...]:
    return error.errors(include_input=False, include_url=False)[0]["loc"]


def _stored(settings: WorkspaceSettings) -> dict[str, Any]:
    return dict(settings.values.get("sla") or {})


def _page(
    request: Request, seat: Seat, *, done: str = "", trouble: Words | None = None, typed: Fields | None = None,
    tried: tuple[str, str, str] = ("email", "critical", ""),
) -> Response:  # fmt: skip
    settings, state = seat.read(read_settings), request.app.state
    stored = _stored(settings)
    zone = (stored.get("calendar") or {}).get("time_zone") or "UTC"
    return show(
        "sla.html", seat, section="sla", done=done, trouble=trouble, stored=stored, typed=typed, days=DAYS, counts=COUNTS,
        zone=zone, zones=sorted(name for name in available_timezones() if "/" in name or name == "UTC"),
        urgencies=[str(level) for level in reversed(URGENCIES)], channels=state.channels, most=MARKETPLACE_HOURS,
        policies={channel: state.policies[channel] for channel in state.channels}, warn=WARN_MINUTES,
        preview=_preview(request, settings, zone, seat.now, tried),
    )  # fmt: skip


def _preview(
    request: Request, settings: WorkspaceSettings, zone: str, now: datetime, tried: tuple[str, str, str]
) -> Preview | None:  # fmt: skip
    channel, urgency, at = tried
    channel = channel if channel in request.app.state.channels else "email"
    level = Urgency(urgency) if urgency in set(URGENCIES) else Urgency.CRITICAL
    try:
        clock, here = SlaClock(settings.sla()), ZoneInfo(zone)
        moment = _moment(at, here) or _next_friday(now.astimezone(here).date(), here)
    except (ConfigurationError, OSError, ValueError):
        return None
    found = clock(moment.astimezone(UTC), request.app.state.policies[channel], needs_reply=True, urgency=level)
    due = found.due_at.astimezone(here) if found.due_at else None
    return Preview(channel=channel, urgency=str(level), at=moment, due=due, sla=found)


def _moment(text: str, zone: ZoneInfo) -> datetime | None:
    """What a browser's field for date and time sends."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=zone) if text else None
    except ValueError:
        return None


def _next_friday(today: date, zone: ZoneInfo) -> datetime:
    """When it matters most: the end of the week."""
    return datetime.combine(today + timedelta(days=(_FRIDAY - today.weekday()) % 7 or 7), _SIX, zone)
