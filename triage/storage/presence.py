"""Which agents have which conversation open."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from triage.storage import schema
from triage.storage.workspace import Workspace

FRESH = timedelta(seconds=60)
"""How long an agent is taken to be there after the page last said so."""


def arrive(workspace: Workspace, conversation_id: str, login: str, *, now: datetime) -> bool:
    """Notes that the agent has the conversation open, and forgets who is long gone; False where there is no such one."""
    table, threads = schema.presence, schema.conversations
    # The row is locked, so that it cannot be erased between the look and the note.
    found = workspace.select(threads, threads.c.id).where(threads.c.id == conversation_id)
    if workspace.value(found.with_for_update(read=True, key_share=True)) is None:
        return False
    workspace.upsert(table, ["conversation_id", "login"], conversation_id=conversation_id, login=login, seen_at=now)
    workspace.run(workspace.delete(table).where(table.c.seen_at < now - 10 * FRESH))
    return True


def leave(workspace: Workspace, conversation_id: str, login: str) -> None:
    """The agent has gone elsewhere."""
    table = schema.presence
    workspace.run(workspace.delete(table).where(table.c.conversation_id == conversation_id, table.c.login == login))


def viewers(
    workspace: Workspace, *, now: datetime, among: Sequence[str] | None = None
) -> dict[str, tuple[str, ...]]:  # fmt: skip
    """Who is on which conversation, logins in order; of all conversations unless ``among`` names some."""
    table = schema.presence
    statement = workspace.select(table).where(table.c.seen_at > now - FRESH).order_by(table.c.login)
    if among is not None:
        statement = statement.where(table.c.conversation_id.in_(among))
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in workspace.rows(statement):
        found[row["conversation_id"]].append(row["login"])
    return {conversation: tuple(logins) for conversation, logins in found.items()}
