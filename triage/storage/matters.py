"""What a triage job reads before it runs, and writes after: a message with all that is known around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import RowMapping

from triage.conversations.approval import DraftState
from triage.errors import Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import emit, record
from triage.storage.orders import belongs_to_another, order_key, order_of
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace
from triage.types import (
    URGENCIES,
    Author,
    Customer,
    EarlierMatter,
    InboundMessage,
    Order,
    ThreadMessage,
    TriageResult,
)

SAME_MATTER = 0.7
"""Cosine from which two messages of one customer are taken for the same matter, where no order number says so."""
REMEMBERED = timedelta(days=180)
MOST_THREAD = 50


@dataclass(frozen=True, kw_only=True)
class Matter:
    """A stored message, ready to be triaged. ``seq`` is its number in the conversation."""

    message_id: str
    conversation_id: str
    customer_id: str
    seq: int
    received_at: datetime
    message: InboundMessage
    order_id: str | None


def load(workspace: Workspace, message_id: str) -> Matter:
    """The message with its thread and its customer's profile.

    Raises:
        Unknown: it was erased.
    """
    table, threads, people = schema.messages, schema.conversations, schema.customers
    row = workspace.first(workspace.select(table).where(table.c.id == message_id))
    if row is None:
        raise Unknown("message", message_id)
    conversation = workspace.first(workspace.select(threads).where(threads.c.id == row["conversation_id"]))
    assert conversation is not None
    customer = workspace.first(workspace.select(people).where(people.c.id == conversation["customer_id"]))
    assert customer is not None
    earlier = workspace.rows(
        workspace.select(table)
        .where(table.c.conversation_id == row["conversation_id"], table.c.seq < row["seq"], table.c.state != "ignored")
        .order_by(table.c.seq.desc())
        .limit(MOST_THREAD)
    )
    given = tuple(
        ThreadMessage(author=Author(part["author"]), text=part["text"], at=_moment(part["at"]))
        for part in row["thread"]
    )
    message = InboundMessage(
        text=row["text"], subject=row["subject"], channel=row["channel"], received_at=row["received_at"],
        language_hint=row["language_hint"], customer=Customer(name=customer["name"], locale=customer["locale"]),
        thread=given + tuple(_part(part) for part in reversed(earlier)),
    )  # fmt: skip
    return Matter(
        message_id=message_id, conversation_id=row["conversation_id"], customer_id=conversation["customer_id"],
        seq=row["seq"], received_at=row["received_at"], message=message, order_id=row["order_id"],
    )  # fmt: skip


def find_order(workspace: Workspace, matter: Matter, named: Sequence[str]) -> Order | None:
    """The order that the provider says the message is about; else the first that the customer names and that may be theirs.

    Whoever knows a number is not yet the buyer: what an order says of address, carrier and amounts is told to its buyer.
    """
    if matter.order_id and (told := order_of(workspace, matter.order_id)) is not None:
        return told
    for number in named:
        found = order_of(workspace, number)
        if found is not None and not belongs_to_another(workspace, number, matter.customer_id):
            return found
    return None


def withheld(workspace: Workspace, matter: Matter, named: Sequence[str]) -> str | None:
    """The first order that the customer names although somebody else bought it."""
    return next((n for n in named if belongs_to_another(workspace, n, matter.customer_id)), None)


def asked_before(
    workspace: Workspace, matter: Matter, result: TriageResult, order: Order | None
) -> tuple[EarlierMatter, ...]:
    """The customer's earlier messages of the same matter in other conversations, newest first, three at most.

    The same matter: the same order, or the same primary intent and vectors that lie near each other.
    """
    table, triages, threads = schema.messages, schema.triages, schema.conversations
    since = matter.received_at - REMEMBERED
    statement = workspace.join(
        workspace.select(
            table, table.c.id, table.c.conversation_id, table.c.seq, table.c.channel, table.c.received_at, table.c.order_id,
            triages.c.intent, triages.c.vector, triages.c.model_version, triages.c.result,
        ),
        threads, threads.c.id == table.c.conversation_id,
    )  # fmt: skip
    rows = workspace.rows(
        workspace.join(statement, triages, triages.c.message_id == table.c.id)
        .where(
            threads.c.customer_id == matter.customer_id, table.c.conversation_id != matter.conversation_id,
            table.c.received_at > since, table.c.received_at <= matter.received_at,
        )
        .order_by(table.c.received_at.desc())
        .limit(100)
    )  # fmt: skip
    numbers = _numbers(matter, result, order)
    found: dict[str, EarlierMatter] = {}
    for row in rows:
        if row["conversation_id"] not in found and _same(row, result, numbers):
            found[row["conversation_id"]] = _answered(workspace, row)
    return tuple(found.values())[:3]


def recall(workspace: Workspace, earlier: Sequence[EarlierMatter]) -> tuple[ThreadMessage, ...]:
    """What was asked and answered then, as a thread that goes before the conversation's own: ``earlier`` is newest first,
    the thread oldest first, each answer after its question."""
    table = schema.messages
    rows = workspace.rows(
        workspace.select(table, table.c.id, table.c.text).where(table.c.id.in_([e.message_id for e in earlier]))
    )
    asked = {row["id"]: row["text"] for row in rows}
    said = []
    for matter in reversed(earlier):
        if matter.message_id in asked:  # else it was erased meanwhile
            said.append(ThreadMessage(author=Author.CUSTOMER, text=asked[matter.message_id], at=matter.asked_at))
            if matter.answer:
                said.append(ThreadMessage(author=Author.AGENT, text=matter.answer, at=matter.answered_at))
    return tuple(said)


def file_result(
    workspace: Workspace, matter: Matter, result: TriageResult, shown: dict[str, Any], *, order: Order | None,
    earlier: Sequence[EarlierMatter], now: datetime,
) -> str | None:  # fmt: skip
    """Keeps what the assistant said, opens the draft, sets the conversation's labels and clock; the draft's id.

    ``shown`` is the result as the contract shows it.
    """
    prediction, draft = result.prediction, result.draft
    kept = {name: value for name, value in shown.items() if name != "draft"} | {
        "order_id": order.id if order else None,
        "asked_before": [
            {
                "message_id": e.message_id, "conversation_id": e.conversation_id, "channel": e.channel,
                "asked_at": e.asked_at.isoformat(), "answered_at": e.answered_at and e.answered_at.isoformat(),
            }
            for e in earlier
        ],
    }  # fmt: skip
    new = workspace.insert_new(
        schema.triages, id=new_id("tri"), message_id=matter.message_id, model_version=prediction.model_version,
        index_version=result.retrieval.index_version, language=result.detection.code, intent=prediction.primary.name,
        urgency=prediction.urgency.level, abstained=prediction.abstained, needs_reply=prediction.needs_reply,
        confidence=prediction.primary.confidence, result=kept, vector=result.embedding, created_at=now,
    )  # fmt: skip
    if not new:
        return None  # another worker was faster
    messages = schema.messages
    values: dict[str, Any] = {"state": "triaged"}
    named = order.id if order else next((e.value for e in result.entities if e.type == "order_number"), "")
    if matter.order_id is None and (number := order_key(named)):
        values["order_id"] = number  # two customers who write about one order may be one
    workspace.run(workspace.update(messages).where(messages.c.id == matter.message_id).values(values))
    conversation = _labelled(workspace, matter, result)
    conversations_changed(workspace, [matter.conversation_id])
    ids = {"message_id": matter.message_id, "conversation_id": matter.conversation_id}
    emit(
        workspace, "message.triaged",
        ids | {name: shown[name] for name in ("language", "intent", "intents", "urgency", "needs_reply", "tags", "sla")},
        now=now,
    )  # fmt: skip
    if draft is None:
        return None
    key = new_id("drf")
    newest = matter.seq >= conversation["last_inbound_seq"]
    details = {name: value for name, value in shown["draft"].items() if name not in ("text", "language")}
    workspace.insert(
        schema.drafts, id=key, conversation_id=matter.conversation_id, message_id=matter.message_id,
        state=DraftState.PENDING if newest else DraftState.SUPERSEDED, revision=1, text=draft.text, language=draft.language,
        details=details, model_version=prediction.model_version, index_version=result.retrieval.index_version,
        created_at=now, changed_at=now,
    )  # fmt: skip
    if newest:
        emit(workspace, "draft.created", ids | {"draft_id": key, "language": draft.language, "revision": 1}, now=now)
    return key


def mark_failed(workspace: Workspace, message_id: str, reason: str, *, now: datetime) -> None:
    """The message stays, unread by the model, where people see it: with a clock that has run out already, for nobody can say
    how long it may wait."""
    table, threads = schema.messages, schema.conversations
    row = workspace.first(
        workspace.update(table).where(table.c.id == message_id).values(state="failed", failure=reason[:60])
        .returning(table.c.conversation_id, table.c.received_at)
    )  # fmt: skip
    if row is not None:
        conversations_changed(workspace, [row["conversation_id"]])
        workspace.run(
            workspace.update(threads)
            .where(threads.c.id == row["conversation_id"], threads.c.status == "open", threads.c.due_at.is_(None))
            .values(due_at=row["received_at"], sla_policy="unread")
        )
        record(workspace, "message.failed", message_id, actor="system", now=now)


def _labelled(workspace: Workspace, matter: Matter, result: TriageResult) -> RowMapping:
    table, prediction = schema.conversations, result.prediction
    row = workspace.first(
        workspace.update(table).where(table.c.id == matter.conversation_id)
        .values(language=result.detection.code).returning(*table.c)
    )  # fmt: skip
    assert row is not None
    values: dict[str, Any] = {}
    if matter.seq >= row["last_inbound_seq"]:  # else a newer message says how the conversation stands
        values = {
            "intent": prediction.primary.name, "urgency": prediction.urgency.level,
            "urgency_rank": URGENCIES.index(prediction.urgency.level),
        }  # fmt: skip
        if not prediction.needs_reply:
            values |= {"due_at": None, "status": "waiting", "sla_policy": result.sla.policy}
    if _pressing(row, matter, result):
        values |= {"due_at": result.sla.due_at, "warned_at": None, "sla_policy": result.sla.policy}
    if values:
        workspace.run(workspace.update(table).where(table.c.id == matter.conversation_id).values(values))
    return row


def _pressing(row: RowMapping, matter: Matter, result: TriageResult) -> bool:
    """Whether this message's clock becomes the conversation's: of all that wait for an answer the one due first."""
    due = result.sla.due_at
    if due is None or row["status"] != "open":
        return False
    answered = row["answered_at"] is not None and row["answered_at"] >= matter.received_at
    if matter.seq < row["last_inbound_seq"] and answered:
        return False  # somebody answered before the assistant had read it
    return row["due_at"] is None or due < row["due_at"]


def _numbers(matter: Matter, result: TriageResult, order: Order | None) -> frozenset[str]:
    """The orders that the message is about, known or only named, as ``messages.order_id`` writes them."""
    named = [entity.value for entity in result.entities if entity.type == "order_number"]
    return frozenset(order_key(n) for n in (matter.order_id, order and order.id, *named) if n) - {""}


def _same(row: RowMapping, result: TriageResult, numbers: frozenset[str]) -> bool:
    if row["order_id"] in numbers:
        return True
    prediction = result.prediction
    if (
        row["intent"] != prediction.primary.name
        or row["model_version"] != prediction.model_version
        or not row["vector"]
    ):
        return False
    ours, theirs = (np.frombuffer(v, dtype=np.float16).astype(np.float32) for v in (result.embedding, row["vector"]))
    return ours.shape == theirs.shape and float(ours @ theirs) >= SAME_MATTER


def _answered(workspace: Workspace, row: RowMapping) -> EarlierMatter:
    table = schema.messages
    answer = workspace.first(
        workspace.select(table)
        .where(table.c.conversation_id == row["conversation_id"], table.c.seq > row["seq"], table.c.direction == "out")
        .order_by(table.c.seq)
    )
    return EarlierMatter(
        message_id=row["id"], conversation_id=row["conversation_id"], channel=row["channel"], asked_at=row["received_at"],
        answer=answer["text"] if answer else None, answered_at=answer["received_at"] if answer else None,
    )  # fmt: skip


def _part(row: RowMapping) -> ThreadMessage:
    author = Author.CUSTOMER if row["direction"] == "in" else Author.AGENT
    return ThreadMessage(author=author, text=row["text"], at=row["received_at"])


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
