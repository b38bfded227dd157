"""Saved views of the queue: named filters, of one agent or for all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, or_

from triage.errors import InvalidMessage, Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.workspace import Workspace

MOST = 30
"""Views of one agent, and again views for all."""
LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True)
class View:
    """``filters``: the queue's fields by name; ``shared``: everybody sees it."""

    id: str
    name: str
    owner: str
    shared: bool
    filters: Mapping[str, str]


def listed(workspace: Workspace, login: str) -> tuple[View, ...]:
    """The agent's own views and those for all, by name."""
    table = schema.saved_views
    rows = workspace.rows(
        workspace.select(table).where(or_(table.c.shared.is_(True), table.c.owner == login)).order_by(table.c.id)
    )
    views = (
        View(id=row["id"], name=row["name"], owner=row["owner"], shared=row["shared"], filters=row["filters"])
        for row in rows
    )
    return tuple(sorted(views, key=lambda view: (not view.shared, view.name.casefold())))


def save(
    workspace: Workspace, *, name: str, filters: Mapping[str, str], login: str, shared: bool, actor: str, now: datetime
) -> str:  # fmt: skip
    """A new view; its id. One of the same name, owner and kind is replaced.

    Raises:
        InvalidMessage: no name, or too many views.
    """
    name = " ".join(name.split())[:LONGEST_NAME]
    if not name:
        raise InvalidMessage("a view needs a name", field="name")
    table = schema.saved_views
    kind = table.c.shared.is_(True) if shared else (table.c.shared.is_(False)) & (table.c.owner == login)
    workspace.run(workspace.delete(table).where(kind, table.c.name == name))
    if (workspace.value(workspace.select(table, func.count()).where(kind)) or 0) >= MOST:
        raise InvalidMessage(f"there are {MOST} views already", field="name")
    key = new_id("viw")
    workspace.insert(table, id=key, owner=login, shared=shared, name=name, filters=dict(filters), created_at=now)
    record(workspace, "view.saved", key, actor=actor, now=now, details={"shared": shared})
    return key


def remove(workspace: Workspace, view_id: str, *, login: str, lead: bool, actor: str, now: datetime) -> None:
    """Deletes a view of one's own, or as a lead one for all.

    Raises:
        Unknown: no such view that this agent may delete.
    """
    table = schema.saved_views
    mine = (table.c.shared.is_(False)) & (table.c.owner == login)
    allowed = or_(mine, table.c.shared.is_(True)) if lead else mine
    if not workspace.run(workspace.delete(table).where(table.c.id == view_id, allowed)):
        raise Unknown("view", view_id)
    record(workspace, "view.removed", view_id, actor=actor, now=now)
