"""The figures of a workspace. Each call reads the days that it needs and computes; nothing is kept between calls."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo

import numpy as np

from triage.conversations.working_time import Calendar
from triage.insights import drafts as draft_figures
from triage.insights import repeats as repeat_figures
from triage.insights import response as response_figures
from triage.insights import suppliers as supplier_figures
from triage.insights import volume as volume_figures
from triage.insights.frame import Frame, chosen
from triage.insights.periods import bounds, buckets
from triage.insights.types import (
    DIMENSIONS,
    Anomalies,
    Backlog,
    Choices,
    Drafts,
    Filters,
    Model,
    Overview,
    Repeats,
    Response,
    Suppliers,
    Volume,
)
from triage.storage.insights import anomaly_looks, days
from triage.storage.insights.refresh import waiting
from triage.storage.insights.shop import calendar_of, titles_of, zone_of
from triage.storage.workspace import Workspace

LONGEST_WAIT = timedelta(days=92)
"""How long before the first day a contact may have come that still counts as waiting."""
MOST_CHOICES = 200
_OVERVIEW = ("intent", "channel")
_COLUMNS = ("channel", "language", "region", "intent", "urgency")
_DIMENSIONS = (*_COLUMNS, "line_row", "line_product", "line_supplier")


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The shop's clock, and the time's buckets on it."""

    calendar: Calendar | None
    zone: tzinfo
    edges: list[datetime]


def today(workspace: Workspace, *, now: datetime) -> date:
    """The day that it is for the shop."""
    return now.astimezone(zone_of(workspace)).date()


def first_day(workspace: Workspace) -> date | None:
    """The first day (UTC) with a contact; None where there is none yet."""
    return days.first(workspace)


def volume(workspace: Workspace, filters: Filters, *, now: datetime) -> Volume:
    """How many contacts came, when, and about what."""
    asked = _asked(workspace, filters)
    before = _contacts(workspace, filters.before, asked.zone, ()).rows
    frame = _contacts(workspace, filters, asked.zone, ("flags", *_DIMENSIONS))
    found = volume_figures.volume(frame, asked.edges, asked.zone, before=before)
    titles = titles_of(workspace, frame, [count.value for count in found.by["product"]])
    named = tuple(replace(count, title=titles.get(count.value)) for count in found.by["product"])
    return replace(found, by={**found.by, "product": named})


def response(workspace: Workspace, filters: Filters, *, now: datetime) -> Response:
    """How soon customers were answered."""
    asked = _asked(workspace, filters)
    times = ("flags", "response", "due", "closed")
    frame = _contacts(workspace, filters, asked.zone, (*times, *response_figures.BY))
    return response_figures.response(frame, asked.edges, now=now, calendar=asked.calendar)


def backlog(workspace: Workspace, filters: Filters, *, now: datetime) -> Backlog:
    """Who waited at the end of each bucket."""
    asked = _asked(workspace, filters)
    begin, end = bounds(filters, asked.zone)
    wanted = _wanted(filters, ("flags", "response", "due", "closed"))
    frame = chosen(days.read(workspace, "contacts", begin - LONGEST_WAIT, end, wanted), filters)
    return response_figures.backlog(frame, asked.edges, now=now)


def drafts(workspace: Workspace, filters: Filters, *, now: datetime) -> Drafts:
    """What people did with drafts."""
    asked = _asked(workspace, filters)
    frame = _contacts(workspace, filters, asked.zone, ("decision", "distance", *draft_figures.BY))
    return draft_figures.drafts(frame, asked.edges)


def model(workspace: Workspace, filters: Filters, *, now: datetime) -> Model:
    """How much the model says, and how often people agree."""
    asked = _asked(workspace, filters)
    frame = _contacts(workspace, filters, asked.zone, ("flags", "decision", "said", *draft_figures.BY))
    return draft_figures.model(frame, asked.edges)


