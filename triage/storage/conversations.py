"""Reading: conversations with their messages, triage and drafts; and the labels that agents correct."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, RowMapping, and_, or_

from triage.errors import Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.filters import Filter, conditions
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace
from triage.types import URGENCIES, Urgency


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


def find(
    workspace: Workspace, wanted: Filter, *, limit: int = 50, cursor: str | None = None, critical_first: bool = False
) -> Page:
    """Conversations by due time, the most pressing first; those whose clock stands come last, newest first.

    Args:
        critical_first: critical ones before all others, whatever their clocks say.

    Raises:
        ValueError: a cursor that this did not make.
    """
    parts = _parts(critical_first)
    begin = 0 if cursor is None else _decoded(cursor).part
    if not 0 <= begin < len(parts):
        raise ValueError("the cursor is none that this list gave")
    narrowed = conditions(workspace, wanted)
    found: list[tuple[int, RowMapping]] = []
    for number, part in enumerate(parts):
        if number < begin or len(found) > limit:
            continue
        after = cursor if number == begin else None
        still = number == len(parts) - 1
        rows = _part(workspace, [part, *narrowed], after, limit + 1 - len(found), still=still)
        found += [(number, row) for row in rows]
    last = found[limit - 1] if len(found) > limit else None
    return Page(rows=[row for _, row in found[:limit]], cursor=None if last is None else _encoded(*last))


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
    conversations_changed(workspace, [row["conversation_id"]])
    record(workspace, "message.labelled", message_id, actor=actor, now=now)
    return key


def _parts(critical_first: bool) -> list[ColumnElement[bool]]:
    """What stands one after the other in a list; the last are those whose clock stands."""
    table = schema.conversations
    runs, stands = table.c.due_at.is_not(None), table.c.due_at.is_(None)
    if not critical_first:
        return [runs, stands]
    critical = URGENCIES.index(Urgency.CRITICAL)
    # Unequal, not lower: as a range it would lead SQLite to the index by urgency, and so to sorting all that is left.
    return [and_(runs, table.c.urgency_rank == critical), and_(runs, table.c.urgency_rank != critical), stands]


def _part(
    workspace: Workspace, conditions: list[ColumnElement[bool]], cursor: str | None, most: int, *, still: bool
) -> Sequence[RowMapping]:
    table = schema.conversations
    statement = workspace.select(table).where(*conditions)
    if still:
        statement = statement.order_by(table.c.last_inbound_at.desc(), table.c.id)
        if cursor:
            at = _decoded(cursor)
            statement = statement.where(
                or_(table.c.last_inbound_at < at.last, and_(table.c.last_inbound_at == at.last, table.c.id > at.id))
            )
    else:
        statement = statement.order_by(table.c.due_at, table.c.id)
        if cursor:
            at = _decoded(cursor)
            if at.due is None:
                raise ValueError("the cursor is none that this list gave")
            statement = statement.where(
                or_(table.c.due_at > at.due, and_(table.c.due_at == at.due, table.c.id > at.id))
            )
    return workspace.rows(statement.limit(most))


class _Position(NamedTuple):
    """The last row of a page: which part of the list it stood in, and where there."""

    part: int
    due: datetime | None
    last: datetime
    id: str


def _encoded(part: int, row: RowMapping) -> str:
    due: datetime | None = row["due_at"]
    parts = json.dumps([part, due and due.isoformat(), row["last_inbound_at"].isoformat(), row["id"]])
    return base64.urlsafe_b64encode(parts.encode()).decode()


def _decoded(cursor: str) -> _Position:
    try:
        part, due, last, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        found = _Position(part, datetime.fromisoformat(due) if due else None, datetime.fromisoformat(last), key)
        naive = any(moment is not None and moment.tzinfo is None for moment in (found.due, found.last))
        if type(part) is not int or not isinstance(key, str) or "\0" in key or naive:
            raise ValueError("no cursor")
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        raise ValueError("the cursor is none that this list gave") from error
    return found


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
