"""The inbox's pages put together, and the form to try a message of one's own."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from api.inbox import login
from api.inbox.account import router as account_router
from api.inbox.agents import router as agents_router
from api.inbox.conversation import router as conversation_router
from api.inbox.desk import Desk
from api.inbox.drafts import router as drafts_router
from api.inbox.files import router as files_router
from api.inbox.handling import router as handling_router
from api.inbox.insights import router as insights_router
from api.inbox.knowledge import router as knowledge_router
from api.inbox.live import Live
from api.inbox.live import router as live_router
from api.inbox.queue import router as queue_router
from api.inbox.rendering import STATIC, page, static
from api.inbox.seat import Posted, SignedIn
from api.inbox.settings import router as settings_router
from api.inbox.welcome import router as welcome_router
from api.inbox.why import router as why_router
from api.problems import Problem
from api.v1.triage.endpoints import rules
from triage.contract import result_json
from triage.errors import InvalidMessage
from triage.types import Customer, InboundMessage

router = APIRouter(include_in_schema=False)


def install(app: FastAPI, desk: Desk) -> None:
    """Adds the pages to ``app``."""
    login.install(app, desk)
    app.state.live = Live()
    for part in (
        drafts_router,
        files_router,
        handling_router,
        live_router,
        why_router,
        settings_router,
        welcome_router,
    ):
        app.include_router(part)
    for part in (
        router,
        account_router,
        agents_router,
        queue_router,
        conversation_router,
        knowledge_router,
        insights_router,
    ):
        app.include_router(part)


@router.get("/try")
def try_form(request: Request, seat: SignedIn) -> Response:
    return page("try.html", seat, channels=request.app.state.channels, error=None, text="")


@router.post("/try")
def try_message(request: Request, seat: SignedIn, form: Posted) -> Response:
    """Triages a text without keeping it."""
    channels = request.app.state.channels
    channel = form.get("channel", "email")
    message = InboundMessage(
        text=form.get("text", ""), channel=channel if channel in channels else "email",
        customer=Customer(name=form.get("name") or None),
    )  # fmt: skip
    try:
        result = request.app.state.pipeline.triage(message, rules(request, seat.workspace_id))
    except InvalidMessage as error:
        return page("try.html", seat, 422, channels=channels, error=str(error), text=message.text)
    shown = result_json(result, request.app.state.bands)
    return page("tried.html", seat, message=message, result=shown, draft=shown["draft"])


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The style and the script; their addresses carry a hash, so they may be kept for ever."""
    if name not in STATIC:
        raise Problem(404, "not_found", "no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(static(name), media_type=STATIC[name], headers=headers)
