"""``POST /v1/channels/{channel}/{inbound id}``: what providers deliver, in their own formats, signed in their own ways.

No API key: the signature over the raw bytes is what counts. A 2xx means that all of it is on disk, as messages or, where it
cannot be read, as it came. Overload and a database that is down are 503, never 429, because some providers stop on a 4xx.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from api.problems import Problem
from api.v1.triage.endpoints import PROBLEMS
from triage.errors import SignatureRefused, StorageUnavailable, Unknown, UnreadableDelivery
from triage.storage import inbounds, intake
from triage.storage.database import Database
from triage.storage.inbounds import Inbound
from triage.storage.quarantine import quarantine
from triage.storage.workspace import Workspace
from triage.types import Arrival, Delivery

log = logging.getLogger(__name__)

router = APIRouter(prefix="/v1/channels", tags=["channels"])

KEPT_HEADERS = frozenset({"content-type", "content-encoding", "date", "user-agent", "webhook-id", "webhook-timestamp"})
"""Of what cannot be read; the others may hold secrets: signatures, tokens, cookies."""


class DeliveryReceivedOut(BaseModel):
    """``received``: messages that are on disk; ``duplicates``: how many of them were there before. ``quarantined``: something
    could not be read, and is kept as it came."""

    received: int
    duplicates: int
    quarantined: bool


@router.post(
    "/{channel}/{inbound_id}", response_model=DeliveryReceivedOut, summary="Take a provider's delivery",
    responses={**{status: PROBLEMS[status] for status in (400, 401, 413, 503)}, 404: PROBLEMS[422]},
    openapi_extra={"requestBody": {"required": True, "content": {"*/*": {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def deliver(channel: str, inbound_id: str, request: Request) -> JSONResponse:
    """200 once every message of it is on disk; 401 without a valid signature, and then nothing is kept."""
    delivery = Delivery(
        body=await request.body(), headers=dict(request.headers), url=str(request.url), received_at=datetime.now(UTC)
    )
    outcome = await run_in_threadpool(_take, request.app.state, channel, inbound_id, delivery)
    request.app.state.wake()
    return JSONResponse(
        {"received": outcome.received, "duplicates": outcome.duplicates, "quarantined": outcome.reason is not None}
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a delivery; ``reason``: why something of it could not be kept."""

    received: int
    duplicates: int
    reason: str | None


def _take(state: Any, channel: str, inbound_id: str, delivery: Delivery) -> Outcome:
    database: Database = state.database
    inbound = database.read(lambda connection: inbounds.find(connection, inbound_id))
    adapter = state.adapters.get(inbound.adapter) if inbound else None
    if inbound is None or adapter is None or inbound.channel != channel:
        raise Unknown("inbound", inbound_id)
    try:
        adapter.verify(delivery, secrets=inbound.secrets, settings=inbound.settings, now=delivery.received_at)
    except SignatureRefused as error:
        raise Problem(401, error.code, str(error)) from None
    arrivals, reason = parsed(adapter, delivery, inbound)
    kept = keep_all(database, inbound, arrivals, delivery.received_at)
    reason = reason or kept.reason
    if reason is not None:
        log.warning("a delivery to %s is in quarantine: %s", inbound.id, reason)
        database.write(lambda c: _quarantine(Workspace(c, inbound.workspace_id), inbound, delivery, reason))
    return replace(kept, reason=reason)


def parsed(adapter: Any, delivery: Delivery, inbound: Inbound) -> tuple[Sequence[Arrival], str | None]:
    """What can be read, and what is wrong with the rest."""
    try:
        return adapter.parse(delivery, settings={**inbound.settings, "channel": inbound.channel}), None
    except UnreadableDelivery as error:
        return getattr(error, "arrivals", ()), str(error)
    except Exception as error:  # a fault of ours: the provider cannot mend it by sending again, so it must not be lost
        log.error("adapter %s failed on a delivery: %s", inbound.adapter, type(error).__name__)
        return (), f"the adapter failed with {type(error).__name__}"


def keep_all(database: Database, inbound: Inbound, arrivals: Sequence[Arrival], now: datetime) -> Outcome:
    """Keeps each by itself: one that cannot be kept does not stop the others."""
    received = duplicates = 0
    reason = None
    for arrival in arrivals:
        try:
            kept = intake.receive(database, inbound.workspace_id, arrival, now=now, inbound_id=inbound.id)
        except StorageUnavailable:
            raise  # the provider sends all of it again; what was kept is known by its id
        except Exception as error:
            reason = f"a message could not be kept ({type(error).__name__})"
        else:
            received, duplicates = received + 1, duplicates + kept.duplicate
    return Outcome(received=received, duplicates=duplicates, reason=reason)


def _quarantine(workspace: Workspace, inbound: Inbound, delivery: Delivery, reason: str) -> None:
    headers = {name: value[:1000] for name, value in delivery.headers.items() if name in KEPT_HEADERS}
    quarantine(
        workspace, channel=inbound.channel, body=delivery.body, headers=headers, reason=reason,
        now=delivery.received_at, inbound_id=inbound.id,
    )  # fmt: skip
