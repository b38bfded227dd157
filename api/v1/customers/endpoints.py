"""``/v1/customers``: the single customer view, merging, export and erasure."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse

from api.v1.customers.schemas import (
    CustomerOut,
    ErasedOut,
    MergeBody,
    MergeOut,
    SuggestionsOut,
    TimelineOut,
    UnmergeBody,
    UnmergeOut,
    customer_json,
    suggestion_json,
    timeline_json,
)
from api.v1.store import Reading, Writing
from api.v1.triage.endpoints import PROBLEMS
from api.v1.triage.schemas import ProblemOut
from triage.errors import StorageUnavailable, Unknown
from triage.storage import customers, erasure, merging
from triage.storage.owners import living
from triage.storage.suggestions import suggestions
from triage.storage.timeline import timeline
from triage.storage.workspace import Workspace

log = logging.getLogger(__name__)

UNKNOWN: dict[int | str, dict[str, Any]] = {
    404: {"model": ProblemOut, "description": "No such customer", "content": {"application/problem+json": {}}}
}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {
        "model": ProblemOut,
        "description": "Merged or taken back before",
        "content": {"application/problem+json": {}},
    }
}
router = APIRouter(prefix="/v1/customers", tags=["customers"], responses={**PROBLEMS, **UNKNOWN})

CustomerId = Annotated[str, Path(max_length=80)]


@router.get("/{customer_id}", response_model=CustomerOut, summary="One customer")
def read(customer_id: CustomerId, store: Reading) -> JSONResponse:
    """Who was merged into another is answered with the other."""
    return JSONResponse(customer_json(store.read(lambda w: customers.profile(w, customer_id))))


@router.get("/{customer_id}/timeline", response_model=TimelineOut, summary="All that was said, newest first")
def read_timeline(
    customer_id: CustomerId,
    store: Reading,
    cursor: Annotated[str | None, Query(max_length=500)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> JSONResponse:
    """Across channels and conversations, in and out."""
    return JSONResponse(timeline_json(store.read(lambda w: timeline(w, customer_id, limit=limit, cursor=cursor))))


@router.get("/{customer_id}/suggestions", response_model=SuggestionsOut, summary="Who may be the same person")
def suggest(customer_id: CustomerId, store: Reading) -> JSONResponse:
    """Customers who share a phone, an order or the like; nobody is merged by itself."""
    found = store.read(lambda w: suggestions(w, customer_id))
    return JSONResponse({"suggestions": [suggestion_json(suggestion) for suggestion in found]})


@router.get("/{customer_id}/export", summary="All that is kept about a customer")
def export(customer_id: CustomerId, store: Reading) -> JSONResponse:
    """As one JSON document, files in base64."""
    content = store.read(lambda w: erasure.export(w, customer_id))
    return JSONResponse(content, headers={"Content-Disposition": 'attachment; filename="customer.json"'})


@router.delete("/{customer_id}", response_model=ErasedOut, responses=CONFLICT, summary="Erase a customer")
def erase(customer_id: CustomerId, request: Request, store: Writing) -> JSONResponse:
    """Everything that holds their text or identity, in every table; a repeated delivery does not bring it back."""
    gone = store.write(lambda w: erasure.erase(w, customer_id, actor=store.actor, now=store.now))
    try:
        purged = request.app.state.database.purge()
    except StorageUnavailable as error:
        log.warning("%s", error)
        purged = False
    return JSONResponse({**asdict(gone), "purged": purged})


@router.post(
    "/{customer_id}/merge", response_model=MergeOut, responses=CONFLICT, summary="Merge another customer into one"
)
def merge(customer_id: CustomerId, body: MergeBody, store: Writing) -> JSONResponse:
    """Conversations, orders and identities move; ``unmerge`` gives them back."""

    def work(workspace: Workspace) -> dict[str, Any]:
        key = merging.merge(workspace, customer_id, body.customer_id, actor=store.actor, now=store.now)
        return {"merge_id": key, "customer": customer_json(customers.profile(workspace, customer_id))}

    return JSONResponse(store.write(work))


@router.post("/{customer_id}/unmerge", response_model=UnmergeOut, responses=CONFLICT, summary="Take a merge back")
def unmerge(customer_id: CustomerId, body: UnmergeBody, store: Writing) -> JSONResponse:
    """Gives back exactly what the merge moved; what came after it stays."""

    def work(workspace: Workspace) -> dict[str, Any]:
        row = merging.get_merge(workspace, body.merge_id)
        if living(workspace, customer_id) != living(workspace, row["survivor_id"]):
            raise Unknown("merge", body.merge_id)
        merged = merging.unmerge(workspace, body.merge_id, actor=store.actor, now=store.now)
        return {
            "merge_id": body.merge_id,
            "customer": customer_json(customers.profile(workspace, merged)),
            "survivor": customer_json(customers.profile(workspace, row["survivor_id"])),
        }

    return JSONResponse(store.write(work))
