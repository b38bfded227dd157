"""``/v1/messages``: durable intake, reading, and agents' corrections."""

from __future__ import annotations

import hashlib
import time
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from api.problems import Problem
from api.v1.messages.schemas import ArrivalBody, LabelsBody, ReceivedOut, StoredMessageOut
from api.v1.rendering import draft_json, message_json
from api.v1.store import Reading, Store, Writing
from api.v1.triage.endpoints import PROBLEMS, known_channel
from triage.errors import Unknown
from triage.storage import conversations, idempotency, intake
from triage.storage.orders import put_order
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/v1/messages", tags=["messages"], responses=PROBLEMS)

WAIT_SECONDS = 10.0
_LOOK_SECONDS = 0.02


@router.post(
    "", response_model=ReceivedOut, status_code=201, summary="Keep one message, and triage it",
    responses={200: {"model": ReceivedOut, "description": "It was here before"}},
)  # fmt: skip
def receive(
    body: ArrivalBody,
    request: Request,
    store: Writing,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=255)] = None,
    wait: Annotated[bool, Query(description="Answer with the triage, if it is done within ten seconds.")] = False,
) -> JSONResponse:
    """201 once the message is on disk; triage follows in the background. A repeat is answered 200 with the first message."""
    known_channel(body, request)
    digest = hashlib.sha256(body.model_dump_json().encode("utf-8", "surrogatepass")).hexdigest()
    answer = intake.retried(lambda: store.write(lambda w: _keep(w, store, body, idempotency_key, digest)))
    request.app.state.wake()
    content = dict(answer.body)
    if wait and content["id"] != "erased":
        content |= _finished(store, content["id"])
    return JSONResponse(content, status_code=answer.status)


@router.get("/{message_id}", response_model=StoredMessageOut, summary="One message with its triage and draft")
def read(message_id: str, store: Reading) -> JSONResponse:
    return JSONResponse(message_json(store.read(lambda w: conversations.get_message(w, message_id))))


@router.post("/{message_id}/labels", status_code=201, summary="Correct intent, urgency or language")
def label(message_id: str, body: LabelsBody, store: Writing) -> JSONResponse:
    """Kept as a training label, and shown on the conversation at once."""
    try:
        intents = body.all_intents()
    except ValueError as error:
        raise Problem(422, "invalid_field", f"intents: {error}", field="intents") from None
    if not intents and body.urgency is None and body.language is None:
        raise Problem(422, "invalid_field", "body: nothing is corrected", field="body")
    key = store.write(
        lambda w: conversations.correct(
            w,
            message_id,
            intents=intents,
            urgency=body.urgency,
            language=body.language,
            actor=store.actor,
            now=store.now,
        )
    )
    return JSONResponse({"id": key, "message_id": message_id}, status_code=201)


def _keep(workspace: Workspace, store: Store, body: ArrivalBody, key: str | None, digest: str) -> idempotency.Answer:
    if key is not None and (earlier := idempotency.earlier(workspace, key, digest)) is not None:
        return earlier
    arrival = body.arrival()
    if arrival.message.order is not None:
        put_order(workspace, arrival.message.order, email=arrival.sender.email, now=store.now)
    received = intake.keep(workspace, arrival, now=store.now)
    content = {
        "id": received.message_id, "conversation_id": received.conversation_id, "customer_id": received.customer_id,
        "duplicate": received.duplicate, "state": "received",
    }  # fmt: skip
    answer = idempotency.Answer(status=200 if received.duplicate else 201, body=content)
    if key is not None:
        idempotency.keep(workspace, key, digest, answer, now=store.now)
    return answer


def _finished(store: Store, message_id: str) -> dict[str, Any]:
    """Triage and draft once they are there; what there is when the time is up."""
    ends = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            stored = store.read(lambda w: conversations.get_message(w, message_id))
        except Unknown:
            return {}
        if stored.row["state"] != "received" or time.monotonic() > ends:
            return {"state": stored.row["state"], "triage": stored.triage, "draft": draft_json(stored.draft)}
        time.sleep(_LOOK_SECONDS)
