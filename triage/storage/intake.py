"""Durable intake: one arrival becomes one message, in its customer's conversation, with one job to triage it.

All in one transaction, so that an acknowledged message is always found, and always worked on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError

from triage.conversations.approval import DraftState
from triage.conversations.identity import identities_of, region_of
from triage.storage import customers, jobs, schema
from triage.storage.columns import new_id
from triage.storage.database import Database
from triage.storage.erased import was_erased
from triage.storage.events import record
from triage.storage.orders import order_key
from triage.storage.stale import conversations_changed
from triage.storage.workspace import Workspace
from triage.types import Arrival, ArrivalKind, Attachment, Customer

T = TypeVar("T")

CHAT_GAP = timedelta(days=3)
"""On channels without conversations of their own, a message after a longer silence begins a new one."""
CHATTY = frozenset({"chat", "sms", "whatsapp", "social", "phone", "amazon", "ebay", "walmart", "allegro", "tokopedia"})
ATTEMPTS = 5
MOST_LOCALE = 35
"""Longest language tag that is kept (RFC 5646 section 4.4.1); what is longer is no locale."""


@dataclass(frozen=True, kw_only=True)
class Received:
    """Where an arrival went. ``duplicate``: it had been here before; the ids are those of the first."""

    message_id: str
    conversation_id: str
    customer_id: str
    duplicate: bool


def receive(
    database: Database, workspace_id: str, arrival: Arrival, *, now: datetime, inbound_id: str | None = None
) -> Received:
    """Keeps ``arrival``; returns once it is on disk.

    Raises:
        StorageUnavailable: nothing was kept.
    """
    return retried(
        lambda: database.write(
            lambda connection: keep(Workspace(connection, workspace_id), arrival, now=now, inbound_id=inbound_id)
        )
    )


def retried(work: Callable[[], T]) -> T:
    """``work``, a whole transaction that keeps an arrival, tried again where it lost a race.

    Raises:
        IntegrityError: it broke a rule of the schema each time.
    """
    for attempt in range(ATTEMPTS):
        try:
            return work()
        except IntegrityError:
            # Another process kept the same message, customer or conversation a moment earlier: the next look finds it.
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def keep(workspace: Workspace, arrival: Arrival, *, now: datetime, inbound_id: str | None = None) -> Received:
    """``receive`` within a transaction of the caller's."""
    message = arrival.message
    known = _known(workspace, arrival)
    if known is not None:
        return known
    customer = _bounced(workspace, arrival) or customers.find_or_create(
        workspace, identities_of(arrival.sender, message.channel, region=region_of(message.customer.locale)),
        _profile(arrival), now=now,
    )  # fmt: skip
    received_at = min(message.received_at or now, now)
    conversation, customer, seq = _conversation(workspace, arrival, customer, received_at, now)
    table = schema.messages
    key = new_id("msg")
    triaged = arrival.kind is ArrivalKind.MESSAGE
    workspace.insert(
        table, id=key, conversation_id=conversation, seq=seq, direction="in", channel=message.channel,
        external_id=arrival.external_id, message_ref=arrival.message_ref, inbound_id=inbound_id,
        sender={name: value for name, value in asdict(arrival.sender).items() if value}, subject=message.subject,
        text=message.text, html=arrival.html, language_hint=message.language_hint,
        order_id=order_key(arrival.order_id or (message.order.id if message.order else "")) or None,
        thread=[{"author": part.author, "text": part.text, "at": part.at and part.at.isoformat()} for part in message.thread],
        headers={}, received_at=received_at, stored_at=now, state="received" if triaged else "ignored",
    )  # fmt: skip
    _attach(workspace, key, arrival.attachments)
    if triaged:
        conversations_changed(workspace, [conversation])
        _supersede(workspace, conversation, now)
        jobs.enqueue(workspace, "triage", key, queue=conversation, seq=seq, now=now)
    return Received(message_id=key, conversation_id=conversation, customer_id=customer, duplicate=False)


def _known(workspace: Workspace, arrival: Arrival) -> Received | None:
    table, threads = schema.messages, schema.conversations
    channel = arrival.message.channel
    row = workspace.first(
        workspace.join(
            workspace.select(table, table.c.id, table.c.conversation_id, threads.c.customer_id),
            threads, threads.c.id == table.c.conversation_id,
        ).where(table.c.channel == channel, table.c.external_id == arrival.external_id)
    )  # fmt: skip
    if row is not None:
        return Received(
            message_id=row["id"], conversation_id=row["conversation_id"], customer_id=row["customer_id"], duplicate=True
        )
    if was_erased(workspace, "message", channel, arrival.external_id):
        return Received(message_id="erased", conversation_id="erased", customer_id="erased", duplicate=True)
    return None


