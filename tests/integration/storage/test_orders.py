"""Orders find their customers, whichever comes first; imports keep what was whole."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from tests.integration.storage.conftest import NOW
from triage.errors import InvalidMessage, Unknown
from triage.storage import order_import, orders, schema
from triage.storage.database import Database
from triage.storage.intake import receive
from triage.storage.merging import merge
from triage.storage.order_import import import_orders
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace
from triage.types import Arrival, Customer, InboundMessage, Order, OrderItem, Refund, Sender

T = TypeVar("T")
FULL = Order(
    id="TM-1", channel="allegro", status="shipped", placed_at=NOW, promised_by=NOW + timedelta(days=3), market="PL",
    items=(OrderItem(title="Shoe", price="44.95"),), total="44.95", currency="PLN", refund=Refund(amount="5", issued_at=NOW),
    customer=Customer(name="Anna", locale="pl-PL"),
)  # fmt: skip


def in_shop(database: Database, work: Callable[[Workspace], T], workspace: str = "shop") -> T:
    return database.write(lambda c: work(Workspace(c, workspace)))


def write(database: Database, key: str, sender: Sender, channel: str = "email") -> str:
    message = InboundMessage(text="Hello", channel=channel, received_at=NOW, customer=Customer())
    return receive(database, "shop", Arrival(external_id=key, message=message, sender=sender), now=NOW).customer_id


def put(database: Database, order: Order, buyer: Sender | None = None) -> str:
    return in_shop(database, lambda w: put_order(w, order, buyer=buyer, now=NOW))


def owner(database: Database, number: str) -> str | None:
    return in_shop(database, lambda w: orders.get_order(w, number)).customer_id


def test_an_order_comes_back_as_it_was(database: Database) -> None:
    assert [put(database, FULL), put(database, FULL)] == ["new", "changed"]
    assert in_shop(database, lambda w: orders.get_order(w, "# tm-1")).order == FULL
    in_shop(database, lambda w: orders.delete_order(w, "tm-1"))
    with pytest.raises(Unknown):
        in_shop(database, lambda w: orders.delete_order(w, "tm-1"))
    with pytest.raises(InvalidMessage):
        put(database, Order(id=" # "))


@pytest.mark.parametrize(
    ("buyer", "sender", "channel"),
    [
        (Sender(email="ANNA@shop.example"), Sender(email="anna@shop.example"), "email"),
        (Sender(phone="600 100 200"), Sender(phone="+48600100200"), "whatsapp"),
        (Sender(buyer_id="Anna_PL"), Sender(buyer_id="anna_pl"), "allegro"),
    ],
)
def test_order_and_customer_find_each_other_whichever_comes_first(
    database: Database, buyer: Sender, sender: Sender, channel: str
) -> None:
    put(database, FULL, buyer)
    assert owner(database, "TM-1") is None
    customer = write(database, "m1", sender, channel)
    assert owner(database, "TM-1") == customer
    put(database, Order(id="TM-2", channel="allegro", market="PL"), buyer)
    assert owner(database, "TM-2") == customer
    listed = in_shop(database, lambda w: orders.orders_of(w, customer))
    assert [stored.order.id for stored in listed] == ["TM-1", "TM-2"]


def test_a_buyer_id_means_nothing_on_another_channel(database: Database) -> None:
    customer = write(database, "m1", Sender(buyer_id="anna"), "ebay")
    put(database, FULL, Sender(buyer_id="anna"))
    put(database, Order(id="TM-2"), Sender(buyer_id="anna"))
    assert owner(database, "TM-1") is owner(database, "TM-2") is None
    assert in_shop(database, lambda w: orders.orders_of(w, customer)) == ()


def test_the_mailbox_says_more_than_a_shared_phone(database: Database) -> None:
    put(database, Order(id="TM-1"), Sender(email="anna@shop.example", phone="+48600100200"))
    jan = write(database, "m1", Sender(phone="+48600100200"), "sms")
    assert owner(database, "TM-1") == jan
    anna = write(database, "m2", Sender(email="anna@shop.example"))
    assert anna != jan
    assert owner(database, "TM-1") == anna


def test_an_update_without_a_buyer_keeps_the_customer(database: Database) -> None:
    anna = write(database, "m1", Sender(email="anna@shop.example"))
    put(database, Order(id="TM-1"), Sender(email="anna@shop.example"))
    put(database, Order(id="TM-1", status="delivered"))
    assert owner(database, "TM-1") == anna
    put(database, Order(id="TM-1"), Sender(email="new@shop.example"))
    assert owner(database, "TM-1") is None


def test_an_order_of_a_merged_customer_is_the_survivors(database: Database) -> None:
    anna, jan = (write(database, name, Sender(email=f"{name}@shop.example")) for name in ("anna", "jan"))
    in_shop(database, lambda w: merge(w, jan, anna, actor="ann", now=NOW))
    put(database, Order(id="TM-1"), Sender(email="anna@shop.example"))
    assert owner(database, "TM-1") == jan


def test_another_workspaces_order_is_unknown(database: Database) -> None:
    in_shop(database, lambda w: put_order(w, FULL, now=NOW), "other")
    for call in (orders.get_order, orders.delete_order):
        with pytest.raises(Unknown):
            in_shop(database, lambda w, c=call: c(w, "TM-1"))  # type: ignore[misc]
    assert in_shop(database, lambda w: orders.order_of(w, "TM-1")) is None


def parse(value: dict[str, Any]) -> tuple[Order, Sender]:
    if not isinstance(value.get("id"), str):
        raise InvalidMessage("id: missing", field="id")
    return Order(id=value["id"], status=value.get("status")), Sender(email=value.get("email"))


def run(database: Database, content: bytes) -> order_import.OrderImport:
    return import_orders(database, "shop", io.BytesIO(content), parse, now=NOW)


def test_an_import_that_breaks_off_half_way_keeps_what_was_whole(database: Database) -> None:
    whole = b"".join(json.dumps({"id": f"TM-{n}"}).encode() + b"\n" for n in range(500))
    for cut in (len(whole) // 2, len(whole) - 5):
        report = run(database, whole[:cut])
        kept = whole[:cut].count(b"\n")
        assert not report.complete
        assert (report.new + report.changed, [line.number for line in report.skipped]) == (kept, [kept + 1])
        assert report.skipped[0].reason == "the file breaks off here"
    assert len(in_shop(database, lambda w: w.rows(w.select(schema.orders)))) == 499
    report = run(database, whole)
    assert (report.new, report.changed, report.complete, report.skipped) == (1, 499, True, [])


def test_one_bad_line_costs_no_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_import, "MAX_LINE", 200)
    monkeypatch.setattr(order_import, "MOST_SKIPPED", 5)
    nul, surrogate = b'{"id": "N", "status": "a\\u0000b"}', b'{"id": "S", "status": "\\ud800"}'
    rows = [
        b'{"id": "A"}',
        b"{",
        b"7",
        b'{"id": 5}',
        nul,
        surrogate,
        b'"' + b"x" * 999,
        b"NaN",
        b"\xff",
        b"",
        b'{"id": "B"}',
    ]
    report = run(database, b"\xef\xbb\xbf" + b"\r\n".join(rows))
    assert (report.new, report.complete, report.further) == (4, True, 1)
    assert [line.number for line in report.skipped] == [2, 3, 4, 7, 8]
    assert in_shop(database, lambda w: orders.get_order(w, "N")).order.status == "a\ufffdb"


def test_a_long_line_that_never_ends_breaks_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_import, "MAX_LINE", 50)
    report = run(database, b'{"id": "A"}\n{"id": "' + b"x" * 500)
    assert (report.new, report.complete, [line.number for line in report.skipped]) == (1, False, [2])
