"""What remains of what was erased: digests, enough to know it again when it comes a second time, and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace


def erased_digest(workspace_id: str, channel: str, external_id: str) -> str:
    """What remains of an erased message: enough to know it again, not enough to tell whose it was."""
    return hashlib.sha256(f"{workspace_id}\0{channel}\0{external_id}".encode("utf-8", "surrogatepass")).hexdigest()


def was_erased(workspace: Workspace, kind: str, channel: str, external_id: str) -> bool:
    """Whether this was here and was erased. ``kind``: message, order or delivery."""
    table = schema.erasures
    statement = workspace.select(table, table.c.id).where(
        table.c.kind == kind, table.c.digest == erased_digest(workspace.id, channel, external_id)
    )
    return workspace.value(statement) is not None


def remember(workspace: Workspace, kind: str, things: Iterable[tuple[str, str]], *, now: datetime) -> None:
    """Leaves the digests of ``things``, each a channel and an id."""
    for channel, external_id in things:
        workspace.insert_new(
            schema.erasures, id=new_id("ers"), kind=kind, digest=erased_digest(workspace.id, channel, external_id),
            created_at=now,
        )  # fmt: skip