def _bounced(workspace: Workspace, arrival: Arrival) -> str | None:
    """The customer to whom our reply did not get through: a mail server says so, and names our token."""
    if arrival.kind is not ArrivalKind.BOUNCE or arrival.conversation_id is None:
        return None
    table = schema.conversations
    found: str | None = workspace.value(
        workspace.select(table, table.c.customer_id).where(
            table.c.id == arrival.conversation_id, table.c.channel == arrival.message.channel
        )
    )
    return found


def _profile(arrival: Arrival) -> Customer:
    customer = arrival.message.customer
    if customer.locale and len(customer.locale) > MOST_LOCALE:
        customer = replace(customer, locale=None)
    return customer if customer.name else replace(customer, name=arrival.sender.name)


def _conversation(
    workspace: Workspace, arrival: Arrival, customer: str, received_at: datetime, now: datetime
) -> tuple[str, str, int]:
    """The conversation that the arrival goes on, or a new one; its customer; and the message's number in it."""
    found = _existing(workspace, arrival, customer, received_at)
    table, channel = schema.conversations, arrival.message.channel
    if found is None and arrival.conversation_ref is None and channel in CHATTY:
        # Of two messages that a customer sends at once, each would open a conversation; so the second waits and looks again.
        people = schema.customers
        workspace.value(
            workspace.select(people, people.c.id).where(people.c.id == customer).with_for_update(key_share=True)
        )
        found = _existing(workspace, arrival, customer, received_at)
    if found is None:
        found = new_id("cnv")
        workspace.insert(
            table, id=found, customer_id=customer, channel=channel, ref=arrival.conversation_ref,
            subject=arrival.message.subject, status="open", opened_at=now, last_inbound_at=received_at,
            urgency_rank=0, last_inbound_seq=0, next_seq=1,
        )  # fmt: skip
    changes: dict[str, Any] = {"next_seq": table.c.next_seq + 1}
    if arrival.kind is ArrivalKind.MESSAGE:
        changes |= {"last_inbound_seq": table.c.next_seq, "last_inbound_at": received_at, "status": "open"}
    elif arrival.kind is ArrivalKind.BOUNCE:
        changes["status"] = "open"  # the answer did not get through, so somebody has to look
    # Counts and locks in one statement: two processes that append to one conversation get numbers in commit order.
    row = workspace.first(
        workspace.update(table)
        .where(table.c.id == found)
        .values(changes)
        .returning(table.c.next_seq, table.c.customer_id)
    )
    if row is None:  # its customer was erased since it was found
        return _conversation(workspace, arrival, customer, received_at, now)
    return found, row["customer_id"], row["next_seq"] - 1


def _existing(workspace: Workspace, arrival: Arrival, customer: str, received_at: datetime) -> str | None:
    table, channel = schema.conversations, arrival.message.channel
    ids = workspace.select(table, table.c.id)
    if arrival.conversation_ref is not None:
        found: str | None = workspace.value(
            ids.where(table.c.channel == channel, table.c.ref == arrival.conversation_ref)
        )
        return found
    # Tokens and headers can be forwarded or forged; they join only what the same customer wrote.
    own = ids.where(table.c.customer_id == customer, table.c.channel == channel)
    if arrival.conversation_id is not None:
        found = workspace.value(own.where(table.c.id == arrival.conversation_id))
        if found is not None:
            return found
    if arrival.replies_to:
        mails = schema.messages
        found = workspace.value(
            workspace.join(own, mails, mails.c.conversation_id == table.c.id)
            .where(mails.c.message_ref.in_(arrival.replies_to[:50]))
            .order_by(mails.c.stored_at.desc())
        )
        if found is not None:
            return found
    if channel not in CHATTY:
        return None
    latest: str | None = workspace.value(
        own.where(table.c.last_inbound_at > received_at - CHAT_GAP)
        .order_by(table.c.last_inbound_at.desc())
    )  # fmt: skip
    return latest


def _supersede(workspace: Workspace, conversation: str, now: datetime) -> None:
    table = schema.drafts
    pending = workspace.update(table).where(
        table.c.conversation_id == conversation, table.c.state == DraftState.PENDING
    )
    for row in workspace.rows(pending.values(state=DraftState.SUPERSEDED, changed_at=now).returning(table.c.id)):
        record(workspace, "draft.superseded", row["id"], actor="system", now=now)


def _attach(workspace: Workspace, message: str, files: tuple[Attachment, ...]) -> None:
    workspace.insert_many(
        schema.attachments,
        [
            {
                "id": new_id("att"), "message_id": message, "name": file.name, "media_type": file.media_type[:120],
                "size": len(file.content), "sha256": hashlib.sha256(file.content).hexdigest(), "content": file.content,
            }
            for file in files
        ],
    )  # fmt: skip
