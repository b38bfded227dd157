"""``POST /v1/triage`` and ``/v1/triage/batch``: stateless, synchronous.

The endpoints are plain functions, so FastAPI runs them in its thread pool and a long batch never blocks a probe. They
answer with a ready response: the values come from our own records, validating them again would cost more than the model.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import ValidationError

from api import problems
from api.auth import Key, authenticate
from api.v1.triage.schemas import BatchBody, BatchOut, MessageBody, ProblemOut, TriageOut
from triage.contract import result_json
from triage.errors import InvalidMessage, StorageUnavailable, Unknown
from triage.pipeline import TriageOptions
from triage.storage.house_rules import HouseRules
from triage.types import TriageResult

router = APIRouter(prefix="/v1", tags=["triage"])

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemOut, "content": {"application/problem+json": {}}}
    for status in (400, 401, 403, 413, 415, 422, 429, 503)
}


def triage_key(request: Request) -> Key:
    """A key with the scope ``triage``."""
    return authenticate(request, "triage")


Caller = Annotated[Key, Depends(triage_key)]


@router.post("/triage", response_model=TriageOut, responses=PROBLEMS, summary="Triage one message")
def triage_one(body: MessageBody, request: Request, caller: Caller) -> JSONResponse:
    """Language, intents, urgency, entities, answers and a draft for one message."""
    message = known_channel(body, request)
    result = request.app.state.pipeline.triage(message.domain(), message.wanted(rules(request, caller.workspace)))
    _count(request, result)
    return JSONResponse(result_json(result, request.app.state.bands))


@router.post("/triage/batch", response_model=BatchOut, responses=PROBLEMS, summary="Triage up to 256 messages")
def triage_batch(body: BatchBody, request: Request, caller: Caller) -> JSONResponse:
    """Results in the order of the messages; a message that cannot be triaged gives a problem in its place."""
    results: list[dict[str, Any] | None] = [None] * len(body.messages)
    good: list[tuple[int, MessageBody]] = []
    for index, raw in enumerate(body.messages):
        try:
            good.append((index, known_channel(MessageBody.model_validate(raw), request)))
        except ValidationError as error:
            results[index] = _problem(problems.from_validation(error.errors()), request)
        except InvalidMessage as error:
            results[index] = _problem(problems.from_error(error), request)
    house = rules(request, caller.workspace)
    outcomes = request.app.state.pipeline.triage_many(
        [message.domain() for _, message in good], [message.wanted(house) for _, message in good]
    )
    for (index, _), outcome in zip(good, outcomes, strict=True):
        if isinstance(outcome, TriageResult):
            _count(request, outcome)
            results[index] = result_json(outcome, request.app.state.bands)
        else:
            results[index] = _problem(problems.from_error(outcome), request)
    return JSONResponse({"results": results})


def rules(request: Request, workspace: str) -> TriageOptions:
    """What the workspace has set for itself; nothing where there is no database, or none that answers: this call keeps
    nothing, so it need not fail with it."""
    found: HouseRules | None = request.app.state.house_rules
    if found is not None:
        with suppress(StorageUnavailable, Unknown):
            return found.options(workspace)
    return TriageOptions(workspace=workspace)


def known_channel(body: MessageBody, request: Request) -> MessageBody:
    """``body``, if its channel is one of the workspace's.

    Raises:
        InvalidMessage: it is none.
    """
    known = request.app.state.channels
    if body.channel not in known:
        # A misspelt channel would get the wrong clock and the wrong rules without anybody noticing.
        raise InvalidMessage(f"unknown channel; known are {', '.join(known)}", field="channel")
    return body


def _problem(problem: problems.Problem, request: Request) -> dict[str, Any]:
    return problem.body(instance=request.url.path, request_id=request.state.request_id)


def _count(request: Request, result: TriageResult) -> None:
    prediction = result.prediction
    request.app.state.metrics.messages.labels(
        result.detection.code, prediction.intents[0], prediction.urgency.level
    ).inc()
