"""Promise 11: a reply that a provider may have taken is never sent again by itself, and is shown as uncertain."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from tests.integration.promises.conftest import Figure
from tests.integration.promises.nursery import chat
from tests.integration.promises.world import name_of
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from tests.unit.api.conftest import pipeline
from triage.channels.standard_webhooks import new_secret
from triage.channels.webhook import WebhookChannel
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.storage import drafts, inbounds, intake, schema
from triage.storage.database import Database
from triage.testing import FixedClock

REPLIES = 10


@dataclass
class Provider:
    """Takes each request whole, keeps its id, and drops the line without an answer."""

    listening: socket.socket
    taken: list[str] = field(default_factory=list)

    def run(self) -> None:
        while True:
            try:
                line, _ = self.listening.accept()
            except OSError:
                return
            with line:
                request = b""
                while b"\r\n\r\n" not in request:
                    request += line.recv(65536)
                head, _, body = request.partition(b"\r\n\r\n")
                fields = dict(row.lower().split(b": ", 1) for row in head.split(b"\r\n")[1:])
                while len(body) < int(fields[b"content-length"]):
                    body += line.recv(65536)
                self.taken.append(fields[b"idempotency-key"].decode())


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider(socket.create_server(("127.0.0.1", 0)))
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.listening.shutdown(socket.SHUT_RDWR)
    made.listening.close()
    thread.join()


def test_a_provider_that_takes_and_drops_the_line_gets_each_reply_once(
    database: Database, provider: Provider, figure: Figure
) -> None:
    port = provider.listening.getsockname()[1]
    settings = {"reply_url": f"http://127.0.0.1:{port}/replies"}
    inbound = in_shop(
        database,
        lambda w: inbounds.create(
            w, channel="chat", adapter="webhook", secret=new_secret(), settings=settings, now=NOW
        ),
    )
    clock = FixedClock(NOW)
    job = TriageJob(database, pipeline(), Bands(high=0.8, medium=0.5), clock)
    worker = Worker(database, job, {"webhook": WebhookChannel()}, clock)
    for number in range(REPLIES):
        intake.receive(database, "shop", chat(f"m{number}", f"w{number}"), now=NOW, inbound_id=inbound)
    _drain(worker)
    for draft in rows(database, schema.drafts):
        in_shop(
            database,
            lambda w, d=draft: drafts.approve(w, d["id"], text="Today.", revision=1, actor="ann", now=NOW),
        )
    for _ in range(12):
        _drain(worker)
        clock.moment += timedelta(hours=7)
    assert Counter(provider.taken) == {row["id"]: 1 for row in rows(database, schema.outbox)}
    assert Counter(row["state"] for row in rows(database, schema.outbox)) == {"uncertain": REPLIES}
    assert Counter(row["state"] for row in rows(database, schema.drafts)) == {"uncertain": REPLIES}
    told = [row for row in rows(database, schema.events) if row["type"] == "reply.failed"]
    assert [row["data"]["uncertain"] for row in told] == [True] * REPLIES
    figure(
        f"11  provider takes and drops the line ({name_of(database)}): {REPLIES} replies, {len(provider.taken)} taken, "
        f"{REPLIES} shown as uncertain, 0 duplicates"
    )


def _drain(worker: Worker) -> None:
    while worker.round():
        pass
