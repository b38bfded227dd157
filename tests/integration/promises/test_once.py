"""Promise 2: the same delivery many times over makes one message, one triage, one draft."""

from __future__ import annotations

import threading
from collections import Counter

from tests.integration.promises.conftest import Figure, Nursery
from tests.integration.storage.test_spine import rows
from tests.unit.api.conftest import pipeline
from triage.bootstrap import SystemClock
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.storage import schema
from triage.storage.database import Database

IDS, THREADS, PROCESSES, WRITERS = 50, 20, 2, 10


def test_repeated_deliveries_at_once_make_one_message_one_triage_one_draft(
    database: Database, database_url: str, nursery: Nursery, figure: Figure
) -> None:
    pids = [
        nursery("deliver", url=database_url, ids=IDS, threads=THREADS, seed=100 * number) for number in range(PROCESSES)
    ]
    assert [nursery("wait", pid=pid) for pid in pids] == [0] * PROCESSES
    found = Counter(row["external_id"] for row in rows(database, schema.messages))
    assert found == {f"id-{number}": 1 for number in range(IDS)}
    assert len(rows(database, schema.jobs)) == IDS
    assert len(rows(database, schema.customers)) == len(rows(database, schema.conversations)) == WRITERS
    for conversation in rows(database, schema.conversations):
        numbers = sorted(
            m["seq"] for m in rows(database, schema.messages) if m["conversation_id"] == conversation["id"]
        )
        assert numbers == list(range(1, len(numbers) + 1))

    job = TriageJob(database, pipeline(), Bands(high=0.8, medium=0.5), SystemClock())

    def work() -> None:
        worker = Worker(database, job, {}, SystemClock())
        while worker.round():
            pass

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    work()
    assert Counter(row["state"] for row in rows(database, schema.jobs)) == {"done": IDS}
    assert len(rows(database, schema.triages)) == len(rows(database, schema.drafts)) == IDS
    pending = Counter(d["conversation_id"] for d in rows(database, schema.drafts) if d["state"] == "pending")
    assert pending == {row["id"]: 1 for row in rows(database, schema.conversations)}
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    figure(
        f" 2  {IDS * THREADS * PROCESSES} deliveries of {IDS} ids, {THREADS} threads in {PROCESSES} processes ({name}): "
        f"{len(found)} messages, {IDS} triages, {IDS} drafts, 0 duplicates"
    )
