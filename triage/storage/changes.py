"""What changed a moment ago, told by the keys that the changes left: no column and no table is kept for it.

Ids begin with the time of their making, so each table's own key finds the newest rows. A transaction may be committed after a
later one, so whoever follows looks some seconds back each time and leaves out what it has seen.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Table

from triage.storage import schema
from triage.storage.columns import first_id
from triage.storage.workspace import Workspace

LOOK_BACK = timedelta(seconds=20)
"""Longer than a transaction lasts, and than two machines' clocks differ."""
MOST = 500
EVERYTHING = ""
"""Stands for a conversation where any may have changed."""


def since(workspace: Workspace, moment: datetime) -> dict[str, str]:
    """Ids of messages, events and lines of the audit trail that are newer than ``moment``, each with its conversation.

    ``EVERYTHING`` where that cannot be said: customers were merged or erased, or more happened than is read here.
    """
    messages, events, audit = schema.messages, schema.events, schema.audit
    found: dict[str, str] = {}
    rows = _newer(workspace, messages, "msg", moment, messages.c.conversation_id)
    happened = _newer(workspace, events, "evt", moment, events.c.data["conversation_id"].as_string())
    found |= {key: conversation for key, conversation in (*rows, *happened) if conversation}
    done = _newer(workspace, audit, "aud", moment, audit.c.subject)
    found |= _of_audit(workspace, {key: subject for key, subject in done if subject})
    if max(len(rows), len(happened), len(done)) == MOST:
        found[f"more since {moment.timestamp():.0f}"] = EVERYTHING
    return found


def _newer(
    workspace: Workspace, table: Table, kind: str, moment: datetime, column: ColumnElement[str]
) -> list[tuple[str, str | None]]:  # fmt: skip
    """Id and what it is about."""
    newer = table.c.id >= first_id(kind, moment)
    statement = workspace.select(table, table.c.id, column.label("about")).where(newer)
    return [(row["id"], row["about"]) for row in workspace.rows(statement.order_by(table.c.id).limit(MOST))]


def _of_audit(workspace: Workspace, lines: dict[str, str]) -> dict[str, str]:
    """Lines by what they are about; what concerns no conversation is left out."""
    known: dict[str, str] = {}
    for table, kind in ((schema.drafts, "drf_"), (schema.messages, "msg_")):
        named = [subject for subject in lines.values() if subject.startswith(kind)]
        if named:
            rows = workspace.rows(
                workspace.select(table, table.c.id, table.c.conversation_id).where(table.c.id.in_(named))
            )
            known |= {row["id"]: row["conversation_id"] for row in rows}
    found: dict[str, str] = {}
    for line, subject in lines.items():
        if subject.startswith("cnv_"):
            found[line] = subject
        elif subject.startswith("cus_"):
            found[line] = EVERYTHING
        elif subject in known:
            found[line] = known[subject]
    return found
