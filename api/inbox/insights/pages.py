"""``/insights``: an overview, and a page for each figure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.i18n import N_, Sentence
from api.inbox.insights import asked as asking
from api.inbox.insights import figures, says
from api.inbox.insights.asked import Asked
from api.inbox.insights.compared import products
from api.inbox.insights.sections import Number, Section, Writing
from api.inbox.insights.standouts import Example, examples_of, standouts
from api.inbox.rendering import missing, page
from api.inbox.seat import LeadSignedIn, Seat
from api.inbox.wording import wording
from triage.insights.types import Anomalies, Anomaly, Choices, Overview, Suppliers
from triage.storage import insights
from triage.storage.workspace import Workspace

router = APIRouter(include_in_schema=False)

TOLD = 3
"""What stands out, on the overview."""
REASONS = 6
_MADE: dict[str, Callable[[Any, Writing], figures.Parts]] = {
    "volume": figures.volume, "response": figures.response, "backlog": figures.backlog, "drafts": figures.drafts,
    "model": figures.model, "repeats": figures.repeats,
}  # fmt: skip
UNNARROWED = {"anomalies": ("channel", "language", "urgency")}
"""Dimensions that do not narrow a page."""


@router.get("/insights")
def overview(request: Request, seat: LeadSignedIn) -> Response:
    """The figures of all pages, one or two of each."""
    asked, choices, found, examples = seat.read(lambda w: _read(w, request, seat, insights.overview))
    to = Writing(asked, choices, wording(seat.ui_language), now=seat.now)
    slowest = Sentence(N_("nine of ten within %(span)s"), span=to.span(found.response.span.p90))
    numbers = [
        _linked(Number(label=N_("Messages"), value=to.count(found.volume.contacts), says=says.CONTACTS,
                       note=figures.change(found.volume, to)), "volume", to),
        _linked(figures.first_reply(found.response, to, note=slowest), "response", to),
        _linked(figures.on_time(found.response.attainment, to), "response", to),
        _linked(figures.waiting(found.backlog, to), "backlog", to),
        _linked(figures.as_written(found.drafts.counts, to), "drafts", to),
        _linked(figures.no_reply(found.volume.deflection, to), "volume", to),
    ]  # fmt: skip
    sections: list[Section] = []
    if found.volume.contacts:
        sections = [
            figures.over_days(found.volume, to),
            *(
                replace(figures.by_count(found.volume, name, to, most=REASONS), href=to.asked.address("volume"))
                for name in ("intent", "channel")
            ),
        ]
    return _show(
        seat, to, "overview.html", section="", numbers=numbers, sections=sections,
        told=standouts(found.anomalies.anomalies[:TOLD], examples, to), anomalies=found.anomalies,
    )  # fmt: skip


@router.get("/insights/{name}")
def figure(name: str, request: Request, seat: LeadSignedIn) -> Response:
    """One figure with its charts and tables."""
    if name not in says.SECTIONS:
        return missing(seat, "page")
    asked, choices, found, examples = seat.read(lambda w: _read(w, request, seat, getattr(insights, name)))
    to = Writing(asked, choices, wording(seat.ui_language), now=seat.now)
    if isinstance(found, Anomalies):
        told = standouts(found.anomalies, examples, to)
        return _show(seat, to, "anomalies.html", section=name, told=told, anomalies=found, says=says.STANDS_OUT)
    if isinstance(found, Suppliers):
        shown = products(found, to)
        return _show(seat, to, "suppliers.html", section=name, products=shown, suppliers=found, says=says.SUPPLIERS)
    numbers, sections = _MADE[name](found, to)
    return _show(seat, to, "figure.html", section=name, numbers=numbers, sections=sections)


def _read(
    workspace: Workspace, request: Request, seat: Seat, read: Callable[..., Any]
) -> tuple[Asked, Choices, Any, dict[str, Example]]:  # fmt: skip
    """All that a page shows, of one moment."""
    today, first = insights.today(workspace, now=seat.now), insights.first_day(workspace)
    asked = asking.asked(request.query_params, today=today, first=first, whole=read is insights.suppliers)
    choices = asking.choices(workspace, asked, now=seat.now)
    found = read(workspace, asked.filters, now=seat.now)
    told: Sequence[Anomaly] = ()
    if isinstance(found, Anomalies):
        told = found.anomalies
    elif isinstance(found, Overview):
        told = found.anomalies.anomalies[:TOLD]
    return asked, choices, found, examples_of(workspace, told)


def _linked(number: Number, section: str, to: Writing) -> Number:
    """The number with a link to its page."""
    return replace(number, href=to.asked.address(section))


def _show(seat: Seat, to: Writing, template: str, *, section: str, **context: Any) -> Response:
    left = [name for name in UNNARROWED.get(section, ()) if name in to.asked.filters.narrowed]
    return page(
        f"insights/{template}", seat, 422 if to.asked.trouble else 200, asked=to.asked, choices=to.choices, to=to,
        section=section, tabs=says.SECTIONS, dimensions=says.DIMENSIONS, presets=asking.PRESETS, without=asking.WITHOUT,
        unnarrowed=left, now=seat.now, **context,
    )  # fmt: skip
