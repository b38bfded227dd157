"""``/v1/attachments``: the files that came with messages."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from api.downloads import download
from api.v1.store import Reading
from api.v1.triage.endpoints import PROBLEMS
from triage.storage import desk

router = APIRouter(prefix="/v1/attachments", tags=["messages"], responses=PROBLEMS)
BYTES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file as it came in", "content": {"application/octet-stream": {}}}
}


@router.get("/{attachment_id}", response_class=Response, responses=BYTES, summary="One attached file")
def read(attachment_id: str, store: Reading) -> Response:
    """Its id stands in the customer's timeline."""
    return download(store.read(lambda w: desk.attachment(w, attachment_id)))
