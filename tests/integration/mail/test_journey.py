"""One customer, two channels, one order: mail in, a person's approval, mail out; then the webhook, and the draft that knows."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from tests.integration.mail.servers import PASSWORD, MailServer
from tests.integration.mail.test_mailserver import mail, mailbox_of_ana, write
from tests.integration.storage.conftest import empty_sqlite  # noqa: F401 - a fixture
from tests.unit.api.conftest import pipeline
from triage.bootstrap import SystemClock, build_channels
from triage.channels import standard_webhooks
from triage.contract import Bands
from triage.jobs.mail import Mailboxes
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.settings import Settings
from triage.storage.database import Database, sqlite_url

EVERYTHING = frozenset({"read", "write", "approve", "admin"})
ORDER = "302-4471908-6625313"


@pytest.fixture
def database(empty_sqlite: Path, tmp_path: Path) -> Iterator[Database]:  # noqa: F811
    path = tmp_path / "triage.db"
    shutil.copy(empty_sqlite, path)
    opened = Database(sqlite_url(path))
    yield opened
    opened.close()


@pytest.fixture
def shop(database: Database) -> Iterator[TestClient]:
    def worker(database: Database, ready: Any) -> Worker:
        clock = SystemClock()
        return Worker(database, TriageJob(database, ready, Bands(high=0.8, medium=0.5), clock), build_channels(), clock)

    keys = KeyRing({hash_key("shop"): Key(id="shop", workspace="shop", scopes=EVERYTHING)})
    app = create_app(
        Settings(), keys=keys, load_pipeline=pipeline, open_database=lambda: database, start_worker=worker,
        adapters=build_channels(),
    )  # fmt: skip
    with TestClient(app, headers={"Authorization": "Bearer shop"}) as client:
        yield client


def eventually(look: Any) -> Any:
    ends = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < ends, "it never came"
        time.sleep(0.05)
    return found


def test_one_customer_writes_by_mail_and_then_through_the_webhook(
    shop: TestClient, database: Database, server: MailServer
) -> None:
    settings = {
        "address": "support@shop.example", "name": "Tamaro",
        "smtp": {"host": "127.0.0.1", "port": server.smtp, "security": "starttls", "ca_file": str(server.certificate)},
        "imap": {
            "host": "127.0.0.1", "port": server.imaps, "user": "support@shop.example", "password": PASSWORD,
            "ca_file": str(server.certificate),
        },
    }  # fmt: skip
    opened = shop.post("/v1/inbounds", json={"channel": "email", "adapter": "email", "settings": settings})
    assert opened.status_code == 201, opened.text
    assert PASSWORD not in opened.text

    write(server, mail("journey", f"Hello, my order {ORDER} is late. Where is it?"))
    mailboxes = Mailboxes(database, SystemClock())
    eventually(lambda: mailboxes.round() and _of(shop, "journey"))
    summary = eventually(lambda: next((c for c in _of(shop, "journey") if c["intent"]), None))
    first = shop.get(f"/v1/conversations/{summary['id']}").json()
    draft = first["messages"][0]["draft"]
    text = draft["text"].strip() + "\n\nYour parcel arrives on Tuesday.\n"
    approved = shop.post(f"/v1/drafts/{draft['id']}/approve", json={"text": text, "revision": 1})
    assert approved.status_code == 200

    answer = eventually(lambda: next((m for m in mailbox_of_ana(server) if m["Subject"] == "Re: journey"), None))
    assert answer["In-Reply-To"] == "<journey@home.example>"
    arrived = answer.get_payload(decode=True).decode().replace("\r\n", "\n")
    assert arrived.rstrip("\n") == text.rstrip("\n")

    secret = standard_webhooks.new_secret()
    hook = shop.post("/v1/inbounds", json={"channel": "chat", "adapter": "webhook", "secret": secret}).json()
    body = json.dumps(
        {
            "text": f"I asked before: where is {ORDER}?", "external_id": "chat-1", "channel": "chat",
            "sender": {"handle": "ana", "email": "ana@home.example"},
        }
    ).encode()  # fmt: skip
    signed = standard_webhooks.sign([standard_webhooks.key_of(secret)], id="d1", now=datetime.now(UTC), body=body)
    shop.post(hook["path"], content=body, headers={**signed, "content-type": "application/json"}).raise_for_status()
    second = eventually(lambda: next((c for c in _listed(shop) if c["channel"] == "chat" and c["intent"]), None))
    assert second["customer_id"] == first["customer_id"]
    chat = shop.get(f"/v1/conversations/{second['id']}").json()["messages"][0]
    (before,) = chat["triage"]["asked_before"]
    assert before["conversation_id"] == first["id"]
    assert before["answered_at"] is not None
    assert "earlier" in chat["draft"]["text"]  # the draft says that we know of it
    timeline = shop.get(f"/v1/customers/{first['customer_id']}/timeline").json()
    assert len(json.dumps(timeline).split(ORDER)) > 2


def _listed(shop: TestClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.get("/v1/conversations").json()["conversations"]
    return found


def _of(shop: TestClient, subject: str) -> list[dict[str, Any]]:
    return [conversation for conversation in _listed(shop) if conversation["subject"] == subject]
