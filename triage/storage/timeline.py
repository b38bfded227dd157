"""All that was said between a customer and the shop, across channels and conversations, newest first."""

from __future__ import annotations

import base64
import binascii
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, and_, or_

from triage.errors import InvalidMessage
from triage.storage import schema
from triage.storage.owners import living
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One message, in or out.

    Attributes:
        message: the row, with the conversation's ``status`` and ``conversation_subject``.
        triage: the row of what the model said, None before it did.
        label: an agent's latest correction.
        draft: the row of the draft that answers it; its state tells what became of it.
        attachments: rows without the content.
    """

    message: RowMapping
    triage: RowMapping | None
    label: RowMapping | None
    draft: RowMapping | None
    attachments: tuple[RowMapping, ...]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """A page of entries, and where the next begins; None after the last."""

    entries: tuple[Entry, ...]
    cursor: str | None


def timeline(workspace: Workspace, customer_id: str, *, limit: int = 50, cursor: str | None = None) -> Timeline:
    """A page of the customer's messages. What comes in meanwhile is newer than the first page and shifts none.

    Raises:
        Unknown: no such customer here.
        InvalidMessage: a ``cursor`` that no page gave.
    """
    customer_id = living(workspace, customer_id)
    messages, threads = schema.messages, schema.conversations
    names = ("id", "conversation_id", "seq", "direction", "channel", "subject", "text", "state", "failure", "order_id",
             "sender", "received_at")  # fmt: skip
    columns = [messages.c[name] for name in names]
    statement = workspace.join(
        workspace.select(messages, *columns, threads.c.status, threads.c.subject.label("conversation_subject")),
        threads, threads.c.id == messages.c.conversation_id,
    ).where(threads.c.customer_id == customer_id)  # fmt: skip
    if cursor is not None:
        statement = statement.where(_after(*_decoded(cursor)))
    order = (messages.c.received_at.desc(), messages.c.seq.desc(), messages.c.id.desc())
    rows = workspace.rows(statement.order_by(*order).limit(limit + 1))
    shown = rows[:limit]
    more = len(rows) > limit
    return Timeline(entries=_entries(workspace, shown), cursor=_encoded(shown[-1]) if more and shown else None)


def _entries(workspace: Workspace, rows: Sequence[RowMapping]) -> tuple[Entry, ...]:
    ids = [row["id"] for row in rows]
    triages, labels, drafts, files = schema.triages, schema.labels, schema.drafts, schema.attachments
    said = {
        row["message_id"]: row for row in workspace.rows(workspace.select(triages).where(triages.c.message_id.in_(ids)))
    }
    corrected = {
        row["message_id"]: row
        for row in workspace.rows(
            workspace.select(labels).where(labels.c.message_id.in_(ids)).order_by(labels.c.created_at, labels.c.id)
        )
    }
    answers = {
        row["message_id"]: row for row in workspace.rows(workspace.select(drafts).where(drafts.c.message_id.in_(ids)))
    }
    attached: defaultdict[str, list[RowMapping]] = defaultdict(list)
    columns = (files.c.id, files.c.message_id, files.c.name, files.c.media_type, files.c.size)
    for row in workspace.rows(
        workspace.select(files, *columns).where(files.c.message_id.in_(ids)).order_by(files.c.id)
    ):
        attached[row["message_id"]].append(row)
    return tuple(
        Entry(
            message=row, triage=said.get(row["id"]), label=corrected.get(row["id"]), draft=answers.get(row["id"]),
            attachments=tuple(attached[row["id"]]),
        )
        for row in rows
    )  # fmt: skip


def _after(at: datetime, seq: int, key: str) -> ColumnElement[bool]:
    table = schema.messages
    same = table.c.received_at == at
    return or_(
        table.c.received_at < at,
        and_(same, table.c.seq < seq),
        and_(same, table.c.seq == seq, table.c.id < key),
    )


def _encoded(row: RowMapping) -> str:
    parts: list[Any] = [row["received_at"].isoformat(), row["seq"], row["id"]]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decoded(cursor: str) -> tuple[datetime, int, str]:
    try:
        at, seq, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        moment = datetime.fromisoformat(at)
        sound = isinstance(seq, int) and 0 <= seq < 2**31 and isinstance(key, str) and key.isascii() and "\0" not in key
        if moment.tzinfo is None or not sound:
            raise ValueError("no cursor")
        moment = moment.astimezone(UTC)
    except (ValueError, TypeError, binascii.Error, RecursionError, OverflowError) as error:
        raise InvalidMessage("a cursor that no page gave", field="cursor") from error
    return moment, seq, key
