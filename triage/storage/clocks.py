"""Running clocks: who is told before an answer is late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, select, tuple_, update

from triage.storage import schema
from triage.storage.events import emit
from triage.storage.workspace import Workspace

AHEAD = timedelta(hours=2)
"""How long before the due time ``sla.at_risk`` is told."""


def warn(connection: Connection, *, now: datetime, ahead: timedelta = AHEAD, most: int = 100) -> int:
    """Tells once of each conversation whose answer will be due soon and is still open; how many."""
    table = schema.conversations
    soon = (
        select(table.c.workspace_id, table.c.id)
        .where(table.c.status == "open", table.c.due_at <= now + ahead, table.c.warned_at.is_(None))
        .order_by(table.c.due_at).limit(most).with_for_update(skip_locked=True)
    )  # fmt: skip
    rows = connection.execute(
        update(table).where(tuple_(table.c.workspace_id, table.c.id).in_(soon), table.c.warned_at.is_(None))
        .values(warned_at=now).returning(*table.c)
    ).mappings().all()  # fmt: skip
    for row in rows:
        data = {
            "conversation_id": row["id"], "channel": row["channel"], "due_at": row["due_at"].isoformat(),
            "urgency": row["urgency"], "policy": row["sla_policy"],
        }  # fmt: skip
        emit(Workspace(connection, row["workspace_id"]), "sla.at_risk", data, now=now)
    return len(rows)
