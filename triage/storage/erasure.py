"""A person's data, all of it to take along, or all of it gone."""

from __future__ import annotations

import base64
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Table, or_

from triage.errors import Conflict
from triage.storage import schema
from triage.storage.belongings import Belongings, belongings, listed, parts
from triage.storage.erased import remember
from triage.storage.events import record
from triage.storage.insights.remains import keep_numbers
from triage.storage.owners import living, lock_customers, lock_people
from triage.storage.workspace import Workspace

FORMAT = 1
_ID = re.compile(r"\b[a-z]{3}_[0-9a-z]{26}\b")
_LEFT_OUT = frozenset({"workspace_id", "vector", "lease", "leased_until"})
"""Not about the person: ``vector`` is the text once more, in numbers that only one model can read."""


@dataclass(frozen=True, kw_only=True)
class Erased:
    """How much went."""

    customers: int
    conversations: int
    messages: int
    orders: int
    quarantined: int


def export(workspace: Workspace, customer_id: str) -> dict[str, Any]:
    """All that is kept about a customer, as JSON: times in ISO 8601, files in base64.

    Raises:
        Unknown: no such customer here.
    """
    customer_id = living(workspace, customer_id)
    found = belongings(workspace, customer_id)
    people, tables = found.people, schema
    merges = {
        row["id"]: row
        for column in (tables.merges.c.survivor_id, tables.merges.c.merged_id)
        for row in listed(workspace, tables.merges, column, people)
    }
    threads = _plain_rows(workspace, tables.conversations, "id", found.conversations)
    messages = _messages(workspace, found)
    for thread in threads:
        thread["messages"] = sorted(messages.get(thread["id"], []), key=lambda message: message["seq"])
    own = frozenset(found.conversations)
    return {
        "format": FORMAT,
        "customer_id": customer_id,
        "customers": _plain_rows(workspace, tables.customers, "id", people),
        "identities": _plain_rows(workspace, tables.identities, "customer_id", people),
        "weak_identities": _plain_rows(workspace, tables.weak_identities, "customer_id", people),
        "merges": [_plain(row) for row in merges.values()],
        "orders": _with(
            workspace, _plain_rows(workspace, tables.orders, "id", found.orders), tables.order_buyers, "order_id", "buyers"
        ),
        "conversations": threads,
        "elsewhere": [message for key, part in messages.items() if key not in own for message in part],
        "quarantined": _plain_rows(workspace, tables.raw_deliveries, "id", found.quarantined),
        "events": _with(workspace, _events(workspace, found), tables.deliveries, "event_id", "deliveries"),
        "audit": _plain_rows(workspace, tables.audit, "subject", sorted(found.subjects)),
    }  # fmt: skip


def erase(workspace: Workspace, customer_id: str, *, actor: str, now: datetime) -> Erased:
    """Removes every row that holds the customer's text or identity; ``Database.purge`` then clears the file's bytes.

    What stays: digests, by which a repeated delivery or import is known and refused, the audit trail's ids, and how many
    contacts there were of which kind, by the hour.

    Raises:
        Unknown: no such customer here.
        Conflict: ``already_merged``: they were merged into another; who erases names the living one.
    """
    lock_people(workspace)
    survivor = living(workspace, customer_id)
    if survivor != customer_id:
        raise Conflict(f"{customer_id!r} was merged into {survivor!r}; erase that one", reason="already_merged")
    people = belongings(workspace, customer_id).people
    lock_customers(workspace, people)
    found = belongings(workspace, customer_id)  # what came before the lock
    messages = (*found.messages, *found.elsewhere)
    _forget_work(workspace, found, messages)
    _lock_conversations(workspace, found)
    keep_numbers(workspace, message_ids=messages, order_keys=found.orders)
    _remember(workspace, found, messages, now)
    _delete(workspace, schema.messages, "id", messages)
    _delete(workspace, schema.conversations, "customer_id", people)
    _delete(workspace, schema.orders, "id", found.orders)
    _delete(workspace, schema.raw_deliveries, "id", found.quarantined)
    claims = schema.weak_identities
    for identity in found.identities:
        workspace.run(workspace.delete(claims).where(claims.c.kind == identity.kind, claims.c.value == identity.value))
    _delete(workspace, schema.customers, "id", people)
    _forget_traces(workspace, found)
    record(workspace, "customer.erased", customer_id, actor=actor, now=now)
    return Erased(
        customers=len(people), conversations=len(found.conversations), messages=len(messages), orders=len(found.orders),
        quarantined=len(found.quarantined),
    )  # fmt: skip


def _forget_work(workspace: Workspace, found: Belongings, messages: Sequence[str]) -> None:
    """Jobs and replies under way go first: their workers lock these rows before any other."""
    _delete(workspace, schema.jobs, "queue", found.conversations)
    _delete(workspace, schema.jobs, "subject_id", (*messages, *found.drafts))
    _delete(workspace, schema.outbox, "draft_id", found.drafts)


