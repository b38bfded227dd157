"""Outgoing events and the audit trail: both hold ids, labels and states, never a text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace


def emit(workspace: Workspace, type: str, data: Mapping[str, Any], *, now: datetime) -> str:
    """Records an event and queues it for every webhook that wants its type; the event's id."""
    event = new_id("evt")
    workspace.insert(schema.events, id=event, type=type, data=dict(data), created_at=now)
    hooks = workspace.rows(workspace.select(schema.webhooks).where(schema.webhooks.c.disabled_at.is_(None)))
    workspace.insert_many(
        schema.deliveries,
        [
            {
                "id": new_id("dlv"), "webhook_id": hook["id"], "event_id": event, "state": "queued", "attempts": 0,
                "run_at": now, "changed_at": now,
            }
            for hook in hooks
            if not hook["types"] or type in hook["types"]
        ],
    )  # fmt: skip
    return event


def record(
    workspace: Workspace, action: str, subject: str, *, actor: str, now: datetime, details: Mapping[str, Any] | None = None
) -> None:  # fmt: skip
    """One line of the audit trail: who did what to which id."""
    workspace.insert(
        schema.audit, id=new_id("aud"), actor=actor, action=action, subject=subject, details=dict(details or {}),
        created_at=now,
    )  # fmt: skip
