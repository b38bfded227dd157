"""The frame around the first steps: which there are, and which is open."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.i18n import N_
from api.inbox.rendering import page
from api.inbox.seat import Seat
from api.inbox.settings.forms import Words
from api.v1.inbounds.endpoints import find_inbound
from triage.errors import Unknown
from triage.knowledge_base.base import KnowledgeBase
from triage.storage import first_steps
from triage.storage.inbounds import Inbound

STEPS: tuple[tuple[str, str], ...] = (
    ("brand", N_("Your brand")),
    ("knowledge", N_("Your articles")),
    ("channel", N_("A channel")),
    ("past", N_("Past messages")),
    ("drafts", N_("First drafts")),
)
NAMES = tuple(name for name, _ in STEPS)


def show(name: str, seat: Seat, step: str, *, trouble: Words | None = None, **context: Any) -> Response:
    """A step's page; ``trouble`` says why nothing was changed."""
    done = seat.read(first_steps.state).get("done", [])
    return page(
        f"welcome/{name}",
        seat,
        422 if trouble else 200,
        step=step,
        steps=STEPS,
        steps_done=done,
        trouble=trouble,
        **context,
    )


def to_step(step: str) -> Response:
    """303 to a step; to the first open one where none is named."""
    return RedirectResponse(f"/welcome/{step}" if step else "/welcome", 303)


def base_of(request: Request, seat: Seat) -> KnowledgeBase:
    """The workspace's knowledge base."""
    found: KnowledgeBase = request.app.state.pipeline.retriever_of(seat.workspace_id)
    return found


def way_in(seat: Seat) -> Inbound | None:
    """The webhook that these steps made, while it is open."""
    made = seat.read(first_steps.state).get("inbound")
    if not made:
        return None
    try:
        found = seat.read(lambda w: find_inbound(w, made))
    except Unknown:
        return None
    return None if found.disabled else found
