"""``/welcome/past``: past messages out of another system's file, and how far the assistant is with them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from api.inbox.i18n import N_, Sentence
from api.inbox.knowledge.forms import Upload, check_token, read_body, read_upload
from api.inbox.rendering import page
from api.inbox.seat import AdminSignedIn, Seat
from api.inbox.settings.forms import Words
from api.inbox.welcome.frame import show, to_step
from triage.channels.past import MOST_BYTES, MOST_RECORDS, read_past
from triage.errors import UnreadableDelivery
from triage.storage import first_steps
from triage.storage.events import record
from triage.storage.past_messages import Outcome, take_in
from triage.storage.workspace import Workspace

router = APIRouter()

LISTED = 20
REASONS = {
    "no_record": N_("it is not a record with fields"),
    "no_text": N_("there is no text in it"),
    "not_a_customer": N_("it was not written by a customer"),
    "too_many": N_("this record and those after it: one file may hold 2,000"),
    "not_kept": N_("it could not be kept"),
}
"""Why a record of past messages was left out."""


@router.get("/welcome/past")
def past(request: Request, seat: AdminSignedIn) -> Response:
    return _past(request, seat)


@router.post("/welcome/past")
async def take_past(request: Request, seat: AdminSignedIn) -> Response:
    """A file or pasted records; the same ones once more change nothing."""
    upload = read_upload(request.headers.get("content-type", ""), await read_body(request, 2 * MOST_BYTES))
    check_token(seat, upload.fields.get("token", ""))
    return await run_in_threadpool(_take_past, request, seat, upload)


def _take_past(request: Request, seat: Seat, upload: Upload) -> Response:
    typed = upload.fields.get("records", "")
    content = upload.content or typed.encode("utf-8", "replace")
    if not content.strip():
        return _past(request, seat, trouble=N_("Choose a file, or paste some records."), typed=typed)
    channels = request.app.state.channels
    chosen = upload.fields.get("channel", "")
    try:
        found = list(read_past(content, channel=chosen if chosen in channels else "email", channels=channels))
    except UnreadableDelivery as error:
        words = Sentence(N_("This cannot be read: %(detail)s"), detail=str(error))
        return _past(request, seat, trouble=words, typed=typed)
    outcome = take_in(request.app.state.database, seat.workspace_id, found, now=seat.now)
    seat.write(lambda w: _noted(w, outcome, seat))
    request.app.state.wake()
    return to_step("past")


def _noted(workspace: Workspace, outcome: Outcome, seat: Seat) -> None:
    counts = {"new": outcome.new, "known": outcome.known, "left": len(outcome.left)}
    listed = [{"number": one.number, "reason": one.reason[:200]} for one in outcome.left[:LISTED]]
    first_steps.note(workspace, past={**counts, "undated": outcome.undated, "listed": listed})
    record(workspace, "messages.imported", workspace.id, actor=seat.actor, now=seat.now, details=counts)


@router.get("/welcome/past/state")
def look_at_past(seat: AdminSignedIn) -> Response:
    """How far the assistant is with the past messages, for the script."""
    found = seat.read(first_steps.progress)
    answer = page("welcome/progress.html", seat, progress=found)
    if found.settled:
        answer.headers["X-Settled"] = "1"
    return answer


def _past(request: Request, seat: Seat, *, trouble: Words | None = None, typed: str = "") -> Response:
    kept = seat.read(first_steps.state).get("past")
    return show(
        "past.html", seat, "past", trouble=trouble, outcome=kept, progress=seat.read(first_steps.progress), typed=typed,
        channels=request.app.state.channels, reasons=REASONS, most=MOST_RECORDS,
    )  # fmt: skip
