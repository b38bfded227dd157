"""``/v1/webhooks``: receivers of events (Standard Webhooks), their secrets, and the log of deliveries."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse

from api.problems import Problem
from api.v1.store import Store, store_of
from api.v1.triage.endpoints import PROBLEMS
from api.v1.webhooks.schemas import (
    DeliveriesOut,
    DeliveryOut,
    RotateBody,
    WebhookBody,
    WebhookOut,
    WebhookSecretOut,
    WebhooksOut,
    delivery_json,
    webhook_json,
)
from triage.channels import outgoing
from triage.errors import ConfigurationError
from triage.storage import webhooks
from triage.storage.events import record
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], responses={**PROBLEMS, 404: PROBLEMS[422]})

MOST_WEBHOOKS = 50


def _with_key(request: Request) -> Store:
    """A key with the scope ``webhooks``."""
    return store_of(request, "webhooks")


Webhooks = Annotated[Store, Depends(_with_key)]


@router.post("", response_model=WebhookSecretOut, status_code=201, summary="Send events to an address")
def create(body: WebhookBody, request: Request, store: Webhooks) -> JSONResponse:
    """The secret is in this answer alone. Private addresses are refused, now and again whenever an event is sent."""
    allow_private = getattr(request.app.state, "allow_private_webhooks", False)
    return JSONResponse(webhook_json(add(body, store, allow_private=allow_private), secret=True), status_code=201)


def add(body: WebhookBody, store: Store, *, allow_private: bool) -> webhooks.Webhook:
    """A new webhook, with its secret.

    Raises:
        Problem: 422 where the address is none that events may go to, 409 where there are too many.
    """
    _check_url(body.url, allow_private=allow_private)

    def work(workspace: Workspace) -> webhooks.Webhook:
        if sum(hook.disabled_at is None for hook in webhooks.every(workspace)) >= MOST_WEBHOOKS:
            raise Problem(409, "too_many_webhooks", f"there are {MOST_WEBHOOKS} webhooks already")
        made = webhooks.create(workspace, url=body.url, types=body.types, now=store.now)
        record(workspace, "webhook.created", made.id, actor=store.actor, now=store.now)
        return made

    return store.write(work)


@router.get("", response_model=WebhooksOut, summary="All webhooks")
def listed(store: Webhooks) -> JSONResponse:
    return JSONResponse({"webhooks": [webhook_json(hook) for hook in store.read(webhooks.every)]})


@router.get("/{webhook_id}", response_model=WebhookOut, summary="One webhook")
def read(webhook_id: str, store: Webhooks) -> JSONResponse:
    return JSONResponse(webhook_json(store.read(lambda w: webhooks.find(w, webhook_id))))


@router.delete("/{webhook_id}", status_code=204, summary="Send nothing more")
def delete(webhook_id: str, store: Webhooks) -> Response:
    """What waits is given up; the log stays."""

    def work(workspace: Workspace) -> None:
        webhooks.disable(workspace, webhook_id, now=store.now)
        record(workspace, "webhook.disabled", webhook_id, actor=store.actor, now=store.now)

    store.write(work)
    return Response(status_code=204)


@router.post("/{webhook_id}/rotate", response_model=WebhookSecretOut, summary="Replace the secret")
def rotate(webhook_id: str, store: Webhooks, body: RotateBody | None = None) -> JSONResponse:
    """Events are signed with both secrets until the next rotation, so that a receiver can change over in peace."""
    keep = body is None or body.keep_previous

    def work(workspace: Workspace) -> webhooks.Webhook:
        changed = webhooks.rotate(workspace, webhook_id, keep_previous=keep)
        record(workspace, "webhook.rotated", webhook_id, actor=store.actor, now=store.now, details={"kept": keep})
        return changed

    return JSONResponse(webhook_json(store.write(work), secret=True))


@router.get("/{webhook_id}/deliveries", response_model=DeliveriesOut, summary="What was sent, and what came of it")
def deliveries(
    webhook_id: str, store: Webhooks, limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
) -> JSONResponse:  # fmt: skip
    """The newest first."""
    found = store.read(lambda w: webhooks.delivery_log(w, webhook_id, limit=limit + 1, before=cursor))
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return JSONResponse({"deliveries": [delivery_json(one) for one in page], "cursor": following})


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", response_model=DeliveryOut, status_code=202,
             summary="Send one event again")  # fmt: skip
def replay(webhook_id: str, delivery_id: str, request: Request, store: Webhooks) -> JSONResponse:
    """With the event's own id, a fresh time and a fresh signature."""

    def work(workspace: Workspace) -> webhooks.LoggedDelivery:
        queued = webhooks.replay(workspace, webhook_id, delivery_id, now=store.now)
        record(workspace, "webhook.replayed", delivery_id, actor=store.actor, now=store.now)
        return queued

    queued = store.write(work)
    request.app.state.wake()
    return JSONResponse(delivery_json(queued), status_code=202)


def _check_url(url: str, *, allow_private: bool) -> None:
    try:
        parsed = outgoing.checked_url(url, plain=allow_private)
        port = parsed.port or (80 if parsed.scheme == "http" else 443)
        outgoing.addresses_of(
            parsed.raw_host.decode("ascii"), port, outgoing.local_too if allow_private else outgoing.public
        )
    except (ConfigurationError, outgoing.AddressRefused) as error:
        raise Problem(422, "invalid_field", f"url: {error}", field="url") from None
    except OSError:
        raise Problem(422, "invalid_field", "url: this name has no address", field="url") from None
