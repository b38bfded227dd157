"""``/settings/webhooks``: who is told of events, with which secret, and what became of each delivery."""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_, Sentence
from api.inbox.rendering import missing
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Sent, Words, back, complaint, show
from api.problems import Problem
from api.v1.webhooks.endpoints import add
from api.v1.webhooks.schemas import EventType, WebhookBody
from triage.errors import Conflict, Unknown
from triage.storage import webhooks
from triage.storage.events import record
from triage.storage.workspace import Workspace

router = APIRouter()

ROWS = 25
EVENTS = {
    "message.triaged": N_("A message was read by the assistant"),
    "draft.created": N_("A draft is ready"),
    "draft.approved": N_("Somebody approved a draft"),
    "draft.rejected": N_("Somebody rejected a draft"),
    "reply.sent": N_("A reply has left"),
    "reply.failed": N_("A reply could not be sent"),
    "sla.at_risk": N_("An answer is due soon"),
    "anomaly.detected": N_("More of one kind than usual comes in"),
}
"""Each type of event, in words."""
assert set(EVENTS) == set(get_args(EventType))
STATES = {
    "queued": N_("waiting"), "sending": N_("being sent"), "delivered": N_("delivered"), "failed": N_("given up"),
}  # fmt: skip


@router.get("/settings/webhooks")
def listed(seat: LeadSignedIn, done: str = "") -> Response:
    return _page(seat, done=done)


@router.post("/settings/webhooks")
def create(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    types = [name for name in EVENTS if name in form.every("type")]
    url = form.text("url")
    try:
        body = WebhookBody.model_validate({"url": url, "types": types})
        made = add(body, seat, allow_private=request.app.state.allow_private_webhooks)
    except (ValidationError, Problem) as error:
        return _page(seat, trouble=complaint(error), url=url, chosen=types)
    return _one(seat, made.id, secret=made.secrets[0])


@router.get("/settings/webhooks/{webhook_id}")
def read(webhook_id: str, seat: LeadSignedIn, done: str = "", before: str | None = None) -> Response:
    return _one(seat, webhook_id, done=done, before=before)


@router.post("/settings/webhooks/{webhook_id}/rotate")
def rotate(webhook_id: str, seat: AdminSignedIn, form: Sent) -> Response:
    keep = "leaked" not in form

    def work(workspace: Workspace) -> webhooks.Webhook:
        changed = webhooks.rotate(workspace, webhook_id, keep_previous=keep)
        record(workspace, "webhook.rotated", webhook_id, actor=seat.actor, now=seat.now, details={"kept": keep})
        return changed

    try:
        changed = seat.write(work)
    except Unknown:
        return missing(seat, "webhook")
    return _one(seat, webhook_id, secret=changed.secrets[0])


@router.post("/settings/webhooks/{webhook_id}/disable")
def disable(webhook_id: str, seat: AdminSignedIn, form: Sent) -> Response:
    def work(workspace: Workspace) -> None:
        webhooks.disable(workspace, webhook_id, now=seat.now)
        record(workspace, "webhook.disabled", webhook_id, actor=seat.actor, now=seat.now)

    try:
        seat.write(work)
    except Unknown:
        return missing(seat, "webhook")
    return back(f"/settings/webhooks/{webhook_id}", "disabled")


@router.post("/settings/webhooks/{webhook_id}/test")
def test(webhook_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    def work(workspace: Workspace) -> None:
        queued = webhooks.send_test(workspace, webhook_id, now=seat.now)
        record(workspace, "webhook.tested", queued, actor=seat.actor, now=seat.now)

    return _sent(request, seat, webhook_id, work, done="tested")


@router.post("/settings/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
def replay(webhook_id: str, delivery_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    def work(workspace: Workspace) -> None:
        webhooks.replay(workspace, webhook_id, delivery_id, now=seat.now)
        record(workspace, "webhook.replayed", delivery_id, actor=seat.actor, now=seat.now)

    return _sent(request, seat, webhook_id, work, done="replayed")


def _sent(
    request: Request, seat: Seat, webhook_id: str, work: Callable[[Workspace], None], *, done: str
) -> Response:  # fmt: skip
    try:
        seat.write(work)
    except Unknown:
        return missing(seat, "webhook")
    except Conflict as error:
        return _one(seat, webhook_id, trouble=_LATE.get(error.reason, complaint(error)))
    request.app.state.wake()
    return back(f"/settings/webhooks/{webhook_id}", done)


_LATE = {
    "webhook_disabled": N_("This webhook is switched off; nothing is sent there."),
    "sending": N_("The event is being sent at this moment. Look again in a few seconds."),
}


def _page(
    seat: Seat, *, done: str = "", trouble: Words | None = None, url: str = "", chosen: list[str] | None = None
) -> Response:  # fmt: skip
    hooks = sorted(seat.read(webhooks.every), key=lambda hook: hook.disabled_at is not None)
    return show(
        "webhooks.html", seat, section="webhooks", done=done, trouble=trouble, hooks=hooks, events=EVENTS, url=url,
        chosen=chosen or [],
    )  # fmt: skip


def _one(
    seat: Seat, webhook_id: str, *, done: str = "", trouble: Words | None = None, secret: str | None = None,
    before: str | None = None,
) -> Response:  # fmt: skip
    try:
        hook = seat.read(lambda w: webhooks.find(w, webhook_id))
        found = seat.read(lambda w: webhooks.delivery_log(w, webhook_id, limit=ROWS + 1, before=before))
    except Unknown:
        return missing(seat, "webhook")
    log = found[:ROWS]
    return show(
        "webhook.html", seat, section="webhooks", done=done, trouble=trouble, hook=hook, secret=secret, log=log,
        states=STATES, events=EVENTS, later=before is not None, following=log[-1].id if len(found) > ROWS else None,
        reasons=[_reason(one) for one in log], test=webhooks.TEST,
    )  # fmt: skip


def _reason(delivery: webhooks.LoggedDelivery) -> Words:
    if delivery.status is not None and delivery.state != "delivered":
        return Sentence(N_("the receiver answered %(status)s"), status=str(delivery.status))
    return delivery.failure or ""
