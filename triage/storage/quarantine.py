"""Deliveries that were signed but could not be read: kept as they came, shown to people, never in the way of the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from triage.storage import schema
from triage.storage.columns import new_id
from triage.storage.workspace import Workspace

SHOWN_HEADERS = frozenset(
    {"content-type", "content-encoding", "date", "user-agent", "webhook-id", "webhook-timestamp", "from", "to", "subject",
     "message-id"}
)  # fmt: skip
"""The others may hold secrets: signatures, tokens, cookies."""


def keep_raw(
    workspace: Workspace, *, channel: str, body: bytes, headers: Mapping[str, str], reason: str, received_at: datetime,
    inbound_id: str | None = None,
) -> bool:  # fmt: skip
    """Keeps ``body``; False where the same bytes stand there already. ``headers`` have lower-case names."""
    return workspace.insert_new(
        schema.raw_deliveries, id=new_id("raw"), inbound_id=inbound_id, channel=channel,
        sha256=hashlib.sha256(body).hexdigest(),
        headers={name: value[:1000] for name, value in headers.items() if name in SHOWN_HEADERS},
        body=body, reason=reason[:500], received_at=received_at,
    )  # fmt: skip
