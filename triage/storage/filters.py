"""What a list of conversations is narrowed to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, or_, union_all

from triage.storage import schema
from triage.storage.orders import order_key
from triage.storage.workspace import Workspace

FEW = 1000
"""Conversations that a search may find and still be looked up first."""


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What a list of conversations is narrowed to; None leaves it wide.

    ``q`` is looked for in the messages' texts, the subject and the customer's name, and compared with the order's number.

    Attributes:
        unassigned: only what nobody was given.
        due_before: only what has to be answered before this.
        asked_before: only what the customer wrote before this.
        unsure: only where the model was not sure of the newest message.
        order: a number as anybody may write it.
        attended_after: with ``attended``, whether an agent has had the conversation open since then.
    """

    status: str | None = None
    urgency: str | None = None
    channel: str | None = None
    language: str | None = None
    intent: str | None = None
    customer: str | None = None
    assignee: str | None = None
    q: str | None = None
    unassigned: bool = False
    due_before: datetime | None = None
    asked_before: datetime | None = None
    unsure: bool = False
    order: str | None = None
    attended: bool | None = None
    attended_after: datetime | None = None

    @property
    def is_plain(self) -> bool:
        """Whether a conversation's own row is enough to tell."""
        return not self.unsure and self.order is None and self.attended is None and not self.q


def conditions(workspace: Workspace, wanted: Filter) -> list[ColumnElement[bool]]:
    """What a conversation must fulfil, as conditions on its row."""
    table = schema.conversations
    columns = {
        "status": table.c.status, "urgency": table.c.urgency, "channel": table.c.channel, "language": table.c.language,
        "intent": table.c.intent, "customer": table.c.customer_id, "assignee": table.c.assignee,
    }  # fmt: skip
    found: list[ColumnElement[bool]] = [
        column == value for name, column in columns.items() if (value := getattr(wanted, name)) is not None
    ]
    if wanted.unassigned:
        found.append(table.c.assignee.is_(None))
    if wanted.due_before is not None:
        found.append(table.c.due_at < wanted.due_before)
    if wanted.asked_before is not None:
        found.append(table.c.last_inbound_at < wanted.asked_before)
    return [*found, *_elsewhere(workspace, wanted)]


def _elsewhere(workspace: Workspace, wanted: Filter) -> Iterator[ColumnElement[bool]]:
    """Conditions on rows of other tables."""
    table, messages, triages = schema.conversations, schema.messages, schema.triages
    if wanted.unsure:
        said = and_(workspace.owns(triages), triages.c.message_id == messages.c.id, triages.c.abstained.is_(True))
        newest = and_(messages.c.conversation_id == table.c.id, messages.c.seq == table.c.last_inbound_seq)
        yield exists().where(workspace.owns(messages), newest, said)
    if wanted.order is not None:
        about = workspace.select(messages, messages.c.conversation_id).where(
            messages.c.order_id == order_key(wanted.order)
        )
        yield table.c.id.in_(about)
    if wanted.attended is not None and wanted.attended_after is not None:
        seen = schema.presence
        there = workspace.select(seen, seen.c.conversation_id).where(seen.c.seen_at > wanted.attended_after)
        yield table.c.id.in_(there) if wanted.attended else table.c.id.not_in(there)
    if wanted.q:
        yield _said(workspace, wanted.q)


def _said(workspace: Workspace, words: str) -> ColumnElement[bool]:
    """What few conversations hold is looked up once, each text read from the beginning of its table to the end; that takes a
    tenth of a look for each conversation. What many hold is found soon in whatever order the list has."""
    table, messages, people = schema.conversations, schema.messages, schema.customers
    said = or_(messages.c.text.icontains(words, autoescape=True), messages.c.order_id == order_key(words))
    named = people.c.name.icontains(words, autoescape=True)
    titled = table.c.subject.icontains(words, autoescape=True)
    who = workspace.select(people, people.c.id).where(named)
    found = union_all(
        workspace.select(messages, messages.c.conversation_id.label("id")).where(said),
        workspace.select(table, table.c.id).where(or_(titled, table.c.customer_id.in_(who))),
    )
    rows = workspace.tuples(found.limit(FEW + 1))
    if len(rows) <= FEW:
        return table.c.id.in_({key for (key,) in rows})
    return or_(
        titled,
        exists().where(workspace.owns(messages), messages.c.conversation_id == table.c.id, said),
        exists().where(workspace.owns(people), people.c.id == table.c.customer_id, named),
    )
