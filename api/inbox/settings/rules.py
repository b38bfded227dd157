"""``/settings/rules`` and ``/settings/thresholds``: what channels allow, and when the assistant calls itself sure.

They are set for the whole installation, in its environment, and can be read here with where each comes from; how sure the
assistant must be, a workspace may choose for itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from api.inbox.i18n import N_
from api.inbox.seat import AdminSignedIn, LeadSignedIn
from api.inbox.settings.forms import Sent, back, show
from api.inbox.settings.system import manifest_of
from api.v1.workspace.endpoints import apply
from api.v1.workspace.schemas import SettingsBody
from triage.settings import Settings
from triage.storage.workspaces import read_settings

router = APIRouter()

RULES = {
    "limit": N_("Longest reply"), "segments": N_("Most SMS segments"), "links": N_("Links"),
    "contact_details": N_("Contact details"), "marketing": N_("Marketing"), "greeting": N_("Greeting"),
    "signoff": N_("Signature"), "plain": N_("Plain text only"), "public": N_("Everybody reads the reply"),
    "language": N_("Language of the reply"), "sla_hours": N_("Answer within"),
}  # fmt: skip
"""Rules of a channel that the page shows, in words."""
UNITS = {
    "characters": N_("%(count)s characters"), "bytes": N_("%(count)s bytes"),
    "weighted characters": N_("%(count)s characters, some of which count twice"),
}  # fmt: skip
_URL = re.compile(r"https?://[^\s;,()]+")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a rule was read: a page's address, if it names one, and the words around it."""

    url: str | None
    words: str


@dataclass(frozen=True, kw_only=True)
class Value:
    """A setting of the installation. ``own``: it is set in the environment, under ``variable``."""

    variable: str
    number: float
    own: bool


@router.get("/settings/rules")
def channel_rules(request: Request, seat: LeadSignedIn) -> Response:
    state = request.app.state
    found = [
        (state.policies[channel], {rule: _source(where) for rule, where in state.policies.sources(channel).items()})
        for channel in state.channels
    ]
    return show("rules.html", seat, section="rules", policies=found, rules=RULES, units=UNITS)


@router.get("/settings/thresholds")
def thresholds(request: Request, seat: LeadSignedIn, done: str = "") -> Response:
    settings: Settings = request.app.state.settings
    manifest = manifest_of(settings)
    abstains = manifest.calibration.abstain_below if manifest else {}
    values = {name: _value(settings, name) for name in ("band_high", "band_medium", "precision")}
    chosen = seat.read(read_settings).precision
    return show(
        "thresholds.html", seat, section="thresholds", values=values, abstains=abstains, done=done, chosen=chosen,
        precision=chosen or settings.precision,
    )  # fmt: skip


@router.post("/settings/thresholds")
def choose(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    """How sure the assistant must be in this workspace; an empty choice leaves it to the installation."""
    wanted = form.text("precision")
    try:
        body = SettingsBody.model_validate({"precision": wanted or None})
    except ValidationError:
        return back("/settings/thresholds")  # the form offers no other
    apply(body, request.app.state.channels, seat)
    return back("/settings/thresholds", "saved")


def _value(settings: Settings, name: str) -> Value:
    own = name in settings.model_fields_set
    return Value(variable=f"TRIAGE_{name.upper()}", number=float(getattr(settings, name)), own=own)


def _source(where: str) -> Source:
    found = _URL.search(where)
    return Source(url=found[0] if found else None, words=where)
