"""The inbox's pages."""

from __future__ import annotations

import hmac
import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from api.inbox.desk import Desk
from api.problems import Problem
from triage.errors import InvalidMessage
from triage.types import Customer, Entity, InboundMessage

COOKIE = "triage_session"
FORM_LIMIT = 200_000
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_HERE = Path(__file__).parent


class SignedOut(Exception):
    """No valid session; the handler sends the browser to the log-in page."""


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"), autoescape=select_autoescape(), undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["direction"] = lambda code: "rtl" if code in _RIGHT_TO_LEFT else "ltr"
    environment.filters["marked"] = _marked
    environment.filters["percent"] = lambda value: f"{value:.0%}"
    return environment


def _marked(text: str, entities: tuple[Entity, ...]) -> Markup:
    """The message with its entities marked; everything else escaped."""
    parts, last = [], 0
    for entity in entities:
        mark = Markup('<mark title="{}">{}</mark>').format(entity.type, entity.value)
        parts += [escape(text[last : entity.start]), mark]
        last = entity.end
    return Markup("").join([*parts, escape(text[last:])])


def form_token(request: Request) -> str:
    """What this agent's forms carry, bound to the session: another site cannot know it, so it cannot post in their name.

    Raises:
        SignedOut: no valid session.
    """
    token = request.cookies.get(COOKIE)
    if token is None or not request.app.state.desk.knows(token):
        raise SignedOut
    return hmac.new(request.app.state.form_key, token.encode("utf-8", "surrogatepass"), "sha256").hexdigest()


# Evaluated when routes are added, so it must stand at module level.
FormToken = Annotated[str, Depends(form_token)]


def install(app: FastAPI, desk: Desk) -> None:
    """Adds the pages to ``app``."""
    environment = _environment()
    router = APIRouter(include_in_schema=False)
    app.state.desk, app.state.form_key = desk, secrets.token_bytes(32)

    def page(name: str, status: int = 200, **context: object) -> HTMLResponse:
        html = environment.get_template(name).render(**context)
        return HTMLResponse(html, status_code=status, headers=_HEADERS)

    @app.exception_handler(SignedOut)
    async def signed_out(request: Request, error: SignedOut) -> Response:
        return RedirectResponse("/login", 303)

    @router.get("/")
    def queue(request: Request, form_token: FormToken) -> Response:
        tickets = list(desk.tickets(request.app.state.pipeline).values())
        return page("queue.html", tickets=tickets, form_token=form_token)

    @router.get("/tickets/{ticket_id}")
    def ticket(ticket_id: str, request: Request, form_token: FormToken) -> Response:
        found = desk.tickets(request.app.state.pipeline).get(ticket_id)
        if found is None:
            raise Problem(404, "not_found", "no such ticket")
        return page("ticket.html", message=found.message, result=found.result, title=found.id, form_token=form_token)

    @router.get("/try")
    def try_form(request: Request, form_token: FormToken) -> Response:
        return page("try.html", channels=request.app.state.channels, error=None, form_token=form_token)

    @router.post("/try")
    async def try_message(request: Request, form_token: FormToken) -> Response:
        form = await _form(request)
        if not hmac.compare_digest(form.get("token", "").encode(), form_token.encode()):
            raise Problem(403, "forbidden", "the form has expired; reload the page")
        channels = request.app.state.channels
        channel = form.get("channel", "email")
        message = InboundMessage(
            text=form.get("text", ""), channel=channel if channel in channels else "email",
            customer=Customer(name=form.get("name") or None),
        )  # fmt: skip
        try:
            result = request.app.state.pipeline.triage(message)
        except InvalidMessage as error:
            return page("try.html", 422, channels=channels, error=str(error), form_token=form_token)
        return page("ticket.html", message=message, result=result, title="Your message", form_token=form_token)

    @router.get("/login")
    def login_page() -> Response:
        return page("login.html", failed=False)

    @router.post("/login")
    async def login(request: Request) -> Response:
        form = await _form(request)
        token = desk.log_in(form.get("name", ""), form.get("password", ""))
        if token is None:
            return page("login.html", 401, failed=True)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, token, httponly=True, samesite="strict", secure=request.url.scheme == "https")
        return answer

    @router.post("/logout")
    async def logout(request: Request, form_token: FormToken) -> Response:
        form = await _form(request)
        if hmac.compare_digest(form.get("token", "").encode(), form_token.encode()):
            desk.log_out(request.cookies.get(COOKIE))
        return RedirectResponse("/login", 303)

    @router.get("/static/inbox.css")
    def style() -> Response:
        return Response((_HERE / "static" / "inbox.css").read_bytes(), media_type="text/css")

    app.include_router(router)


async def _form(request: Request) -> dict[str, str]:
    """An urlencoded form; the last value of a repeated field counts."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise Problem(413, "too_large", f"the form is larger than {FORM_LIMIT} bytes")
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
