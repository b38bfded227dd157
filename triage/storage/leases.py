"""Rows that wait to be worked on, claimed with leases: jobs, replies in the outbox, deliveries of events.

A worker claims rows in one short transaction, works without one, and writes the outcome only while the lease is still its
own. A worker that dies loses its lease after a while, and another takes over. The same on both databases: PostgreSQL skips
rows that another worker is claiming, SQLite writes one at a time anyway.

Claiming looks across workspaces, because a worker serves all of them; each claim names its workspace, and everything after
it is scoped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select, tuple_, update

from triage.storage.columns import new_id
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A row that is this worker's until its lease ends. ``row``: its columns as they were claimed."""

    workspace_id: str
    id: str
    lease: str
    attempts: int
    row: Mapping[str, Any]


def claim(
    connection: Connection, table: Table, *, working: str, now: datetime, lease: timedelta, most: int = 1,
    only: ColumnElement[bool] | None = None, resume: bool = True,
) -> list[Claim]:  # fmt: skip
    """Up to ``most`` rows that are due, oldest first.

    Args:
        working: the state that a claimed row has.
        only: a further condition.
        resume: whether a row whose worker died is claimed again.
    """
    due: ColumnElement[bool] = and_(table.c.state == "queued", table.c.run_at <= now)
    if resume:
        due = or_(due, and_(table.c.state == working, table.c.leased_until < now))
    wanted = select(table.c.workspace_id, table.c.id).where(due).order_by(table.c.run_at, table.c.id).limit(most)
    if only is not None:
        wanted = wanted.where(only)
    wanted = wanted.with_for_update(skip_locked=True, of=table)
    token = new_id("lease")
    statement = (
        update(table)
        .where(tuple_(table.c.workspace_id, table.c.id).in_(wanted))
        .values(state=working, lease=token, leased_until=now + lease, attempts=table.c.attempts + 1)
        .returning(*table.c)
    )
    rows = sorted(connection.execute(statement).mappings().all(), key=lambda row: (row["run_at"], row["id"]))
    return [
        Claim(workspace_id=row["workspace_id"], id=row["id"], lease=token, attempts=row["attempts"], row=dict(row))
        for row in rows
    ]


def settle(workspace: Workspace, table: Table, claim: Claim, **values: Any) -> bool:
    """Writes the outcome of ``claim`` and ends its lease; False, and nothing written, where the lease is another's now."""
    mine = workspace.update(table).where(table.c.id == claim.id, table.c.lease == claim.lease)
    return workspace.run(mine.values(lease=None, leased_until=None, **values)) == 1


def holds(workspace: Workspace, table: Table, claim: Claim) -> bool:
    """Whether the lease is still this worker's; locks the row where the database can, until the transaction ends."""
    mine = workspace.select(table, table.c.id).where(table.c.id == claim.id, table.c.lease == claim.lease)
    return workspace.value(mine.with_for_update()) is not None


def back_off(attempts: int, *, first: float = 2.0, most: float = 3600.0) -> timedelta:
    """How long to wait after so many attempts: 2, 4, 8 … seconds, an hour at most."""
    return timedelta(seconds=min(most, first * 2 ** min(max(attempts - 1, 0), 20)))
