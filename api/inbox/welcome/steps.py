"""Where the first steps begin and end; the brand, and the first drafts."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError
from sqlalchemy import Connection

from api.inbox.desk import Session
from api.inbox.seat import AdminSignedIn, Seat
from api.inbox.settings import voice
from api.inbox.settings.forms import Sent, Words, complaint
from api.inbox.welcome.frame import NAMES, base_of, show, to_step, way_in
from api.problems import Problem
from triage.storage import first_steps
from triage.storage.database import Database
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings

router = APIRouter()


def is_due(database: Database, session: Session | None) -> bool:
    """Whether who just logged in should see the first steps: an admin, in an empty workspace that nobody has begun to use.

    Where messages wait, as in the demo, the inbox says more than any step; it leads to them.
    """
    if session is None or session.here.agent.role != "admin":
        return False

    def look(connection: Connection) -> bool:
        assert session is not None
        workspace = Workspace(connection, session.here.agent.workspace_id)
        return first_steps.untouched(workspace) and not first_steps.has_messages(workspace)

    return database.read(look)


@router.get("/welcome")
def begin(seat: AdminSignedIn) -> Response:
    """The first step that is not done."""
    done = seat.read(first_steps.state).get("done", [])
    return to_step(next((name for name in NAMES if name not in done), NAMES[-1]))


@router.post("/welcome/next")
def go_on(seat: AdminSignedIn, form: Sent) -> Response:
    """Marks a step as done and leads to the one after it; from the last one to the inbox."""
    step = form.text("step")
    if step not in NAMES:
        return to_step("")
    seat.write(lambda w: first_steps.finished(w, step))
    return to_step(NAMES[NAMES.index(step) + 1]) if step != NAMES[-1] else RedirectResponse("/", 303)


@router.post("/welcome/skip")
def skip(seat: AdminSignedIn, form: Sent) -> Response:
    """Not now; the settings lead here at any time."""
    seat.write(lambda w: first_steps.note(w, skipped=True))
    return RedirectResponse("/", 303)


@router.get("/welcome/brand")
def brand(request: Request, seat: AdminSignedIn) -> Response:
    return _brand(request, seat, voice.stored(seat.read(read_settings)))


@router.post("/welcome/brand")
def keep_brand(request: Request, seat: AdminSignedIn, form: Sent) -> Response:
    shown, settings = voice.filled_in(form), seat.read(read_settings).values
    kept = {name: str(settings[name]) for name in ("undo_seconds", "review_days") if settings.get(name) is not None}
    shown = voice.Shown(
        brand=shown.brand, languages=shown.languages, informal=shown.informal, signatures=shown.signatures,
        undo_seconds=kept.get("undo_seconds", ""), review_days=kept.get("review_days", ""),
    )  # fmt: skip
    try:
        voice.save(request, seat, shown)
    except (ValidationError, Problem) as error:
        return _brand(request, seat, shown, trouble=complaint(error))
    seat.write(lambda w: first_steps.finished(w, "brand"))
    return to_step("knowledge")


@router.get("/welcome/drafts")
def drafts(request: Request, seat: AdminSignedIn) -> Response:
    way = way_in(seat)
    found = seat.read(lambda w: first_steps.drafts_to_show(w, way.id if way else None))
    titles = {(article.id, article.language): article.title for article in base_of(request, seat).articles}
    return show("drafts.html", seat, "drafts", drafts=found, progress=seat.read(first_steps.progress), titles=titles)


def _brand(request: Request, seat: Seat, shown: voice.Shown, *, trouble: Words | None = None) -> Response:
    samples = voice.samples(request, seat, shown.languages, shown.voice)
    return show("brand.html", seat, "brand", trouble=trouble, shown=shown, spoken=voice.spoken(), samples=samples)
