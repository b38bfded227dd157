"""A real server over a data folder of its own, and what customers and agents do to it from outside the browser."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from triage.agents import add_agent
from triage.bootstrap import WORKSPACE
from triage.settings import Settings

KEY = "tk_of_the_browser_tests"
PASSWORD = "quiet river under birches"
ADMIN, LEAD, AGENT = "agent", "lena", "omar"
PATIENCE = 120
"""Seconds until something counts as not happening; a busy machine is slow, not wrong."""
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}

_Cookies = list[dict[str, Any]]


@dataclass
class Shop:
    """A running server.

    Attributes:
        address: its origin, without a slash at the end.
        data: its folder.
    """

    address: str
    data: Path
    _sessions: dict[str, _Cookies] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The answer of the API to ``body`` as JSON."""
        request = urllib.request.Request(
            self.address + path, json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}, method=method,
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            return json.load(response)

    def write(
        self, text: str, *, by: str | None = None, channel: str = "chat", wait: bool = True, **fields: Any
    ) -> dict[str, Any]:
        """A customer's message, triaged when this returns unless ``wait`` is false; of a new customer unless ``by`` names one."""
        number = next(self._numbers)
        handle = by.lower().replace(" ", ".") if by else f"customer-{os.getpid()}-{number}"
        body = {
            "text": text, "channel": channel, "external_id": f"browser-{os.getpid()}-{number}",
            "sender": {"handle": handle, "name": by},
        }  # fmt: skip
        found: dict[str, Any] = self.call("POST", f"/v1/messages{'?wait=true' if wait else ''}", body | fields)
        return found

    def enter(self, browser: Browser, login: str = ADMIN, **options: Any) -> BrowserContext:
        """A fresh browser profile in which ``login`` is logged in."""
        context = browser.new_context(**({"base_url": self.address, "viewport": DESKTOP, "locale": "en-GB"} | options))
        patient(context)
        if login not in self._sessions:
            page = context.new_page()
            log_in(page, login)
            self._sessions[login] = context.cookies()  # type: ignore[assignment]
            page.close()
        context.add_cookies(self._sessions[login])  # type: ignore[arg-type]
        return context


def patient(context: BrowserContext) -> None:
    context.set_default_timeout(PATIENCE * 1000)
    context.set_default_navigation_timeout(PATIENCE * 1000)


def log_in(page: Page, login: str, password: str = PASSWORD) -> None:
    """Through the form, as a person does."""
    page.goto("/login")
    page.locator("input[name=name]").fill(login)
    page.locator("input[name=password]").fill(password)
    page.locator("button.primary").click()
    page.wait_for_url(lambda url: not url.rstrip("/").endswith("/login"))


@contextmanager
def serving(data: Path, *, port: int = 0, **environment: str) -> Iterator[Shop]:
    """The server as ``make run`` starts it, over ``data``."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("TRIAGE_")}
    known = {
        "HOST": "127.0.0.1", "PORT": str(port), "OMP_NUM_THREADS": "1", "TRIAGE_DATA": str(data), "TRIAGE_API_KEY": KEY,
        "TRIAGE_AGENT_PASSWORD": PASSWORD, "TRIAGE_LOG_LEVEL": "WARNING", "TRIAGE_REQUESTS_PER_MINUTE": "100000",
    }  # fmt: skip
    log = data.with_suffix(".log")
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "triage.cli", "serve"], env={**inherited, **known, **environment},
            stdout=subprocess.PIPE, stderr=errors, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        try:
            found = re.search(r"http://[\d.:]+", process.stdout.readline())
            assert found, log.read_text()
            shop = Shop(found[0], data)
            _until_ready(shop)
            yield shop
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


def prepare(data: Path) -> None:
    """The demo shop with three agents, all of its messages triaged; the server that did so is stopped again."""
    with serving(data) as shop:
        until_triaged(shop)
    settings = Settings(data=data)
    for login, role in ((LEAD, "lead"), (AGENT, "agent")):
        add_agent(settings, login, role=role, workspace=WORKSPACE, name=login.title(), password=PASSWORD)


def copied(data: Path, target: Path) -> Path:
    """A folder that a server prepared, for one of its own."""
    shutil.copytree(data, target)
    return target


def waiting(shop: Shop) -> int:
    """How many jobs are not done yet."""
    with closing(sqlite3.connect(f"file:{shop.data / 'triage.db'}?mode=ro", uri=True)) as database:
        counted: int = database.execute("select count(*) from jobs where state in ('queued', 'running')").fetchone()[0]
    return counted


def until_triaged(shop: Shop) -> None:
    """Returns once the worker has nothing left to do."""
    ends = time.monotonic() + 5 * PATIENCE
    while waiting(shop):
        assert time.monotonic() < ends, "the messages are not triaged"
        time.sleep(0.2)


def _until_ready(shop: Shop) -> None:
    ends = time.monotonic() + PATIENCE
    while True:
        try:
            urllib.request.urlopen(shop.address + "/readyz", timeout=PATIENCE).close()
            return
        except OSError:
            assert time.monotonic() < ends, "the server is not ready"
            time.sleep(0.1)
