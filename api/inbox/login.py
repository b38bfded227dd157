"""``/login`` and ``/logout``, the way in with a company account, and the pages for who may not see what they asked for."""

from __future__ import annotations

import logging
import re
from typing import Annotated

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from api.inbox import welcome
from api.inbox.desk import Desk, Refused
from api.inbox.i18n import N_, negotiate
from api.inbox.oidc import Account, CompanyAccounts, CompanyRefused
from api.inbox.rendering import page
from api.inbox.seat import (
    COOKIE,
    SECURE_COOKIE,
    AnySeat,
    Forbidden,
    PasswordDue,
    Posted,
    SignedOut,
    any_seat,
    browser_of,
    read_form,
)
from api.problems import Problem
from api.problems import response as problem_response
from triage.bootstrap import WORKSPACE
from triage.errors import Conflict, Overloaded
from triage.storage import agents
from triage.storage.agents import ROLES, Agent
from triage.storage.database import Database
from triage.storage.workspace import Workspace

logger = logging.getLogger(__name__)
router = APIRouter(include_in_schema=False)

COMPANY_COOKIE, SECURE_COMPANY_COOKIE = "triage_company", "__Host-triage-company"
COMPANY_SECONDS = 600
_SECRET = 43
"""Characters of the secret in the cookie; the page to open afterwards follows it."""
NOBODY = N_("Login or password is wrong.")
BUSY = N_("Many people are logging in right now. Please try again in a moment.")
NO_AGENT = N_("Your company account may not enter here. Ask an admin to add you.")
COMPANY_FAILED = N_("The log-in with your company account did not work. Please try again.")
LEAST = {"lead": N_("This page is for leads and admins."), "admin": N_("This page is for admins.")}


def install(app: FastAPI, desk: Desk) -> None:
    """Adds log-in to ``app``, and what happens to requests without a right."""
    app.state.desk = desk

    @app.exception_handler(SignedOut)
    def signed_out(request: Request, error: SignedOut) -> Response:
        if _is_script(request):
            return problem_response(Problem(401, "unauthorized", "log in first"), request)
        wanted = _own_page(request.url.path) if request.method == "GET" else "/"
        return RedirectResponse("/login" if wanted == "/" else f"/login?next={wanted}", 303)

    @app.exception_handler(PasswordDue)
    def password_due(request: Request, error: PasswordDue) -> Response:
        if _is_script(request):
            return problem_response(Problem(403, "password_due", "choose a password first"), request)
        return RedirectResponse("/account/password", 303)

    @app.exception_handler(Forbidden)
    def forbidden(request: Request, error: Forbidden) -> Response:
        if _is_script(request):
            return problem_response(Problem(403, "forbidden", f"this needs the role {error.least}"), request)
        enough = ROLES[ROLES.index(error.least) :]
        able = [a for a in error.seat.read(agents.every) if a.role in enough and a.disabled_at is None]
        return page("forbidden.html", error.seat, 403, words=LEAST[error.least], able=able[:20])

    app.include_router(router)


def _is_script(request: Request) -> bool:
    """Whether a script asks, which can do nothing with a page."""
    return request.headers.get("sec-fetch-dest") == "empty"


def _own_page(path: str) -> str:
    """``path`` where it is a plain path of ours, else the inbox: an address from outside never leads away from here."""
    return path if len(path) <= 300 and re.fullmatch(r"/(?:[\w.~-]+/?)*", path, re.ASCII) else "/"


def _show(request: Request, status: int = 200, *, error: str | None = None, wait: object = None, next: str = "/",
          name: str = "") -> Response:  # fmt: skip
    answer = page(
        "login.html", None, status, language=negotiate(request.headers.get("accept-language")), error=error, wait=wait,
        next=next, typed=name[:100], company=request.app.state.desk.company is not None,
    )  # fmt: skip
    answer.headers["Vary"] = "Accept-Language"
    return answer