def overview(workspace: Workspace, filters: Filters, *, now: datetime) -> Overview:
    """The first figures of several pages, over one reading of the days."""
    asked = _asked(workspace, filters)
    before = _contacts(workspace, filters.before, asked.zone, ()).rows
    columns = ("flags", "response", "due", "closed", "decision", "distance", *_OVERVIEW)
    frame = _contacts(workspace, filters, asked.zone, columns)
    return Overview(
        volume=volume_figures.volume(frame, asked.edges, asked.zone, before=before, by=_OVERVIEW),
        response=response_figures.response(frame, asked.edges, now=now, calendar=asked.calendar, by=()),
        backlog=backlog(workspace, filters, now=now), drafts=draft_figures.drafts(frame, asked.edges, by=()),
        anomalies=anomalies(workspace, filters, now=now),
    )  # fmt: skip


def repeats(workspace: Workspace, filters: Filters, *, now: datetime) -> Repeats:
    """Customers who had to write more than once for one matter."""
    asked = _asked(workspace, filters)
    frame = _contacts(workspace, filters, asked.zone, ("flags", "customer", *repeat_figures.BY))
    return repeat_figures.repeats(frame, asked.edges)


def anomalies(workspace: Workspace, filters: Filters, *, now: datetime) -> Anomalies:
    """What stood out. Product, intent, region and supplier narrow it; the other filters do not."""
    found = anomaly_looks.listed(workspace, filters, now=now)
    products = {one.cell.product for one in found.anomalies if one.cell.product}
    if not products:
        return found
    frame = days.read(workspace, "contacts", *bounds(filters, zone_of(workspace)), wanted=())
    titles = titles_of(workspace, frame, products)
    named = tuple(replace(one, title=titles.get(one.cell.product or "")) for one in found.anomalies)
    return replace(found, anomalies=named)


def suppliers(workspace: Workspace, filters: Filters, *, now: datetime) -> Suppliers:
    """Suppliers of the same product; the time is that in which the orders were placed."""
    orders = days.read(workspace, "orders", *bounds(filters, _asked(workspace, filters).zone))
    found = supplier_figures.suppliers(orders, filters)
    titles = titles_of(workspace, orders, {row.product for row in found.rows})
    return replace(found, rows=tuple(replace(row, title=titles.get(row.product)) for row in found.rows))


def choices(workspace: Workspace, filters: Filters, *, now: datetime) -> Choices:
    """What the figures can be narrowed to, over the whole of the time."""
    asked = _asked(workspace, filters)
    begin, end = bounds(filters, asked.zone)
    frame = days.read(workspace, "contacts", begin, end, _DIMENSIONS)
    values = {name: _frequent(frame, name) for name in DIMENSIONS}
    return Choices(
        values=values, titles=titles_of(workspace, frame, values["product"]), first_day=days.first(workspace),
        zone=str(asked.zone), waiting=waiting(workspace),
    )  # fmt: skip


def _frequent(frame: Frame, name: str) -> tuple[str, ...]:
    column = f"line_{name}" if name in ("product", "supplier") else name
    words = frame.words[column]
    counts = np.bincount(frame[column], minlength=len(words))
    order = sorted(
        (code for code in np.flatnonzero(counts).tolist() if words[code]), key=lambda code: (-counts[code], words[code])
    )
    return tuple(words[code] for code in order[:MOST_CHOICES])


def _asked(workspace: Workspace, filters: Filters) -> _Asked:
    calendar = calendar_of(workspace)
    zone = calendar.zone if calendar else UTC
    return _Asked(calendar=calendar, zone=zone, edges=buckets(filters, zone))


def _contacts(workspace: Workspace, filters: Filters, zone: tzinfo, wanted: Collection[str]) -> Frame:
    return chosen(days.read(workspace, "contacts", *bounds(filters, zone), wanted=_wanted(filters, wanted)), filters)


def _wanted(filters: Filters, columns: Collection[str]) -> set[str]:
    """The columns that a figure reads, and those that the filters look at."""
    narrowed = {name if name in _COLUMNS else f"line_{name}" for name in filters.narrowed}
    lines = {"line_row", "line_product", "line_supplier"}
    return {*columns, *narrowed, *(lines if narrowed & lines else ())}
