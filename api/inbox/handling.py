"""Who works on a conversation, and whether it is done."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter
from fastapi.responses import RedirectResponse, Response

from api.inbox.rendering import missing
from api.inbox.seat import Posted, Seat, SignedIn
from triage.errors import InvalidMessage, Unknown
from triage.storage import handling
from triage.storage.workspace import Workspace

router = APIRouter(include_in_schema=False)


@router.post("/conversations/{conversation_id}/assign")
def assign(conversation_id: str, seat: SignedIn, form: Posted) -> Response:
    """To the agent who is named, to nobody where none is."""
    whose = form.get("assignee", "").strip() or None

    def work(workspace: Workspace) -> bool:
        return handling.assign(workspace, conversation_id, whose, actor=seat.actor, now=seat.now)

    return _changed(seat, conversation_id, work, done="assigned")


@router.post("/conversations/{conversation_id}/close")
def close(conversation_id: str, seat: SignedIn, form: Posted) -> Response:
    def work(workspace: Workspace) -> bool:
        return handling.close(workspace, conversation_id, actor=seat.actor, now=seat.now)

    return _changed(seat, conversation_id, work, done="closed")


@router.post("/conversations/{conversation_id}/reopen")
def reopen(conversation_id: str, seat: SignedIn, form: Posted) -> Response:
    def work(workspace: Workspace) -> bool:
        return handling.reopen(workspace, conversation_id, actor=seat.actor, now=seat.now)

    return _changed(seat, conversation_id, work, done="reopened")


def _changed(seat: Seat, conversation_id: str, work: Callable[[Workspace], bool], *, done: str) -> Response:
    try:
        changed = seat.write(work)
    except Unknown:
        return missing(seat, "conversation")
    except InvalidMessage:
        return RedirectResponse(f"/conversations/{conversation_id}?done=no_agent", 303)
    return RedirectResponse(f"/conversations/{conversation_id}?done={done if changed else 'unchanged'}", 303)
