"""Running clocks: who is told before an answer is late."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, or_, select, tuple_, update

from triage.conversations.sla import WARNING
from triage.storage import schema
from triage.storage.events import emit
from triage.storage.workspace import Workspace

AHEAD = WARNING
"""How long before the due time ``sla.at_risk`` is told, where a workspace does not say."""


def warn(connection: Connection, *, now: datetime, ahead: timedelta = AHEAD, most: int = 100) -> int:
    """Tells once of each conversation whose answer will be due soon and is still open; how many."""
    table = schema.conversations
    soon = (
        select(table.c.workspace_id, table.c.id)
        .where(table.c.status == "open", table.c.warned_at.is_(None), _near(connection, now, ahead))
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


def _near(connection: Connection, now: datetime, ahead: timedelta) -> ColumnElement[bool]:
    """Whether a clock is within the warning time of its workspace."""
    table, shops = schema.conversations, schema.workspaces
    minutes = shops.c.settings[("sla", "warn_minutes")]
    own: dict[int, list[str]] = {}
    for shop, found in connection.execute(select(shops.c.id, minutes).where(minutes.as_string().is_not(None))):
        if isinstance(found, int):
            own.setdefault(found, []).append(shop)
    elsewhere = table.c.workspace_id.not_in([shop for named in own.values() for shop in named])
    return or_(
        and_(elsewhere, table.c.due_at <= now + ahead),
        *(
            and_(table.c.workspace_id.in_(named), table.c.due_at <= now + timedelta(minutes=found))
            for found, named in own.items()
        ),
    )
