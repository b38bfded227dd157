"""Two workspaces with agents of every role, and browsers of their own for each of them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from api.app import create_app
from api.inbox.desk import Desk
from api.inbox.oidc import CompanyAccounts
from tests.unit.api.conftest import KEYS, PASSWORDS, pipeline
from triage.settings import Settings
from triage.storage import agents, migrate
from triage.storage.database import Database, sqlite_url
from triage.storage.workspace import Workspace, create_workspace
from triage.testing import FixedClock

HERE = "http://127.0.0.1:8000"
OFFICE, ELSEWHERE = "192.0.2.7", "203.0.113.9"


@dataclass
class House:
    """``ann`` is the admin of both workspaces, ``lea`` a lead and ``ada`` an agent of the first; all passwords are "right"."""

    app: FastAPI
    database: Database
    clock: FixedClock

    def browser(self, *, base: str = HERE, address: str = OFFICE, agent: str = "Mozilla/5.0 (X11; Linux) Firefox/140.0",
                language: str = "en") -> TestClient:  # fmt: skip
        headers = {"User-Agent": agent, "Accept-Language": language}
        return TestClient(self.app, base_url=base, client=(address, 50000), headers=headers)

    def log_in(self, login: str = "ada", password: str = "right", **browser: Any) -> TestClient:
        made = self.browser(**browser)
        answer = made.post("/login", data={"name": login, "password": password}, follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return made

    def tries(self, login: str, password: str, **browser: Any) -> int:
        """The status of one try in a new browser."""
        answer = self.browser(**browser).post(
            "/login", data={"name": login, "password": password}, follow_redirects=False
        )
        return answer.status_code

    def post(self, browser: TestClient, address: str, **form: str) -> Any:
        return browser.post(address, data={"token": form_token(browser), **form})

    def rows(self, table: Any, workspace: str = "demo") -> Any:
        return self.database.read(lambda c: Workspace(c, workspace).rows(Workspace(c, workspace).select(table)))

    def agent(self, login: str, workspace: str = "demo") -> agents.Agent:
        found = self.database.read(lambda c: agents.every(Workspace(c, workspace)))
        return next(agent for agent in found if agent.login == login)


def form_token(browser: TestClient, page: str = "/account/password") -> str:
    """The token of the forms that this browser is given."""
    found = re.search(r'name="token" value="(\w+)"', browser.get(page).text)
    assert found
    return found[1]


def build(folder: Path) -> Path:
    """A database file with the two workspaces, to be copied."""
    path = folder / "house.db"
    database = Database(sqlite_url(path))
    migrate.upgrade(database)
    hashed, now = PASSWORDS.hash("right"), datetime.now(UTC)

    def work(connection: Any) -> None:
        for name in ("demo", "kite"):
            create_workspace(connection, name, brand=name.title(), now=now)
        for workspace, login, role in (
            ("demo", "ann", "admin"), ("demo", "lea", "lead"), ("demo", "ada", "agent"), ("kite", "ann", "admin"),
        ):  # fmt: skip
            agents.add(
                Workspace(connection, workspace), login=login, role=role, password_hash=hashed, actor="test", now=now
            )

    database.write(work)
    database.close()
    return path


@contextmanager
def opened(template: Path, folder: Path, company: CompanyAccounts | None = None) -> Iterator[House]:
    """The house, served."""
    shutil.copy(template, folder / "triage.db")
    database, clock = Database(sqlite_url(folder / "triage.db")), FixedClock(datetime.now(UTC))
    desk = Desk(passwords=PASSWORDS, company=company, clock=clock)
    app = create_app(Settings(), keys=KEYS, load_pipeline=pipeline, desk=desk, open_database=lambda: database)
    with TestClient(app):
        yield House(app, database, clock)
