"""Bodies of ``/v1/customers``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field

from api.v1.orders.schemas import OrderOut, order_json
from api.v1.rendering import moment
from api.v1.triage.schemas import Strict
from triage.conversations.identity import Identity
from triage.storage.customers import Profile
from triage.storage.suggestions import Suggestion
from triage.storage.timeline import Entry, Timeline

Id = Annotated[str, Field(min_length=1, max_length=80)]


class MergeBody(Strict):
    """``customer_id`` is merged into the customer of the address."""

    customer_id: Id


class UnmergeBody(Strict):
    """``merge_id`` as the merge or the profile told it."""

    merge_id: Id


class IdentityOut(BaseModel):
    kind: str
    value: str


class MergedOut(BaseModel):
    merge_id: str
    customer_id: str
    survivor_id: str
    name: str | None
    actor: str
    at: datetime


class CustomerOut(BaseModel):
    """A customer. ``claimed``: what they wrote of themselves but others are known by."""

    id: str
    name: str | None
    locale: str | None
    segment: str | None
    language: str | None
    created_at: datetime
    identities: list[IdentityOut]
    claimed: list[IdentityOut]
    channels: list[str]
    conversations: int
    open_conversations: int
    first_contact_at: datetime | None
    last_contact_at: datetime | None
    orders: list[OrderOut]
    merged: list[MergedOut]


class MergeOut(BaseModel):
    merge_id: str
    customer: CustomerOut


class UnmergeOut(BaseModel):
    """``customer``: who is their own again; ``survivor``: who keeps what came after the merge."""

    merge_id: str
    customer: CustomerOut
    survivor: CustomerOut


class SuggestionOut(BaseModel):
    customer_id: str
    name: str | None
    reasons: list[IdentityOut]


class SuggestionsOut(BaseModel):
    suggestions: list[SuggestionOut]


class EntryConversationOut(BaseModel):
    id: str
    status: str
    subject: str | None


class EntryTriageOut(BaseModel):
    language: str
    intent: str
    intents: list[str]
    urgency: str
    needs_reply: bool
    abstained: bool
    confidence: float


class EntryLabelsOut(BaseModel):
    intents: list[str]
    urgency: str | None
    language: str | None


class EntryDraftOut(BaseModel):
    id: str
    state: str
    revision: int


class EntryAttachmentOut(BaseModel):
    id: str
    name: str
    media_type: str
    size: int


class EntryOut(BaseModel):
    """One message. ``labels`` are an agent's correction of ``triage``; ``draft`` is the answer to it and its state."""

    id: str
    conversation: EntryConversationOut
    direction: str
    channel: str
    at: datetime
    subject: str | None
    text: str
    state: str
    order_id: str | None
    triage: EntryTriageOut | None
    labels: EntryLabelsOut | None
    draft: EntryDraftOut | None
    attachments: list[EntryAttachmentOut]


class TimelineOut(BaseModel):
    """Newest first. ``cursor`` gives the next page, null after the last."""

    entries: list[EntryOut]
    cursor: str | None


class ErasedOut(BaseModel):
    """How much went. ``purged``: the bytes are gone from the database's file too; if not, the next erasure clears them."""

    customers: int
    conversations: int
    messages: int
    orders: int
    quarantined: int
    purged: bool


def customer_json(profile: Profile) -> dict[str, Any]:
    """A profile as answers show it."""
    names = ("id", "name", "locale", "segment", "language", "conversations", "open_conversations")
    times = ("created_at", "first_contact_at", "last_contact_at")
    return {
        **{name: getattr(profile, name) for name in names},
        **{name: moment(getattr(profile, name)) for name in times},
        "identities": [_identity(identity) for identity in profile.identities],
        "claimed": [_identity(identity) for identity in profile.claimed],
        "channels": list(profile.channels),
        "orders": [order_json(stored) for stored in profile.orders],
        "merged": [
            {
                "merge_id": m.merge_id, "customer_id": m.customer_id, "survivor_id": m.survivor_id, "name": m.name,
                "actor": m.actor, "at": moment(m.created_at),
            }
            for m in profile.merged
        ],
    }  # fmt: skip


def suggestion_json(suggestion: Suggestion) -> dict[str, Any]:
    """A suggestion as answers show it."""
    reasons = [{"kind": reason.kind, "value": reason.value} for reason in suggestion.reasons]
    return {"customer_id": suggestion.customer_id, "name": suggestion.name, "reasons": reasons}


def timeline_json(page: Timeline) -> dict[str, Any]:
    """A page of the timeline as answers show it."""
    return {"entries": [_entry(entry) for entry in page.entries], "cursor": page.cursor}


def _identity(identity: Identity) -> dict[str, str]:
    return {"kind": identity.kind, "value": identity.value}


def _entry(entry: Entry) -> dict[str, Any]:
    row, triage, label, draft = entry.message, entry.triage, entry.label, entry.draft
    said = ("language", "intent", "urgency", "needs_reply", "abstained", "confidence")
    return {
        **{name: row[name] for name in ("id", "direction", "channel", "subject", "text", "state", "order_id")},
        "conversation": {
            "id": row["conversation_id"], "status": row["status"], "subject": row["conversation_subject"]
        },
        "at": moment(row["received_at"]),
        "triage": triage and {
            **{name: triage[name] for name in said}, "intents": triage["result"].get("intents", [triage["intent"]])
        },
        "labels": label and {name: label[name] for name in ("intents", "urgency", "language")},
        "draft": draft and {name: draft[name] for name in ("id", "state", "revision")},
        "attachments": [
            {name: file[name] for name in ("id", "name", "media_type", "size")} for file in entry.attachments
        ],
    }  # fmt: skip
