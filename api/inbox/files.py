"""``/attachments/{id}``: a file that came with a message."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response

from api.downloads import download
from api.inbox.rendering import missing
from api.inbox.seat import SignedIn
from triage.errors import Unknown
from triage.storage import desk

router = APIRouter(include_in_schema=False)


@router.get("/attachments/{attachment_id}")
def attachment(attachment_id: str, seat: SignedIn) -> Response:
    try:
        return download(seat.read(lambda w: desk.attachment(w, attachment_id)))
    except Unknown:
        return missing(seat, "attachment")
