"""The work that waits in a workspace: messages to read, replies to send, events to tell of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Table, func

from triage.storage import schema
from triage.storage.workspace import Workspace

LATE = timedelta(minutes=2)
"""Work that has been due for longer has nobody who does it."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """How much waits, is under way and was given up; ``due_since``: of what waits and is due, the earliest moment."""

    waiting: int
    under_way: int
    given_up: int
    due_since: datetime | None
    late: bool


def measured(workspace: Workspace, *, now: datetime) -> dict[str, Queue]:
    """Each queue by its name: ``triage``, ``replies``, ``deliveries``."""
    tables = {
        "triage": (schema.jobs, "running", ("failed",)),
        "replies": (schema.outbox, "sending", ("failed", "uncertain")),
        "deliveries": (schema.deliveries, "sending", ("failed",)),
    }
    return {name: _queue(workspace, *parts, now=now) for name, parts in tables.items()}


def _queue(workspace: Workspace, table: Table, working: str, ended: tuple[str, ...], *, now: datetime) -> Queue:
    def count(*conditions: Any) -> Any:
        return func.count().filter(*conditions)

    row = workspace.first(
        workspace.select(
            table, count(table.c.state == "queued").label("waiting"), count(table.c.state == working).label("under_way"),
            count(table.c.state.in_(ended)).label("given_up"),
        )
    )  # fmt: skip
    assert row is not None  # counts always give a row
    due = workspace.value(
        workspace.select(table, table.c.run_at)
        .where(table.c.state == "queued", table.c.run_at <= now)
        .order_by(table.c.run_at)
        .limit(1)
    )
    return Queue(**row, due_since=due, late=due is not None and now - due > LATE)
