"""The states of a draft, and which may follow which.

    pending ── approve ──> approved ── send begins ──> sending ──> sent | failed | uncertain
       │                      └────── recall ──> pending, or superseded
       ├── reject ──> rejected
       └── newer customer message ──> superseded

Nothing is sent without passing ``approved``; the tables enforce the same (an outbox row refers to an approval's hash).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum


class DraftState(StrEnum):
    """Where a draft stands."""

    PENDING = "pending"
    APPROVED = "approved"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"


FOLLOWS: Mapping[DraftState, frozenset[DraftState]] = {
    DraftState.PENDING: frozenset({DraftState.APPROVED, DraftState.REJECTED, DraftState.SUPERSEDED}),
    DraftState.APPROVED: frozenset({DraftState.SENDING, DraftState.PENDING, DraftState.SUPERSEDED}),
    DraftState.SENDING: frozenset({DraftState.SENT, DraftState.FAILED, DraftState.UNCERTAIN, DraftState.APPROVED}),
    # A person looked whether an uncertain reply arrived; a failed one may be tried again.
    DraftState.UNCERTAIN: frozenset({DraftState.SENT, DraftState.APPROVED}),
    DraftState.FAILED: frozenset({DraftState.APPROVED}),
    DraftState.SENT: frozenset(),
    DraftState.REJECTED: frozenset(),
    DraftState.SUPERSEDED: frozenset(),
}


def before(state: DraftState) -> frozenset[DraftState]:
    """The states from which ``state`` may follow."""
    return frozenset(earlier for earlier, later in FOLLOWS.items() if state in later)


def approval_digest(text: str, recipients: Mapping[str, str]) -> str:
    """SHA-256 (hex) of the exact bytes that are approved and to whom they go."""
    exact = json.dumps([text, sorted(recipients.items())], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()
