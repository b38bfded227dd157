"""``/settings/keys``: API keys. A key is shown once, in the answer to the form that made it, and kept as a hash."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Sent, Words, back, complaint, show
from api.v1.keys.endpoints import KeyBody
from triage.errors import Unknown
from triage.storage import keys

router = APIRouter()

SCOPES = {
    "triage": N_("Triage a text without keeping it"),
    "read": N_("Read conversations, customers, orders, articles and figures"),
    "write": N_("Bring messages and orders in, correct labels"),
    "approve": N_("Approve and reject drafts: what is approved is sent"),
    "articles": N_("Write and delete articles"),
    "webhooks": N_("Say where events are sent"),
    "admin": N_("Everything that admins set, further keys included"),
}
"""What each scope allows, in words."""


@router.get("/settings/keys")
def listed(seat: LeadSignedIn, done: str = "") -> Response:
    return _page(seat, done=done)


@router.post("/settings/keys")
def create(seat: AdminSignedIn, form: Sent) -> Response:
    chosen = [scope for scope in SCOPES if scope in form.every("scope")]
    try:
        body = KeyBody.model_validate({"name": form.text("name"), "scopes": chosen})
    except ValidationError as error:
        trouble = N_("Choose at least one thing that the key may do.") if not chosen else complaint(error)
        return _page(seat, trouble=trouble, name=form.text("name"), chosen=chosen)
    clear = keys.new_key()
    seat.write(
        lambda w: keys.create(
            w, name=body.name, scopes=body.scopes, sha256=keys.hash_key(clear), actor=seat.actor, now=seat.now
        )
    )
    # No redirect: the key would have to be kept somewhere until the next request.
    return _page(seat, made=clear)


@router.post("/settings/keys/{key_id}/revoke")
def revoke(key_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    try:
        seat.write(lambda w: keys.revoke(w, key_id, actor=seat.actor, now=seat.now))
    except Unknown:
        return _page(seat, trouble=N_("There is no such key, or it is revoked already."))
    request.app.state.keys.forget()
    return back("/settings/keys", "revoked")


def _page(
    seat: Seat, *, done: str = "", trouble: Words | None = None, made: str | None = None, name: str = "",
    chosen: list[str] | None = None,
) -> Response:  # fmt: skip
    rows = sorted(seat.read(keys.every), key=lambda row: row["revoked_at"] is not None)
    return show(
        "keys.html", seat, section="keys", done=done, trouble=trouble, keys=rows, scopes=SCOPES, made=made, typed=name,
        chosen=chosen or [],
    )  # fmt: skip
