"""What figures know of contacts, read out of the tables: a day's, or those of some conversations."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import RowMapping, Select, Table

from triage.conversations.approval import DraftState
from triage.conversations.identity import region_of
from triage.insights.frame import Contact, Decision, Flag
from triage.storage import schema
from triage.storage.belongings import listed, parts
from triage.storage.orders import order_key
from triage.storage.workspace import Workspace

Rows = Mapping[str, RowMapping]


@dataclass(frozen=True, kw_only=True)
class _Around:
    """What belongs to the contacts that are counted, by message, conversation, draft or order."""

    triages: Rows
    drafts: Rows
    approvals: Rows
    labels: Mapping[str, Sequence[RowMapping]]
    customers: Rows
    orders: Rows
    threads: Mapping[str, _Thread]


@dataclass(frozen=True, kw_only=True)
class _Thread:
    """A conversation's course: when replies left, by their number, when it was closed, and what its contacts begin."""

    replies: Sequence[tuple[int, datetime]]
    closed_at: datetime | None
    flags: Mapping[str, Flag]


def contacts_of_day(workspace: Workspace, day: date) -> list[Contact]:
    """The contacts received on the day (UTC), in order."""
    begin = datetime.combine(day, time(), UTC)
    table = schema.messages
    within = (table.c.received_at >= begin, table.c.received_at < begin + timedelta(days=1))
    return _contacts(workspace, workspace.rows(_messages(workspace).where(*within).order_by(table.c.received_at)))


def contacts_of(workspace: Workspace, message_ids: Sequence[str]) -> list[Contact]:
    """The contacts among these messages."""
    table, rows = schema.messages, list[RowMapping]()
    for part in parts(message_ids):
        rows += workspace.rows(_messages(workspace).where(table.c.id.in_(part)))
    return _contacts(workspace, rows)


