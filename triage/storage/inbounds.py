"""Where messages come in, and where their answers go out: a webhook with its secret, a mailbox with its server."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Inbound:
    """One way in. ``secrets``: the current one and, while it is replaced, the one before; none means nothing is accepted."""

    id: str
    workspace_id: str
    channel: str
    adapter: str
    settings: dict[str, Any] = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    disabled: bool

    @property
    def secret(self) -> str | None:
        return self.secrets[0] if self.secrets else None


def create(
    workspace: Workspace, *, channel: str, adapter: str, secret: str | None, settings: dict[str, Any], now: datetime
) -> str:  # fmt: skip
    """A new way in; its id, which stands in its address."""
    key = new_id("inb")
    workspace.insert(
        schema.inbound, id=key, channel=channel, adapter=adapter, secret=secret, settings=settings, created_at=now
    )
    return key


def find(connection: Connection, inbound_id: str) -> Inbound | None:
    """The way in with this id, in whichever workspace: a provider's call names nothing else."""
    row = connection.execute(select(schema.inbound).where(schema.inbound.c.id == inbound_id)).mappings().first()
    return None if row is None or row["disabled_at"] else _inbound(row)


def of_adapter(connection: Connection, adapter: str) -> list[Inbound]:
    """All open ways in by this adapter, of every workspace: a process polls the mailboxes of all."""
    table = schema.inbound
    wanted = select(table).where(table.c.adapter == adapter, table.c.disabled_at.is_(None)).order_by(table.c.id)
    return [_inbound(row) for row in connection.execute(wanted).mappings()]


def every(workspace: Workspace) -> list[Inbound]:
    """All ways into the workspace, oldest first; disabled ones too."""
    return [_inbound(row) for row in workspace.rows(workspace.select(schema.inbound).order_by(schema.inbound.c.id))]


def disable(workspace: Workspace, inbound_id: str, *, now: datetime) -> bool:
    """Nothing comes in or goes out there any more; False where there is no such thing."""
    table = schema.inbound
    return workspace.run(workspace.update(table).where(table.c.id == inbound_id).values(disabled_at=now)) == 1


def change(workspace: Workspace, inbound_id: str, *, settings: dict[str, Any]) -> bool:
    """Replaces the settings of an open way in; False where there is none."""
    table = schema.inbound
    mine = workspace.update(table).where(table.c.id == inbound_id, table.c.disabled_at.is_(None))
    return workspace.run(mine.values(settings=settings)) == 1


def rotate(workspace: Workspace, inbound_id: str, *, secret: str, keep_previous: bool = True) -> bool:
    """A new secret; the one before stays good until the next rotation where it is kept. False where there is no such way in."""
    table = schema.inbound
    previous = table.c.secret if keep_previous else None
    mine = workspace.update(table).where(table.c.id == inbound_id, table.c.disabled_at.is_(None))
    return workspace.run(mine.values(secret=secret, previous_secret=previous)) == 1


def of_draft(workspace: Workspace, draft_id: str) -> Inbound | None:
    """The way that the message which the draft answers came by; None where the API brought it."""
    drafts, messages, table = schema.drafts, schema.messages, schema.inbound
    statement = workspace.join(workspace.select(table, *table.c), messages, messages.c.inbound_id == table.c.id)
    row = workspace.first(
        workspace.join(statement, drafts, drafts.c.message_id == messages.c.id).where(drafts.c.id == draft_id)
    )
    return None if row is None else _inbound(row)


def _inbound(row: RowMapping) -> Inbound:
    return Inbound(
        id=row["id"], workspace_id=row["workspace_id"], channel=row["channel"], adapter=row["adapter"],
        settings=dict(row["settings"]), secrets=tuple(s for s in (row["secret"], row["previous_secret"]) if s),
        disabled=row["disabled_at"] is not None,
    )  # fmt: skip
