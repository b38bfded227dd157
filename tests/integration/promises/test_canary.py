"""Promise 16: logs, metrics, jobs, events, audit and delivery rows hold no text of a message and no secret."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Table
from starlette.testclient import TestClient

from tests.integration.promises.conftest import Figure
from tests.integration.promises.test_poison import FailsOnPoison
from tests.integration.promises.world import complete, name_of
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from tests.integration.test_desk import until
from triage.channels.standard_webhooks import key_of, sign
from triage.settings import Settings
from triage.storage import inbounds, jobs, schema
from triage.storage.database import Database

CANARY = "kanarienvogel"
SECRET = "whsec_a2FuYXJpZW52b2dlbC1rYW5hcmllbnZvZ2Vs"
WITHOUT_TEXT: tuple[Table, ...] = (
    schema.jobs, schema.events, schema.audit, schema.deliveries, schema.outbox, schema.idempotency_keys,
    schema.seen_deliveries,
)  # fmt: skip


@pytest.fixture
def client(database_url: str) -> Iterator[TestClient]:
    app = complete(Settings(), lambda: Database(database_url), load=FailsOnPoison, worker=True)
    headers = {"Authorization": "Bearer shop"}
    with TestClient(app, headers=headers, raise_server_exceptions=False) as opened:
        yield opened


def test_a_canary_is_found_in_no_log_metric_job_event_audit_or_delivery(
    database: Database, client: TestClient, caplog: pytest.LogCaptureFixture, figure: Figure
) -> None:
    caplog.set_level(logging.DEBUG)
    in_shop(
        database,
        lambda w: w.insert(
            schema.webhooks, id="whk_1", url="http://127.0.0.1:9/", secret=SECRET, types=[], created_at=NOW
        ),
    )
    inbound = in_shop(
        database,
        lambda w: inbounds.create(w, channel="chat", adapter="webhook", secret=SECRET, settings={}, now=NOW),
    )
    _everything_that_happens(client, inbound)
    until(lambda: database.read(jobs.waiting) <= 1)  # the poison waits for its next attempt
    until(lambda: not [row for row in rows(database, schema.outbox) if row["state"] in ("queued", "sending")])
    assert {row["state"] for row in rows(database, schema.outbox)} == {"sent", "failed"}
    metrics = client.get("/metrics").text
    assert "triage_requests_total" in metrics
    # httpx2 is the tests' own client, which tells the addresses that it calls.
    told = [logging.Formatter().format(record) for record in caplog.records if record.name != "httpx2"]
    places = {"logs": "\n".join(told), "metrics": metrics}
    for table in WITHOUT_TEXT:
        places[table.name] = json.dumps([dict(row) for row in rows(database, table)], default=str)
    assert len(told) >= 3  # what went wrong was told
    assert CANARY in json.dumps([row["text"] for row in rows(database, schema.messages)])  # where it belongs, it is
    secret = SECRET.removeprefix("whsec_")
    found = [name for name, content in places.items() if CANARY in content.lower() or secret in content]
    assert found == []
    size = sum(len(content) for content in places.values())
    figure(
        f"16  canary at DEBUG ({name_of(database)}): 0 occurrences in {size // 1024} KiB of logs, metrics and "
        f"{len(WITHOUT_TEXT)} tables ({len(told)} log lines)"
    )


def _everything_that_happens(client: TestClient, inbound: str) -> None:
    """Each kind of call, sound and not, with the canary wherever a person's words may stand."""

    def message(key: str, **more: Any) -> dict[str, Any]:
        return {
            "text": f"Where is my {CANARY} parcel? {key}", "subject": CANARY, "channel": "chat", "external_id": key,
            "sender": {"handle": f"h{key}", "name": CANARY, "email": f"{CANARY}.{key}@mail.example"}, **more,
        }  # fmt: skip

    def keep(key: str, **more: Any) -> Any:
        return client.post("/v1/messages?wait=true", json=message(key, **more)).json()

    sent = keep("m1")
    revised = client.put(
        f"/v1/drafts/{sent['draft']['id']}", json={"text": f"{CANARY} draft", "revision": 1}
    ).json()["revision"]  # fmt: skip
    approval = {"text": f"Dear {CANARY}", "revision": revised}
    assert client.post(f"/v1/drafts/{sent['draft']['id']}/approve", json=approval).status_code == 200
    assert client.post(f"/v1/drafts/{sent['draft']['id']}/approve", json=approval).status_code == 409
    rejected = keep("m2")
    body = {"reason": "wrong_answer", "comment": CANARY}
    assert client.post(f"/v1/drafts/{rejected['draft']['id']}/reject", json=body).status_code == 200
    assert client.post(f"/v1/messages/{rejected['id']}/labels", json={"intent": "complaint"}).status_code < 500
    client.post("/v1/messages", json=message("m3", text=f"poison {CANARY}"))
    client.post("/v1/messages", json=message("m1"))
    client.post("/v1/messages", json=message("m4"), headers={"Idempotency-Key": "k"})
    client.post("/v1/messages", json=message("m5"), headers={"Idempotency-Key": "k"})
    assert client.post("/v1/messages", json=message("m6", unknown=CANARY)).status_code == 422
    assert client.post("/v1/messages", json=message("m7", channel=CANARY)).status_code == 422
    assert client.post("/v1/messages", content=f'{{"text": "{CANARY}').status_code in (400, 415)
    assert client.post("/v1/triage", json={"text": f"{CANARY} poison", "channel": "chat"}).status_code == 500
    assert client.get("/v1/conversations", params={"q": CANARY}).json()["conversations"]
    # Through the webhook: a sound one whose answer has nowhere to go, and one that cannot be read.
    for key, content in (("w1", json.dumps(message("w1"))), ("w2", f"[{CANARY}")):
        headers = sign([key_of(SECRET)], id=key, now=datetime.now(UTC), body=content.encode())
        answer = client.post(
            f"/v1/channels/chat/{inbound}", content=content, headers={**headers, "content-type": "application/json"}
        )
        assert answer.status_code == 200
    assert client.post(f"/v1/channels/chat/{inbound}", content=CANARY).status_code == 401
    kept = client.get("/v1/conversations", params={"q": "w1"}).json()["conversations"][0]["id"]
    draft = until(lambda: client.get(f"/v1/conversations/{kept}").json()["messages"][0]["draft"])
    approval = {"text": f"Dear {CANARY}", "revision": 1}
    assert client.post(f"/v1/drafts/{draft['id']}/approve", json=approval).status_code == 200
