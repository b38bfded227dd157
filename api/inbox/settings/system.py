"""``/settings/system``: versions, the work that waits, and what ``triage doctor`` finds."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.inbox.i18n import N_
from api.inbox.seat import LeadSignedIn
from api.inbox.settings.forms import show
from triage import __version__
from triage.bootstrap import model_folder
from triage.doctor import examine
from triage.errors import ModelError
from triage.models.manifest import Manifest
from triage.settings import Settings
from triage.storage import workload

router = APIRouter()

QUEUES = {
    "triage": N_("Messages to read"), "replies": N_("Replies to send"), "deliveries": N_("Events to tell of"),
}  # fmt: skip
CHECKS = {
    "python": N_("Python"), "weights": N_("Model"), "knowledge base": N_("Knowledge base"),
    "data folder": N_("Data folder"), "database": N_("Database"), "sqlite": N_("SQLite"),
}  # fmt: skip
"""What ``triage doctor`` looks at, in words."""


@router.get("/settings/system")
def read(request: Request, seat: LeadSignedIn, checks: bool = False) -> Response:
    """With ``checks`` every file of the model is read again, which takes a second."""
    state = request.app.state
    settings: Settings = state.settings
    load = seat.read(lambda w: workload.measured(w, now=seat.now))
    return show(
        "system.html", seat, section="system", version=__version__, manifest=manifest_of(settings),
        index=state.pipeline.retriever_of(seat.workspace_id).version, load=load, queues=QUEUES,
        own_worker=settings.worker, database="SQLite" if state.database.is_sqlite else "PostgreSQL",
        checks=list(examine(settings)) if checks and seat.role == "admin" else None, names=CHECKS,
    )  # fmt: skip


def host_of(settings: Any) -> str | None:
    """The host that the language model's endpoint is at; None where there is none."""
    return urlsplit(settings.llm_base_url).hostname if settings.llm_base_url else None


def manifest_of(settings: Settings) -> Manifest | None:
    """What the model in use says of itself; None where there is none."""
    try:
        return _manifest(model_folder(settings))
    except ModelError:
        return None


@cache
def _manifest(folder: Path) -> Manifest:
    # Reading it hashes the weights; while the server runs, it uses those that it began with.
    return Manifest.read(folder)
