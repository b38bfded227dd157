"""A mailbox as a way in: its servers, a test of the connection, and its secret for providers that post mail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_, Sentence
from api.inbox.rendering import missing
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Fields, Sent, Words, back, complaint, show
from api.problems import Problem
from api.v1.inbounds.endpoints import find_inbound, open_way_in
from api.v1.inbounds.schemas import InboundBody
from triage.channels.email.imap import look
from triage.channels.email.send import knock
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, SendFailed, TriageError, Unknown
from triage.storage import inbounds
from triage.storage.events import record
from triage.storage.inbounds import Inbound
from triage.storage.workspace import Workspace

router = APIRouter()

PATIENCE = 10.0
"""Seconds that a test waits for one answer of a server; a person is looking on."""
SERVERS = ("imap", "smtp")
PARTS = ("host", "port", "security", "user", "folder")


@router.get("/settings/channels/mailbox")
def empty(request: Request, seat: LeadSignedIn) -> Response:
    return _page(request, seat, {})


@router.post("/settings/channels/mailbox")
def create(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Opens the mailbox; or, with the button for it, only tries its servers."""
    settings = _filled_in(form)
    if "try" in form:
        return _page(request, seat, settings, found=_tried(settings))
    try:
        body = InboundBody(channel="email", adapter="email", secret=form.text("secret") or None, settings=settings)
        made, _ = open_way_in(body, request.app.state, seat)
    except (ValidationError, Problem) as error:
        return _page(request, seat, settings, trouble=complaint(error))
    return back(f"/settings/channels/{made.id}", "saved")


@router.post("/settings/channels/{inbound_id}/mailbox")
def change(inbound_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """New settings; a password that is left empty stays as it is, as long as the server and its user do."""
    try:
        inbound = seat.read(lambda w: find_inbound(w, inbound_id))
    except Unknown:
        return missing(seat, "inbound")
    settings = _filled_in(form, inbound.settings)
    if "try" in form:
        return _page(request, seat, settings, inbound=inbound, found=_tried(settings))
    try:
        EmailSettings.of(settings)
    except ConfigurationError as error:
        return _page(request, seat, settings, inbound=inbound, trouble=complaint(error))

    def work(workspace: Workspace) -> None:
        inbounds.change(workspace, inbound_id, settings=settings)
        record(workspace, "inbound.changed", inbound_id, actor=seat.actor, now=seat.now)

    seat.write(work)
    return back(f"/settings/channels/{inbound_id}", "saved")


def one(request: Request, seat: Seat, inbound: Inbound, *, secret: str | None = None, done: str = "") -> Response:
    """The page of a mailbox that is there."""
    return _page(request, seat, inbound.settings, inbound=inbound, secret=secret, done=done)


def _filled_in(form: Fields, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The form as the adapter's settings; what it does not show stays as it was."""
    before = before or {}
    shown = {"address", "name", "aliases", "relays", "plus_addresses", *SERVERS}
    found: dict[str, Any] = {key: value for key, value in before.items() if key not in shown}
    found |= {
        "address": form.text("address"), "name": form.text("name"), "aliases": form.text("aliases").split(),
        "relays": form.text("relays").split(), "plus_addresses": "plus_addresses" in form,
    }  # fmt: skip
    for name in SERVERS:
        if form.text(f"{name}_host"):
            found[name] = _server(form, name, before.get(name) or {})
    return found


def _server(form: Fields, name: str, before: Mapping[str, Any]) -> dict[str, Any]:
    server: dict[str, Any] = {key: value for key, value in before.items() if key not in (*PARTS, "password")}
    for part in PARTS:
        value = form.text(f"{name}_{part}")
        if value:
            server[part] = int(value) if part == "port" and value.isascii() and value.isdigit() else value
    password = form.raw(f"{name}_password")
    # A kept password goes to no other server or user than the one that it was given for.
    same = all(server.get(part) == before.get(part) for part in ("host", "user", "security"))
    if password or (same and before.get("password")):
        server["password"] = password or before["password"]
    return server


def _tried(settings: Mapping[str, Any]) -> list[tuple[bool, Words]]:
    """What both servers say to a log-in: whether it is well, and in words."""
    try:
        mailbox = EmailSettings.of(settings)
    except ConfigurationError as error:
        return [(False, complaint(error))]
    found: list[tuple[bool, Words]] = []
    if mailbox.imap is not None:
        try:
            count = look(mailbox.imap.model_copy(update={"timeout": PATIENCE}))
            found.append((True, Sentence(N_("Incoming mail: logged in. Mails in the folder: %(count)s"), count=count)))
        except TriageError as error:
            found.append((False, Sentence(N_("Incoming mail: %(detail)s"), detail=str(error))))
    if mailbox.smtp is not None:
        try:
            knock(mailbox.smtp.model_copy(update={"timeout": PATIENCE}))
            found.append((True, N_("Outgoing mail: logged in.")))
        except SendFailed as error:
            found.append((False, Sentence(N_("Outgoing mail: %(detail)s"), detail=str(error))))
    return found or [
        (False, N_("Name a server for incoming or for outgoing mail, so that there is something to test."))
    ]


def _page(
    request: Request, seat: Seat, settings: Mapping[str, Any], *, inbound: Inbound | None = None,
    secret: str | None = None, done: str = "", trouble: Words | None = None,
    found: list[tuple[bool, Words]] | None = None,
) -> Response:  # fmt: skip
    path = f"/v1/channels/{inbound.channel}/{inbound.id}" if inbound else ""
    return show(
        "mailbox.html", seat, section="channels", done=done, trouble=trouble, inbound=inbound, form=settings,
        servers={name: settings.get(name) or {} for name in SERVERS}, secret=secret, found=found,
        address=f"{str(request.base_url).rstrip('/')}{path}" if inbound else "",
    )  # fmt: skip
