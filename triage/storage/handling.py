"""Who works on a conversation, and whether it is done: assigned, closed, opened again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from triage.errors import InvalidMessage, Unknown
from triage.storage import schema
from triage.storage.events import record
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace


def colleagues(workspace: Workspace) -> tuple[str, ...]:
    """Logins of the agents to whom a conversation can be given, in order."""
    table = schema.agents
    rows = workspace.tuples(workspace.select(table, table.c.login).where(table.c.disabled_at.is_(None)))
    return tuple(sorted(login for (login,) in rows))


def assign(
    workspace: Workspace, conversation_id: str, assignee: str | None, *, actor: str, now: datetime
) -> bool:  # fmt: skip
    """Gives the conversation to the agent with this login, or to nobody; False where it stood so already.

    Raises:
        Unknown: no such conversation here.
        InvalidMessage: no such agent here, or one who was disabled.
    """
    row = _locked(workspace, conversation_id)
    if row["assignee"] == assignee:
        return False
    if assignee is not None and assignee not in colleagues(workspace):
        raise InvalidMessage("no agent of this workspace has this login", field="assignee")
    _change(workspace, conversation_id, assignee=assignee)
    record(workspace, "conversation.assigned", conversation_id, actor=actor, now=now, details={"assignee": assignee})
    return True


def close(workspace: Workspace, conversation_id: str, *, actor: str, now: datetime) -> bool:
    """Done: the clock stops. It opens by itself when the customer writes again. False where it was closed already.

    Raises:
        Unknown: no such conversation here.
    """
    if _locked(workspace, conversation_id)["status"] == "closed":
        return False
    _change(workspace, conversation_id, status="closed", due_at=None, warned_at=None)
    conversations_changed(workspace, [conversation_id])
    record(workspace, "conversation.closed", conversation_id, actor=actor, now=now)
    return True


def reopen(workspace: Workspace, conversation_id: str, *, actor: str, now: datetime) -> bool:
    """Open again; the clock runs on where the newest message still waits for an answer. False where it was open already.

    Raises:
        Unknown: no such conversation here.
    """
    row = _locked(workspace, conversation_id)
    if row["status"] == "open":
        return False
    _change(workspace, conversation_id, status="open", due_at=_due(workspace, row), warned_at=None)
    conversations_changed(workspace, [conversation_id])
    record(workspace, "conversation.reopened", conversation_id, actor=actor, now=now)
    return True


def _due(workspace: Workspace, row: RowMapping) -> datetime | None:
    """When the assistant said that the newest message has to be answered; None where it was, or needs no answer."""
    if row["answered_at"] is not None and row["answered_at"] >= row["last_inbound_at"]:
        return None
    messages, triages = schema.messages, schema.triages
    result: dict[str, Any] | None = workspace.value(
        workspace.join(workspace.select(triages, triages.c.result), messages, messages.c.id == triages.c.message_id)
        .where(messages.c.conversation_id == row["id"], messages.c.seq == row["last_inbound_seq"])
    )  # fmt: skip
    due = (result or {}).get("sla", {}).get("due_at")
    return datetime.fromisoformat(due) if due else None


def _locked(workspace: Workspace, conversation_id: str) -> RowMapping:
    table = schema.conversations
    row = workspace.first(workspace.select(table).where(table.c.id == conversation_id).with_for_update())
    if row is None:
        raise Unknown("conversation", conversation_id)
    return row


def _change(workspace: Workspace, conversation_id: str, **values: Any) -> None:
    table = schema.conversations
    workspace.run(workspace.update(table).where(table.c.id == conversation_id).values(values))
