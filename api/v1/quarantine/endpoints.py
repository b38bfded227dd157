"""``/v1/quarantine``: what came in signed but could not be read, as it came, until a person has dealt with it."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from api.v1.rendering import moment
from api.v1.store import Reading, Writing
from api.v1.triage.endpoints import PROBLEMS
from triage.storage import quarantine

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"], responses=PROBLEMS)

# Shown by a browser, the bytes could act; so they are only ever offered as a file.
_AS_FILE = {"Content-Disposition": 'attachment; filename="delivery.bin"', "X-Content-Type-Options": "nosniff"}


class HeldOut(BaseModel):
    """``reason``: why it could not be read. Its bytes are at ``/v1/quarantine/{id}``."""

    id: str
    channel: str
    inbound_id: str | None
    reason: str
    size: int
    received_at: datetime


class HeldListOut(BaseModel):
    deliveries: list[HeldOut]


@router.get("", response_model=HeldListOut, summary="Deliveries that could not be read, newest first")
def listed(store: Reading) -> JSONResponse:
    rows = store.read(quarantine.in_quarantine)
    names = ("id", "channel", "inbound_id", "reason", "size")
    held = [{**{name: row[name] for name in names}, "received_at": moment(row["received_at"])} for row in rows]
    return JSONResponse({"deliveries": held})


@router.get(
    "/{raw_id}", summary="One of them, as it came", response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}, "description": "The bytes"}},
)  # fmt: skip
def read(raw_id: str, store: Reading) -> Response:
    row = store.read(lambda w: quarantine.raw_delivery(w, raw_id))
    return Response(row["body"], media_type="application/octet-stream", headers=_AS_FILE)


@router.post("/{raw_id}/release", status_code=204, summary="It has been dealt with")
def release(raw_id: str, store: Writing) -> Response:
    store.write(lambda w: quarantine.release(w, raw_id, now=store.now))
    return Response(status_code=204)
