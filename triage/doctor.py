"""``triage doctor``: what a person would check by hand when something does not work."""

from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from triage.bootstrap import load_articles, model_folder
from triage.errors import TriageError
from triage.models.manifest import Manifest
from triage.settings import Settings
from triage.storage import migrate
from triage.storage.database import Database, sqlite_url

LEAST_FREE = 200 * 2**20


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at."""

    name: str
    passed: bool
    detail: str


def examine(settings: Settings | None = None) -> Iterator[Check]:
    """Every check in turn; none changes anything but for a probe file in the data folder."""
    settings = settings or Settings()
    yield Check(name="python", passed=sys.version_info >= (3, 11), detail=sys.version.split()[0])
    yield _attempt("weights", lambda: f"version {Manifest.read(model_folder(settings)).version}, every hash fits")
    yield _attempt("knowledge base", lambda: f"{len(load_articles(settings))} articles")
    yield _attempt("data folder", lambda: _writable(settings))
    yield _attempt("database", lambda: _database(settings))
    # https://www.sqlite.org/releaselog/3_51_3.html: earlier releases can corrupt a database on a WAL reset.
    yield Check(
        name="sqlite",
        passed=True,
        detail=f"{sqlite3.sqlite_version}"
        + ("" if sqlite3.sqlite_version_info >= (3, 51, 3) else "; before 3.51.3 a WAL reset can corrupt a database"),
    )


def _attempt(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name=name, passed=True, detail=look())
    except (TriageError, OSError) as error:
        return Check(name=name, passed=False, detail=str(error))


def _database(settings: Settings) -> str:
    url = settings.database_url.get_secret_value() if settings.database_url else None
    path = settings.data / "triage.db"
    if url is None and not path.exists():
        return f"{path} is made at the first start"
    database = Database(url or sqlite_url(path))
    try:
        revision = migrate.current(database)
    finally:
        database.close()
    kind = "SQLite" if database.is_sqlite else "PostgreSQL"
    newest = migrate.newest()
    return f"{kind}, schema {revision}" + ("" if revision == newest else f"; {newest} is made at the next start")


def _writable(settings: Settings) -> str:
    settings.data.mkdir(parents=True, exist_ok=True)
    probe = settings.data / f".probe-{os.getpid()}"
    probe.write_bytes(b"x")
    probe.unlink()
    free = shutil.disk_usage(settings.data).free
    if free < LEAST_FREE:
        raise OSError(f"{settings.data}: only {free // 2**20} MB free")
    return f"{settings.data.resolve()}, {free // 2**30} GB free"
