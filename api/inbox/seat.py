"""A logged-in agent's request: whose it is, what it may read and write, and its form."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from api.inbox.desk import Session
from api.problems import Problem
from api.v1.store import Store

COOKIE = "triage_session"
FORM_LIMIT = 1024 * 1024
"""Bytes: 64,000 characters, each of up to four bytes, each of which a form writes as three, and the other fields."""


class SignedOut(Exception):
    """No valid session; the handler sends the browser to the log-in page."""


class Seat(Store):
    """The store as a logged-in agent sees it.

    Attributes:
        login: the agent's; ``role`` is agent, lead or admin.
        ui_language: the language of the pages.
        form_token: what this agent's forms carry, bound to the session: another site cannot know it, so it cannot post in
            their name.
    """

    def __init__(self, request: Request, session: Session, form_token: str) -> None:
        super().__init__(request.app.state.database, session.workspace, actor=f"agent:{session.login}")
        self.login, self.form_token = session.login, form_token
        self.role, self.ui_language = "admin", "en"


def signed_in(request: Request) -> Seat:
    """Whose request it is.

    Raises:
        SignedOut: no valid session.
    """
    token = request.cookies.get(COOKIE)
    session = request.app.state.desk.session(token)
    if token is None or session is None:
        raise SignedOut
    made = hmac.new(request.app.state.form_key, token.encode("utf-8", "surrogatepass"), "sha256").hexdigest()
    return Seat(request, session, made)


# Annotations of endpoints are evaluated when routes are added, so these stand at module level.
SignedIn = Annotated[Seat, Depends(signed_in)]


def _with_role(*roles: str) -> Callable[[Seat], Seat]:
    def check(seat: SignedIn) -> Seat:
        if seat.role not in roles:
            raise Problem(403, "forbidden", "this page is for a lead or an admin")
        return seat

    return check


LeadSignedIn = Annotated[Seat, Depends(_with_role("lead", "admin"))]
AdminSignedIn = Annotated[Seat, Depends(_with_role("admin"))]


async def posted(request: Request, seat: SignedIn) -> dict[str, str]:
    """The fields of a form that this agent was given.

    Raises:
        Problem: 403 where it does not carry their token, 413 where it is too large.
    """
    form = await read_form(request)
    if not hmac.compare_digest(form.get("token", "").encode("utf-8", "replace"), seat.form_token.encode()):
        raise Problem(403, "forbidden", "the form has expired; reload the page")
    return form


Posted = Annotated[dict[str, str], Depends(posted)]


async def read_form(request: Request) -> dict[str, str]:
    """An urlencoded form; the last value of a repeated field counts."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise Problem(413, "too_large", f"the form is larger than {FORM_LIMIT} bytes")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20))
    except ValueError:
        raise Problem(422, "invalid_field", "the form has too many fields", field="body") from None