def _lock_conversations(workspace: Workspace, found: Belongings) -> None:
    table = schema.conversations
    for part in parts(sorted(found.conversations)):
        ids = workspace.select(table, table.c.id).where(table.c.id.in_(part)).order_by(table.c.id)
        workspace.tuples(ids.with_for_update())


def _remember(workspace: Workspace, found: Belongings, messages: Sequence[str], now: datetime) -> None:
    mails, seen, raw = schema.messages, schema.seen_deliveries, schema.raw_deliveries
    rows = list(listed(workspace, mails, mails.c.id, messages))
    inward = [row for row in rows if row["direction"] == "in"]
    remember(workspace, "message", [(row["channel"], row["external_id"]) for row in inward], now=now)
    remember(workspace, "order", [("order", number) for number in found.orders], now=now)
    kept = listed(workspace, raw, raw.c.id, found.quarantined)
    remember(workspace, "delivery", [(row["channel"], row["sha256"]) for row in kept], now=now)
    names = {row[column] for row in rows for column in ("external_id", "message_ref") if row[column]}
    _delete(workspace, seen, "delivery_id", sorted(names))
    _delete(workspace, schema.idempotency_keys, "key", sorted(names))


def _forget_traces(workspace: Workspace, found: Belongings) -> None:
    """Events, audit details and answers to repeated calls: ids by rule, but a provider's words may have got into a reason."""
    audit, keys = schema.audit, schema.idempotency_keys
    subjects = found.subjects
    _delete(workspace, schema.events, "id", [event["id"] for event in _events(workspace, found)])
    for part in parts(sorted(subjects)):
        workspace.run(workspace.update(audit).where(audit.c.subject.in_(part)).values(details={}))
    answers = workspace.rows(workspace.select(keys, keys.c.key, keys.c.response).where(keys.c.response.is_not(None)))
    theirs = [row["key"] for row in answers if not subjects.isdisjoint(_ids_in(row["response"]))]
    _delete(workspace, keys, "key", theirs)


def _ids_in(value: Any) -> Iterator[str]:
    return (match[0] for match in _ID.finditer(str(value)))


def _delete(workspace: Workspace, table: Table, column: str, values: Sequence[str]) -> None:
    for part in parts(values):
        workspace.run(workspace.delete(table).where(table.c[column].in_(part)))


def _events(workspace: Workspace, found: Belongings) -> list[dict[str, Any]]:
    table = schema.events
    rows: dict[str, dict[str, Any]] = {}
    for part in parts(sorted(found.subjects)):
        names = ("conversation_id", "message_id", "draft_id", "customer_id")
        about = or_(*(table.c.data[name].as_string().in_(part) for name in names))
        rows |= {row["id"]: _plain(row) for row in workspace.rows(workspace.select(table).where(about))}
    return [rows[key] for key in sorted(rows)]


def _messages(workspace: Workspace, found: Belongings) -> dict[str, list[dict[str, Any]]]:
    """Messages with all that hangs on them, by conversation."""
    every = _plain_rows(workspace, schema.messages, "id", (*found.messages, *found.elsewhere))
    _with(workspace, every, schema.attachments, "message_id", "attachments")
    _with(workspace, every, schema.triages, "message_id", "triages")
    _with(workspace, every, schema.labels, "message_id", "labels")
    _with(workspace, every, schema.drafts, "message_id", "drafts")
    drafts = [draft for message in every for draft in message["drafts"]]
    _with(workspace, drafts, schema.draft_revisions, "draft_id", "revisions")
    _with(workspace, drafts, schema.approvals, "draft_id", "approvals")
    _with(workspace, drafts, schema.rejections, "draft_id", "rejections")
    _with(workspace, drafts, schema.outbox, "draft_id", "outbox")
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for message in every:
        grouped[message["conversation_id"]].append(message)
    return grouped


def _with(
    workspace: Workspace, rows: list[dict[str, Any]], table: Table, column: str, name: str
) -> list[dict[str, Any]]:
    """``rows``, each with the rows of ``table`` that refer to it under ``name``."""
    grouped: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for part in _plain_rows(workspace, table, column, [row["id"] for row in rows]):
        grouped[part[column]].append(part)
    for row in rows:
        row[name] = grouped[row["id"]]
    return rows


def _plain_rows(workspace: Workspace, table: Table, column: str, values: Sequence[str]) -> list[dict[str, Any]]:
    return [_plain(row) for row in listed(workspace, table, table.c[column], values)]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    def value(item: Any) -> Any:
        if isinstance(item, datetime):
            return item.isoformat()
        return base64.b64encode(item).decode("ascii") if isinstance(item, bytes) else item

    return {str(name): value(item) for name, item in row.items() if name not in _LEFT_OUT}
