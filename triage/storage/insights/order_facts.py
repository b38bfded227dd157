"""What figures know of orders: what was in them, and what customers wrote about them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import RowMapping

from triage.insights.frame import PlacedOrder, Touch
from triage.storage import schema
from triage.storage.belongings import listed, parts
from triage.storage.insights.facts import contacts_of, items_of
from triage.storage.workspace import Workspace


def orders_of_day(workspace: Workspace, day: date) -> list[PlacedOrder]:
    """The orders placed on the day (UTC); those of no known time are on none."""
    begin = datetime.combine(day, time(), UTC)
    table = schema.orders
    within = (table.c.placed_at >= begin, table.c.placed_at < begin + timedelta(days=1))
    return _orders(workspace, workspace.rows(workspace.select(table).where(*within).order_by(table.c.id)))


def placed_orders(workspace: Workspace, keys: Sequence[str]) -> list[PlacedOrder]:
    """These orders, without those of no known time."""
    table = schema.orders
    return _orders(workspace, [row for row in listed(workspace, table, table.c.id, keys) if row["placed_at"]])


def _orders(workspace: Workspace, rows: Sequence[RowMapping]) -> list[PlacedOrder]:
    touches = _touches(workspace, [row["id"] for row in rows])
    return [
        PlacedOrder(
            placed_at=row["placed_at"], key=row["id"], region=(row["data"].get("market") or "")[:10],
            lines=items_of(row["data"]), touches=tuple(touches[row["id"]]),
        )
        for row in rows
    ]  # fmt: skip


def _touches(workspace: Workspace, keys: Sequence[str]) -> defaultdict[str, list[Touch]]:
    """Contacts by the order that they are about."""
    table = schema.messages
    about: dict[str, str] = {}
    for part in parts(keys):
        rows = workspace.rows(workspace.select(table, table.c.id, table.c.order_id).where(table.c.order_id.in_(part)))
        about |= {row["id"]: row["order_id"] for row in rows}
    found: defaultdict[str, list[Touch]] = defaultdict(list)
    for contact in contacts_of(workspace, sorted(about)):
        found[about[contact.message_id]].append(
            Touch(
                channel=contact.channel, language=contact.language, intent=contact.intent, urgency=contact.urgency
            )
        )  # fmt: skip
    return found
