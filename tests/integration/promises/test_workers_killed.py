"""Promise 7: no work is stuck when a worker is killed, and a conversation's messages are triaged in their order."""

from __future__ import annotations

import signal
from collections import Counter
from datetime import timedelta
from pathlib import Path

from tests.integration.promises.conftest import Figure, Nursery
from tests.integration.promises.nursery import SENDING_STEPS, STEPS, chat
from tests.integration.storage.conftest import NOW
from tests.integration.storage.test_spine import in_shop, rows
from triage.storage import drafts, inbounds, intake, schema
from triage.storage.database import Database

LEASE_IS_OVER = timedelta(minutes=4)


def test_a_worker_killed_at_any_step_leaves_nothing_stuck(
    database: Database, database_url: str, nursery: Nursery, figure: Figure, tmp_path: Path
) -> None:
    inbound = in_shop(
        database,
        lambda w: inbounds.create(w, channel="chat", adapter="fake", secret=None, settings={}, now=NOW),
    )
    now, taken = NOW, tmp_path / "taken"
    taken.touch()
    for number in range(9):
        intake.receive(database, "shop", chat(f"m{number}", f"w{number % 3}"), now=now, inbound_id=inbound)

    def work(step: str | None) -> int:
        pid = nursery("work", url=database_url, now=now.isoformat(), step=step, taken=str(taken))
        code: int = nursery("wait", pid=pid)
        return code

    for step in STEPS:
        assert work(step) == -signal.SIGKILL, step
        now += LEASE_IS_OVER
    assert work(None) == 0
    jobs = rows(database, schema.jobs)
    assert Counter(job["state"] for job in jobs) == {"done": 9}
    assert len(rows(database, schema.triages)) == len(rows(database, schema.drafts)) == 9
    _in_order(database)

    pending = [draft for draft in rows(database, schema.drafts) if draft["state"] == "pending"]
    assert len(pending) == 3
    for draft, step in zip(pending, SENDING_STEPS, strict=True):
        moment = now
        in_shop(
            database,
            lambda w, d=draft, at=moment: drafts.approve(w, d["id"], text="Today.", revision=1, actor="ann", now=at),
        )
        assert work(step) == -signal.SIGKILL, step
        now += LEASE_IS_OVER
    assert work(None) == 0
    replies = rows(database, schema.outbox)
    assert Counter(reply["state"] for reply in replies) == {"uncertain": 3}
    assert Counter(d["state"] for d in rows(database, schema.drafts) if d["state"] != "superseded") == {"uncertain": 3}
    gone = taken.read_text(encoding="utf-8").split()
    assert len(gone) == len(set(gone)) == 1
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    steps = len(STEPS) + len(SENDING_STEPS)
    figure(f" 7  worker killed at {steps} steps ({name}): 0 stuck, 0 out of order, 0 replies sent twice")


def test_a_message_that_kills_every_worker_takes_no_other_with_it(
    database: Database, database_url: str, nursery: Nursery, figure: Figure, tmp_path: Path
) -> None:
    """As a fault in native code would: no exception, no outcome, the process is gone."""
    now = NOW
    intake.receive(database, "shop", chat("deadly", "w0"), now=now)
    for number in range(6):
        intake.receive(database, "shop", chat(f"m{number}", f"w{number + 1}"), now=now)
    killed = 0
    taken = str(tmp_path / "taken")
    for _ in range(10):
        pid = nursery("work", url=database_url, now=now.isoformat(), step="at deadly", taken=taken)
        killed += nursery("wait", pid=pid) == -signal.SIGKILL
        now += LEASE_IS_OVER
    states = {row["external_id"]: row["state"] for row in rows(database, schema.messages)}
    assert states.pop("deadly") == "failed"
    assert Counter(states.values()) == {"triaged": 6}
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    figure(f" 4  message that kills each worker ({name}): given up after {killed} kills, 6 of 6 others triaged")


def _in_order(database: Database) -> None:
    order = {row["id"]: (row["conversation_id"], row["seq"]) for row in rows(database, schema.messages)}
    events = sorted(
        (row for row in rows(database, schema.events) if row["type"] == "message.triaged"),
        key=lambda row: (row["created_at"], row["id"]),
    )
    last: dict[str, int] = {}
    for event in events:
        conversation, seq = order[event["data"]["message_id"]]
        assert seq > last.get(conversation, 0)
        last[conversation] = seq
