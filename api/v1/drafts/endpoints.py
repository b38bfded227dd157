"""``/v1/drafts``: a person approves exactly what is sent, edits or rejects it. Who comes second gets 409."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.v1.rendering import draft_json
from api.v1.store import Approving, Reading
from api.v1.triage.endpoints import PROBLEMS
from api.v1.triage.schemas import ProblemOut, Strict
from triage.storage import conversations, drafts, outbox
from triage.storage.workspaces import read_settings

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ProblemOut,
        "description": "Decided, changed or out of date",
        "content": {"application/problem+json": {}},
    }
}
router = APIRouter(prefix="/v1/drafts", tags=["drafts"], responses=PROBLEMS)

Text = Annotated[
    str, Field(min_length=1, max_length=64_000, examples=["Hello Anna, your parcel left our warehouse today."])
]
Revision = Annotated[int, Field(ge=1, examples=[1])]


class DecisionBody(Strict):
    """``text`` is sent exactly as it stands; ``revision`` is the one that the person saw."""

    text: Text
    revision: Revision


class RejectionBody(Strict):
    reason: Annotated[str, Field(min_length=1, max_length=60, examples=["wrong_answer"])]
    comment: Annotated[str, Field(max_length=2000)] | None = None


class OutcomeBody(Strict):
    outcome: outbox.Outcome = Field(examples=["arrived"])


class DraftStateOut(BaseModel):
    id: str
    state: str
    revision: int


class DraftOut(DraftStateOut):
    text: str
    language: str


@router.get("/{draft_id}", response_model=DraftOut, summary="One draft")
def read(draft_id: str, store: Reading) -> JSONResponse:
    return JSONResponse(draft_json(store.read(lambda w: conversations.get_draft(w, draft_id))))


@router.put("/{draft_id}", response_model=DraftStateOut, responses=CONFLICT, summary="Save an edit without sending it")
def revise(draft_id: str, body: DecisionBody, store: Approving) -> JSONResponse:
    revision = store.write(
        lambda w: drafts.revise(w, draft_id, text=body.text, revision=body.revision, actor=store.actor, now=store.now)
    )
    return JSONResponse({"id": draft_id, "state": "pending", "revision": revision})


@router.post("/{draft_id}/approve", response_model=DraftStateOut, responses=CONFLICT, summary="Approve and send")
def approve(draft_id: str, body: DecisionBody, request: Request, store: Approving) -> JSONResponse:
    """Exactly these bytes are sent, once, to the address that the message came from."""
    done = store.write(
        lambda w: drafts.approve(
            w, draft_id, text=body.text, revision=body.revision, actor=store.actor, now=store.now,
            undo=read_settings(w).undo,
        )
    )  # fmt: skip
    request.app.state.wake()
    return JSONResponse({"id": draft_id, "state": "approved", "revision": done.revision, "sha256": done.sha256})


@router.post(
    "/{draft_id}/resolve", response_model=DraftStateOut, responses=CONFLICT, summary="Decide on an uncertain reply"
)
def resolve(draft_id: str, body: OutcomeBody, request: Request, store: Approving) -> JSONResponse:
    """For a reply that may have left or did not: it has arrived after all, or it is sent again, the same bytes."""
    state = store.write(lambda w: outbox.resolve(w, draft_id, body.outcome, actor=store.actor, now=store.now))
    request.app.state.wake()
    found = store.read(lambda w: conversations.get_draft(w, draft_id))
    return JSONResponse({"id": draft_id, "state": state, "revision": found["revision"]})


@router.post("/{draft_id}/reject", response_model=DraftStateOut, responses=CONFLICT, summary="Reject")
def reject(draft_id: str, body: RejectionBody, store: Approving) -> JSONResponse:
    store.write(
        lambda w: drafts.reject(w, draft_id, reason=body.reason, comment=body.comment, actor=store.actor, now=store.now)
    )
    found = store.read(lambda w: conversations.get_draft(w, draft_id))
    return JSONResponse({"id": draft_id, "state": found["state"], "revision": found["revision"]})
