"""Jobs: what is to be done for which row; see ``leases`` for how workers share them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, exists

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.leases import Claim, claim
from triage.storage.workspace import Workspace

LEASE = timedelta(minutes=3)
"""Longer than the few jobs of one claim can take with a language model that answers in its last second."""
MOST_ATTEMPTS = 5


def enqueue(workspace: Workspace, kind: str, subject: str, *, queue: str, seq: int, now: datetime) -> None:
    """One job a ``kind`` and ``subject``; a second call changes nothing."""
    workspace.insert_new(
        schema.jobs, id=new_id("job"), kind=kind, subject_id=subject, queue=queue, seq=seq, state="queued", attempts=0,
        run_at=now, created_at=now,
    )  # fmt: skip


def claim_jobs(connection: Connection, *, now: datetime, most: int = 4) -> list[Claim]:
    """Jobs that are due, of each queue only its first unfinished one."""
    table, earlier = schema.jobs, schema.jobs.alias("earlier")
    first = ~exists().where(
        earlier.c.workspace_id == table.c.workspace_id,
        earlier.c.queue == table.c.queue,
        earlier.c.state.in_(("queued", "running")),
        earlier.c.seq < table.c.seq,
    )
    return claim(connection, table, working="running", now=now, lease=LEASE, most=most, only=first)


def waiting(connection: Connection) -> int:
    """Jobs not finished, for the metrics and for tests that wait until all is done."""
    from sqlalchemy import func, select

    table = schema.jobs
    return int(connection.execute(select(func.count()).where(table.c.state.in_(("queued", "running")))).scalar_one())
