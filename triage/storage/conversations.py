"""Reading: conversations with their messages, triage and drafts; and the labels that agents correct."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, exists, or_

from triage.errors import Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list of conversations is narrowed to; None leaves it wide. ``q`` is looked for in the messages' texts."""

    status: str | None = None
    urgency: str | None = None
    channel: str | None = None
    language: str | None = None
    intent: str | None = None
    customer: str | None = None
    assignee: str | None = None
    q: str | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """Rows and where the next page begins; None after the last."""

    rows: Sequence[RowMapping]
    cursor: str | None


@dataclass(frozen=True, kw_only=True)
class StoredMessage:
    """A message as stored, what the assistant said of it, and the draft that answers it."""

    row: RowMapping
    triage: Mapping[str, Any] | None
    draft: RowMapping | None


@dataclass(frozen=True, kw_only=True)
class StoredConversation:
    """A conversation with all its messages, oldest first."""

    row: RowMapping
    messages: tuple[StoredMessage, ...]


def get_message(workspace: Workspace, message_id: str) -> StoredMessage:
    """One message.

    Raises:
        Unknown: none here.
    """
    table = schema.messages
    row = workspace.first(workspace.select(table).where(table.c.id == message_id))
    if row is None:
        raise Unknown("message", message_id)
    return _with_results(workspace, [row])[0]


def get_conversation(workspace: Workspace, conversation_id: str) -> StoredConversation:
    """One conversation.

    Raises:
        Unknown: none here.
    """
    table, messages = schema.conversations, schema.messages
    row = workspace.first(workspace.select(table).where(table.c.id == conversation_id))
    if row is None:
        raise Unknown("conversation", conversation_id)
    parts = workspace.rows(
        workspace.select(messages).where(messages.c.conversation_id == conversation_id).order_by(messages.c.seq)
    )
    return StoredConversation(row=row, messages=tuple(_with_results(workspace, parts)))


def get_draft(workspace: Workspace, draft_id: str) -> RowMapping:
    """One draft.

    Raises:
        Unknown: none here.
    """
    row = workspace.first(workspace.select(schema.drafts).where(schema.drafts.c.id == draft_id))
    if row is None:
        raise Unknown("draft", draft_id)
    return row


def find(workspace: Workspace, wanted: Filter, *, limit: int = 50, cursor: str | None = None) -> Page:
    """Conversations by due time, the most pressing first; those whose clock stands come last, newest first.

    Raises:
        ValueError: a cursor that this did not make.
    """
    running = cursor is None or _decoded(cursor)[0] is not None
    rows: list[RowMapping] = []
    if running:
        rows += _part(workspace, wanted, cursor, limit + 1, running=True)
        cursor = None
    if len(rows) <= limit:
        rows += _part(workspace, wanted, cursor, limit + 1 - len(rows), running=False)
    last = rows[limit - 1] if len(rows) > limit else None
    after = None if last is None else _encoded(last["due_at"], last["last_inbound_at"], last["id"])
    return Page(rows=rows[:limit], cursor=after)


def correct(
    workspace: Workspace, message_id: str, *, intents: Sequence[str], urgency: str | None, language: str | None,
    actor: str, now: datetime,
) -> str:  # fmt: skip
    """Keeps an agent's correction as a label, and shows it on the conversation; the label's id.

    Raises:
        Unknown: no such message here.
    """
    table, threads = schema.messages, schema.conversations
    row = workspace.first(workspace.select(table, table.c.conversation_id, table.c.seq).where(table.c.id == message_id))
    if row is None:
        raise Unknown("message", message_id)
    key = new_id("lab")
    workspace.insert(
        schema.labels, id=key, message_id=message_id, intents=list(intents), urgency=urgency, language=language,
        actor=actor, created_at=now,
    )  # fmt: skip
    changes: dict[str, Any] = {}
    if intents:
        changes["intent"] = intents[0]
    if urgency:
        changes |= {"urgency": urgency, "urgency_rank": ("low", "normal", "high", "critical").index(urgency)}
    if language:
        changes["language"] = language
    if changes:
        newest = workspace.update(threads).where(
            threads.c.id == row["conversation_id"], threads.c.last_inbound_seq == row["seq"]
        )
        workspace.run(newest.values(changes))
    record(workspace, "message.labelled", message_id, actor=actor, now=now)
    return key


def _part(
    workspace: Workspace, wanted: Filter, cursor: str | None, most: int, *, running: bool
) -> Sequence[RowMapping]:
    table = schema.conversations
    statement = workspace.select(table).where(*_conditions(workspace, wanted))
    if running:
        statement = statement.where(table.c.due_at.is_not(None)).order_by(table.c.due_at, table.c.id)
        if cursor:
            due, _, key = _decoded(cursor)
            assert due is not None
            statement = statement.where(or_(table.c.due_at > due, and_(table.c.due_at == due, table.c.id > key)))
    else:
        statement = statement.where(table.c.due_at.is_(None)).order_by(table.c.last_inbound_at.desc(), table.c.id)
        if cursor:
            _, last, key = _decoded(cursor)
            statement = statement.where(
                or_(table.c.last_inbound_at < last, and_(table.c.last_inbound_at == last, table.c.id > key))
            )
    return workspace.rows(statement.limit(most))


def _conditions(workspace: Workspace, wanted: Filter) -> list[ColumnElement[bool]]:
    table, messages = schema.conversations, schema.messages
    columns = {
        "status": table.c.status, "urgency": table.c.urgency, "channel": table.c.channel, "language": table.c.language,
        "intent": table.c.intent, "customer": table.c.customer_id, "assignee": table.c.assignee,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [
        column == value for name, column in columns.items() if (value := getattr(wanted, name)) is not None
    ]
    if wanted.q:
        found.append(
            exists().where(
                workspace.owns(messages), messages.c.conversation_id == table.c.id,
                messages.c.text.icontains(wanted.q, autoescape=True),
            )
        )  # fmt: skip
    return found


def _encoded(due: datetime | None, last: datetime, key: str) -> str:
    parts = json.dumps([due and due.isoformat(), last.isoformat(), key])
    return base64.urlsafe_b64encode(parts.encode()).decode()


def _decoded(cursor: str) -> tuple[datetime | None, datetime, str]:
    try:
        due, last, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moments = datetime.fromisoformat(due) if due else None, datetime.fromisoformat(last)
        if not isinstance(key, str) or any(m is not None and m.tzinfo is None for m in moments):
            raise ValueError("no cursor")
    except (ValueError, TypeError, binascii.Error) as error:
        raise ValueError("the cursor is none that this list gave") from error
    return (*moments, key)


def _with_results(workspace: Workspace, rows: Sequence[RowMapping]) -> list[StoredMessage]:
    ids = [row["id"] for row in rows]
    triages, drafts = schema.triages, schema.drafts
    said = {
        row["message_id"]: row["result"]
        for row in workspace.rows(workspace.select(triages).where(triages.c.message_id.in_(ids)))
    }
    replies = {
        row["message_id"]: row for row in workspace.rows(workspace.select(drafts).where(drafts.c.message_id.in_(ids)))
    }
    return [StoredMessage(row=row, triage=said.get(row["id"]), draft=replies.get(row["id"])) for row in rows]
