"""What endpoints over the durable store share: whose transaction it is, and the caller's key by scope."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request

from api.auth import authenticate
from triage.storage.database import Database
from triage.storage.workspace import Workspace

T = TypeVar("T")


class Store:
    """One request's view of the database: the caller's workspace, one transaction a call.

    Attributes:
        actor: who stands in the audit trail.
        now: one moment for the whole request.
    """

    def __init__(self, database: Database, workspace_id: str, *, actor: str) -> None:
        self._database, self.workspace_id, self.actor = database, workspace_id, actor
        self.now = datetime.now(UTC)

    def read(self, work: Callable[[Workspace], T]) -> T:
        return self._database.read(lambda connection: work(Workspace(connection, self.workspace_id)))

    def write(self, work: Callable[[Workspace], T]) -> T:
        return self._database.write(lambda connection: work(Workspace(connection, self.workspace_id)))


def store_of(request: Request, scope: str) -> Store:
    """The store of the caller's key.

    Raises:
        Problem: as ``authenticate`` does.
    """
    key = authenticate(request, scope)
    return Store(request.app.state.database, key.workspace, actor=f"key:{key.id}")


def _reading(request: Request) -> Store:
    """A key with the scope ``read``."""
    return store_of(request, "read")


def _writing(request: Request) -> Store:
    """A key with the scope ``write``."""
    return store_of(request, "write")


def _approving(request: Request) -> Store:
    """A key with the scope ``approve``."""
    return store_of(request, "approve")


def _administering(request: Request) -> Store:
    """A key with the scope ``admin``."""
    return store_of(request, "admin")


Reading = Annotated[Store, Depends(_reading)]
Writing = Annotated[Store, Depends(_writing)]
Approving = Annotated[Store, Depends(_approving)]
Administering = Annotated[Store, Depends(_administering)]
