"""Stored rows as JSON: one form for every endpoint that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from triage.storage.conversations import StoredConversation, StoredMessage


def moment(value: datetime | None) -> str | None:
    """ISO 8601 in UTC, to the second."""
    return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else None


def draft_json(row: Mapping[Any, Any] | None) -> dict[str, Any] | None:
    """A draft with its revision and state; None where there is none."""
    if row is None:
        return None
    names = (
        "id",
        "message_id",
        "conversation_id",
        "state",
        "revision",
        "text",
        "language",
        "model_version",
        "index_version",
    )
    return {
        **{name: row[name] for name in names}, **row["details"], "created_at": moment(row["created_at"]),
        "changed_at": moment(row["changed_at"]),
    }  # fmt: skip


def message_json(stored: StoredMessage) -> dict[str, Any]:
    """A message with its triage and draft."""
    names = (
        "id", "conversation_id", "direction", "channel", "external_id", "sender", "subject", "text", "state", "failure",
        "order_id",
    )  # fmt: skip
    return {
        **{name: stored.row[name] for name in names}, "received_at": moment(stored.row["received_at"]),
        "triage": stored.triage, "draft": draft_json(stored.draft),
    }  # fmt: skip


def summary_json(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A conversation as lists show it."""
    names = ("id", "customer_id", "channel", "subject", "status", "assignee", "language", "intent", "urgency")
    times = ("opened_at", "last_inbound_at", "answered_at")
    return {
        **{name: row[name] for name in names}, **{name: moment(row[name]) for name in times},
        "sla": {"due_at": moment(row["due_at"]), "policy": row["sla_policy"]},
    }  # fmt: skip


def conversation_json(stored: StoredConversation) -> dict[str, Any]:
    """A conversation with its messages."""
    return {**summary_json(stored.row), "messages": [message_json(message) for message in stored.messages]}
