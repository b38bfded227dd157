"""A shop with a browser that is logged in, for tests of the inbox's pages: the fixtures ``open_shop`` and ``shop``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import create_app
from api.inbox.desk import Desk
from tests.integration.storage.scoping import watched
from tests.unit.api.conftest import KEYS, PASSWORDS, pipeline
from triage.agents import first_agent
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.settings import Settings
from triage.storage import migrate, schema
from triage.storage.database import Database, sqlite_url
from triage.storage.intake import receive
from triage.storage.workspace import Workspace, create_workspace
from triage.testing import FixedClassifier, FixedClock
from triage.types import Arrival, Customer, InboundMessage, Sender

__all__ = ["Shop", "empty", "open_shop", "shop"]


@dataclass
class Shop:
    """A workspace with a browser that is logged in; ``clock`` is the worker's, a minute ahead of the pages'."""

    browser: TestClient
    database: Database
    worker: Worker
    clock: FixedClock
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1000)))

    def write(self, text: str, *, by: str = "anna", channel: str = "chat", **fields: Any) -> str:
        """Takes a message in, not yet triaged; its conversation."""
        name = fields.pop("name", by)
        kept = {key: fields.pop(key) for key in ("kind", "attachments") if key in fields}
        message = InboundMessage(text=text, channel=channel, customer=Customer(name=name), **fields)
        sender = Sender(handle=by, email=f"{by}@customers.example")
        arrival = Arrival(external_id=f"m{next(self.numbers)}", message=message, sender=sender, **kept)
        return receive(self.database, "demo", arrival, now=datetime.now(UTC)).conversation_id

    def work(self) -> None:
        while self.worker.round():
            pass

    def received(self, text: str, **fields: Any) -> str:
        """A message taken in and triaged; its conversation."""
        found = self.write(text, **fields)
        self.work()
        return found

    def page(self, conversation: str) -> str:
        return self.browser.get(f"/conversations/{conversation}").text

    def post(self, address: str, **form: str) -> Any:
        return self.browser.post(address, data={"token": self.token(), **form})

    def token(self) -> str:
        return form_token(self.browser.get("/try").text)

    def state(self, conversation: str) -> dict[str, Any]:
        return dict(next(row for row in self.rows(schema.conversations) if row["id"] == conversation))

    def colleague(self, login: str, role: str = "agent") -> None:
        """One more agent, who has the first one's password."""
        (first,) = [row for row in self.rows(schema.agents) if row["login"] == "agent"]
        self.database.write(
            lambda c: Workspace(c, "demo").insert(
                schema.agents, **{**first, "id": f"agt_{login}", "login": login, "name": login, "role": role}
            )
        )

    def rows(self, table: Any) -> Any:
        return self.database.read(lambda c: Workspace(c, "demo").rows(Workspace(c, "demo").select(table)))

    def draft(self, conversation: str) -> dict[str, Any]:
        """The newest draft of the conversation."""
        return dict([row for row in self.rows(schema.drafts) if row["conversation_id"] == conversation][-1])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema, one workspace and its first agent, to be copied."""
    path = tmp_path_factory.mktemp("inbox") / "empty.db"
    database = Database(sqlite_url(path))
    migrate.upgrade(database)
    database.write(lambda c: create_workspace(c, "demo", brand="Tamaro", now=datetime.now(UTC)))
    first_agent(database, PASSWORDS, configured="right")
    database.close()
    return path


@pytest.fixture
def open_shop(tmp_path: Path, empty: Path) -> Iterator[Callable[..., Shop]]:
    opened: list[TestClient] = []

    def make(classifier: FixedClassifier | None = None) -> Shop:
        shutil.copy(empty, tmp_path / "triage.db")
        database = Database(sqlite_url(tmp_path / "triage.db"))
        desk = Desk(passwords=PASSWORDS)
        app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, desk=desk, open_database=lambda: database)
        client = TestClient(app)
        opened.append(client)
        client.__enter__()
        clock = FixedClock(datetime.now(UTC) + timedelta(minutes=1))
        job = TriageJob(database, pipeline(classifier), Bands(high=0.8, medium=0.5), clock)
        return Shop(client, database, Worker(database, job, {}, clock), clock)

    with watched():
        yield make
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def shop(open_shop: Callable[..., Shop]) -> Shop:
    made = open_shop()
    assert made.browser.post("/login", data={"name": "agent", "password": "right"}).status_code == 200
    return made


def form_token(page: str) -> str:
    found = re.search(r'name="token" value="(\w+)"', page)
    assert found
    return found[1]
