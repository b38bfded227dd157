"""``/settings/language-model``: whether drafts are reworded by a language model, and exactly what would leave the machine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.i18n import N_
from api.inbox.seat import AdminSignedIn, LeadSignedIn, Seat
from api.inbox.settings.forms import Sent, Words, back, show
from api.inbox.settings.system import host_of
from api.v1.workspace.endpoints import apply
from api.v1.workspace.schemas import SettingsBody
from triage.drafting.generator import preview
from triage.errors import InvalidMessage
from triage.pipeline import TriageOptions
from triage.sample.data import sample_orders
from triage.storage.workspaces import read_settings
from triage.types import Customer, InboundMessage, Order

router = APIRouter()

MOST_TEXT = 5000
SAMPLE = (
    "Hello, my parcel for order {order} was promised for last week and is still not here. Please call me on +44 7700 900123 "
    "or write to maya.lindqvist@customers.example. Maya Lindqvist"
)
"""Full of what must not leave: an order's number, a telephone number, an address, a name."""


@router.get("/settings/language-model")
def read(request: Request, seat: LeadSignedIn, done: str = "") -> Response:
    order = _sample_order()
    return _page(request, seat, SAMPLE.format(order=order.id if order else "TM-10428"), order, done=done)


@router.post("/settings/language-model")
def try_text(request: Request, seat: LeadSignedIn, form: Sent) -> Response:
    """What would be sent for a text of one's own; nothing is sent, and nothing is kept."""
    return _page(request, seat, form.raw("text")[:MOST_TEXT], None)


@router.post("/settings/language-model/switch")
def switch(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """Lets the language model at this workspace's drafts, or keeps it away; what is on needs no setting."""
    body = SettingsBody(llm=None if form.text("on") == "1" else False)
    apply(body, request.app.state.channels, seat)
    return back("/settings/language-model", "saved")


def _page(request: Request, seat: Seat, text: str, order: Order | None, *, done: str = "") -> Response:
    settings = request.app.state.settings
    messages, why = _sent(request, seat, text, order)
    return show(
        "language_model.html", seat, section="language-model", host=host_of(settings), model=settings.llm_model,
        timeout=settings.llm_timeout, text=text, messages=messages, why=why, done=done, on=seat.read(read_settings).rewrites,
    )  # fmt: skip


def _sent(
    request: Request, seat: Seat, text: str, order: Order | None
) -> tuple[tuple[Mapping[str, Any], ...], Words | None]:  # fmt: skip
    """The messages that would be sent; none, and why."""
    state = request.app.state
    # Without the language model: to show what would be sent, nothing must be sent.
    pipeline = state.pipeline.over(state.pipeline.retriever_of(seat.workspace_id))
    message = InboundMessage(text=text, channel="email", customer=Customer(name="Maya Lindqvist"), order=order)
    voice = seat.read(read_settings).voice
    try:
        result = pipeline.triage(message, TriageOptions(voice=voice))
    except InvalidMessage:
        return (), N_("There is no text in it.")
    if result.draft is None:
        return (), N_("Nothing would be sent: this message needs no reply.")
    asked = preview(
        result.draft, message=message, entities=result.entities, passages=result.retrieval.passages,
        policy=state.policies["email"],
    )  # fmt: skip
    if asked is None:
        return (), N_("Nothing would be sent: no article answers this, or a person has to act at once.")
    return asked.messages, None


def _sample_order() -> Order | None:
    """An order that is on its way, of the sample shop; its facts stand in the request, its number does not."""
    return next((order for order in sample_orders().values() if order.status == "in_transit"), None)
