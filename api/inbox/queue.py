"""``/``: the queue, narrowed and searched by a plain form."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.rendering import page
from api.inbox.seat import SignedIn
from triage.models.taxonomy import INTENTS
from triage.storage import desk
from triage.storage.columns import clean
from triage.storage.conversations import Filter
from triage.storage.workspace import Workspace
from triage.types import URGENCIES

router = APIRouter(include_in_schema=False)

ROWS = 50
STATUSES = ("open", "waiting", "closed")
Word = Annotated[str, Query(max_length=200)]


@router.get("/")
def show(
    request: Request, seat: SignedIn, status: Word = "open", urgency: Word = "", channel: Word = "", language: Word = "",
    intent: Word = "", q: Word = "", cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:  # fmt: skip
    """Open conversations where nothing else is asked for; an empty field leaves the queue wide."""
    chosen = {
        "status": status, "urgency": urgency, "channel": channel, "language": language, "intent": intent, "q": q.strip(),
    }  # fmt: skip
    chosen = {name: clean(value) for name, value in chosen.items()}
    wanted = Filter(**{name: value or None for name, value in chosen.items()})

    def read(workspace: Workspace) -> tuple[desk.Queue, desk.Figures]:
        found = desk.queue(workspace, wanted, limit=ROWS, cursor=cursor or None)
        return found, desk.figures(workspace, now=seat.now)

    address = "/?" + urlencode(chosen)
    try:
        queue, figures = seat.read(read)
    except ValueError:  # an old bookmark: the list begins anew
        return RedirectResponse(address, 303)
    following = f"{address}&{urlencode({'cursor': queue.cursor})}" if queue.cursor else None
    return page(
        "queue.html", seat, queue=queue, figures=figures, chosen=chosen, address=address, following=following,
        later=bool(cursor), statuses=STATUSES, urgencies=[str(level) for level in reversed(URGENCIES)],
        channels=request.app.state.channels, intents=INTENTS, now=seat.now,
    )  # fmt: skip
