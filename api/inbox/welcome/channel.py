"""``/welcome/channel``: a first message, by a webhook of one's own or typed."""

from __future__ import annotations

import base64
import shlex

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.i18n import N_
from api.inbox.rendering import page
from api.inbox.seat import AdminSignedIn, Seat
from api.inbox.settings import ways_in
from api.inbox.settings.forms import Sent, Words
from api.inbox.welcome.frame import show, to_step, way_in
from api.v1.inbounds.endpoints import open_way_in
from api.v1.inbounds.schemas import InboundBody
from triage.channels.standard_webhooks import PREFIX, new_secret
from triage.storage import first_steps, inbounds, intake
from triage.storage.columns import new_id
from triage.storage.events import record
from triage.storage.workspace import Workspace
from triage.types import Arrival, Customer, InboundMessage, Sender

router = APIRouter()

MOST_TYPED = 5000
_HELLO = (
    '{"text": "Hello, where is my order TM-10428? It was promised for Monday.", "sender": {"name": "Anna", "email": \
"anna@customers.example"}}'
)


@router.get("/welcome/channel")
def channel(request: Request, seat: AdminSignedIn) -> Response:
    return _channel(request, seat)


@router.post("/welcome/channel")
def connect(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """A webhook of one's own with a secret that is shown in this answer alone; where there is one already, a new secret."""
    secret = new_secret()
    before = way_in(seat)
    if before is None:
        made, _ = open_way_in(InboundBody(channel="chat", adapter="webhook", secret=secret), request.app.state, seat)
        seat.write(lambda w: first_steps.note(w, inbound=made.id))
    else:
        seat.write(lambda w: _rotate(w, before.id, secret, seat))
    return _channel(request, seat, secret=secret)


@router.get("/welcome/channel/state")
def look(seat: AdminSignedIn) -> Response:
    """What the script asks for until the first message is there."""
    way, found = way_in(seat), None
    if way is not None:
        found = seat.read(lambda w: first_steps.first_message(w, way.id))
    answer = page("welcome/arrived.html", seat, message=found)
    if found is not None:
        answer.headers["X-Settled"] = "1"
    return answer


@router.post("/welcome/channel/message")
def type_message(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """A message as a customer would write it, typed by the admin."""
    text = form.raw("text").strip()[:MOST_TYPED]
    if not text:
        return _channel(request, seat, trouble=N_("Write a message first."))
    name = form.text("name")[:200] or None
    message = InboundMessage(text=text, channel="chat", customer=Customer(name=name), received_at=seat.now)
    sender = Sender(name=name, handle=f"first-steps-{seat.login}"[:100])
    arrival = Arrival(external_id=first_steps.TYPED + new_id("typ"), message=message, sender=sender)
    intake.receive(request.app.state.database, seat.workspace_id, arrival, now=seat.now)
    request.app.state.wake()
    return to_step("channel")


def _rotate(workspace: Workspace, inbound_id: str, secret: str, seat: Seat) -> None:
    inbounds.rotate(workspace, inbound_id, secret=secret)
    record(workspace, "inbound.rotated", inbound_id, actor=seat.actor, now=seat.now, details={"kept": True})


def _channel(
    request: Request, seat: Seat, *, secret: str | None = None, trouble: Words | None = None
) -> Response:  # fmt: skip
    way = way_in(seat)
    found = seat.read(lambda w: first_steps.first_message(w, way.id if way else None))
    command = _command(ways_in.address(request, way), secret) if way and secret else None
    return show(
        "channel.html", seat, "channel", trouble=trouble, way=way, secret=secret, command=command, message=found,
        address=ways_in.address(request, way) if way else "",
    )  # fmt: skip


def _command(address: str, secret: str) -> str:
    """What a shell needs to send a signed message, with openssl and curl alone."""
    key = base64.b64decode(secret.removeprefix(PREFIX)).hex()
    return "\n".join(
        (
            'id="msg_$(date +%s)"; at="$(date +%s)"',
            f"body={shlex.quote(_HELLO)}",
            f'signature="$(printf \'%s.%s.%s\' "$id" "$at" "$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:{key} -binary'
            ' | openssl base64 -A)"',
            f"curl -sS {shlex.quote(address)} -H 'content-type: application/json' \\",
            '  -H "webhook-id: $id" -H "webhook-timestamp: $at" -H "webhook-signature: v1,$signature" --data-raw "$body"',
        )
    )
