"""What stays of a customer's contacts and orders when they are erased: numbers by the hour, with no id, customer or text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

from triage.insights.frame import Contact, PlacedOrder, pack_contacts, pack_orders
from triage.storage import schema
from triage.storage.belongings import listed, parts
from triage.storage.columns import new_id
from triage.storage.insights.facts import contacts_of
from triage.storage.insights.order_facts import placed_orders
from triage.storage.stale import ORDER, contacts_day, days_changed, orders_day
from triage.storage.workspace import Workspace

T = TypeVar("T", Contact, PlacedOrder)


def keep_numbers(workspace: Workspace, *, message_ids: Sequence[str], order_keys: Sequence[str]) -> None:
    """Before these are deleted: keeps their numbers, and takes away the days that were counted with them.

    The worker counts these days anew; until then they are missing, for what was counted could still tell of the customer.
    """
    contacts = contacts_of(workspace, message_ids)
    orders = placed_orders(workspace, order_keys)
    spoken_of = {row["order_id"] for row in listed(workspace, schema.messages, schema.messages.c.id, message_ids)}
    others = placed_orders(workspace, sorted({key for key in spoken_of if key} - set(order_keys)))
    for day, found in _by_day((contact.received_at, contact) for contact in contacts).items():
        numbers = [replace(one, received_at=_hour(one.received_at), customer=0, key="") for one in found]
        _keep(workspace, "contacts", day, pack_contacts(numbers))
    for day, placed in _by_day((order.placed_at, order) for order in orders).items():
        numbers_of = [replace(one, placed_at=_hour(one.placed_at), key="") for one in placed]
        _keep(workspace, "orders", day, pack_orders(numbers_of))
    touched = {("contacts", _day(contact.received_at)) for contact in contacts}
    touched |= {("orders", _day(order.placed_at)) for order in (*orders, *others)}
    table = schema.figure_days
    for kind, day in sorted(touched):
        workspace.run(workspace.delete(table).where(table.c.kind == kind, table.c.day == day))
    days_changed(
        workspace, [contacts_day(day) if kind == "contacts" else orders_day(day) for kind, day in sorted(touched)]
    )
    marks = schema.figure_marks
    for part in parts([f"{ORDER}{key}" for key in order_keys]):
        workspace.run(workspace.delete(marks).where(marks.c.subject.in_(part)))
    _forget_examples(workspace, set(message_ids))


def _keep(workspace: Workspace, kind: str, day: date, content: bytes) -> None:
    workspace.insert(schema.figure_remains, id=new_id("rem"), kind=kind, day=day, content=content)


def _forget_examples(workspace: Workspace, message_ids: set[str]) -> None:
    table = schema.anomalies
    for row in workspace.rows(workspace.select(table, table.c.id, table.c.examples)):
        kept = [key for key in row["examples"] if key not in message_ids]
        if kept != row["examples"]:
            workspace.run(workspace.update(table).where(table.c.id == row["id"]).values(examples=kept))


def _by_day(found: Iterable[tuple[datetime, T]]) -> dict[date, list[T]]:
    grouped: defaultdict[date, list[T]] = defaultdict(list)
    for moment, one in found:
        grouped[_day(moment)].append(one)
    return grouped


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()


def _hour(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
