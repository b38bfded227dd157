"""``/settings``: how each part stands, in a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import func

from api.inbox.i18n import N_, Sentence
from api.inbox.seat import LeadSignedIn
from api.inbox.settings.forms import Words, show
from api.inbox.settings.system import host_of
from triage import __version__
from triage.storage import inbounds, keys, schema, webhooks
from triage.storage.quarantine import in_quarantine
from triage.storage.workspace import Workspace
from triage.storage.workspaces import WorkspaceSettings, read_settings

router = APIRouter()

RECENT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the page counts."""

    settings: WorkspaceSettings
    agents: int
    open_ways: int
    held: int
    keys: int
    webhooks: int
    failed: int


@router.get("/settings")
def overview(request: Request, seat: LeadSignedIn) -> Response:
    state = request.app.state
    found = seat.read(lambda w: _standing(w, seat.now - RECENT))
    return show("index.html", seat, section="", lines=_lines(found, state), failing=_failing(found))


def _standing(workspace: Workspace, since: Any) -> Standing:
    log, people = schema.deliveries, schema.agents
    failed = workspace.select(log, func.count()).where(log.c.state == "failed", log.c.changed_at > since)
    return Standing(
        settings=read_settings(workspace),
        agents=workspace.value(workspace.select(people, func.count()).where(people.c.disabled_at.is_(None))),
        open_ways=sum(not inbound.disabled for inbound in inbounds.every(workspace)),
        held=len(in_quarantine(workspace)),
        keys=sum(row["revoked_at"] is None for row in keys.every(workspace)),
        webhooks=sum(hook.disabled_at is None for hook in webhooks.every(workspace)),
        failed=workspace.value(failed),
    )


def _lines(found: Standing, state: Any) -> dict[str, Words]:
    settings, own = found.settings, state.settings
    voice = N_("%(brand)s, customers are addressed informally")
    formal = N_("%(brand)s, customers are addressed formally")
    model = host_of(own)
    return {
        "workspace": Sentence(voice if settings.voice.informal else formal, brand=settings.brand),
        "agents": Sentence(N_("People who can log in: %(count)s"), count=found.agents),
        "channels": Sentence(N_("Ways in that are open: %(count)s"), count=found.open_ways),
        "quarantine": Sentence(N_("Waiting for a person: %(count)s"), count=found.held),
        "sla": N_("The workspace's own clocks") if settings.values.get("sla") else N_("Each channel's own clock"),
        "rules": Sentence(N_("Channels that are known: %(count)s"), count=len(state.channels)),
        "thresholds": Sentence(
            N_("Right in %(precision)s of 100 where the model is sure"), precision=int(settings.precision or own.precision)
        ),
        "language-model": Sentence(N_("On: drafts are reworded by %(host)s"), host=model)
        if model and settings.rewrites
        else N_("Off: no text leaves this machine"),
        "keys": Sentence(N_("Keys that are valid: %(count)s"), count=found.keys),
        "webhooks": Sentence(
            N_("Receivers: %(count)s. Deliveries that failed in the last 7 days: %(failed)s"),
            count=found.webhooks, failed=found.failed,
        ),
        "system": Sentence(N_("Version %(version)s"), version=__version__),
    }  # fmt: skip


def _failing(found: Standing) -> frozenset[str]:
    """Sections that somebody should look at."""
    return frozenset(name for name, bad in (("quarantine", found.held), ("webhooks", found.failed)) if bad)
