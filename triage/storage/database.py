"""The database: SQLite in one file by default, PostgreSQL where ``TRIAGE_DATABASE_URL`` names one.

``Database.write`` is one transaction and returns once it is on disk. SQLite commits with one fsync at a time, so writes that
wait are committed together: each in a savepoint of its own, all with one fsync. Who fails takes only its own part back.
"""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from triage.errors import ConfigurationError, StorageUnavailable

T = TypeVar("T")
Work = Callable[[Connection], T]

MOST_TOGETHER = 64
"""Writes under one fsync; more would make the first of them wait for the last."""
BUSY_SECONDS = 5
ATTEMPTS = 4
"""Of a transaction that PostgreSQL took back because it and another waited for each other."""
QUIET = "quiet"


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


class Database:
    """Opens connections, runs transactions. Safe to use from many threads; ``close`` when done.

    Args:
        url: ``sqlite:///file`` or ``postgresql+psycopg://…``.

    Raises:
        ConfigurationError: an address that is none, or of another database.
    """

    def __init__(self, url: str, *, pool: int = 20) -> None:
        try:
            parsed = make_url(url)
        except SQLAlchemyError as error:
            raise ConfigurationError("TRIAGE_DATABASE_URL is no database address") from error
        backend = parsed.get_backend_name()
        if backend not in ("sqlite", "postgresql"):
            raise ConfigurationError(f"TRIAGE_DATABASE_URL names {backend!r}; sqlite and postgresql are supported")
        if backend == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.is_sqlite = backend == "sqlite"
        arguments: dict[str, Any] = (
            {"timeout": BUSY_SECONDS, "check_same_thread": False} if self.is_sqlite else {"connect_timeout": 5}
        )
        # At DEBUG, SQLAlchemy logs the rows that it reads, with the messages' texts.
        logging.getLogger(f"sqlalchemy.engine.Engine.{QUIET}").setLevel(logging.WARNING)
        self.engine: Engine = create_engine(
            parsed, connect_args=arguments, pool_size=pool, max_overflow=0, pool_timeout=10, pool_pre_ping=not self.is_sqlite,
            hide_parameters=True,  # an error's text goes to the log, a message's never
            logging_name=QUIET,
        )  # fmt: skip
        self._writer: _GroupedWrites | None = None
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
            self._writer = _GroupedWrites(self.engine)

    def read(self, work: Work[T]) -> T:
        """``work`` in one consistent snapshot.

        Raises:
            StorageUnavailable: the database cannot be reached or is locked.
        """
        try:
            with self.engine.connect() as connection, connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
                return work(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise _translated(error) from error

    def write(self, work: Work[T]) -> T:
        """``work`` as one transaction; returns once it is durable. Whatever ``work`` raises takes it back.

        ``work`` may run in another thread, again where another transaction was in its way, and must not start a write of its
        own.

        Raises:
            StorageUnavailable: the database cannot be reached, the disk is full; nothing was kept.
        """
        if self._writer is not None:
            return self._writer.submit(work).result()
        attempt = 1
        while True:
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, PoolTimeout) as error:
                if attempt == ATTEMPTS or not _was_in_the_way(error):
                    raise _translated(error) from error
                attempt += 1

    def check(self) -> None:
        """One small question.

        Raises:
            StorageUnavailable: it was not answered.
        """
        self.read(lambda connection: connection.execute(text("SELECT 1")).scalar_one())

    def purge(self) -> bool:
        """Clears the bytes of deleted rows from the file and its log; False where something that reads it was in the way.

        ``secure_delete`` overwrites what it frees, but not what a page held before its cells were moved to another; so the
        file is written anew. Other writes wait as long as that takes. PostgreSQL clears by itself (autovacuum).

        Raises:
            StorageUnavailable: the disk has no room for a second copy, or another process is writing.
        """
        if self._writer is None:
            return True
        try:
            with self._writer.turn, self.engine.connect() as connection:
                driver = cast("sqlite3.Connection", connection.connection.driver_connection)
                driver.execute("VACUUM")
                busy, _, _ = driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                return bool(busy == 0)
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(f"the database file could not be cleared ({error.sqlite_errorname})") from error
        except (DBAPIError, PoolTimeout) as error:
            raise _translated(error) from error

    def close(self) -> None:
        """Waits for writes under way, then closes every connection."""
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


def _translated(error: Exception) -> Exception:
    """What callers see: a broken rule stays what it is, a database that does not answer is StorageUnavailable."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    ):
        return StorageUnavailable(f"the database does not answer ({type(error).__name__})")
    return error


def _was_in_the_way(error: Exception) -> bool:
    """Whether the same transaction may succeed at once: a deadlock, or a snapshot that another commit made impossible."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in ("40P01", "40001")


def _prepare_sqlite(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver would start transactions by itself, too late for IMMEDIATE
    for pragma in (
        "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}",
        "cache_size=-32000", "temp_store=MEMORY", "secure_delete=ON",
    ):  # fmt: skip
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A write that began as a read can be refused half-way when another writer came first; one that begins as a write waits.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class _GroupedWrites:
    """One thread that owns all writes: takes what waits, runs each in a savepoint, commits once, then answers."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.turn = threading.Lock()
        """Held while writing, so that nothing else of this process waits for the file's lock."""
        self._waiting: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def submit(self, work: Work[T]) -> Future[T]:
        future: Future[T] = Future()
        with self._guard:
            if self._closed:
                raise StorageUnavailable("the database is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
                self._thread.start()
            self._waiting.put((work, future))
        return future

    def close(self) -> None:
        with self._guard:
            self._closed = True
            thread = self._thread
            self._waiting.put(None)
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        closing = False
        while not closing:
            item = self._waiting.get()
            group: list[tuple[Work[Any], Future[Any]]] = []
            while True:
                if item is None:
                    closing = True
                    break
                group.append(item)
                if len(group) == MOST_TOGETHER or self._waiting.empty():
                    break
                item = self._waiting.get()
            if group:
                with self.turn:
                    self._commit(group)

    def _commit(self, group: list[tuple[Work[Any], Future[Any]]]) -> None:
        outcomes: list[tuple[Future[Any], Any, BaseException | None]] = []
        try:
            with self._engine.connect().execution_options(writes=True) as connection, connection.begin():
                for work, future in group:
                    try:
                        with connection.begin_nested():
                            outcomes.append((future, work(connection), None))
                    except BaseException as error:
                        if _breaks_transaction(connection, error):
                            raise
                        outcomes.append((future, None, error))
        except BaseException as error:  # nothing of the group was kept
            translated = _translated(error) if isinstance(error, Exception) else error
            for _, future in group:
                future.set_exception(translated)
            return
        for future, value, failure in outcomes:
            if failure is None:
                future.set_result(value)
            else:
                future.set_exception(_translated(failure) if isinstance(failure, Exception) else failure)


def _breaks_transaction(connection: Connection, error: BaseException) -> bool:
    """Whether SQLite rolled the whole transaction back: a full disk, a lost file, no memory (sqlite.org/lang_transaction)."""
    driver = cast("sqlite3.Connection", connection.connection.driver_connection)
    return isinstance(error, DBAPIError) and not driver.in_transaction
