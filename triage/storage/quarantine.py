"""Deliveries that could not be read: kept raw, shown to a person, let go once one has dealt with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, func

from triage.errors import Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace

_LONGEST_REASON = 500


def quarantine(
    workspace: Workspace, *, channel: str, body: bytes, reason: str, now: datetime, inbound_id: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> str:  # fmt: skip
    """Keeps ``body`` as it came; its id. The same bytes again are the same entry.

    Args:
        reason: why, without a word of the content.
        headers: those of the HTTP request that brought it, without what proves who sent it.
    """
    table, digest = schema.raw_deliveries, hashlib.sha256(body).hexdigest()
    key = new_id("raw")
    if workspace.insert_new(
        table, id=key, inbound_id=inbound_id, channel=channel, sha256=digest, headers=dict(headers or {}), body=body,
        reason=reason[:_LONGEST_REASON], received_at=now,
    ):  # fmt: skip
        return key
    return str(
        workspace.value(workspace.select(table, table.c.id).where(table.c.channel == channel, table.c.sha256 == digest))
    )


def in_quarantine(workspace: Workspace, *, most: int = 100) -> Sequence[RowMapping]:
    """What waits for a person, newest first, without the bytes: id, channel, inbound_id, reason, received_at, size."""
    table = schema.raw_deliveries
    columns: tuple[Any, ...] = (
        table.c.id, table.c.channel, table.c.inbound_id, table.c.reason, table.c.received_at,
        func.length(table.c.body).label("size"),
    )  # fmt: skip
    waiting = workspace.select(table, *columns).where(table.c.released_at.is_(None))
    return workspace.rows(waiting.order_by(table.c.received_at.desc(), table.c.id.desc()).limit(most))


def raw_delivery(workspace: Workspace, id: str) -> RowMapping:
    """One entry, bytes and all.

    Raises:
        Unknown: no such entry here.
    """
    table = schema.raw_deliveries
    row = workspace.first(workspace.select(table).where(table.c.id == id))
    if row is None:
        raise Unknown("quarantined delivery", id)
    return row


def release(workspace: Workspace, id: str, *, now: datetime) -> None:
    """A person has dealt with it; it stays, but no longer waits.

    Raises:
        Unknown: no such entry waits here.
    """
    table = schema.raw_deliveries
    waiting = workspace.update(table).where(table.c.id == id, table.c.released_at.is_(None))
    if workspace.run(waiting.values(released_at=now)) != 1:
        raise Unknown("quarantined delivery", id)


def discard(workspace: Workspace, id: str) -> None:
    """Deletes the bytes for good.

    Raises:
        Unknown: no such entry here.
    """
    table = schema.raw_deliveries
    if workspace.run(workspace.delete(table).where(table.c.id == id)) != 1:
        raise Unknown("quarantined delivery", id)
