"""Days of contacts and orders as packed columns: kept, and read together."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from sqlalchemy import func

from triage.insights import frame
from triage.insights.frame import Columns, Frame
from triage.storage import schema
from triage.storage.workspace import Workspace

Kind = Literal["contacts", "orders"]


def keep(workspace: Workspace, kind: Kind, day: date, *, content: bytes, size: int, now: datetime) -> None:
    """Replaces what was counted of the day; a day without rows is not kept."""
    table = schema.figure_days
    if size == 0:
        workspace.run(workspace.delete(table).where(table.c.kind == kind, table.c.day == day))
        return
    workspace.upsert(
        table, ["kind", "day"], kind=kind, day=day, format=frame.FORMAT, content=content, size=size, counted_at=now
    )


def read(
    workspace: Workspace, kind: Kind, begin: datetime, end: datetime, wanted: Collection[str] | None = None
) -> Frame:  # fmt: skip
    """What is counted between two moments (to the second), the end left out; of the columns only those ``wanted``."""
    table = schema.figure_days
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    rows = workspace.tuples(
        workspace.select(table, table.c.content)
        .where(
            table.c.kind == kind, table.c.day >= begin.date(), table.c.day <= end.date(), table.c.format == frame.FORMAT
        )
        .order_by(table.c.day)
    )  # fmt: skip
    columns = None if wanted is None else {"at", *wanted}
    found = [frame.unpack(row[0], columns) for row in rows]
    if not found:
        return frame.empty_contacts() if kind == "contacts" else frame.empty_orders()
    return frame.together([_within(day, int(begin.timestamp()), int(end.timestamp())) for day in found])


def remains(workspace: Workspace, kind: Kind, day: date) -> list[Columns]:
    """What is left of those erased."""
    table = schema.figure_remains
    rows = workspace.tuples(
        workspace.select(table, table.c.content).where(table.c.kind == kind, table.c.day == day).order_by(table.c.id)
    )
    return [frame.unpack(row[0]) for row in rows]


def first(workspace: Workspace) -> date | None:
    """The first day (UTC) with a contact."""
    table = schema.figure_days
    found: date | None = workspace.value(
        workspace.select(table, func.min(table.c.day)).where(table.c.kind == "contacts")
    )
    return found


def outdated(workspace: Workspace) -> list[tuple[Kind, date]]:
    """Days that another version of this program counted."""
    table = schema.figure_days
    rows = workspace.rows(workspace.select(table, table.c.kind, table.c.day).where(table.c.format != frame.FORMAT))
    return [(row["kind"], row["day"]) for row in rows]


def _within(day: Columns, begin: int, end: int) -> Columns:
    """The whole day wherever it lies within; only the first and the last are cut."""
    at = day.columns["at"]
    if not len(at) or (at.min() >= begin and at.max() < end):
        return day
    whole = Frame(rows=len(at), columns=day.columns, words=day.words)
    return Columns(columns=whole.select((at >= begin) & (at < end)).columns, words=day.words)


def spread(begin: date, end: date) -> list[date]:
    """Every day from ``begin`` to ``end``."""
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]
