"""What endpoints over the durable store share: whose transaction it is, and the caller's key by scope."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from api.auth import Key, authenticate
from triage.storage.database import Database
from triage.storage.workspace import Workspace

T = TypeVar("T")


class Store:
    """One request's view of the database: the caller's workspace, one transaction a call."""

    def __init__(self, database: Database, key: Key) -> None:
        self._database, self.key, self.workspace_id = database, key, key.workspace
        self.now = datetime.now(UTC)

    @property
    def actor(self) -> str:
        """Who stands in the audit trail."""
        return f"key:{self.key.id}"

    def read(self, work: Callable[[Workspace], T]) -> T:
        return self._database.read(lambda connection: work(Workspace(connection, self.workspace_id)))

    def write(self, work: Callable[[Workspace], T]) -> T:
        return self._database.write(lambda connection: work(Workspace(connection, self.workspace_id)))


def _reading(request: Request) -> Store:
    """A key with the scope ``read``."""
    return Store(request.app.state.database, authenticate(request, "read"))


def _writing(request: Request) -> Store:
    """A key with the scope ``write``."""
    return Store(request.app.state.database, authenticate(request, "write"))


def _approving(request: Request) -> Store:
    """A key with the scope ``approve``."""
    return Store(request.app.state.database, authenticate(request, "approve"))


Reading = Annotated[Store, Depends(_reading)]
Writing = Annotated[Store, Depends(_writing)]
Approving = Annotated[Store, Depends(_approving)]
