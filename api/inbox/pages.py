"""The inbox's pages put together; log-in, and the form to try a message of one's own."""

from __future__ import annotations

import secrets

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from api.inbox.conversation import router as conversation_router
from api.inbox.desk import Desk
from api.inbox.queue import router as queue_router
from api.inbox.rendering import STATIC, page, static
from api.inbox.seat import COOKIE, Posted, SignedIn, SignedOut, read_form
from api.problems import Problem
from triage.contract import result_json
from triage.errors import InvalidMessage
from triage.pipeline import TriageOptions
from triage.types import Customer, InboundMessage

router = APIRouter(include_in_schema=False)


def install(app: FastAPI, desk: Desk) -> None:
    """Adds the pages to ``app``."""
    app.state.desk, app.state.form_key = desk, secrets.token_bytes(32)

    @app.exception_handler(SignedOut)
    async def signed_out(request: Request, error: SignedOut) -> Response:
        return RedirectResponse("/login", 303)

    for part in (router, queue_router, conversation_router):
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
        result = request.app.state.pipeline.triage(message, TriageOptions(workspace=seat.workspace_id))
    except InvalidMessage as error:
        return page("try.html", seat, 422, channels=channels, error=str(error), text=message.text)
    shown = result_json(result, request.app.state.bands)
    return page("tried.html", seat, message=message, result=shown, draft=shown["draft"])


@router.get("/login")
def login_page() -> Response:
    return page("login.html", None, failed=False)


@router.post("/login")
async def login(request: Request) -> Response:
    form = await read_form(request)
    token = await run_in_threadpool(request.app.state.desk.log_in, form.get("name", ""), form.get("password", ""))
    if token is None:
        return page("login.html", None, 401, failed=True)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


@router.post("/logout")
def logout(request: Request, seat: SignedIn, form: Posted) -> Response:
    request.app.state.desk.log_out(request.cookies.get(COOKIE))
    return RedirectResponse("/login", 303)


@router.get("/static/{name}")
def static_file(name: str) -> Response:
    """The style and the script; their addresses carry a hash, so they may be kept for ever."""
    if name not in STATIC:
        raise Problem(404, "not_found", "no such file")
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(static(name), media_type=STATIC[name], headers=headers)