def items_of(order: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """(SKU, supplier) of an order's items; a title alone is no product, for two languages have two of them."""
    items = order.get("items") or ()
    return tuple(sorted({(item.get("sku") or "", item.get("supplier") or "") for item in items} - {("", "")}))


def _messages(workspace: Workspace) -> Select[Any]:
    table = schema.messages
    columns = (table.c.id, table.c.conversation_id, table.c.channel, table.c.received_at, table.c.seq, table.c.order_id)
    return workspace.select(table, *columns).where(table.c.direction == "in", table.c.state != "ignored")


def _contacts(workspace: Workspace, rows: Sequence[RowMapping]) -> list[Contact]:
    around = _around(workspace, rows)
    return [_contact(row, around) for row in rows]


def _around(workspace: Workspace, rows: Sequence[RowMapping]) -> _Around:
    ids = [row["id"] for row in rows]
    threads = sorted({row["conversation_id"] for row in rows})
    drafts = _by(workspace, schema.drafts, "message_id", ids, ("id", "message_id", "state", "details"))
    approvals = _by(
        workspace,
        schema.approvals,
        "draft_id",
        [row["id"] for row in drafts.values()],
        ("draft_id", "edited", "distance"),
    )
    labels = defaultdict(list)
    for label in listed(workspace, schema.labels, schema.labels.c.message_id, ids):
        labels[label["message_id"]].append(label)
    orders = _by(
        workspace,
        schema.orders,
        "id",
        sorted({order_key(row["order_id"]) for row in rows if row["order_id"]}),
        ("id", "data"),
    )
    return _Around(
        triages={row["message_id"]: row for row in _read(workspace, ids)}, drafts=drafts, approvals=approvals, labels=labels,
        customers=_customers(workspace, threads), orders=orders, threads=_threads(workspace, threads),
    )  # fmt: skip


def _by(workspace: Workspace, table: Table, key: str, values: Sequence[str], columns: Sequence[str]) -> Rows:
    found: dict[str, RowMapping] = {}
    for part in parts(values):
        chosen = workspace.select(table, *(table.c[name] for name in columns)).where(table.c[key].in_(part))
        found |= {row[key]: row for row in workspace.rows(chosen)}
    return found


def _read(workspace: Workspace, ids: Sequence[str]) -> Iterator[RowMapping]:
    """What the model said; of the whole answer, which holds passages, only the two values that count."""
    table = schema.triages
    due = table.c.result[("sla", "due_at")].as_string().label("due_at")
    before = table.c.result[("asked_before", 0, "message_id")].as_string().label("before")
    columns = (
        table.c.message_id, table.c.model_version, table.c.language, table.c.intent, table.c.urgency, table.c.abstained,
        table.c.needs_reply, due, before,
    )  # fmt: skip
    for part in parts(ids):
        yield from workspace.rows(workspace.select(table, *columns).where(table.c.message_id.in_(part)))


def _customers(workspace: Workspace, conversation_ids: Sequence[str]) -> Rows:
    """Customer and locale by conversation."""
    threads, people = schema.conversations, schema.customers
    found: dict[str, RowMapping] = {}
    for part in parts(conversation_ids):
        statement = workspace.join(
            workspace.select(threads, threads.c.id, threads.c.customer_id, threads.c.status, people.c.locale),
            people, people.c.id == threads.c.customer_id,
        )  # fmt: skip
        found |= {row["id"]: row for row in workspace.rows(statement.where(threads.c.id.in_(part)))}
    return found


def _threads(workspace: Workspace, conversation_ids: Sequence[str]) -> dict[str, _Thread]:
    messages, triages = schema.messages, schema.triages
    courses: defaultdict[str, list[RowMapping]] = defaultdict(list)
    closed: dict[str, datetime | None] = {}
    for part in parts(conversation_ids):
        statement = workspace.join(
            workspace.select(
                messages, messages.c.id, messages.c.conversation_id, messages.c.seq, messages.c.direction,
                messages.c.received_at, triages.c.needs_reply,
            ),
            triages, triages.c.message_id == messages.c.id, outer=True,
        )  # fmt: skip
        wanted = (messages.c.conversation_id.in_(part), messages.c.state != "ignored")
        for row in workspace.rows(statement.where(*wanted).order_by(messages.c.conversation_id, messages.c.seq)):
            courses[row["conversation_id"]].append(row)
        closed |= _closings(workspace, part)
    return {key: _thread(rows, closed.get(key)) for key, rows in courses.items()}


def _closings(workspace: Workspace, conversation_ids: Sequence[str]) -> dict[str, datetime | None]:
    """When each was closed for the last time; None where it was opened again since."""
    table = schema.audit
    rows = workspace.rows(
        workspace.select(table, table.c.subject, table.c.action, table.c.created_at)
        .where(
            table.c.subject.in_(conversation_ids), table.c.action.in_(("conversation.closed", "conversation.reopened"))
        )
        .order_by(table.c.created_at, table.c.id)
    )
    return {row["subject"]: row["created_at"] if row["action"] == "conversation.closed" else None for row in rows}


def _thread(rows: Sequence[RowMapping], closed_at: datetime | None) -> _Thread:
    flags: dict[str, Flag] = {}
    replies: list[tuple[int, datetime]] = []
    waiting = False
    for row in rows:
        if row["direction"] == "out":
            waiting = False
            replies.append((row["seq"], row["received_at"]))
            continue
        flag = Flag(0) if flags else Flag.OPENS
        if waiting:
            flag |= Flag.CHASES
        elif row["needs_reply"] is not False and row["needs_reply"] != 0:  # or nobody has read it yet
            flag |= Flag.BEGINS
            waiting = True
        flags[row["id"]] = flag
    return _Thread(replies=replies, closed_at=closed_at, flags=flags)


def _contact(row: RowMapping, around: _Around) -> Contact:
    key, received = row["id"], row["received_at"]
    said, draft = around.triages.get(key), around.drafts.get(key)
    customer, order = around.customers[row["conversation_id"]], around.orders.get(order_key(row["order_id"] or ""))
    data: Mapping[str, Any] = order["data"] if order else {}
    approval = around.approvals.get(draft["id"]) if draft else None
    thread = around.threads[row["conversation_id"]]
    labels, flags = _labels(around.labels.get(key, ()), said)
    flags |= thread.flags.get(key, Flag(0)) | _said(said) | _drafted(draft)
    response = _response(row, thread)
    return Contact(
        message_id=key, key=order["id"] if order else "", received_at=received, channel=row["channel"],
         language=labels["language"], intent=labels["intent"],
        urgency=labels["urgency"], said=said["intent"] if said else "", model=said["model_version"] if said else "",
        region=(data.get("market") or region_of(customer["locale"]) or "")[:10], flags=flags,
        decision=_decision(draft, approval), response=response,
        due=_seconds(received, datetime.fromisoformat(said["due_at"])) if said and said["due_at"] else None,
        closed=_closed(row, thread) if response is None else None, distance=approval["distance"] if approval else None,
        customer=_digest(customer["customer_id"]), lines=items_of(data),
    )  # fmt: skip


def _said(said: RowMapping | None) -> Flag:
    if said is None:
        return Flag(0)
    flags = Flag.READ
    for name, flag in (("needs_reply", Flag.NEEDS_REPLY), ("abstained", Flag.ABSTAINED), ("before", Flag.ASKED_BEFORE)):
        flags |= flag if said[name] else Flag(0)
    return flags


def _labels(labels: Sequence[RowMapping], said: RowMapping | None) -> tuple[dict[str, str], Flag]:
    """Intent, urgency and language as they stand, by people where they said so, and whether the model had said the same."""
    found = {name: said[name] if said else "" for name in ("intent", "urgency", "language")}
    flags = Flag(0)
    for label in sorted(labels, key=lambda row: (row["created_at"], row["id"])):
        given = {
            "intent": next(iter(label["intents"]), None),
            "urgency": label["urgency"],
            "language": label["language"],
        }
        for name, value in given.items():
            if value:
                found[name] = value
                labelled, stood = Flag[f"{name.upper()}_LABELLED"], Flag[f"{name.upper()}_STOOD"]
                same = said is not None and said[name] == value
                flags = (flags | labelled | stood) if same else (flags | labelled) & ~stood
    return found, flags


def _drafted(draft: RowMapping | None) -> Flag:
    if draft is None:
        return Flag(0)
    cited = (citation["article_id"] for citation in draft["details"].get("citations", ()))
    return Flag.DRAFTED | (Flag.ARTICLE if any(not key.startswith("order:") for key in cited) else Flag(0))


def _decision(draft: RowMapping | None, approval: RowMapping | None) -> Decision:
    if draft is None:
        return Decision.NONE
    if approval is not None:
        return Decision.EDITED if approval["edited"] else Decision.ACCEPTED
    return {
        DraftState.REJECTED: Decision.REJECTED, DraftState.SUPERSEDED: Decision.SUPERSEDED,
    }.get(DraftState(draft["state"]), Decision.PENDING)  # fmt: skip


def _response(row: RowMapping, thread: _Thread) -> float | None:
    """Seconds until the next reply of the conversation."""
    place = bisect_right(thread.replies, row["seq"], key=lambda reply: reply[0])
    return _seconds(row["received_at"], thread.replies[place][1]) if place < len(thread.replies) else None


def _closed(row: RowMapping, thread: _Thread) -> float | None:
    closed = thread.closed_at
    return _seconds(row["received_at"], closed) if closed is not None and closed >= row["received_at"] else None


def _seconds(begin: datetime, end: datetime) -> float:
    return max(0.0, (end - begin).total_seconds())


def _digest(customer_id: str) -> int:
    """32 bits, never 0: enough to count how many customers there are, not to tell who."""
    return int.from_bytes(hashlib.blake2b(customer_id.encode(), digest_size=4).digest(), "little") or 1