@router.get("/login")
def show(request: Request, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """The form; who is logged in already needs none."""
    try:
        any_seat(request)
    except SignedOut:
        return _show(request, next=_own_page(next))
    return RedirectResponse("/", 303)


@router.post("/login")
async def log_in(request: Request) -> Response:
    """A session for the right name and password."""
    # Another site must not log a browser in as somebody else, who would then read what its user writes.
    if request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise Problem(403, "forbidden", "log in on the inbox's own page")
    form = await read_form(request)
    return await run_in_threadpool(_log_in, request, form)


def _log_in(request: Request, form: dict[str, str]) -> Response:
    desk: Desk = request.app.state.desk
    wanted, name = _own_page(form.get("next", "/")), form.get("name", "")
    try:
        found = desk.log_in(request.app.state.database, name, form.get("password", ""), browser_of(request))
    except Overloaded:
        answer = _show(request, 503, error=BUSY, next=wanted, name=name)
        answer.headers["Retry-After"] = "5"
        return answer
    if isinstance(found, Refused):
        if not found.wait:
            return _show(request, 401, error=NOBODY, next=wanted, name=name)
        answer = _show(request, 429, wait=found.wait, next=wanted, name=name)
        answer.headers["Retry-After"] = str(int(found.wait.total_seconds()) + 1)
        return answer
    database = request.app.state.database
    if wanted == "/" and welcome.is_due(database, desk.session(database, found)):
        wanted = "/welcome"
    return _admitted(request, found, wanted)


def _admitted(request: Request, token: str, wanted: str) -> Response:
    answer = RedirectResponse(wanted, 303)
    _set_cookie(request, answer, COOKIE, SECURE_COOKIE, token)
    return answer


def _set_cookie(
    request: Request, answer: Response, plain: str, secure: str, value: str, seconds: int | None = None
) -> None:
    # Lax: a link in an e-mail must find the agent logged in; every form carries a token of its own.
    https = request.url.scheme == "https"
    answer.set_cookie(
        secure if https else plain, value, max_age=seconds, path="/", httponly=True, samesite="lax", secure=https
    )


def _clear_cookie(request: Request, answer: Response, plain: str, secure: str) -> None:
    https = request.url.scheme == "https"
    answer.delete_cookie(secure if https else plain, path="/", httponly=True, samesite="lax", secure=https)


@router.post("/logout")
def log_out(request: Request, seat: AnySeat, form: Posted) -> Response:
    """Ends this session, or with ``everywhere`` every one of this person's."""
    request.app.state.desk.log_out(request.app.state.database, seat.session, everywhere="everywhere" in form)
    answer = RedirectResponse("/login", 303)
    _clear_cookie(request, answer, COOKIE, SECURE_COOKIE)
    return answer


@router.post("/workspace")
def enter(request: Request, seat: AnySeat, form: Posted) -> Response:
    """Shows another workspace that this person may enter."""
    if not request.app.state.desk.enter(request.app.state.database, seat.session, form.get("workspace", "")):
        raise Problem(404, "unknown_workspace", "no such workspace")
    return RedirectResponse("/", 303)


@router.get("/login/company")
def begin(request: Request, next: Annotated[str, Query(max_length=500)] = "/") -> Response:
    """Sends the browser to the company's log-in."""
    company = _company(request)
    try:
        address, secret = company.begin(_callback(request))
    except CompanyRefused as error:
        logger.warning("log-in with a company account: %s", error)
        return _show(request, 502, error=COMPANY_FAILED)
    answer = RedirectResponse(address, 303)
    _set_cookie(request, answer, COMPANY_COOKIE, SECURE_COMPANY_COOKIE, secret + _own_page(next), COMPANY_SECONDS)
    return answer


@router.get("/login/company/callback")
def finish(request: Request) -> Response:
    """The company's answer, to a session for the agent whom it proves."""
    company, desk = _company(request), request.app.state.desk
    kept = request.cookies.get(SECURE_COMPANY_COOKIE if request.url.scheme == "https" else COMPANY_COOKIE, "")
    database = request.app.state.database
    try:
        account = company.finish(kept[:_SECRET], dict(request.query_params), _callback(request))
        token = desk.admit(database, _agents_of(database, desk, company, account), browser_of(request))
    except CompanyRefused as error:
        logger.warning("log-in with a company account: %s", error)
        answer = _show(request, 403, error=COMPANY_FAILED)
    else:
        if token is None:
            answer = _show(request, 403, error=NO_AGENT)
        else:
            answer = _admitted(request, token, _own_page(kept[_SECRET:] or "/"))
    _clear_cookie(request, answer, COMPANY_COOKIE, SECURE_COMPANY_COOKIE)
    return answer


def _agents_of(database: Database, desk: Desk, company: CompanyAccounts, account: Account) -> list[Agent]:
    """Whom the account is, bound to it from now on; a new agent where the settings say so and nobody is known."""
    now = desk.clock.now()

    def work(connection: Connection) -> list[Agent]:
        found = agents.of_subject(connection, account.issuer, account.subject, account.known_as)
        if not found and company.create_role:
            workspace = Workspace(connection, WORKSPACE)
            try:
                new = agents.add(
                    workspace,
                    login=account.known_as,
                    name=account.name,
                    role=company.create_role,
                    actor="oidc",
                    now=now,
                )
            except (ValueError, Conflict):
                return []
            found = (agents.get(workspace, new),)
        return [
            agent for agent in found
            if agents.bind(
                Workspace(connection, agent.workspace_id), agent.id, account.issuer, account.subject, now=now
            )
        ]  # fmt: skip

    return database.write(work)


def _company(request: Request) -> CompanyAccounts:
    company = request.app.state.desk.company
    if company is None:
        raise Problem(404, "not_found", "no company accounts are set up")
    return company  # type: ignore[no-any-return]


def _callback(request: Request) -> str:
    return f"{request.base_url}login/company/callback"
