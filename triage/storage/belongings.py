"""Everything that is kept about one person: what an export shows and an erasure removes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from sqlalchemy import Column, ColumnElement, RowMapping, Select, Table, or_

from triage.conversations.identity import Identity, identities_of
from triage.storage import schema
from triage.storage.orders import order_key
from triage.storage.owners import person
from triage.storage.workspace import Workspace
from triage.types import Sender

TOGETHER = 500
_SHORTEST = 6
"""Characters of a handle that is looked for in a raw delivery; a shorter one stands in many."""
_PAGE = 50
_BETWEEN_DIGITS = re.compile(r"[\s()./-]+")


@dataclass(frozen=True, kw_only=True)
class Belongings:
    """Ids of what is kept about a person.

    Attributes:
        people: the customer, and all who were merged into them.
        messages: those of their conversations, and ``elsewhere``: what they wrote in others', and the answers to it.
        orders: theirs, and those without an owner that they wrote about and that bear their name.
        quarantined: raw deliveries in which one of their identities stands.
    """

    people: tuple[str, ...]
    identities: frozenset[Identity]
    conversations: tuple[str, ...]
    messages: tuple[str, ...]
    elsewhere: tuple[str, ...]
    drafts: tuple[str, ...]
    orders: tuple[str, ...]
    quarantined: tuple[str, ...]

    @property
    def subjects(self) -> frozenset[str]:
        """Every id by which jobs, events, the audit trail and idempotency keys may speak of them."""
        return frozenset((*self.people, *self.conversations, *self.messages, *self.elsewhere, *self.drafts))


def belongings(workspace: Workspace, customer_id: str) -> Belongings:
    """What is kept about the living customer ``customer_id``."""
    people = person(workspace, customer_id)
    identities, threads, messages, drafts = schema.identities, schema.conversations, schema.messages, schema.drafts
    rows = workspace.rows(
        workspace.select(identities, identities.c.kind, identities.c.value).where(identities.c.customer_id.in_(people))
    )
    known = frozenset(Identity(row["kind"], row["value"]) for row in rows)
    conversations = _ids(workspace, threads, threads.c.customer_id, people)
    own = _ids(workspace, messages, messages.c.conversation_id, conversations)
    written = _written_elsewhere(workspace, known, frozenset(conversations))
    answers = _ids(workspace, drafts, drafts.c.message_id, written)
    elsewhere = [*written, *_ids(workspace, messages, messages.c.draft_id, answers)]
    return Belongings(
        people=tuple(people), identities=known, conversations=tuple(conversations), messages=tuple(own),
        elsewhere=tuple(elsewhere), drafts=(*_ids(workspace, drafts, drafts.c.conversation_id, conversations), *answers),
        orders=_orders(workspace, people, [*own, *written]),
        quarantined=tuple(_quarantined(workspace, known, [*own, *written])),
    )  # fmt: skip


def listed(workspace: Workspace, table: Table, column: Column[Any], values: Sequence[str]) -> Iterator[RowMapping]:
    """The rows of ``table`` whose ``column`` is one of ``values``, however many these are."""
    for part in parts(values):
        yield from workspace.rows(workspace.select(table).where(column.in_(part)).order_by(*table.primary_key))


def parts(values: Iterable[str]) -> Iterator[list[str]]:
    """``values`` in lists short enough for one statement."""
    every = list(values)
    for start in range(0, len(every), TOGETHER):
        yield every[start : start + TOGETHER]


def _ids(workspace: Workspace, table: Table, column: Column[Any], values: Sequence[str]) -> list[str]:
    found: list[str] = []
    for part in parts(values):
        rows = workspace.tuples(workspace.select(table, table.c.id).where(column.in_(part)).order_by(table.c.id))
        found += [row[0] for row in rows]
    return found


def _written_elsewhere(workspace: Workspace, known: frozenset[Identity], own: frozenset[str]) -> list[str]:
    """Messages in others' conversations (a shared ticket) whose writer is known by one of these identities."""
    table = schema.messages
    if not known:
        return []
    statement = workspace.select(table, table.c.id, table.c.conversation_id, table.c.channel, table.c.sender)
    statement = statement.where(table.c.direction == "in", or_(*_perhaps(table, known)))
    found = []
    for row in _paged(workspace, statement, table):
        if row["conversation_id"] not in own:
            # The first identity is whose message it is; the others may be somebody else's (a shared phone).
            writer = identities_of(Sender(**row["sender"]), row["channel"])[:1]
            if known.issuperset(writer) and writer:
                found.append(row["id"])
    return found


def _perhaps(table: Table, known: frozenset[Identity]) -> Iterator[ColumnElement[bool]]:
    """A condition that every such message fulfils, and few others; the exact comparison is done on the rows."""
    names = {"email": "email", "phone": "phone", "handle": "handle", "buyer": "buyer_id", "helpdesk": "helpdesk_id"}
    for identity in sorted(known):
        value = identity.value if identity.kind in ("email", "helpdesk") else identity.value.partition(":")[2]
        field = table.c.sender[names[identity.kind]].as_string()
        if identity.kind == "phone" or not value.isascii():
            yield field.is_not(None)  # written in many ways
        else:
            yield field.icontains(value, autoescape=True)


def _paged(workspace: Workspace, statement: Select[Any], table: Table) -> Iterator[RowMapping]:
    """The rows of ``statement``, a few in memory at a time."""
    last = ""
    while rows := workspace.rows(statement.where(table.c.id > last).order_by(table.c.id).limit(_PAGE)):
        yield from rows
        last = rows[-1]["id"]


def _orders(workspace: Workspace, people: Sequence[str], message_ids: Sequence[str]) -> tuple[str, ...]:
    table, messages, customers = schema.orders, schema.messages, schema.customers
    own = _ids(workspace, table, table.c.customer_id, people)
    names = {
        _folded(row["name"]) for row in listed(workspace, customers, customers.c.id, people) if row["name"]
    }  # fmt: skip
    numbers = {
        order_key(row["order_id"]) for row in listed(workspace, messages, messages.c.id, message_ids) if row["order_id"]
    }
    free = [row for row in listed(workspace, table, table.c.id, sorted(numbers)) if row["customer_id"] is None]
    # That somebody names an order's number does not make it theirs.
    theirs = [row["id"] for row in free if _folded((row["data"]["customer"] or {}).get("name") or "") in names]
    return (*own, *theirs)


def _quarantined(workspace: Workspace, known: frozenset[Identity], message_ids: Sequence[str]) -> Iterator[str]:
    table, messages = schema.raw_deliveries, schema.messages
    values = {i.value if i.kind in ("email", "phone", "helpdesk") else i.value.partition(":")[2] for i in known}
    refs = {
        row["message_ref"] for row in listed(workspace, messages, messages.c.id, message_ids) if row["message_ref"]
    }  # fmt: skip
    wanted = {_folded(value) for value in values | refs if len(value) >= _SHORTEST}
    phones = {i.value.removeprefix("+") for i in known if i.kind == "phone"}
    if not wanted:
        return
    for row in _paged(workspace, workspace.select(table), table):
        text = row["body"].decode("utf-8", "replace") + " " + " ".join(map(str, row["headers"].values()))
        text = _folded(text + " " + unquote_plus(text) if "%" in text else text)
        if any(value in text for value in wanted) or _any_phone(phones, text):
            yield row["id"]


def _any_phone(phones: set[str], text: str) -> bool:
    digits = _BETWEEN_DIGITS.sub("", text) if phones else ""
    return any(phone in digits for phone in phones)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
