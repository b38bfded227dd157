"""The one place where queries are bound to a workspace.

Repositories never build a statement by themselves: they ask a ``Workspace`` for one, which already holds the condition (and,
on insert, the value) of the workspace's id. ``tests/integration/storage`` refuses a statement on a scoped table without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Delete,
    Executable,
    FromClause,
    Row,
    RowMapping,
    Select,
    Table,
    Update,
    and_,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from triage.storage.schema import workspaces


def create_workspace(connection: Connection, workspace: str, *, brand: str, now: datetime) -> bool:
    """Makes a workspace, unless there is one with this id; True where it is new."""
    if connection.execute(select(workspaces.c.id).where(workspaces.c.id == workspace)).first() is not None:
        return False
    connection.execute(insert(workspaces), {"id": workspace, "brand": brand, "settings": {}, "created_at": now})
    return True


class Workspace:
    """One transaction seen from one workspace.

    Attributes:
        id: the workspace's.
    """

    def __init__(self, connection: Connection, workspace: str) -> None:
        self._connection, self.id = connection, workspace

    def owns(self, table: Table | FromClause) -> ColumnElement[bool]:
        """The condition that a row of ``table`` is this workspace's; for joins, ``select`` adds it by itself."""
        return table.c.workspace_id == self.id

    def select(self, table: Table | FromClause, *columns: Any) -> Select[Any]:
        """Rows of ``table``: all of its columns where none are named."""
        return select(*(columns or (table,))).select_from(table).where(self.owns(table))

    def join(
        self, statement: Select[Any], table: Table, *conditions: ColumnElement[bool], outer: bool = False
    ) -> Select[Any]:
        """``statement`` joined with this workspace's rows of ``table``."""
        return statement.join(table, and_(self.owns(table), *conditions), isouter=outer)

    def update(self, table: Table) -> Update:
        return update(table).where(self.owns(table))

    def delete(self, table: Table) -> Delete:
        return delete(table).where(self.owns(table))

    def insert(self, table: Table, **values: Any) -> None:
        """One new row.

        Raises:
            IntegrityError: a rule of the schema is broken.
        """
        self._connection.execute(insert(table), {"workspace_id": self.id, **values})

    def insert_many(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        if rows:
            self._connection.execute(insert(table), [{"workspace_id": self.id, **row} for row in rows])

    def insert_new(self, table: Table, **values: Any) -> bool:
        """One new row, unless any unique rule says that there is one already; True where it was new."""
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = build(table).values(workspace_id=self.id, **values).on_conflict_do_nothing()
        # Drivers differ in what they count for an insert; what comes back is sure.
        return self._connection.execute(statement.returning(table.c.workspace_id)).first() is not None

    def upsert(self, table: Table, key: Sequence[str], **values: Any) -> None:
        """One row, replacing what stood under ``key`` (column names, ``workspace_id`` left out)."""
        build = sqlite.insert if self._connection.dialect.name == "sqlite" else postgresql.insert
        statement = build(table).values(workspace_id=self.id, **values)
        changed = {name: statement.excluded[name] for name in values if name not in key}
        self._connection.execute(statement.on_conflict_do_update(index_elements=["workspace_id", *key], set_=changed))

    def run(self, statement: Executable) -> int:
        """Executes an update or a delete; the number of rows that it changed."""
        return self._connection.execute(statement).rowcount

    def rows(self, statement: Executable) -> Sequence[RowMapping]:
        return self._connection.execute(statement).mappings().all()

    def first(self, statement: Executable) -> RowMapping | None:
        return self._connection.execute(statement).mappings().first()

    def value(self, statement: Executable) -> Any:
        """The first column of the first row, None without a row."""
        return self._connection.execute(statement).scalar()

    def tuples(self, statement: Executable) -> Sequence[Row[Any]]:
        return self._connection.execute(statement).all()
