"""A database, receivers on real sockets that fail as told, and an application of the routes under test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.testclient import TestClient

from api import problems
from api.auth import Key, KeyRing, RateLimit, hash_key
from api.limits import Limits, Metrics
from api.v1.channels.endpoints import router as channels_router
from api.v1.inbounds.endpoints import router as inbounds_router
from api.v1.quarantine.endpoints import router as quarantine_router
from api.v1.webhooks.endpoints import router as webhooks_router
from triage.channels.webhook import WebhookChannel
from triage.storage import migrate, schema
from triage.storage.database import Database, sqlite_url

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answers:
    """What a receiver does with one request. ``status`` None: takes it and drops the line without a word."""

    status: int | None = 204
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    drip: bool = False
    hang: bool = False


class Receiver:
    """An HTTP server on this machine that answers as its ``script`` says, then 204."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.script: list[Answers] = []
        self.released = threading.Event()
        self._guard = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                answers = receiver._take(
                    Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                with contextlib.suppress(OSError):
                    self._answer(answers)
                self.close_connection = True

            def _answer(self, answers: Answers) -> None:
                if answers.hang:
                    receiver.released.wait()
                elif answers.drip:
                    while not receiver.released.wait(0.01):
                        self.wfile.write(b"H")
                        self.wfile.flush()
                elif answers.status is not None:
                    self.send_response(answers.status)
                    for name, value in {"Content-Length": str(len(answers.body)), **answers.headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(answers.body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def _take(self, seen: Seen) -> Answers:
        with self._guard:
            self.seen.append(seen)
            return self.script.pop(0) if self.script else Answers()

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class Ticking:
    """A clock that stands still until told."""

    def __init__(self, start: datetime = NOW) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def pass_by(self, **units: float) -> None:
        self._now += timedelta(**units)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(sqlite_url(tmp_path / "triage.db"))
    migrate.upgrade(opened)
    rows = [{"id": name, "brand": name, "settings": {}, "created_at": NOW} for name in ("shop", "other")]
    opened.write(lambda connection: connection.execute(schema.workspaces.insert(), rows))
    yield opened
    opened.close()


@pytest.fixture
def make_receiver() -> Iterator[Callable[..., Receiver]]:
    opened: list[Receiver] = []

    def make(*script: Answers) -> Receiver:
        receiver = Receiver()
        receiver.script = list(script)
        opened.append(receiver)
        return receiver

    yield make
    for receiver in opened:
        receiver.close()


@pytest.fixture
def clock() -> Ticking:
    return Ticking()


MOST_WAITING = 4
EVERYTHING = frozenset({"webhooks", "admin", "read", "write"})


@pytest.fixture
def app(database: Database) -> FastAPI:
    app = FastAPI()
    app.state.keys = KeyRing(
        {
            hash_key(name): Key(id=name, workspace=workspace, scopes=scopes)
            for name, workspace, scopes in (
                ("shop", "shop", EVERYTHING), ("other", "other", EVERYTHING), ("weak", "shop", frozenset({"read"})),
            )
        }
    )  # fmt: skip
    app.state.rate = RateLimit(100_000)
    app.state.database, app.state.adapters = database, {"webhook": WebhookChannel()}
    app.state.channels = ("amazon", "chat", "email")
    app.state.woken = 0
    app.state.allow_private_webhooks = False

    def wake() -> None:
        app.state.woken += 1

    app.state.wake = wake
    app.add_middleware(Limits, metrics=Metrics(CollectorRegistry()), most_waiting=MOST_WAITING)
    problems.install(app)
    for router in (channels_router, inbounds_router, webhooks_router, quarantine_router):
        app.include_router(router)
    return app


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, headers={"Authorization": "Bearer shop"}, raise_server_exceptions=False) as client:
        yield client
