"""``/v1/customers`` and ``/v1/orders`` over a SQLite file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from api import problems
from api.auth import Key, KeyRing, RateLimit, hash_key
from api.limits import Limits, Metrics
from api.v1.customers.endpoints import router as customers_router
from api.v1.orders.endpoints import router as orders_router
from triage.storage import intake, schema
from triage.storage.database import Database, sqlite_url
from triage.types import Arrival, Attachment, Customer, InboundMessage, Sender

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
NDJSON = {"Content-Type": "application/x-ndjson"}
SCOPES = {"agent": {"read", "write"}, "reader": {"read"}, "writer": {"write"}, "eve": {"read", "write"}}
Receive = Callable[..., intake.Received]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path / "triage.db"))
    schema.metadata.create_all(opened.engine)
    rows = [{"id": name, "brand": name, "settings": {}, "created_at": NOW} for name in ("shop", "other")]
    opened.write(lambda connection: connection.execute(schema.workspaces.insert(), rows))
    yield opened
    opened.close()


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    app = FastAPI()
    app.state.keys = KeyRing(
        {
            hash_key(name): Key(id=name, workspace="other" if name == "eve" else "shop", scopes=frozenset(scopes))
            for name, scopes in SCOPES.items()
        }
    )
    app.state.rate, app.state.database = RateLimit(10_000), database
    app.add_middleware(Limits, metrics=Metrics(CollectorRegistry()), most_waiting=64)
    problems.install(app)
    app.include_router(customers_router)
    app.include_router(orders_router)
    with TestClient(app, headers={"Authorization": "Bearer agent"}, raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def receive(database: Database) -> Receive:
    def keep(key: str, sender: Sender, *, workspace: str = "shop", channel: str = "email", **more: Any) -> Any:
        message = InboundMessage(text=f"Hello {key}", channel=channel, received_at=NOW, customer=Customer())
        arrival = Arrival(external_id=key, message=message, sender=sender, **more)
        return intake.receive(database, workspace, arrival, now=NOW)

    return keep


ANNA, WORK = Sender(name="Anna", email="anna@shop.example"), Sender(email="anna@work.example")


def test_a_customer_is_merged_and_taken_back(client: TestClient, receive: Receive) -> None:
    anna, work = receive("1", ANNA).customer_id, receive("2", WORK).customer_id
    before = client.get(f"/v1/customers/{anna}").json()
    assert before["identities"] == [{"kind": "email", "value": "anna@shop.example"}]
    merged = client.post(f"/v1/customers/{work}/merge", json={"customer_id": anna})
    assert merged.status_code == 200
    assert merged.json()["customer"]["conversations"] == 2
    assert client.get(f"/v1/customers/{anna}").json()["id"] == work
    again = client.post(f"/v1/customers/{work}/merge", json={"customer_id": anna})
    assert (again.status_code, again.json()["code"]) == (409, "already_merged")
    body = {"merge_id": merged.json()["merge_id"]}
    assert client.post(f"/v1/customers/{receive('3', Sender()).customer_id}/unmerge", json=body).status_code == 404
    back = client.post(f"/v1/customers/{work}/unmerge", json=body).json()
    assert back["customer"] == before
    assert client.post(f"/v1/customers/{work}/unmerge", json=body).json()["code"] == "already_undone"


def test_the_timeline_is_read_page_by_page(client: TestClient, receive: Receive) -> None:
    customer = receive("1", ANNA).customer_id
    receive("2", ANNA, attachments=(Attachment(name="a.txt", media_type="text/plain", content=b"hi"),))
    first = client.get(f"/v1/customers/{customer}/timeline?limit=1").json()
    second = client.get(f"/v1/customers/{customer}/timeline", params={"limit": 1, "cursor": first["cursor"]}).json()
    entries = [*first["entries"], *second["entries"]]
    assert sorted(entry["text"] for entry in entries) == ["Hello 1", "Hello 2"]
    assert second["cursor"] is None
    assert sorted(len(entry["attachments"]) for entry in entries) == [0, 1]
    wrong = client.get(f"/v1/customers/{customer}/timeline?cursor=x")
    assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")


def test_suggestions_are_told(client: TestClient, receive: Receive) -> None:
    anna = receive("1", Sender(email="anna@shop.example", phone="+48600100200")).customer_id
    jan = receive("2", Sender(email="jan@shop.example", phone="+48600100200")).customer_id
    found = client.get(f"/v1/customers/{jan}/suggestions").json()["suggestions"]
    reasons = [{"kind": "phone", "value": "+48600100200"}]
    assert found == [{"customer_id": anna, "name": None, "reasons": reasons}]


def test_an_export_then_an_erasure(client: TestClient, receive: Receive) -> None:
    customer = receive("1", ANNA, attachments=(Attachment(name="a", media_type="b/c", content=b"\xff\0"),)).customer_id
    exported = client.get(f"/v1/customers/{customer}/export")
    assert exported.json()["conversations"][0]["messages"][0]["attachments"][0]["content"] == "/wA="
    gone = client.delete(f"/v1/customers/{customer}").json()
    assert gone == {"customers": 1, "conversations": 1, "messages": 1, "orders": 0, "quarantined": 0, "purged": True}
    for call in (client.get, client.delete):
        answer = call(f"/v1/customers/{customer}")
        assert (answer.status_code, answer.json()["code"]) == (404, "unknown_customer")
    assert receive("1", ANNA).duplicate


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "", None),
        ("GET", "/timeline", None),
        ("GET", "/suggestions", None),
        ("GET", "/export", None),
        ("DELETE", "", None),
        ("POST", "/merge", {"customer_id": "x"}),
        ("POST", "/unmerge", {"merge_id": "x"}),
    ],
)
def test_scopes_and_workspaces_hold(
    client: TestClient, receive: Receive, method: str, path: str, body: dict[str, str] | None
) -> None:
    customer = receive("1", ANNA).customer_id
    address = f"/v1/customers/{customer}{path}"

    def status(key: str) -> int:
        return client.request(method, address, json=body, headers={"Authorization": f"Bearer {key}"}).status_code

    assert status("eve") == 404
    assert status("writer" if method == "GET" else "reader") == 403
    assert status("nobody") == 401


def test_nobody_merges_into_another_workspace(client: TestClient, receive: Receive) -> None:
    here, there = receive("1", ANNA).customer_id, receive("1", ANNA, workspace="other").customer_id
    assert client.post(f"/v1/customers/{here}/merge", json={"customer_id": there}).status_code == 404
    assert client.post(f"/v1/customers/{there}/merge", json={"customer_id": here}).status_code == 404
    assert client.post(f"/v1/customers/{here}/merge", json={"customer_id": here, "x": 1}).status_code == 422


ORDER = {
    "status": "shipped", "placed_at": "2026-05-01T10:00:00Z", "total": "89.90", "currency": "EUR", "market": "PL",
    "items": [{"title": "Shoe", "quantity": 2, "price": 44.95}], "refund": {"amount": "5.00"},
    "customer": {"name": "Anna", "email": "Anna@shop.example", "phone": "600 100 200"},
}  # fmt: skip


def test_an_order_is_kept_replaced_and_deleted(client: TestClient, receive: Receive) -> None:
    created = client.put("/v1/orders/TM-1", json=ORDER)
    assert created.status_code == 201
    assert created.json()["items"][0]["price"] == "44.95"
    assert created.json()["customer_id"] is None
    customer = receive("1", Sender(phone="+48600100200"), channel="sms").customer_id
    assert client.get("/v1/orders/%23tm-1").json()["customer_id"] == customer
    assert client.put("/v1/orders/tm-1", json={"status": "delivered", "id": "TM-1"}).status_code == 200
    kept = client.get("/v1/orders/TM-1").json()
    assert (kept["status"], kept["customer_id"], kept["items"]) == ("delivered", customer, [])
    assert [order["id"] for order in client.get(f"/v1/customers/{customer}").json()["orders"]] == ["tm-1"]
    assert client.delete("/v1/orders/TM-1").status_code == 204
    assert client.delete("/v1/orders/TM-1").json()["code"] == "unknown_order"
    assert client.put("/v1/orders/FV/1/2026", json={}).status_code == 201
    assert client.get("/v1/orders/fv%2F1%2F2026").status_code == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "other"}, "id"),
        ({"customer": {"mail": "x"}}, "customer.mail"),
        ({"customer": {"buyer_id": "b"}}, "channel"),
        ({"total": "much"}, "total"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_wrong_order_is_refused_by_field(client: TestClient, change: dict[str, Any], field: str) -> None:
    answer = client.put("/v1/orders/TM-1", json=ORDER | change)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert client.get("/v1/orders/TM-1").status_code == 404


def test_an_erased_order_does_not_come_back(client: TestClient, receive: Receive) -> None:
    customer = receive("1", ANNA).customer_id
    client.put("/v1/orders/TM-1", json=ORDER)
    client.delete(f"/v1/customers/{customer}")
    refused = client.put("/v1/orders/TM-1", json=ORDER)
    assert (refused.status_code, refused.json()["code"]) == (409, "erased")


def test_an_import_takes_what_is_good_and_says_where_it_broke_off(client: TestClient) -> None:
    rows = [
        json.dumps({"id": "TM-1", **ORDER}).encode(),
        b"{broken",
        json.dumps({"id": "TM-2", "total": "secret words"}).encode(),
        b"[1]",
        b"\xff\xfe{}",
        b"",
        json.dumps({"status": "x"}).encode(),
        b'{"id": "TM-1", "status": "delivered"}',
        b"[" * 100_000,
        b'{"id": "TM-3", "sta',
    ]
    answer = client.post("/v1/orders/import", content=b"\n".join(rows), headers=NDJSON)
    report = answer.json()
    assert (report["new"], report["changed"], report["complete"]) == (1, 1, False)
    assert [row["where"] for row in report["skipped"]] == [f"body:{n}" for n in (2, 3, 4, 5, 7, 9, 10)]
    assert report["skipped"][-1]["reason"] == "the file breaks off here"
    assert "secret" not in answer.text
    assert client.get("/v1/orders/TM-1").json()["status"] == "delivered"


def test_a_last_line_without_an_end_is_a_line(client: TestClient) -> None:
    for content in (b'{"id": "A"}\n{"id": "B"}', b'{"id": "A"}\r\n{"id": "B"}\r\n'):
        report = client.post("/v1/orders/import", content=content, headers=NDJSON).json()
        assert report["complete"]
        assert report["skipped"] == []


def test_an_import_must_say_what_it_is(client: TestClient) -> None:
    assert client.post("/v1/orders/import", json={}).status_code == 415
    assert client.put("/v1/orders/x", content=b"{}", headers=NDJSON).status_code == 415
    for method, path in (("PUT", "/v1/orders/x"), ("DELETE", "/v1/orders/x"), ("POST", "/v1/orders/import")):
        headers = {"Authorization": "Bearer reader"} | (NDJSON if path.endswith("import") else {})
        body: dict[str, Any] = {"content": b"{}"} if path.endswith("import") else {"json": {}}
        assert client.request(method, path, headers=headers, **body).status_code == 403
    assert client.get("/v1/orders/x", headers={"Authorization": "Bearer eve"}).status_code == 404
