"""Bodies of ``/v1/orders``."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.problems import field_name
from api.v1.rendering import moment
from api.v1.triage.schemas import Amount, LanguageCode, OrderBody, Short, Strict
from triage.errors import InvalidMessage
from triage.storage.orders import StoredOrder, order_key
from triage.types import Customer, Order, Sender

OrderNumber = Annotated[str, Field(min_length=1, max_length=80, examples=["TM-10428"])]
Address = Annotated[str, Field(min_length=1, max_length=320)]


class BuyerBody(Strict):
    """Who bought it. E-mail, phone and buyer id tie the order to the customer, whichever of them comes first."""

    name: Annotated[str, Field(max_length=200)] | None = None
    locale: LanguageCode | None = None
    email: Address | None = None
    phone: Address | None = None
    buyer_id: Address | None = None


class StoredOrderBody(OrderBody):
    """An order to keep. Its number stands in the address too, or there alone."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "id": "TM-10428",
                    "status": "shipped",
                    "promised_by": "2026-05-08T18:00:00Z",
                    "carrier": "DHL",
                    "tracking_number": "JD0146000123",
                    "items": [{"title": "Trail shoe", "sku": "TS-42", "price": "89.90"}],
                    "total": "89.90",
                    "currency": "EUR",
                    "customer": {"name": "Anna", "email": "anna@shop.example"},
                }
            ]
        },
    )

    id: OrderNumber | None = None  # type: ignore[assignment]
    customer: BuyerBody | None = None  # type: ignore[assignment]

    def stored(self, number: str | None = None) -> tuple[Order, Sender]:
        """The order and its buyer; ``number`` is that of the address.

        Raises:
            InvalidMessage: no number, or two.
        """
        if number is not None and self.id is not None and order_key(number) != order_key(self.id):
            raise InvalidMessage("id: another number than in the address", field="id")
        found = number or self.id
        if found is None or not order_key(found):
            raise InvalidMessage("id: an order needs its number", field="id")
        buyer = self.customer or BuyerBody()
        if buyer.buyer_id is not None and self.channel is None:
            raise InvalidMessage("channel: a buyer id means something on its channel alone", field="channel")
        order = self.model_copy(update={"id": found}).domain()
        if buyer.name or buyer.locale:
            order = replace(order, customer=Customer(name=buyer.name, locale=buyer.locale))
        return order, Sender(name=buyer.name, email=buyer.email, phone=buyer.phone, buyer_id=buyer.buyer_id)


def parse_line(value: dict[str, Any]) -> tuple[Order, Sender]:
    """A line of an import.

    Raises:
        InvalidMessage: names the field that is wrong.
    """
    try:
        return StoredOrderBody.model_validate(value).stored()
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = field_name(first["loc"])
        raise InvalidMessage(f"{name}: {first['msg']}", field=name) from None


class OrderItemOut(BaseModel):
    title: str
    sku: str | None
    quantity: int
    price: Amount | None
    supplier: str | None


class OrderOut(BaseModel):
    """An order as stored. ``customer_id``: whose it is, where a customer is known by what the shop says of the buyer."""

    id: str
    channel: Short | None
    status: str | None
    placed_at: datetime | None
    promised_by: datetime | None
    carrier: str | None
    tracking_number: str | None
    tracking_url: str | None
    items: list[OrderItemOut]
    total: str | None
    currency: str | None
    market: str | None
    refund: dict[str, str | None] | None
    customer_id: str | None
    updated_at: datetime


class SkippedOut(BaseModel):
    where: str
    reason: str


class OrderImportOut(BaseModel):
    """What became of an import's orders. ``complete`` is false where the file broke off; what came before it is kept."""

    new: int
    changed: int
    complete: bool
    skipped: list[SkippedOut]


def order_json(stored: StoredOrder) -> dict[str, Any]:
    """An order as answers show it."""
    order, refund = stored.order, stored.order.refund
    names = ("id", "channel", "status", "carrier", "tracking_number", "tracking_url", "total", "currency", "market")
    item_names = ("title", "sku", "quantity", "price", "supplier")
    return {
        **{name: getattr(order, name) for name in names},
        "placed_at": moment(order.placed_at), "promised_by": moment(order.promised_by),
        "items": [{name: getattr(item, name) for name in item_names} for item in order.items],
        "refund": {"amount": refund.amount, "issued_at": moment(refund.issued_at)} if refund else None,
        "customer_id": stored.customer_id, "updated_at": moment(stored.updated_at),
    }  # fmt: skip
