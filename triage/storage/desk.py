"""What the agents' inbox reads beyond a conversation itself: the queue's rows, its figures, and what people decided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func

from triage.conversations.approval import DraftState
from triage.errors import Unknown
from triage.storage import conversations, schema
from triage.storage.filters import Filter, conditions
from triage.storage.workspace import Workspace
from triage.types import URGENCIES, Urgency

CRITICAL = URGENCIES.index(Urgency.CRITICAL)
PREVIEW = 200
"""Characters of a message that a list shows."""


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """A conversation as the queue shows it.

    Attributes:
        customer: the name, None where none is known.
        preview: the beginning of the newest message of the customer; its order, its state, and the draft's.
        abstained: the model was not sure of the intent.
    """

    conversation: RowMapping
    customer: str | None
    preview: str
    order_id: str | None
    message_state: str | None
    draft_state: str | None
    abstained: bool


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A page of rows and where the next begins; None after the last."""

    rows: tuple[QueueRow, ...]
    cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """How many conversations stand how; ``late`` and ``critical`` are among the open ones. ``reading``: messages that wait
    for the assistant."""

    open: int
    waiting: int
    closed: int
    late: int
    critical: int
    reading: int
    languages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What became of a draft that somebody decided.

    Attributes:
        actor: who approved or rejected it, and when.
        text: the approved one.
        leaves_at: when the reply leaves; ``recallable`` until then, where nobody began to send it.
        failure: why the last attempt to send it failed.
    """

    actor: str
    at: datetime
    edited: bool = False
    text: str | None = None
    reason: str | None = None
    comment: str | None = None
    leaves_at: datetime | None = None
    recallable: bool = False
    failure: str | None = None


def queue(workspace: Workspace, wanted: Filter, *, limit: int, cursor: str | None) -> Queue:
    """Critical conversations first, then by due time.

    Raises:
        ValueError: a cursor that this did not make.
    """
    page = conversations.find(workspace, wanted, limit=limit, cursor=cursor, critical_first=True)
    threads, messages = schema.conversations, schema.messages
    people, drafts, triages = schema.customers, schema.drafts, schema.triages
    statement = workspace.join(
        workspace.select(
            threads, threads.c.id, people.c.name, func.substr(messages.c.text, 1, PREVIEW).label("preview"),
            messages.c.order_id, messages.c.state, drafts.c.state.label("draft_state"), triages.c.abstained,
        ),
        people, people.c.id == threads.c.customer_id,
    )  # fmt: skip
    statement = workspace.join(
        statement, messages, messages.c.conversation_id == threads.c.id, messages.c.seq == threads.c.last_inbound_seq,
        outer=True,
    )  # fmt: skip
    statement = workspace.join(statement, drafts, drafts.c.message_id == messages.c.id, outer=True)
    statement = workspace.join(statement, triages, triages.c.message_id == messages.c.id, outer=True)
    known = {
        row["id"]: row for row in workspace.rows(statement.where(threads.c.id.in_([row["id"] for row in page.rows])))
    }
    return Queue(rows=tuple(_queue_row(row, known[row["id"]]) for row in page.rows), cursor=page.cursor)


def figures(workspace: Workspace, *, now: datetime) -> Figures:
    """The counts above the queue, and the languages that it can be narrowed to."""
    table, jobs = schema.conversations, schema.jobs

    def count(*conditions: Any) -> Any:
        return func.count().filter(*conditions)

    is_open = table.c.status == "open"
    row = workspace.first(
        workspace.select(
            table, count(is_open).label("open"), count(table.c.status == "waiting").label("waiting"),
            count(table.c.status == "closed").label("closed"), count(is_open, table.c.due_at < now).label("late"),
            count(is_open, table.c.urgency_rank == CRITICAL).label("critical"),
        )
    )  # fmt: skip
    assert row is not None  # counts always give a row
    reading = workspace.value(
        workspace.select(jobs, func.count()).where(jobs.c.kind == "triage", jobs.c.state.in_(("queued", "running")))
    )
    spoken = workspace.tuples(workspace.select(table, table.c.language).distinct().where(table.c.language.is_not(None)))
    return Figures(**row, reading=reading, languages=tuple(sorted(found for (found,) in spoken)))


def counts(workspace: Workspace, wanted: Sequence[Filter]) -> list[int | None]:
    """How many conversations each filter holds, all in one pass; None for one that looks into other tables."""
    table = schema.conversations
    plain = [each for each in wanted if each.is_plain]
    if not plain:
        return [None] * len(wanted)
    columns = [
        func.count().filter(*conditions(workspace, each)).label(str(number)) for number, each in enumerate(plain)
    ]
    statement = workspace.select(table, *columns)
    if len(plain) == 1:  # the index may find them
        statement = workspace.select(table, func.count().label("0")).where(*conditions(workspace, plain[0]))
    row = workspace.first(statement)
    assert row is not None  # counts always give a row
    found = iter(row.values())
    return [next(found) if each.is_plain else None for each in wanted]


def titles(workspace: Workspace, conversation_ids: Sequence[str]) -> dict[str, str]:
    """What people call these conversations: the subject, or how the newest message of the customer begins."""
    threads, messages = schema.conversations, schema.messages
    statement = workspace.join(
        workspace.select(threads, threads.c.id, threads.c.subject, func.substr(messages.c.text, 1, PREVIEW).label("preview")),
        messages, messages.c.conversation_id == threads.c.id, messages.c.seq == threads.c.last_inbound_seq, outer=True,
    )  # fmt: skip
    rows = workspace.rows(statement.where(threads.c.id.in_(conversation_ids)))
    return {row["id"]: row["subject"] or row["preview"] or "" for row in rows}


def pending_draft(workspace: Workspace, conversation_id: str) -> str | None:
    """The draft of the conversation that waits for a decision; None where none does."""
    table = schema.drafts
    waiting = workspace.select(table, table.c.id).where(
        table.c.conversation_id == conversation_id, table.c.state == DraftState.PENDING
    )
    found: str | None = workspace.value(waiting.order_by(table.c.id.desc()))
    return found


def decisions(workspace: Workspace, draft_ids: Sequence[str]) -> dict[str, Decision]:
    """What was decided of these drafts, by id; those that wait are left out."""
    approvals, outbox, rejections = schema.approvals, schema.outbox, schema.rejections
    rejected = {
        row["draft_id"]: Decision(
            actor=row["actor"], at=row["created_at"], reason=row["reason"], comment=row["comment"]
        )
        for row in workspace.rows(workspace.select(rejections).where(rejections.c.draft_id.in_(draft_ids)))
    }
    statement = workspace.join(
        workspace.select(
            approvals, approvals.c.draft_id, approvals.c.actor, approvals.c.created_at, approvals.c.edited, approvals.c.text,
            outbox.c.state, outbox.c.attempts, outbox.c.run_at, outbox.c.failure,
        ),
        outbox, outbox.c.draft_id == approvals.c.draft_id, outer=True,
    )  # fmt: skip
    approved = {
        row["draft_id"]: Decision(
            actor=row["actor"], at=row["created_at"], edited=row["edited"], text=row["text"], leaves_at=row["run_at"],
            recallable=row["state"] == "queued" and row["attempts"] == 0, failure=row["failure"],
        )
        for row in workspace.rows(statement.where(approvals.c.draft_id.in_(draft_ids)))
    }  # fmt: skip
    return rejected | approved


def corrections(workspace: Workspace, message_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """What agents corrected of these messages: ``intents``, ``urgency``, ``language``, each as last corrected."""
    table = schema.labels
    rows = workspace.rows(
        workspace.select(table).where(table.c.message_id.in_(message_ids)).order_by(table.c.created_at, table.c.id)
    )
    found: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for row in rows:
        said = {name: row[name] for name in ("intents", "urgency", "language") if row[name]}
        found[row["message_id"]] |= said | {"actor": row["actor"]}
    return dict(found)


def files(workspace: Workspace, message_ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    """Name, type and size (bytes) of what came with these messages."""
    table = schema.attachments
    statement = workspace.select(table, table.c.id, table.c.message_id, table.c.name, table.c.media_type, table.c.size)
    found: defaultdict[str, list[RowMapping]] = defaultdict(list)
    for row in workspace.rows(statement.where(table.c.message_id.in_(message_ids)).order_by(table.c.id)):
        found[row["message_id"]].append(row)
    return dict(found)


def attachment(workspace: Workspace, attachment_id: str) -> RowMapping:
    """One file, content and all.

    Raises:
        Unknown: none here.
    """
    table = schema.attachments
    row = workspace.first(workspace.select(table).where(table.c.id == attachment_id))
    if row is None:
        raise Unknown("attachment", attachment_id)
    return row


def _queue_row(conversation: RowMapping, row: RowMapping) -> QueueRow:
    return QueueRow(
        conversation=conversation, customer=row["name"], preview=row["preview"] or "", order_id=row["order_id"],
        message_state=row["state"], draft_state=row["draft_state"], abstained=bool(row["abstained"]),
    )  # fmt: skip
