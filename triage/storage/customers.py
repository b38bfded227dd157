"""Customers and what they are known by. Merging is in ``merging``, who may be the same person in ``suggestions``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func

from triage.conversations.identity import Identity
from triage.errors import Unknown
from triage.storage import orders, schema
from triage.storage.columns import new_id
from triage.storage.owners import held_owner_of, living, owner_of, person
from triage.storage.workspace import Workspace
from triage.types import Customer


@dataclass(frozen=True, kw_only=True)
class Merged:
    """A customer that was merged into this one; ``merge_id`` takes it back."""

    merge_id: str
    customer_id: str
    survivor_id: str
    name: str | None
    actor: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What is known of a customer.

    Attributes:
        id: the living customer's, also where a merged one was asked for.
        claimed: what they wrote of themselves but others are known by.
        language: of the latest conversation that was triaged.
        open_conversations: that wait for an answer.
    """

    id: str
    name: str | None
    locale: str | None
    segment: str | None
    language: str | None
    created_at: datetime
    identities: tuple[Identity, ...]
    claimed: tuple[Identity, ...]
    channels: tuple[str, ...]
    conversations: int
    open_conversations: int
    first_contact_at: datetime | None
    last_contact_at: datetime | None
    orders: tuple[orders.StoredOrder, ...]
    merged: tuple[Merged, ...]


def find_or_create(workspace: Workspace, identities: Sequence[Identity], profile: Customer, *, now: datetime) -> str:
    """The customer whom the first of ``identities`` names, or a new one; what nobody else has is added to them.

    An identity beyond the first that belongs to another customer is noted as a suggestion; it never joins two people.
    """
    customer = held_owner_of(workspace, identities[0]) if identities else None
    new = customer is None
    if customer is None:
        customer = new_id("cus")
        workspace.insert(schema.customers, id=customer, name=profile.name, locale=profile.locale, created_at=now)
    else:
        _complete(workspace, customer, profile)
    for place, identity in enumerate(identities):
        # A second look could find whom another process made meanwhile, and leave this one without an identity; so a new
        # customer's key goes in unasked, the rule that it is unique decides, and intake looks again.
        owner = None if new and place == 0 else owner_of(workspace, identity)
        if owner is None:
            workspace.insert(
                schema.identities, id=new_id("idn"), customer_id=customer, kind=identity.kind, value=identity.value,
                created_at=now,
            )  # fmt: skip
            orders.join_buyer(workspace, identity)
        elif owner != customer:
            workspace.insert_new(schema.weak_identities, customer_id=customer, kind=identity.kind, value=identity.value)
    return customer


def profile(workspace: Workspace, customer_id: str) -> Profile:
    """The customer, or whoever they were merged into.

    Raises:
        Unknown: no such customer here.
    """
    table, people = schema.conversations, schema.customers
    customer_id = living(workspace, customer_id)
    row = workspace.first(workspace.select(people).where(people.c.id == customer_id))
    if row is None:
        raise Unknown("customer", customer_id)
    own = workspace.select(table, table.c.channel, table.c.status, table.c.opened_at, table.c.last_inbound_at)
    threads = workspace.rows(own.where(table.c.customer_id == customer_id).order_by(table.c.opened_at))
    language = workspace.value(
        workspace.select(table, table.c.language)
        .where(table.c.customer_id == customer_id, table.c.language.is_not(None))
        .order_by(table.c.last_inbound_at.desc())
    )
    return Profile(
        id=customer_id, name=row["name"], locale=row["locale"], segment=row["segment"], language=language,
        created_at=row["created_at"], identities=_identities(workspace, customer_id),
        claimed=_claimed(workspace, customer_id), channels=tuple(dict.fromkeys(t["channel"] for t in threads)),
        conversations=len(threads), open_conversations=sum(t["status"] == "open" for t in threads),
        first_contact_at=_first_contact(workspace, customer_id),
        last_contact_at=max((t["last_inbound_at"] for t in threads), default=None),
        orders=orders.orders_of(workspace, customer_id), merged=_merged(workspace, customer_id),
    )  # fmt: skip


def _first_contact(workspace: Workspace, customer_id: str) -> datetime | None:
    messages, threads = schema.messages, schema.conversations
    found: datetime | None = workspace.value(
        # Not a join: SQLite would begin with the messages, and read them all.
        workspace.select(messages, func.min(messages.c.received_at)).where(
            messages.c.conversation_id.in_(
                workspace.select(threads, threads.c.id).where(threads.c.customer_id == customer_id)
            )
        )
    )
    return found


def _identities(workspace: Workspace, customer_id: str) -> tuple[Identity, ...]:
    table = schema.identities
    rows = workspace.rows(
        workspace.select(table, table.c.kind, table.c.value)
        .where(table.c.customer_id == customer_id)
        .order_by(table.c.created_at, table.c.id)
    )
    return tuple(Identity(row["kind"], row["value"]) for row in rows)


def _claimed(workspace: Workspace, customer_id: str) -> tuple[Identity, ...]:
    table = schema.weak_identities
    rows = workspace.rows(
        workspace.select(table, table.c.kind, table.c.value).where(table.c.customer_id == customer_id)
    )
    return tuple(
        sorted({Identity(row["kind"], row["value"]) for row in rows} - set(_identities(workspace, customer_id)))
    )


def _merged(workspace: Workspace, customer_id: str) -> tuple[Merged, ...]:
    merges, people = schema.merges, schema.customers
    columns = (
        merges.c.id, merges.c.merged_id, merges.c.survivor_id, people.c.name, merges.c.actor, merges.c.created_at
    )  # fmt: skip
    rows = workspace.rows(
        workspace.join(workspace.select(merges, *columns), people, people.c.id == merges.c.merged_id)
        .where(merges.c.survivor_id.in_(person(workspace, customer_id)), merges.c.undone_at.is_(None))
        .order_by(merges.c.created_at, merges.c.id)
    )
    return tuple(
        Merged(
            merge_id=row["id"], customer_id=row["merged_id"], survivor_id=row["survivor_id"], name=row["name"],
            actor=row["actor"], created_at=row["created_at"],
        )
        for row in rows
    )  # fmt: skip


def _complete(workspace: Workspace, customer: str, profile: Customer) -> None:
    """Fills in what was not known before; what a person corrected is not overwritten."""
    table = schema.customers
    for column, value in (("name", profile.name), ("locale", profile.locale)):
        if value:
            workspace.run(
                workspace.update(table).where(table.c.id == customer, table.c[column].is_(None)).values({column: value})
            )
