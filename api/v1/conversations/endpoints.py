"""``/v1/conversations``: the queue, and one conversation whole."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api.problems import Problem
from api.v1.messages.schemas import StoredMessageOut
from api.v1.rendering import conversation_json, summary_json
from api.v1.store import Reading, Writing
from api.v1.triage.endpoints import PROBLEMS
from api.v1.triage.schemas import SlaOut, Strict
from triage.storage import conversations, handling
from triage.storage.filters import Filter
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/conversations", tags=["conversations"], responses=PROBLEMS)
Word = Annotated[str | None, Query(max_length=80)]


class SummaryOut(BaseModel):
    id: str
    customer_id: str
    channel: str
    subject: str | None
    status: str
    assignee: str | None
    language: str | None
    intent: str | None
    urgency: str | None
    opened_at: datetime
    last_inbound_at: datetime
    answered_at: datetime | None
    sla: SlaOut


class ConversationOut(SummaryOut):
    messages: list[StoredMessageOut]


class HandlingBody(Strict):
    """What is left out stays as it is; an ``assignee`` of null gives the conversation back to everybody."""

    assignee: Annotated[str, Field(min_length=1, max_length=80)] | None = Field(default=None, examples=["anna"])
    status: Literal["open", "closed"] | None = Field(default=None, examples=["closed"])


class ConversationsOut(BaseModel):
    conversations: list[SummaryOut]
    cursor: str | None


@router.get("", response_model=ConversationsOut, summary="Conversations, the most pressing first")
def find(
    store: Reading,
    status: Word = None,
    urgency: Word = None,
    channel: Word = None,
    language: Word = None,
    intent: Word = None,
    customer: Word = None,
    assignee: Word = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JSONResponse:
    """By the time when an answer is due; those that wait for nothing come last."""
    wanted = Filter(
        status=status, urgency=urgency, channel=channel, language=language, intent=intent, customer=customer,
        assignee=assignee, q=q,
    )  # fmt: skip
    try:
        page = store.read(lambda w: conversations.find(w, wanted, limit=limit, cursor=cursor))
    except ValueError as error:
        raise Problem(422, "invalid_field", f"cursor: {error}", field="cursor") from None
    content: dict[str, Any] = {"conversations": [summary_json(row) for row in page.rows], "cursor": page.cursor}
    return JSONResponse(content)


@router.get("/{conversation_id}", response_model=ConversationOut, summary="One conversation with its messages")
def read(conversation_id: str, store: Reading) -> JSONResponse:
    return JSONResponse(conversation_json(store.read(lambda w: conversations.get_conversation(w, conversation_id))))


@router.patch("/{conversation_id}", response_model=ConversationOut, summary="Assign, close or open again")
def handle(conversation_id: str, body: HandlingBody, store: Writing) -> JSONResponse:
    """Closing stops the clock; the conversation opens by itself when the customer writes again."""

    def work(workspace: Workspace) -> conversations.StoredConversation:
        if "assignee" in body.model_fields_set:
            handling.assign(workspace, conversation_id, body.assignee, actor=store.actor, now=store.now)
        if body.status is not None:
            change = handling.close if body.status == "closed" else handling.reopen
            change(workspace, conversation_id, actor=store.actor, now=store.now)
        return conversations.get_conversation(workspace, conversation_id)

    return JSONResponse(conversation_json(store.write(work)))
