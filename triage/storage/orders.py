"""Order facts, as shops send them, tied to the customer who is known by what the shop says of the buyer.

Either may come first: an order waits with its buyer's identities until a customer with one of them writes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import RowMapping

from triage.conversations.identity import Identity, identities_of
from triage.errors import InvalidMessage, Unknown
from triage.storage import schema
from triage.storage.columns import clean
from triage.storage.erased import was_erased
from triage.storage.owners import held_owner_of, living
from triage.storage.stale import order_changed
from triage.storage.workspace import Workspace
from triage.types import Customer, Order, OrderItem, Refund, Sender

_TIMES = ("placed_at", "promised_by")
MOST_LISTED = 200
PutOutcome = Literal["new", "changed", "erased"]


@dataclass(frozen=True, kw_only=True)
class StoredOrder:
    """An order and whose it is."""

    order: Order
    customer_id: str | None
    updated_at: datetime


def order_key(number: str) -> str:
    """An order number as customers type it: without ``#``, spaces and case."""
    return re.sub(r"[\s#\0]+", "", clean(number)).upper()[:80]


def put_order(
    workspace: Workspace, order: Order, *, buyer: Sender | None = None, email: str | None = None, now: datetime
) -> PutOutcome:
    """Keeps or replaces an order, unless it was erased with its customer: then it does not come back.

    Args:
        buyer: who bought it, as far as the shop says; without one, what was known of the buyer stays.
        email: the buyer's, where that is all that is known.

    Raises:
        InvalidMessage: the number has no letter or digit.
    """
    key = order_key(order.id)
    if not key:
        raise InvalidMessage("the order's number is empty", field="id")
    if was_erased(workspace, "order", "order", key):
        return "erased"
    table = schema.orders
    known = workspace.first(workspace.select(table, table.c.customer_id, table.c.placed_at).where(table.c.id == key))
    order_changed(workspace, key, known["placed_at"] if known else None, order.placed_at)
    buyer = buyer or Sender(email=email)
    identities = identities_of(buyer, order.channel or "", region=order.market)
    if not order.channel:  # a buyer id or handle means nothing without the market place that gave it
        identities = tuple(identity for identity in identities if identity.kind not in ("buyer", "handle"))
    customer = _buyer(workspace, identities) if identities else known and known["customer_id"]
    workspace.upsert(
        table, ["id"], id=key, customer_id=customer, data=_plain(order), placed_at=order.placed_at, updated_at=now
    )
    if identities:
        buyers = schema.order_buyers
        workspace.run(workspace.delete(buyers).where(buyers.c.order_id == key))
        workspace.insert_many(
            buyers, [{"order_id": key, "kind": i.kind, "value": i.value, "place": n} for n, i in enumerate(identities)]
        )
    return "new" if known is None else "changed"


def join_buyer(workspace: Workspace, identity: Identity) -> None:
    """Ties the orders whose buyer is known by ``identity``, which a customer has just got, to whoever they belong to now."""
    buyers, table = schema.order_buyers, schema.orders
    numbers = workspace.tuples(
        workspace.select(buyers, buyers.c.order_id).where(
            buyers.c.kind == identity.kind, buyers.c.value == identity.value
        )
    )
    for (number,) in numbers:
        rows = workspace.rows(
            workspace.select(buyers, buyers.c.kind, buyers.c.value)
            .where(buyers.c.order_id == number)
            .order_by(buyers.c.place)
        )
        customer = _buyer(workspace, [Identity(row["kind"], row["value"]) for row in rows])
        workspace.run(workspace.update(table).where(table.c.id == number).values(customer_id=customer))


def order_of(workspace: Workspace, number: str) -> Order | None:
    """The order with this number, however it was typed."""
    row = _row(workspace, number)
    return None if row is None else _order(row["data"])


def belongs_to_another(workspace: Workspace, number: str, customer_id: str) -> bool:
    """Whether the order has a buyer, and it is not this customer; an order without a buyer is anybody's who knows it."""
    row = _row(workspace, number)
    if row is None:
        return False
    if row["customer_id"] is not None:
        return living(workspace, row["customer_id"]) != living(workspace, customer_id)
    buyers = schema.order_buyers
    return (
        workspace.value(workspace.select(buyers, buyers.c.order_id).where(buyers.c.order_id == row["id"])) is not None
    )


def get_order(workspace: Workspace, number: str) -> StoredOrder:
    """The order with this number, however it was typed.

    Raises:
        Unknown: none here.
    """
    row = _row(workspace, number)
    if row is None:
        raise Unknown("order", number)
    return _stored(row)


def delete_order(workspace: Workspace, number: str) -> None:
    """Forgets the order; it may be put again.

    Raises:
        Unknown: none here.
    """
    table, row = schema.orders, _row(workspace, number)
    if row is None or workspace.run(workspace.delete(table).where(table.c.id == row["id"])) != 1:
        raise Unknown("order", number)
    order_changed(workspace, row["id"], row["placed_at"])


def orders_of(workspace: Workspace, customer_id: str, *, limit: int = MOST_LISTED) -> tuple[StoredOrder, ...]:
    """The customer's orders, newest first."""
    table = schema.orders
    rows = workspace.rows(
        workspace.select(table)
        .where(table.c.customer_id == customer_id)
        .order_by(table.c.placed_at.is_(None), table.c.placed_at.desc(), table.c.id)
        .limit(limit)
    )
    return tuple(_stored(row) for row in rows)


def _row(workspace: Workspace, number: str) -> RowMapping | None:
    return workspace.first(workspace.select(schema.orders).where(schema.orders.c.id == order_key(number)))


def _stored(row: RowMapping) -> StoredOrder:
    return StoredOrder(order=_order(row["data"]), customer_id=row["customer_id"], updated_at=row["updated_at"])


def _buyer(workspace: Workspace, identities: Sequence[Identity]) -> str | None:
    """The owner of the strongest identity that anybody has."""
    return next((owner for i in identities if (owner := held_owner_of(workspace, i)) is not None), None)


def _plain(order: Order) -> dict[str, Any]:
    def value(item: Any) -> Any:
        if isinstance(item, datetime):
            return item.isoformat()
        if isinstance(item, dict):
            return {name: value(inner) for name, inner in item.items()}
        if isinstance(item, str):
            return clean(item)
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
