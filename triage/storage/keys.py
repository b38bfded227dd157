"""API keys beyond the first one, which stands in the data folder. Only a key's SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from triage.errors import Unknown
from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.workspace import Workspace

SCOPES = ("triage", "read", "write", "approve", "articles", "webhooks", "admin")
"""Everything that an API key can be allowed."""


def new_key() -> str:
    """A key in clear, to be shown once."""
    return f"tk_{secrets.token_urlsafe(32)}"


def hash_key(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, kw_only=True)
class StoredKey:
    """A key's owner and rights."""

    id: str
    workspace_id: str
    scopes: frozenset[str]


def find(connection: Connection, sha256: str) -> StoredKey | None:
    """The valid key with this hash, in whichever workspace: the key itself says which."""
    table = schema.api_keys
    row = connection.execute(select(table).where(table.c.sha256 == sha256)).mappings().first()
    if row is None or row["revoked_at"] is not None:
        return None
    return StoredKey(id=row["id"], workspace_id=row["workspace_id"], scopes=frozenset(row["scopes"]))


def create(
    workspace: Workspace, *, name: str, scopes: Sequence[str], sha256: str, actor: str, now: datetime
) -> str:  # fmt: skip
    """A new key; its id."""
    key = new_id("key")
    workspace.insert(schema.api_keys, id=key, name=name, sha256=sha256, scopes=sorted(set(scopes)), created_at=now)
    record(workspace, "key.created", key, actor=actor, now=now)
    return key


def every(workspace: Workspace) -> Sequence[RowMapping]:
    """All keys of the workspace, oldest first, revoked ones too."""
    return workspace.rows(workspace.select(schema.api_keys).order_by(schema.api_keys.c.id))


def revoke(workspace: Workspace, key_id: str, *, actor: str, now: datetime) -> None:
    """Ends a key.

    Raises:
        Unknown: no such key here, or it is revoked already.
    """
    table = schema.api_keys
    if (
        workspace.run(
            workspace.update(table).where(table.c.id == key_id, table.c.revoked_at.is_(None)).values(revoked_at=now)
        )
        != 1
    ):
        raise Unknown("key", key_id)
    record(workspace, "key.revoked", key_id, actor=actor, now=now)
