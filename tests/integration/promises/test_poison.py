"""Promise 4: a message or delivery that cannot be worked on never stands in the way of the next, and stays visible."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.integration.promises.conftest import Figure
from tests.integration.promises.nursery import chat
from tests.integration.promises.world import complete
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from tests.unit.api.conftest import pipeline
from triage.channels.standard_webhooks import key_of, new_secret, sign
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.settings import Settings
from triage.storage import conversations, inbounds, intake, schema
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.testing import FixedClock
from triage.types import InboundMessage

MALFORMED = 300


class FailsOnPoison:
    """The pipeline, with a fault that one text brings out."""

    def __init__(self) -> None:
        self._inner = pipeline()

    def triage(self, message: InboundMessage, *options: Any) -> Any:
        if "poison" in message.text:
            raise RuntimeError(message.text)
        return self._inner.triage(message, *options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def test_a_poison_message_is_given_up_and_shown_and_the_next_are_triaged(database: Database, figure: Figure) -> None:
    clock = FixedClock(NOW)
    job = TriageJob(database, FailsOnPoison(), Bands(high=0.8, medium=0.5), clock)  # type: ignore[arg-type]
    worker = Worker(database, job, {}, clock)
    poison = intake.receive(database, "shop", chat("poison", "w0"), now=NOW)
    behind = intake.receive(database, "shop", chat("behind", "w0"), now=NOW)
    others = [intake.receive(database, "shop", chat(f"m{n}", f"w{n + 1}"), now=NOW) for n in range(5)]

    def states() -> dict[str, str]:
        return {row["id"]: row["state"] for row in rows(database, schema.messages)}

    while worker.round():
        pass
    now = states()
    assert [now[message.message_id] for message in others] == [
        "triaged"
    ] * 5  # at once, not after the poison's attempts
    for _ in range(10):
        clock.moment += timedelta(minutes=1)
        while worker.round():
            pass
    now = states()
    assert (now[poison.message_id], now[behind.message_id]) == ("failed", "triaged")
    shown = database.read(lambda c: conversations.get_conversation(Workspace(c, "shop"), poison.conversation_id))
    assert [(m.row["external_id"], m.row["failure"]) for m in shown.messages] == [
        ("poison", "RuntimeError"), ("behind", None),
    ]  # fmt: skip
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    figure(f" 4  poison message ({name}): given up and shown; 6 of 6 others triaged")


def test_a_failed_message_alone_has_a_clock_so_that_it_is_seen(database: Database) -> None:
    clock = FixedClock(NOW)
    job = TriageJob(database, FailsOnPoison(), Bands(high=0.8, medium=0.5), clock)  # type: ignore[arg-type]
    worker = Worker(database, job, {}, clock)
    poison = intake.receive(database, "shop", chat("poison", "w0"), now=NOW)
    for _ in range(10):
        while worker.round():
            pass
        clock.moment += timedelta(minutes=1)
    intake.receive(database, "shop", chat("fine", "w1"), now=clock.now())
    while worker.round():
        pass
    page = database.read(lambda c: conversations.find(Workspace(c, "shop"), conversations.Filter(status="open")))
    assert page.rows[0]["id"] == poison.conversation_id  # before all that the assistant could read
    assert page.rows[0]["due_at"] is not None


@pytest.fixture
def receiver(database_url: str) -> Iterator[TestClient]:
    app = complete(Settings(), lambda: Database(database_url))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_malformed_deliveries_are_quarantined_and_never_a_server_error(
    receiver: TestClient, database: Database, figure: Figure
) -> None:
    secret = new_secret()
    inbound = in_shop(
        database,
        lambda w: inbounds.create(w, channel="chat", adapter="webhook", secret=secret, settings={}, now=NOW),
    )
    random = Random(4)
    bodies = list(dict.fromkeys(_malformed(random) for _ in range(MALFORMED)))
    quarantined = accepted = 0
    for number, body in enumerate(bodies):
        headers = sign([key_of(secret)], id=f"d{number}", now=datetime.now(UTC), body=body)
        answer = receiver.post(
            f"/v1/channels/chat/{inbound}", content=body, headers={**headers, "content-type": "application/json"}
        )
        assert answer.status_code == 200, (answer.status_code, body[:80])
        quarantined += answer.json()["quarantined"]
        accepted += answer.json()["received"] - answer.json()["duplicates"]
    kept = rows(database, schema.raw_deliveries)
    assert len(kept) == quarantined
    assert {bytes(row["body"]) for row in kept} <= set(bodies)
    assert quarantined > len(bodies) // 2
    # And the next one that is sound goes through.
    sound = json.dumps({"text": "Where is my parcel?", "external_id": "sound", "sender": {"handle": "anna"}}).encode()
    headers = sign([key_of(secret)], id="sound", now=datetime.now(UTC), body=sound)
    answer = receiver.post(
        f"/v1/channels/chat/{inbound}", content=sound, headers={**headers, "content-type": "application/json"}
    )
    assert (answer.status_code, answer.json()["received"]) == (200, 1)
    assert len(rows(database, schema.messages)) == accepted + 1
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    figure(
        f" 4  malformed deliveries ({name}): {len(bodies)} signed, {quarantined} quarantined, {accepted} harmless, 0 × 5xx"
    )


def test_malformed_bodies_to_the_api_are_refused_and_never_a_server_error(
    receiver: TestClient, database: Database, figure: Figure
) -> None:
    random = Random(5)
    counts: dict[int, int] = {}
    headers = {"Authorization": "Bearer shop", "Content-Type": "application/json"}
    for _ in range(MALFORMED):
        answer = receiver.post("/v1/messages", content=_malformed(random), headers=headers)
        counts[answer.status_code] = counts.get(answer.status_code, 0) + 1
    assert max(counts) < 500, counts
    assert counts.get(201, 0) == len(rows(database, schema.messages))
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    told = ", ".join(f"{count} × {status}" for status, count in sorted(counts.items()))
    figure(f" 4  malformed bodies to POST /v1/messages ({name}): {told}, 0 × 5xx")


def _malformed(random: Random) -> bytes:
    """A sound body with something done to it, or nonsense."""
    sound: dict[str, Any] = {
        "text": "Where is my parcel?", "external_id": f"m{random.random()}", "sender": {"handle": "anna"}, "subject": "Hello",
        "channel": "chat", "received_at": "2026-05-04T09:30:00Z",
    }  # fmt: skip
    odd: list[Any] = [
        None, [], {}, 0, -1, 1e308, True, "", "\0", "\ud800", "x" * 70_000, "2026-13-99", [[[]]], {"a": {"b": []}}, "\u202e",
    ]  # fmt: skip
    kind = random.randrange(7)
    if kind == 0:
        return random.randbytes(random.randrange(1, 200))
    if kind == 1:
        body = json.dumps(sound).encode()
        return body[: random.randrange(1, len(body) - 1)]
    if kind == 2:
        return json.dumps(random.choice(odd)).encode()
    if kind == 3:
        return b"[" * random.randrange(100, 20_000) + b"%d" % random.randrange(1000)
    if kind == 4:
        body = bytearray(json.dumps(sound).encode())
        for _ in range(random.randrange(1, 5)):
            body[random.randrange(len(body))] = random.randrange(256)
        return bytes(body)
    field = random.choice(list(sound))
    sound[field] = random.choice(odd)
    if kind == 6:
        sound.pop("text")
    return json.dumps(sound).encode()
