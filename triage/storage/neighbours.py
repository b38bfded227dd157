"""Messages that agents have corrected, by how near they are to another message."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from triage.storage import schema
from triage.storage.workspace import Workspace

NEAR = 0.5
"""Cosine below which two messages have nothing to tell of each other."""
PREVIEW = 160
LATEST = 3000
"""Labels that are looked at, newest first."""


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A corrected message: how it begins, the intents and the urgency that an agent gave it, and how near it is (cosine)."""

    conversation_id: str
    preview: str
    intents: tuple[str, ...]
    urgency: str | None
    similarity: float


def nearest(workspace: Workspace, message_id: str, *, most: int = 5) -> tuple[Neighbour, ...]:
    """The corrected messages nearest to this one by the vectors of its own model, nearest first; itself left out."""
    triages, labels, messages = schema.triages, schema.labels, schema.messages
    own = workspace.first(
        workspace.select(triages, triages.c.vector, triages.c.model_version).where(triages.c.message_id == message_id)
    )
    if own is None or not own["vector"]:
        return ()
    statement = workspace.join(
        workspace.select(labels, labels.c.message_id, labels.c.intents, labels.c.urgency, triages.c.vector),
        triages, triages.c.message_id == labels.c.message_id,
    )  # fmt: skip
    rows = workspace.rows(
        statement.where(labels.c.message_id != message_id, triages.c.model_version == own["model_version"])
        .order_by(labels.c.id.desc()).limit(LATEST)
    )  # fmt: skip
    newest = {row["message_id"]: row for row in reversed(rows) if row["vector"] and (row["intents"] or row["urgency"])}
    vector = np.frombuffer(own["vector"], dtype=np.float16).astype(np.float32)
    near = {
        key: float(vector @ other)
        for key, row in newest.items()
        if (other := np.frombuffer(row["vector"], dtype=np.float16).astype(np.float32)).shape == vector.shape
    }
    chosen = [key for key in sorted(near, key=lambda key: -near[key]) if near[key] >= NEAR][:most]
    texts = {
        row["id"]: row
        for row in workspace.rows(
            workspace.select(messages, messages.c.id, messages.c.conversation_id, messages.c.text).where(
                messages.c.id.in_(chosen)
            )
        )
    }
    return tuple(
        Neighbour(
            conversation_id=texts[key]["conversation_id"], preview=" ".join(texts[key]["text"].split())[:PREVIEW],
            intents=tuple(newest[key]["intents"]), urgency=newest[key]["urgency"], similarity=near[key],
        )
        for key in chosen
        if key in texts
    )  # fmt: skip
