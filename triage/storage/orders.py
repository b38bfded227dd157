"""Order facts, as shops send them."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Any

from triage.conversations.identity import email_identity
from triage.storage import schema
from triage.storage.workspace import Workspace
from triage.types import Customer, Order, OrderItem, Refund

_TIMES = ("placed_at", "promised_by")


def order_key(number: str) -> str:
    """An order number as customers type it: without ``#``, spaces and case."""
    return re.sub(r"[\s#]+", "", number).upper()[:80]


def put_order(workspace: Workspace, order: Order, *, email: str | None = None, now: datetime) -> bool:
    """Keeps or replaces an order; True where it is new. ``email``: the buyer's, which ties it to a known customer."""
    key = order_key(order.id)
    known = workspace.value(workspace.select(schema.orders, schema.orders.c.id).where(schema.orders.c.id == key))
    workspace.upsert(
        schema.orders, ["id"], id=key, customer_id=_customer(workspace, email), data=_plain(order),
        placed_at=order.placed_at, updated_at=now,
    )  # fmt: skip
    return known is None


def order_of(workspace: Workspace, number: str) -> Order | None:
    """The order with this number, however it was typed."""
    row = workspace.first(workspace.select(schema.orders).where(schema.orders.c.id == order_key(number)))
    return None if row is None else _order(row["data"])


def _customer(workspace: Workspace, email: str | None) -> str | None:
    identity = email_identity(email) if email else None
    if identity is None:
        return None
    table = schema.identities
    found: str | None = workspace.value(
        workspace.select(table, table.c.customer_id).where(table.c.kind == "email", table.c.value == identity.value)
    )
    return found


def _plain(order: Order) -> dict[str, Any]:
    def value(item: Any) -> Any:
        if isinstance(item, datetime):
            return item.isoformat()
        if isinstance(item, dict):
            return {name: value(inner) for name, inner in item.items()}
        return [value(inner) for inner in item] if isinstance(item, list | tuple) else item

    return {name: value(item) for name, item in asdict(order).items()}


def _order(data: dict[str, Any]) -> Order:
    times = {name: datetime.fromisoformat(data[name]) if data[name] else None for name in _TIMES}
    refund = data["refund"]
    if refund:
        issued = refund["issued_at"]
        refund = Refund(amount=refund["amount"], issued_at=datetime.fromisoformat(issued) if issued else None)
    return Order(
        **{
            **data, **times, "items": tuple(OrderItem(**item) for item in data["items"]), "refund": refund or None,
            "customer": Customer(**data["customer"]) if data["customer"] else None,
        }
    )  # fmt: skip
