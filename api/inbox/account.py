"""``/account``: what an agent sets for themselves: name, language, password; where they are logged in."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.i18n import LANGUAGES, N_
from api.inbox.rendering import missing, page
from api.inbox.seat import AnySeat, Posted, Seat, SignedIn, password_is_due
from triage.errors import Overloaded
from triage.storage import agents, sessions
from triage.storage.passwords import LONGEST, SHORTEST, weakness

router = APIRouter(include_in_schema=False)

DONE = {
    "profile": N_("Your changes are saved."),
    "password": N_("Your password is changed. Everywhere else you are logged out."),
    "ended": N_("The session has ended."),
    "others": N_("Everywhere else you are logged out now."),
}
WEAK = {
    "short": N_("This password is too short."),
    "long": N_("This password is too long."),
    "login": N_("This password is too close to your login."),
    "same": N_("This password repeats the same few characters."),
    "known": N_("Choose a password other than the one you were given."),
}
WRONG = N_("That is not your current password, or there were too many tries. Wait a minute and try again.")
UNLIKE = N_("The two new passwords differ.")
BUSY = N_("Many people are logging in right now. Please try again in a moment.")


@router.get("/account")
def show(seat: SignedIn, done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Profile, password, sessions."""
    own = seat.read(
        lambda w: sessions.of_agent(w, seat.agent.id, token_sha256=seat.session.sha256, now=seat.now)
    )  # fmt: skip
    return page(
        "account.html", seat, done=DONE.get(done), sessions=own, languages=LANGUAGES, now=seat.now,
        has_password=seat.agent.password_hash is not None,
    )  # fmt: skip


@router.post("/account")
def change(seat: SignedIn, form: Posted) -> Response:
    """A new name or language; an empty language follows the browser."""
    language = form.get("ui_language", "")
    chosen = language if language in LANGUAGES else None
    seat.write(
        lambda w: agents.change_profile(w, seat.agent.id, name=form.get("name", ""), ui_language=chosen, now=seat.now)
    )
    return RedirectResponse("/account?done=profile", 303)


@router.get("/account/password")
def password_form(seat: AnySeat) -> Response:
    """The form alone, also for who must change an initial password before anything else."""
    return _password_page(seat)


@router.post("/account/password")
def change_password(request: Request, seat: AnySeat, form: Posted) -> Response:
    """A new password; every other session of this agent ends."""
    new, due = form.get("new", ""), password_is_due(seat)
    weak = weakness(new, seat.login)
    if weak is not None:
        return _password_page(seat, 422, error=WEAK[weak])
    if new != form.get("repeated", ""):
        return _password_page(seat, 422, error=UNLIKE)
    desk, database = request.app.state.desk, request.app.state.database
    try:
        if due and desk.passwords.accepts(seat.agent.password_hash, new):
            return _password_page(seat, 422, error=WEAK["known"])
        if not desk.change_password(database, seat.session, None if due else form.get("old", ""), new):
            return _password_page(seat, 422, error=WRONG)
    except Overloaded:
        return _password_page(seat, 503, error=BUSY)
    return RedirectResponse("/" if due else "/account?done=password", 303)


@router.post("/account/sessions/end")
def end_others(seat: SignedIn, form: Posted) -> Response:
    """Ends every session of this agent but this one."""
    seat.write(
        lambda w: agents.end_sessions(w, seat.agent.id, actor=seat.actor, now=seat.now, keep=seat.session.sha256)
    )
    return RedirectResponse("/account?done=others", 303)


@router.post("/account/sessions/{session_id}/end")
def end_one(session_id: str, seat: SignedIn, form: Posted) -> Response:
    """Ends one session of this agent."""
    if not seat.write(lambda w: sessions.end_one(w, seat.agent.id, session_id)):
        return missing(seat, "session")
    return RedirectResponse("/account?done=ended", 303)


def _password_page(seat: Seat, status: int = 200, *, error: str | None = None) -> Response:
    return page(
        "password.html", seat, status, error=error, due=password_is_due(seat), shortest=SHORTEST, longest=LONGEST
    )
