"""``/settings/channels``: where messages come in. Webhooks are set up here, mailboxes in ``mailboxes``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_, Sentence
from api.inbox.rendering import missing
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings import mailboxes
from api.inbox.settings.forms import Fields, Sent, Words, back, complaint, show
from api.problems import Problem
from api.v1.inbounds.endpoints import find_inbound, open_way_in
from api.v1.inbounds.schemas import InboundBody
from triage.channels.payload import storable
from triage.channels.standard_webhooks import new_secret
from triage.errors import ConfigurationError, Unknown, UnreadableDelivery
from triage.storage import inbounds
from triage.storage.events import record
from triage.storage.inbounds import Inbound
from triage.storage.workspace import Workspace
from triage.types import Arrival, Delivery

router = APIRouter()

FIELDS: tuple[tuple[str, str, str], ...] = (
    ("text", N_("The message's text"), "data.body"),
    ("external_id", N_("The message's id at the sender"), "data.id"),
    ("subject", N_("Subject"), "data.subject"),
    ("conversation_ref", N_("Id of the conversation or ticket"), "data.ticket_id"),
    ("received_at", N_("When it was written"), "data.created_at"),
    ("sender.name", N_("The customer's name"), "data.from.name"),
    ("sender.email", N_("The customer's e-mail address"), "data.from.email"),
    ("sender.phone", N_("The customer's phone number"), "data.from.phone"),
    ("sender.handle", N_("The customer's name on the channel"), "data.from.handle"),
    ("order_id", N_("Order number"), "data.order"),
    ("language_hint", N_("Language"), "data.language"),
)
"""Fields of a message that the form maps, each with its label and an example of a path."""
ADAPTERS = {"webhook": N_("Webhook"), "email": N_("Mailbox")}
MOST_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """The form of a webhook that brings messages in."""

    channel: str = "chat"
    paths: Mapping[str, str] | None = None
    items: str = ""
    reply_url: str = ""
    idempotent: bool = False
    header: str = ""
    prefix: str = ""
    payload: str = ""

    def settings(self, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As the adapter takes them; of ``before`` stays what this form does not show."""
        mapped = {name for name, _, _ in FIELDS}
        kept = {key: path for key, path in ((before or {}).get("mapping") or {}).items() if key not in mapped}
        paths = {**kept, **(self.paths or {})}
        found: dict[str, Any] = {"mapping": paths} if paths else {}
        if self.items:
            found["items"] = self.items
        if self.reply_url:
            found["reply_url"] = self.reply_url
        if self.idempotent:
            found["idempotent"] = True
        if self.header:
            found["signature"] = {"header": self.header, "prefix": self.prefix}
        return found


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How a pasted payload would be read."""

    arrivals: Sequence[Arrival] = ()
    more: int = 0
    problem: Words | None = None


@router.get("/settings/channels")
def listed(request: Request, seat: LeadSignedIn, done: str = "") -> Response:
    found = sorted(seat.read(inbounds.every), key=lambda inbound: inbound.disabled)
    return show("channels.html", seat, section="channels", done=done, inbounds=found, adapters=ADAPTERS)


@router.get("/settings/channels/new")
def empty(request: Request, seat: LeadSignedIn) -> Response:
    return _form(request, seat, Webhook())


@router.post("/settings/channels/new")
def create(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Opens the way in; or, with the button for it, only shows how the pasted payload would be read."""
    filled = _filled_in(form)
    if "try" in form:
        return _form(request, seat, filled, trial=_tried(request, seat, filled))
    try:
        body = InboundBody(
            channel=filled.channel, adapter="webhook", secret=form.text("secret") or None, settings=filled.settings()
        )
        made, secret = open_way_in(body, request.app.state, seat)
    except (ValidationError, Problem) as error:
        return _form(request, seat, filled, trouble=complaint(error))
    return one(request, seat, made, secret=secret)


@router.get("/settings/channels/{inbound_id}")
def read(inbound_id: str, request: Request, seat: LeadSignedIn, done: str = "") -> Response:
    try:
        found = seat.read(lambda w: find_inbound(w, inbound_id))
    except Unknown:
        return missing(seat, "inbound")
    return one(request, seat, found, done=done)


