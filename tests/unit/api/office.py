"""A workspace whose admin has the settings open: with a knowledge base, the shipped adapters, and a worker run by hand."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from api.app import create_app
from api.auth import KeyRing
from api.inbox.desk import Desk
from tests.unit.api.conftest import PASSWORDS, pipeline
from triage.bootstrap import build_channels
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.knowledge_base.base import KnowledgeBase
from triage.settings import Settings
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import Workspace
from triage.testing import FixedClock, HashingEncoder
from triage.types import Article


@dataclass
class Office:
    """``browser`` is logged in; ``clock`` is the worker's, a minute ahead of the pages'."""

    browser: TestClient
    database: Database
    base: KnowledgeBase
    worker: Worker
    clock: FixedClock

    def get(self, address: str, status: int = 200, /) -> str:
        answer = self.browser.get(address)
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    def post(self, address: str, status: int = 200, /, **form: Any) -> str:
        """The page that follows."""
        answer = self.browser.post(address, data={"token": self.token(), **form})
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    def upload(self, address: str, content: bytes, status: int = 200, name: str = "file.csv", **form: str) -> str:
        """A form with a file, as a browser sends it."""
        fields = {"token": self.token(), **form}
        answer = self.browser.post(address, data=fields, files={"file": (name, content)})
        assert answer.status_code == status, answer.text
        return unescape(answer.text)

    def token(self) -> str:
        found = re.search(r'name="token" value="([\w-]+)"', self.browser.get("/settings").text)
        assert found
        return found[1]

    def work(self) -> None:
        while self.worker.round():
            pass

    def rows(self, table: Any, workspace: str = "demo") -> Any:
        return self.database.read(lambda c: Workspace(c, workspace).rows(Workspace(c, workspace).select(table)))


@contextmanager
def opened(template: Path, folder: Path, *articles: Article, login: str = "ann", **settings: Any) -> Iterator[Office]:
    """The office, served from a copy of ``template`` (see ``house.build``)."""
    shutil.copy(template, folder / "triage.db")
    database = Database(sqlite_url(folder / "triage.db"))
    base = KnowledgeBase(folder / "kb", HashingEncoder(), seed=articles)
    steps, clock = pipeline(retriever=base), FixedClock(datetime.now(UTC) + timedelta(minutes=1))
    app = create_app(
        Settings(data=folder, allow_private_webhooks=True, **settings), keys=KeyRing({}), load_pipeline=lambda: steps,
        desk=Desk(passwords=PASSWORDS), open_database=lambda: database, adapters=build_channels(),
    )  # fmt: skip
    worker = Worker(database, TriageJob(database, steps, Bands(high=0.8, medium=0.5), clock), {}, clock)
    with ExitStack() as stack:
        browser = stack.enter_context(TestClient(app, headers={"Accept-Language": "en"}))
        answer = browser.post("/login", data={"name": login, "password": "right"}, follow_redirects=False)
        assert answer.status_code == 303
        yield Office(browser, database, base, worker, clock)
