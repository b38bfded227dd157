"""The schema that the migrations make is the schema that the program means."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from triage.errors import ConfigurationError
from triage.storage import migrate, schema
from triage.storage.database import Database, sqlite_url


def test_migrations_and_tables_agree(database: Database) -> None:
    def differences(connection: object) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})  # type: ignore[arg-type]
        return compare_metadata(context, schema.metadata)

    assert database.read(differences) == []
    assert migrate.current(database) == migrate.newest()


def test_an_upgrade_of_the_newest_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)
    assert database.read(lambda c: c.execute(text("SELECT count(*) FROM workspaces")).scalar_one()) == 2


def test_a_database_of_a_newer_program_is_refused(database: Database) -> None:
    database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(ConfigurationError, match="newer version"):
        migrate.upgrade(database)


def test_an_interrupted_migration_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database(sqlite_url(tmp_path / "new.db"))

    def broken(*_: object) -> None:
        raise RuntimeError("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.schema.CreateIndex.__init__", broken)
        with pytest.raises(RuntimeError):
            migrate.upgrade(database)
    assert migrate.current(database) is None
    migrate.upgrade(database)
    assert migrate.current(database) == migrate.newest()
    database.close()
