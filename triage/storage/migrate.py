"""Brings a database to the newest schema, with alembic; the API and the worker do so at start."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from triage.errors import ConfigurationError
from triage.storage.database import Database

_LOCK = 0x7472_6961_6765  # "triage": one process migrates, the others wait


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def newest() -> str:
    """The revision that this program needs."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None
    return head


def current(database: Database) -> str | None:
    """The revision that the database has; None for an empty one."""
    return database.read(lambda connection: MigrationContext.configure(connection).get_current_revision())


def upgrade(database: Database, revision: str = "head") -> None:
    """Runs the migrations that are missing, all in one transaction; does nothing where none is.

    Raises:
        ConfigurationError: the database was made by a newer version of this program.
    """

    def work(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
        if found is not None and found not in known:
            raise ConfigurationError(f"the database has revision {found!r}, made by a newer version of this program")
        command.upgrade(_config(connection), revision)

    database.write(work)