@router.post("/settings/channels/{inbound_id}")
def change(inbound_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """New settings of a webhook, which hold from the next delivery on."""
    try:
        found = seat.read(lambda w: find_inbound(w, inbound_id))
    except Unknown:
        return missing(seat, "inbound")
    filled = _filled_in(form, channel=found.channel)
    if "try" in form:
        return one(request, seat, found, filled=filled, trial=_tried(request, seat, filled, found.settings))
    settings = filled.settings(found.settings)
    try:
        request.app.state.adapters["webhook"].check(settings, found.secret)
    except ConfigurationError as error:
        return one(request, seat, found, filled=filled, trouble=complaint(error))
    keep(seat, inbound_id, settings)
    return back(f"/settings/channels/{inbound_id}", "saved")


@router.post("/settings/channels/{inbound_id}/rotate")
def rotate(inbound_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """A new secret; with ``leaked`` the old one ends at once, else it stays good until the next rotation."""
    leaked = "leaked" in form
    secret = new_secret()

    def work(workspace: Workspace) -> Inbound:
        if not inbounds.rotate(workspace, inbound_id, secret=secret, keep_previous=not leaked):
            raise Unknown("inbound", inbound_id)
        details = {"kept": not leaked}
        record(workspace, "inbound.rotated", inbound_id, actor=seat.actor, now=seat.now, details=details)
        return find_inbound(workspace, inbound_id)

    try:
        changed = seat.write(work)
    except Unknown:
        return missing(seat, "inbound")
    return one(request, seat, changed, secret=secret)


@router.post("/settings/channels/{inbound_id}/close")
def close(inbound_id: str, seat: AdminSignedIn, form: Sent) -> Response:
    def work(workspace: Workspace) -> None:
        if not find_inbound(workspace, inbound_id).disabled:
            inbounds.disable(workspace, inbound_id, now=seat.now)
            record(workspace, "inbound.disabled", inbound_id, actor=seat.actor, now=seat.now)

    try:
        seat.write(work)
    except Unknown:
        return missing(seat, "inbound")
    return back(f"/settings/channels/{inbound_id}", "closed")


def keep(seat: Seat, inbound_id: str, settings: dict[str, Any]) -> None:
    """Writes new settings, once they are checked."""

    def work(workspace: Workspace) -> None:
        inbounds.change(workspace, inbound_id, settings=settings)
        record(workspace, "inbound.changed", inbound_id, actor=seat.actor, now=seat.now)

    seat.write(work)


def one(
    request: Request, seat: Seat, inbound: Inbound, *, secret: str | None = None, done: str = "",
    trouble: Words | None = None, filled: Webhook | None = None, trial: Trial | None = None,
) -> Response:  # fmt: skip
    """The page of one way in; ``secret`` is shown this once."""
    if inbound.adapter == "email":
        return mailboxes.one(request, seat, inbound, secret=secret, done=done)
    return show(
        "inbound.html", seat, section="channels", done=done, trouble=trouble, inbound=inbound, adapters=ADAPTERS,
        address=address(request, inbound), secret=secret, form=filled or _stored(inbound), trial=trial, fields=FIELDS,
        channels=request.app.state.channels, secrets=len(inbound.secrets),
    )  # fmt: skip


def address(request: Request, inbound: Inbound) -> str:
    """Where the sender posts to, as this browser reaches the server."""
    return f"{str(request.base_url).rstrip('/')}/v1/channels/{inbound.channel}/{inbound.id}"


def _form(
    request: Request, seat: Seat, filled: Webhook, *, trouble: Words | None = None, trial: Trial | None = None
) -> Response:  # fmt: skip
    return show(
        "webhook_in.html", seat, section="channels", trouble=trouble, form=filled, trial=trial, fields=FIELDS,
        channels=request.app.state.channels,
    )  # fmt: skip


def _stored(inbound: Inbound) -> Webhook:
    settings = inbound.settings
    signature = settings.get("signature") or {}
    return Webhook(
        channel=inbound.channel, paths=settings.get("mapping") or {}, items=settings.get("items") or "",
        reply_url=settings.get("reply_url") or "", idempotent=settings.get("idempotent") is True,
        header=signature.get("header", ""), prefix=signature.get("prefix", ""),
    )  # fmt: skip


def _filled_in(form: Fields, *, channel: str | None = None) -> Webhook:
    paths = {name: form.text(name) for name, _, _ in FIELDS}
    return Webhook(
        channel=channel or form.text("channel"), paths={name: path for name, path in paths.items() if path},
        items=form.text("items"), reply_url=form.text("reply_url"), idempotent="idempotent" in form,
        header=form.text("header"), prefix=form.text("prefix"), payload=form.raw("payload"),
    )  # fmt: skip


def _tried(request: Request, seat: Seat, filled: Webhook, before: Mapping[str, Any] | None = None) -> Trial:
    """Reads the pasted payload as a delivery with a fresh id would be read; nothing is kept."""
    adapter = request.app.state.adapters["webhook"]
    settings = filled.settings(before)
    body = storable(filled.payload).encode("utf-8")
    # Only Standard Webhooks sign an id; with a plain signature a message must bring one of its own.
    headers = {} if filled.header else {"webhook-id": "try"}
    problem: Words | None = None
    try:
        adapter.check(settings, None)
        found: Sequence[Arrival] = adapter.parse(
            Delivery(body=body, headers=headers, received_at=seat.now), settings={**settings, "channel": filled.channel}
        )
    except ConfigurationError as error:
        return Trial(problem=complaint(error))
    except UnreadableDelivery as error:
        found = getattr(error, "arrivals", ())
        problem = Sentence(N_("This cannot be read: %(detail)s"), detail=str(error))
    return Trial(arrivals=found[:MOST_SHOWN], more=max(0, len(found) - MOST_SHOWN), problem=problem)
