"""``POST /v1/channels/…``: what is signed is kept, what is not leaves no row; and the admin's side of it."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.exc import DataError
from standardwebhooks import Webhook as Library
from starlette.testclient import TestClient

from tests.integration.webhooks.conftest import MOST_WAITING
from triage.channels import standard_webhooks
from triage.errors import SignatureRefused, StorageUnavailable
from triage.storage import intake, schema
from triage.storage.database import Database
from triage.types import Delivery

BODY = {"text": "Where is my order TM-10428?", "external_id": "m-1", "sender": {"email": "anna@example.com"}}
PLAIN = {"signature": {"header": "x-shop-signature", "prefix": "sha256="}}


def open_inbound(client: TestClient, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/inbounds", json={"channel": "chat", **body})
    assert response.status_code == 201, response.text
    return response.json()  # type: ignore[no-any-return]


@pytest.fixture
def inbound(client: TestClient) -> dict[str, Any]:
    return open_inbound(client)


def raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def signed(secret: str, body: bytes, *, id: str = "msg_1", age: timedelta = timedelta()) -> dict[str, str]:
    return standard_webhooks.sign(
        [standard_webhooks.key_of(secret)], id=id, now=datetime.now(UTC) - age, body=body
    )  # fmt: skip


def deliver(client: TestClient, inbound: dict[str, Any], body: Any, **options: Any) -> Any:
    content = raw(body)
    headers = {"Authorization": "", "Content-Type": "application/json", **signed(inbound["secret"], content, **options)}
    return client.post(inbound["path"], content=content, headers=headers)


def rows(database: Database) -> dict[str, int]:
    tables = (schema.messages, schema.jobs, schema.raw_deliveries, schema.customers)
    return database.read(
        lambda c: {t.name: c.execute(select(func.count()).select_from(t)).scalar_one() for t in tables}
    )  # fmt: skip


NOTHING = {"messages": 0, "jobs": 0, "raw_deliveries": 0, "customers": 0}


def test_a_signed_message_is_kept_with_its_job(
    client: TestClient, app: FastAPI, inbound: dict[str, Any], database: Database
) -> None:
    response = deliver(client, inbound, BODY)
    assert response.status_code == 200
    assert response.json() == {"received": 1, "duplicates": 0, "quarantined": False}
    assert rows(database) == {"messages": 1, "jobs": 1, "raw_deliveries": 0, "customers": 1}
    stored = database.read(lambda c: c.execute(select(schema.messages)).mappings().one())
    assert (stored["workspace_id"], stored["channel"], stored["inbound_id"]) == ("shop", "chat", inbound["id"])
    assert app.state.woken == 1


def test_the_library_of_the_specification_is_understood(client: TestClient, inbound: dict[str, Any]) -> None:
    body, now = json.dumps(BODY), datetime.now(UTC)
    headers = {
        "webhook-id": "msg_2", "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Library(inbound["secret"]).sign("msg_2", now, body),
    }  # fmt: skip
    assert client.post(inbound["path"], content=body, headers=headers).json()["received"] == 1


def test_a_repeat_is_a_duplicate_and_a_week_later_it_is_stale(
    client: TestClient, inbound: dict[str, Any], database: Database
) -> None:
    for body in (BODY, {"text": "No id of its own"}):
        assert deliver(client, inbound, body).json()["duplicates"] == 0
        assert deliver(client, inbound, body).json() == {"received": 1, "duplicates": 1, "quarantined": False}
    assert deliver(client, inbound, BODY, age=timedelta(days=7)).status_code == 401
    assert rows(database)["messages"] == rows(database)["jobs"] == 2


def truth_table(secret: str, body: bytes) -> dict[str, tuple[dict[str, str], bytes]]:
    good = signed(secret, body)
    signature = good["webhook-signature"]
    changed = signature[:-2] + ("B=" if signature[-2] == "A" else "A=")
    other = signed(standard_webhooks.new_secret(), body)
    return {
        "missing": ({}, body),
        "no id": ({k: v for k, v in good.items() if k != "webhook-id"}, body),
        "no time": ({k: v for k, v in good.items() if k != "webhook-timestamp"}, body),
        "no signature": ({k: v for k, v in good.items() if k != "webhook-signature"}, body),
        "wrong": ({**good, "webhook-signature": "v1,AAAA"}, body),
        "empty": ({**good, "webhook-signature": ""}, body),
        "stale": (signed(secret, body, age=timedelta(seconds=310)), body),
        "a week old": (signed(secret, body, age=timedelta(days=7)), body),
        "from the future": (signed(secret, body, age=-timedelta(seconds=310)), body),
        "other secret": (other, body),
        "not ASCII": ({**good, "webhook-signature": "v1,ÿþłó"}, body),
        "id not ASCII": ({**good, "webhook-id": "żółć"}, body),
        "time not ASCII": ({**good, "webhook-timestamp": "١٦١٤"}, body),
        "a byte more": (good, body + b" "),
        "a byte less": (good, body[:-1]),
        "a byte changed": (good, body.replace(b"W", b"V", 1)),
        "signature a byte changed": ({**good, "webhook-signature": changed}, body),
        "another id": ({**good, "webhook-id": "msg_9"}, body),
        "another time": ({**good, "webhook-timestamp": str(int(good["webhook-timestamp"]) - 1)}, body),
        "plain signature instead": (
            {"x-shop-signature": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}, body,
        ),
    }  # fmt: skip


def test_the_truth_table_of_signatures(client: TestClient, database: Database, capsys: Any) -> None:
    inbound = open_inbound(client)
    secretless = open_inbound(client)
    database.write(
        lambda c: c.execute(schema.inbound.update().where(schema.inbound.c.id == secretless["id"]).values(secret=None))
    )
    plain = open_inbound(client, secret="a plain secret of ours", settings=PLAIN)
    statuses = []
    for target in (inbound, secretless, plain):
        for headers, body in truth_table(inbound["secret"], raw(BODY)).values():
            encoded = {name: value.encode() for name, value in headers.items()}
            statuses.append(client.post(target["path"], content=body, headers=encoded).status_code)
    for target in (secretless, plain):  # a right one, at the wrong door
        content = raw(BODY)
        headers = signed(inbound["secret"], content)
        statuses.append(client.post(target["path"], content=content, headers=headers).status_code)
    accepted, faults = sum(s < 300 for s in statuses), sum(s >= 500 for s in statuses)
    with capsys.disabled():
        print(f"\nsignatures: {len(statuses)} forged, {accepted} accepted, {faults} x 500")
    assert set(statuses) == {401}
    assert rows(database) == NOTHING


def test_a_plain_signature_is_taken_where_it_is_configured(client: TestClient, database: Database) -> None:
    secret = "a plain secret of ours"
    inbound = open_inbound(client, secret=secret, settings=PLAIN)
    digest = hmac.new(secret.encode(), raw(BODY), hashlib.sha256).hexdigest()
    for duplicates in (0, 1):
        answer = client.post(inbound["path"], content=raw(BODY), headers={"X-Shop-Signature": f"sha256={digest}"})
        assert answer.json()["duplicates"] == duplicates
    assert rows(database)["messages"] == 1


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 50_000, {"text": 5}, {"txt": "CANARY"}, [1], 5, None])
def test_signed_but_unreadable_is_kept_raw(
    client: TestClient, inbound: dict[str, Any], database: Database, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        response = deliver(client, inbound, body)
        assert response.status_code == 200
        assert response.json() == {"received": 0, "duplicates": 0, "quarantined": True}
    assert rows(database) == {**NOTHING, "raw_deliveries": 1}
    kept = database.read(lambda c: c.execute(select(schema.raw_deliveries)).mappings().one())
    assert (kept["body"], kept["inbound_id"], kept["workspace_id"]) == (raw(body), inbound["id"], "shop")
    assert kept["headers"]["webhook-id"] == "msg_1"
    assert not {"webhook-signature", "authorization"} & kept["headers"].keys()
    assert "CANARY" not in kept["reason"] + caplog.text
    assert deliver(client, inbound, BODY).json()["received"] == 1


def test_what_could_not_be_read_is_seen_fetched_and_dealt_with(client: TestClient, inbound: dict[str, Any]) -> None:
    deliver(client, inbound, {"text": 7})
    (held,) = client.get("/v1/quarantine").json()["deliveries"]
    assert (held["channel"], held["inbound_id"], held["size"]) == ("chat", inbound["id"], len(raw({"text": 7})))
    path = f"/v1/quarantine/{held['id']}"
    fetched = client.get(path)
    assert fetched.content == raw({"text": 7})
    assert fetched.headers["content-disposition"].startswith("attachment")
    foreign = {"Authorization": "Bearer other"}
    assert client.get("/v1/quarantine", headers=foreign).json() == {"deliveries": []}
    assert client.get(path, headers=foreign).status_code == 404
    assert client.post(f"{path}/release", headers=foreign).status_code == 404
    assert client.post(f"{path}/release").status_code == 204
    assert client.get("/v1/quarantine").json() == {"deliveries": []}


def test_one_bad_message_of_a_batch_is_kept_raw_and_the_others_go_on(
    client: TestClient, inbound: dict[str, Any], database: Database
) -> None:
    batch = [{"text": "a", "external_id": "1"}, {"text": 7}, {"text": "c", "external_id": "3"}]
    assert deliver(client, inbound, batch).json() == {"received": 2, "duplicates": 0, "quarantined": True}
    assert rows(database)["messages"] == 2


def test_a_message_that_the_database_refuses_is_kept_raw(
    client: TestClient, inbound: dict[str, Any], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = intake.receive

    def receive(database: Any, workspace: Any, arrival: Any, **more: Any) -> Any:
        if arrival.external_id == "poison":
            raise DataError("CANARY", {}, Exception())
        return real(database, workspace, arrival, **more)

    monkeypatch.setattr(intake, "receive", receive)
    batch = [{"text": "a", "external_id": "poison"}, {"text": "b", "external_id": "2"}]
    assert deliver(client, inbound, batch).json() == {"received": 1, "duplicates": 0, "quarantined": True}
    assert rows(database)["messages"] == rows(database)["raw_deliveries"] == 1


def test_an_adapter_that_fails_loses_nothing(
    client: TestClient, app: FastAPI, inbound: dict[str, Any], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("CANARY")

    monkeypatch.setattr(app.state.adapters["webhook"], "parse", parse)
    assert deliver(client, inbound, BODY).json()["quarantined"] is True
    kept = database.read(lambda c: c.execute(select(schema.raw_deliveries)).mappings().one())
    assert kept["reason"] == "the adapter failed with ZeroDivisionError"


def test_a_ping_is_answered(client: TestClient, inbound: dict[str, Any], database: Database) -> None:
    assert deliver(client, inbound, {"type": "ping"}).json() == {"received": 0, "duplicates": 0, "quarantined": False}
    assert rows(database) == NOTHING


@pytest.mark.parametrize("place", ["read", "write"])
def test_a_database_that_is_down_is_503_and_then_all_goes_on(
    client: TestClient, inbound: dict[str, Any], database: Database, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def refuse(*_: Any) -> Any:
        raise StorageUnavailable("the database does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(database, place, refuse)
        for body in (BODY, {"txt": "unreadable"}):
            response = deliver(client, inbound, body)
            assert response.status_code == 503
            assert int(response.headers["Retry-After"]) > 0
    assert rows(database) == NOTHING
    assert deliver(client, inbound, BODY).json()["received"] == 1


def test_overload_is_503_and_never_429(client: TestClient, app: FastAPI, inbound: dict[str, Any]) -> None:
    inner, arrived, free = app.state.adapters["webhook"], threading.Semaphore(0), threading.Event()

    class Slow:
        name = "webhook"

        def verify(self, *_: Any, **__: Any) -> None:
            arrived.release()
            free.wait()

        parse = inner.parse

    app.state.adapters["webhook"] = Slow()
    answers: list[Any] = []
    work = [
        threading.Thread(target=lambda: answers.append(deliver(client, inbound, BODY))) for _ in range(MOST_WAITING)
    ]
    try:
        for thread in work:
            thread.start()
            arrived.acquire()
        refused = deliver(client, inbound, BODY)
    finally:
        free.set()
        for thread in work:
            thread.join()
    assert refused.status_code == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert [answer.status_code for answer in answers] == [200] * MOST_WAITING


def test_a_delivery_is_at_most_4_mib_of_any_type(client: TestClient, inbound: dict[str, Any]) -> None:
    large = raw({"text": "x" * 3_000_000, "external_id": "large"})
    headers = {"Content-Type": "text/plain", **signed(inbound["secret"], large)}
    assert client.post(inbound["path"], content=large, headers=headers).json()["received"] == 1
    too_large = b" " * (4 * 1024 * 1024 + 1)
    assert deliver(client, inbound, too_large).status_code == 413
    assert client.post(inbound["path"], content=iter([b" " * 1_000_000] * 5)).status_code == 413


def test_where_nothing_is_open_is_404_and_other_methods_405(client: TestClient, inbound: dict[str, Any]) -> None:
    unknown = {**inbound, "path": "/v1/channels/chat/inb_0"}
    assert deliver(client, unknown, BODY).status_code == 404
    assert deliver(client, {**inbound, "path": inbound["path"].replace("chat", "email")}, BODY).status_code == 404
    assert client.get(inbound["path"]).status_code == 405
    assert client.delete(f"/v1/inbounds/{inbound['id']}").status_code == 204
    assert deliver(client, inbound, BODY).status_code == 404


def test_an_adapter_of_the_plain_protocol_takes_nothing_here_either(
    client: TestClient, app: FastAPI, database: Database
) -> None:
    class Mailbox:
        name = "mailbox"

        def verify(self, delivery: Delivery, *, secrets: Sequence[str], settings: object, now: datetime) -> None:
            raise SignatureRefused("nothing comes in by HTTP")

    app.state.adapters["mailbox"] = Mailbox()
    inbound = open_inbound(
        client, adapter="mailbox", secret=None, settings={"password": "CANARY", "host": "mail.example"}
    )
    assert client.post(inbound["path"], content=b"{}").status_code == 401
    assert "CANARY" not in client.get("/v1/inbounds").text
    assert rows(database) == NOTHING


def test_the_secret_is_shown_once_and_passwords_never(client: TestClient) -> None:
    made = open_inbound(client, secret=standard_webhooks.new_secret(), settings={"mapping": {"text": "t"}})
    assert made["secret"].startswith("whsec_")
    listed = client.get("/v1/inbounds").text + client.get(f"/v1/inbounds/{made['id']}").text
    assert made["secret"] not in listed
    assert '"mapping"' in listed


def test_another_workspace_sees_nothing(client: TestClient, inbound: dict[str, Any]) -> None:
    other = {"Authorization": "Bearer other"}
    assert client.get("/v1/inbounds", headers=other).json() == {"inbounds": []}
    assert client.get(f"/v1/inbounds/{inbound['id']}", headers=other).status_code == 404
    assert client.delete(f"/v1/inbounds/{inbound['id']}", headers=other).status_code == 404
    assert client.get("/v1/inbounds", headers={"Authorization": "Bearer weak"}).status_code == 403
    assert client.get("/v1/inbounds", headers={"Authorization": ""}).status_code == 401


@pytest.mark.parametrize(
    ("body", "field"),
    [({"adapter": "pigeon"}, "adapter"), ({"channel": "fax"}, "channel"), ({"settings": {"mapping": {}}}, "settings"),
     ({"secret": "whsec_c2hvcnQ="}, "settings"), ({"settings": {"reply_url": "http://shop.example"}}, "settings")],
)  # fmt: skip
def test_a_wrong_inbound_is_refused(client: TestClient, body: dict[str, Any], field: str) -> None:
    response = client.post("/v1/inbounds", json={"channel": "chat", **body})
    assert response.status_code == 422
    assert response.json()["field"] == field


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.binary(), st.dictionaries(st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), st.binary())
)
def test_any_bytes_are_401_and_leave_nothing(
    client: TestClient, inbound: dict[str, Any], database: Database, body: bytes, headers: dict[str, bytes]
) -> None:
    sendable = {name: bytes(b for b in value if b not in b"\r\n\0") for name, value in headers.items()}
    assert client.post(inbound["path"], content=body, headers=sendable).status_code == 401  # type: ignore[arg-type]
    assert rows(database) == NOTHING


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(body=st.binary())
def test_any_signed_bytes_are_kept_or_in_quarantine(client: TestClient, inbound: dict[str, Any], body: bytes) -> None:
    response = deliver(client, inbound, body)
    assert response.status_code == 200
    assert response.json()["quarantined"] is True
