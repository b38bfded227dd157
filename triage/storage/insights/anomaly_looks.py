"""Anomalies: looked for once an hour, kept, and told once each."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping

from triage.insights import anomalies as tested
from triage.insights.anomalies import Found, holds
from triage.insights.frame import Frame
from triage.insights.periods import local_midnight
from triage.insights.types import Anomalies, Anomaly, Cell, Filters
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.events import emit
from triage.storage.insights import days
from triage.storage.insights.facts import contacts_of_day
from triage.storage.insights.shop import zone_of
from triage.storage.workspace import Workspace

PAUSE = timedelta(hours=1)
SAME = timedelta(days=3)
"""A cell that stood out so shortly before still does: it is the same anomaly, told once."""
MOST_EXAMPLES = 5
_LOOK = "anomalies"


def look(database: Database, workspace_id: str, *, now: datetime) -> int:
    """Looks at yesterday, which is complete, and at today so far, unless somebody did within the last hour; how many new ones.

    A day that still runs is held against a whole day's expectation, so looking early rings no false alarms.

    Raises:
        StorageUnavailable: the look is made up for in an hour.
    """
    if not database.write(lambda c: claim_look(Workspace(c, workspace_id), _LOOK, PAUSE, now=now)):
        return 0
    zone = database.read(lambda c: zone_of(Workspace(c, workspace_id)))
    today = now.astimezone(zone).date()
    frame = database.read(lambda c: _window(Workspace(c, workspace_id), today, zone))
    told = 0
    for day in (today - timedelta(days=1), today):
        if found := tested.detect(frame, day, zone):
            keep = partial(_keep, workspace_id=workspace_id, found=found, day=day, zone=zone, now=now)
            told += database.write(keep)
    return told


def claim_look(workspace: Workspace, kind: str, pause: timedelta, *, now: datetime) -> bool:
    """Whether it is this caller's turn to do what is done once in a while; then nobody else's until the pause is over."""
    table = schema.figure_looks
    if workspace.insert_new(table, kind=kind, at=now):
        return True
    return (
        workspace.run(workspace.update(table).where(table.c.kind == kind, table.c.at <= now - pause).values(at=now))
        == 1
    )


def listed(workspace: Workspace, filters: Filters, *, now: datetime) -> Anomalies:
    """The anomalies of the time, newest first, and whether there is enough history to look at all."""
    table, zone = schema.anomalies, zone_of(workspace)
    statement = workspace.select(table).where(table.c.last_day >= filters.since, table.c.first_day <= filters.until)
    for name in ("product", "intent", "region", "supplier"):
        value = getattr(filters, name)
        if value is not None:
            statement = statement.where(table.c[name] == value)
    rows = workspace.rows(statement.order_by(table.c.last_day.desc(), table.c.p_value, table.c.id).limit(500))
    looks = schema.figure_looks
    looked = workspace.value(workspace.select(looks, looks.c.at).where(looks.c.kind == _LOOK))
    first = days.first(workspace)
    today = now.astimezone(zone).date()
    history = min(tested.WINDOW, (today - first).days) if first else 0
    return Anomalies(
        anomalies=tuple(_anomaly(row) for row in rows), ready=history >= tested.NEEDED, history_days=max(0, history),
        needed_days=tested.NEEDED, looked_at=looked,
    )  # fmt: skip


def _window(workspace: Workspace, today: date, zone: tzinfo) -> Frame:
    begin = local_midnight(today - timedelta(days=tested.WINDOW + 1), zone)
    return days.read(workspace, "contacts", begin, local_midnight(today + timedelta(days=1), zone))


def _keep(
    connection: Connection, *, workspace_id: str, found: Sequence[Found], day: date, zone: tzinfo, now: datetime
) -> int:
    workspace, table = Workspace(connection, workspace_id), schema.anomalies
    told = 0
    for one in found:
        cell = _digest(one.cell)
        values: dict[str, Any] = {
            "last_day": day, "observed": one.observed, "expected": one.expected, "high": one.high, "p_value": one.p_value,
            "adjusted": one.adjusted, "examples": _examples(workspace, one.cell, day, zone), "changed_at": now,
            "history": [[at.isoformat(), count] for at, count in one.history],
        }  # fmt: skip
        known = workspace.first(
            workspace.select(table, table.c.id, table.c.last_day)
            .where(table.c.cell == cell, table.c.last_day >= day - SAME)
            .order_by(table.c.last_day.desc())
            .limit(1)
        )
        if known is not None:
            if known["last_day"] <= day:  # else today has been looked at already, and yesterday was in it
                workspace.run(workspace.update(table).where(table.c.id == known["id"]).values(values))
            continue
        key = new_id("ano")
        new = workspace.insert_new(
            table, id=key, cell=cell, first_day=day, created_at=now, **asdict(one.cell), **values
        )
        if new:
            emit(workspace, "anomaly.detected", _told(key, one, day), now=now)
            told += 1
    return told


def _told(key: str, one: Found, day: date) -> dict[str, Any]:
    """The event: what stood out and how far. Examples are read with ``GET /v1/insights/anomalies``."""
    return {
        "anomaly_id": key, "day": day.isoformat(), **asdict(one.cell), "observed": one.observed,
        "expected": round(one.expected, 2), "p_value": one.p_value, "adjusted_p_value": one.adjusted,
    }  # fmt: skip


def _examples(workspace: Workspace, cell: Cell, day: date, zone: tzinfo) -> list[str]:
    begin, end = local_midnight(day, zone), local_midnight(day + timedelta(days=1), zone)
    found = []
    for utc in days.spread(begin.astimezone(UTC).date(), end.astimezone(UTC).date()):
        for contact in contacts_of_day(workspace, utc):
            inside = begin <= contact.received_at < end
            if inside and holds(cell, intent=contact.intent, region=contact.region, lines=contact.lines):
                found.append(contact.message_id)
    return found[-MOST_EXAMPLES:][::-1]


def _digest(cell: Cell) -> str:
    return hashlib.sha256(json.dumps(asdict(cell), sort_keys=True).encode()).hexdigest()


def _anomaly(row: RowMapping) -> Anomaly:
    return Anomaly(
        id=row["id"], cell=Cell(product=row["product"], intent=row["intent"], region=row["region"], supplier=row["supplier"]),
        first_day=row["first_day"], last_day=row["last_day"], observed=row["observed"], expected=row["expected"],
        high=row["high"], p_value=row["p_value"], adjusted=row["adjusted"], examples=tuple(row["examples"]),
        history=tuple((date.fromisoformat(at), count) for at, count in row["history"]), detected_at=row["created_at"],
    )  # fmt: skip
