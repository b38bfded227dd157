"""A logged-in agent's request: whose it is, what it may read and write, and its form."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request

from api.inbox.desk import Browser, Session
from api.inbox.i18n import negotiate
from api.problems import Problem
from api.v1.store import Store
from triage.storage.agents import ROLES

COOKIE = "triage_session"
SECURE_COOKIE = "__Host-triage"
"""Over https: browsers take a cookie of this name from this host alone, with Secure, for all paths (RFC 6265bis, 4.1.3)."""
FORM_LIMIT = 1024 * 1024
"""Bytes: 64,000 characters, each of up to four bytes, each of which a form writes as three, and the other fields."""


class SignedOut(Exception):
    """No valid session; the handler sends the browser to the log-in page."""


class PasswordDue(Exception):
    """Logged in with an initial password; the handler asks for one of the agent's own before anything else."""


class Forbidden(Exception):
    """A page for another role; the handler says for which."""

    def __init__(self, seat: Seat, least: str) -> None:
        super().__init__(least)
        self.seat, self.least = seat, least


class Seat(Store):
    """The store as a logged-in agent sees it.

    Attributes:
        agent: the agent's row; ``login``, ``role`` (agent, lead or admin) and ``ui_language`` (of the pages) stand here too.
        session: the browser's; ``places`` are the workspaces that it may enter.
        form_token: what this agent's forms carry, bound to session and workspace: another site cannot know it, so it cannot
            post in their name.
    """

    def __init__(self, request: Request, session: Session) -> None:
        agent = session.here.agent
        super().__init__(request.app.state.database, agent.workspace_id, actor=f"agent:{agent.login}")
        self.agent, self.session, self.places = agent, session, session.places
        self.login, self.role, self.form_token = agent.login, agent.role, session.form_token
        self.ui_language = agent.ui_language or negotiate(request.headers.get("accept-language"))
        self._request = request

    def may(self, least: str) -> bool:
        """Whether this agent's role is ``least`` or more."""
        return ROLES.index(self.role) >= ROLES.index(least)

    def is_valid(self) -> bool:
        """Whether the session still holds; a stream that outlives its request asks now and then."""
        found = self._request.app.state.desk.session(self._database, self.session.token)
        return found is not None and found.here.session_id == self.session.here.session_id


def token_of(request: Request) -> str | None:
    """The session's token that a browser sends."""
    return request.cookies.get(SECURE_COOKIE if request.url.scheme == "https" else COOKIE)


def browser_of(request: Request) -> Browser:
    """Where a log-in comes from."""
    address = request.client.host if request.client else ""
    return Browser(address=address, device=device(request.headers.get("user-agent", "")), token=token_of(request))


def any_seat(request: Request) -> Seat:
    """Whose request it is, also of those who have to change their password first.

    Raises:
        SignedOut: no valid session.
    """
    session = request.app.state.desk.session(request.app.state.database, token_of(request))
    if session is None:
        raise SignedOut
    return Seat(request, session)


# Annotations of endpoints are evaluated when routes are added, so these stand at module level.
AnySeat = Annotated[Seat, Depends(any_seat)]


def signed_in(seat: AnySeat) -> Seat:
    """Whose request it is.

    Raises:
        SignedOut: no valid session.
        PasswordDue: logged in with an initial password.
    """
    if password_is_due(seat):
        raise PasswordDue
    return seat


def password_is_due(seat: Seat) -> bool:
    """Whether an initial password has to be changed before anything else."""
    return seat.agent.password_until is not None and seat.session.here.via == "password"


SignedIn = Annotated[Seat, Depends(signed_in)]


def least_role(least: str) -> Callable[[Seat], Seat]:
    """A dependency that lets in ``least`` and more."""

    def check(seat: SignedIn) -> Seat:
        if not seat.may(least):
            raise Forbidden(seat, least)
        return seat

    check.least = least  # type: ignore[attr-defined]
    return check


LeadSignedIn = Annotated[Seat, Depends(least_role("lead"))]
AdminSignedIn = Annotated[Seat, Depends(least_role("admin"))]


async def posted(request: Request, seat: AnySeat) -> dict[str, str]:
    """The fields of a form that this agent was given.

    Raises:
        Problem: 403 where it does not carry their token, 413 where it is too large.
    """
    return await posted_of(request, seat)


async def posted_of(request: Request, seat: Seat, *, most_fields: int = 20) -> dict[str, str]:
    """As ``posted``, for a form with more fields."""
    form = await read_form(request, most_fields=most_fields)
    if not hmac.compare_digest(form.get("token", "").encode("utf-8", "replace"), seat.form_token.encode()):
        raise Problem(403, "forbidden", "the form has expired; reload the page")
    return form


Posted = Annotated[dict[str, str], Depends(posted)]


async def read_form(request: Request, *, most_fields: int = 20) -> dict[str, str]:
    """An urlencoded form; the last value of a repeated field counts."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > FORM_LIMIT:
            raise Problem(413, "too_large", f"the form is larger than {FORM_LIMIT} bytes")
    try:
        return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=most_fields))
    except ValueError:
        raise Problem(422, "invalid_field", "the form has too many fields", field="body") from None


_BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS", "Firefox"), ("Chrome/", "Chrome"),
             ("CriOS", "Chrome"), ("Safari/", "Safari"))  # fmt: skip
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS", "macOS"),
            ("CrOS", "ChromeOS"), ("Linux", "Linux"))  # fmt: skip


def device(user_agent: str) -> str:
    """Browser and system as people call them, from a User-Agent; what is not known is left out."""
    found = [next((name for mark, name in known if mark in user_agent[:1000]), None) for known in (_BROWSERS, _SYSTEMS)]
    return " · ".join(name for name in found if name)
