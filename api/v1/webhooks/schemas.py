"""Bodies of ``/v1/webhooks``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.v1.triage.schemas import Strict
from triage.storage.webhooks import LoggedDelivery, Webhook

EventType = Literal[
    "message.triaged", "draft.created", "draft.approved", "draft.rejected", "reply.sent", "reply.failed", "sla.at_risk",
    "anomaly.detected",
]  # fmt: skip


class WebhookBody(Strict):
    """A receiver of events; without ``types`` it gets all of them."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"url": "https://shop.example/events", "types": ["draft.created", "reply.sent"]}]
        },
    )

    url: Annotated[str, Field(min_length=1, max_length=2000)]
    types: Annotated[list[EventType], Field(max_length=100)] = Field(default_factory=list)


class RotateBody(Strict):
    """``keep_previous``: sign with the old secret as well until the next rotation; false where it has leaked."""

    keep_previous: bool = True


class WebhookOut(BaseModel):
    """A receiver; ``disabled_at`` is set where it was deleted, or answered 410."""

    id: str
    url: str
    types: list[str]
    created_at: datetime
    disabled_at: datetime | None


class WebhookSecretOut(WebhookOut):
    """``secret`` is shown this once."""

    secret: str


class WebhooksOut(BaseModel):
    webhooks: list[WebhookOut]


class DeliveryOut(BaseModel):
    """One event at one webhook. ``status``: of the last answer; ``failure``: why it is not delivered (yet)."""

    id: str
    event_id: str
    type: str
    state: Literal["queued", "sending", "delivered", "failed"]
    attempts: int
    status: int | None
    failure: str | None
    changed_at: datetime
    next_attempt_at: datetime | None


class DeliveriesOut(BaseModel):
    """``cursor`` leads to the next page; null on the last one."""

    deliveries: list[DeliveryOut]
    cursor: str | None


def webhook_json(webhook: Webhook, *, secret: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": webhook.id, "url": webhook.url, "types": list(webhook.types), "created_at": webhook.created_at.isoformat(),
        "disabled_at": webhook.disabled_at.isoformat() if webhook.disabled_at else None,
    }  # fmt: skip
    return {**shown, "secret": webhook.secrets[0]} if secret else shown


def delivery_json(delivery: LoggedDelivery) -> dict[str, Any]:
    return {
        "id": delivery.id, "event_id": delivery.event_id, "type": delivery.type, "state": delivery.state,
        "attempts": delivery.attempts, "status": delivery.status, "failure": delivery.failure,
        "changed_at": delivery.changed_at.isoformat(),
        "next_attempt_at": delivery.next_attempt_at.isoformat() if delivery.next_attempt_at else None,
    }  # fmt: skip
