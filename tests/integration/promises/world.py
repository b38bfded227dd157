"""The whole application over a database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI

from api.app import create_app
from api.auth import Key, KeyRing, hash_key
from tests.unit.api.conftest import pipeline
from triage.bootstrap import SystemClock
from triage.channels.webhook import WebhookChannel
from triage.contract import Bands
from triage.jobs.triage_job import TriageJob
from triage.jobs.worker import Worker
from triage.settings import Settings
from triage.storage.database import Database

EVERYTHING = frozenset({"triage", "read", "write", "approve", "articles", "admin", "webhooks"})
KEYS = KeyRing({hash_key(name): Key(id=name, workspace=name, scopes=EVERYTHING) for name in ("shop", "other")})


def start(database: Database, made: Any) -> Worker:
    clock = SystemClock()
    job = TriageJob(database, made, Bands(high=0.8, medium=0.5), clock)
    return Worker(database, job, {"webhook": WebhookChannel()}, clock)


def complete(
    settings: Settings, open_database: Callable[[], Database], *, load: Callable[[], Any] = pipeline, worker: bool = False
) -> FastAPI:  # fmt: skip
    return create_app(
        settings, keys=KEYS, load_pipeline=load, open_database=open_database, start_worker=start if worker else None,
        adapters={"webhook": WebhookChannel()},
    )  # fmt: skip


def name_of(database: Database) -> str:
    return "SQLite" if database.is_sqlite else "PostgreSQL"
