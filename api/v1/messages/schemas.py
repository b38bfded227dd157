"""Bodies of ``/v1/messages``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import MessageBody, Strict
from triage.models.taxonomy import INTENTS
from triage.storage.columns import new_id
from triage.types import Arrival, Sender

Address = Annotated[str, Field(min_length=1, max_length=320)]


class SenderBody(Strict):
    """How the writer is known; what is not known is left out."""

    name: Annotated[str, Field(max_length=200)] | None = None
    email: Address | None = None
    phone: Address | None = None
    handle: Address | None = None
    buyer_id: Address | None = None
    helpdesk_id: Address | None = None


class ArrivalBody(MessageBody):
    """A message to keep: that of ``/v1/triage``, and who sent it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "Where is my order TM-10428?",
                    "channel": "chat",
                    "external_id": "chat-7731",
                    "sender": {"handle": "anna.k", "name": "Anna"},
                    "conversation_ref": "room-12",
                }
            ]
        },
    )

    external_id: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    sender: SenderBody = Field(default_factory=SenderBody)
    conversation_ref: Annotated[str, Field(min_length=1, max_length=500)] | None = None

    def arrival(self) -> Arrival:
        return Arrival(
            external_id=self.external_id or new_id("api"),
            message=self.domain(),
            sender=Sender(**self.sender.model_dump()),
            conversation_ref=self.conversation_ref,
        )


class LabelsBody(Strict):
    """An agent's correction; what is left out is not corrected."""

    intent: str | None = None
    intents: list[str] = Field(default_factory=list, max_length=3)
    urgency: Literal["low", "normal", "high", "critical"] | None = None
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}$")] | None = None

    def all_intents(self) -> list[str]:
        """Primary first.

        Raises:
            ValueError: an intent outside the taxonomy.
        """
        found = list(dict.fromkeys([*([self.intent] if self.intent else []), *self.intents]))
        if unknown := [name for name in found if name not in INTENTS]:
            raise ValueError(f"unknown intent {unknown[0]!r}")
        return found


class ReceivedOut(BaseModel):
    """Where the message went. ``triage`` and ``draft`` are there with ``?wait=true`` once they are done."""

    id: str
    conversation_id: str
    customer_id: str
    duplicate: bool
    state: str
    triage: dict[str, Any] | None = None
    draft: dict[str, Any] | None = None


class StoredMessageOut(BaseModel):
    id: str
    conversation_id: str
    direction: str
    channel: str
    external_id: str
    sender: dict[str, str]
    subject: str | None
    text: str
    received_at: datetime
    state: str
    failure: str | None
    triage: dict[str, Any] | None
    draft: dict[str, Any] | None
