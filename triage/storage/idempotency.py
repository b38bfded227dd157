"""Idempotency keys: a call that is repeated with the same key is answered as the first was, and done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.errors import Conflict
from triage.storage import schema
from triage.storage.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the first call was answered: ids and states, no text."""

    status: int
    body: Mapping[str, Any]


def earlier(workspace: Workspace, key: str, digest: str) -> Answer | None:
    """The answer that this key had before, None for a new key.

    Raises:
        Conflict: ``key_reused``: the key came with another body before.
    """
    table = schema.idempotency_keys
    row = workspace.first(workspace.select(table).where(table.c.key == key))
    if row is None:
        return None
    if row["request_sha256"] != digest:
        raise Conflict("the Idempotency-Key was used with another body", reason="key_reused")
    return Answer(status=row["status"], body=row["response"])


def keep(workspace: Workspace, key: str, digest: str, answer: Answer, *, now: datetime) -> None:
    """Keeps the answer, in the transaction of what it tells of."""
    workspace.insert(
        schema.idempotency_keys, key=key, request_sha256=digest, status=answer.status, response=dict(answer.body),
        created_at=now,
    )  # fmt: skip
