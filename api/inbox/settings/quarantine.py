"""``/settings/quarantine``: deliveries that could not be read, as they came, until a person has dealt with each."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.i18n import N_, Sentence
from api.inbox.rendering import missing
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Sent, Words, back, show
from api.v1.channels.endpoints import keep_all, parsed
from api.v1.inbounds.endpoints import find_inbound
from triage.errors import Unknown
from triage.storage import inbounds, quarantine
from triage.storage.events import record
from triage.storage.inbounds import Inbound
from triage.storage.workspace import Workspace
from triage.types import Delivery

router = APIRouter()

MOST_SHOWN = 20_000
"""Bytes that the page shows; the file has all of them."""


@router.get("/settings/quarantine")
def listed(seat: LeadSignedIn, done: str = "") -> Response:
    rows = seat.read(quarantine.in_quarantine)
    ways = {inbound.id: inbound for inbound in seat.read(inbounds.every)}
    return show("quarantine.html", seat, section="quarantine", done=done, rows=rows, ways=ways)


@router.get("/settings/quarantine/{raw_id}")
def read(raw_id: str, seat: LeadSignedIn) -> Response:
    return _page(seat, raw_id)


@router.get("/settings/quarantine/{raw_id}/file")
def download(raw_id: str, seat: LeadSignedIn) -> Response:
    """Only ever as a file: shown by a browser, the bytes could act."""
    try:
        row = seat.read(lambda w: quarantine.raw_delivery(w, raw_id))
    except Unknown:
        return missing(seat, "delivery")
    headers = {
        "Content-Disposition": 'attachment; filename="delivery.bin"', "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }  # fmt: skip
    return Response(row["body"], media_type="application/octet-stream", headers=headers)


@router.post("/settings/quarantine/{raw_id}/read")
def read_again(raw_id: str, request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Reads the delivery with the settings that its way in has now; what was kept before is known by its id."""
    try:
        row = seat.read(lambda w: quarantine.raw_delivery(w, raw_id))
        inbound: Inbound = seat.read(lambda w: find_inbound(w, row["inbound_id"] or ""))
    except Unknown:
        return _page(seat, raw_id, trouble=N_("The way in that it came by is not there any more."))
    adapter = request.app.state.adapters.get(inbound.adapter)
    if adapter is None:
        return _page(seat, raw_id, trouble=N_("Nothing here reads deliveries of this kind any more."))
    delivery = Delivery(body=bytes(row["body"]), headers=dict(row["headers"]), received_at=row["received_at"])
    arrivals, reason = parsed(adapter, delivery, inbound)
    outcome = keep_all(request.app.state.database, inbound, arrivals, row["received_at"])
    request.app.state.wake()
    if reason or outcome.reason:
        detail = reason or outcome.reason
        words = Sentence(
            N_("Still not readable as a whole: %(detail)s. Messages taken in: %(count)s"),
            detail=detail, count=outcome.received - outcome.duplicates,
        )  # fmt: skip
        return _page(seat, raw_id, trouble=words)
    return _settled(seat, raw_id, "read")


@router.post("/settings/quarantine/{raw_id}/release")
def release(raw_id: str, seat: AdminSignedIn, form: Sent) -> Response:
    return _settled(seat, raw_id, "released")


@router.post("/settings/quarantine/{raw_id}/discard")
def discard(raw_id: str, seat: AdminSignedIn, form: Sent) -> Response:
    def work(workspace: Workspace) -> None:
        quarantine.discard(workspace, raw_id)
        record(workspace, "quarantine.discarded", raw_id, actor=seat.actor, now=seat.now)

    try:
        seat.write(work)
    except Unknown:
        return missing(seat, "delivery")
    return back("/settings/quarantine", "discarded")


def _settled(seat: Seat, raw_id: str, done: str) -> Response:
    def work(workspace: Workspace) -> None:
        quarantine.release(workspace, raw_id, now=seat.now)
        record(workspace, f"quarantine.{done}", raw_id, actor=seat.actor, now=seat.now)

    try:
        seat.write(work)
    except Unknown:
        return missing(seat, "delivery")
    return back("/settings/quarantine", done)


def _page(seat: Seat, raw_id: str, *, trouble: Words | None = None) -> Response:
    try:
        row = seat.read(lambda w: quarantine.raw_delivery(w, raw_id))
        way = next((i for i in seat.read(inbounds.every) if i.id == row["inbound_id"]), None)
    except Unknown:
        return missing(seat, "delivery")
    body = bytes(row["body"])
    return show(
        "held.html", seat, section="quarantine", trouble=trouble, row=row, way=way, size=len(body),
        text=body[:MOST_SHOWN].decode("utf-8", "replace"), cut=len(body) > MOST_SHOWN,
    )  # fmt: skip
