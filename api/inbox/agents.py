"""``/settings/agents``: who may enter this workspace, and as what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.inbox.i18n import N_
from api.inbox.rendering import missing, page
from api.inbox.seat import AdminSignedIn, Posted, Seat
from api.inbox.settings.forms import SECTIONS
from triage.agents import INITIAL
from triage.errors import Conflict, Overloaded, Unknown
from triage.storage import agents
from triage.storage.agents import ROLES, Agent
from triage.storage.passwords import new_password
from triage.storage.workspace import Workspace

router = APIRouter(prefix="/settings/agents", include_in_schema=False)

DONE = {
    "role": N_("The role is changed."),
    "disabled": N_("The agent is shut out and logged out everywhere."),
    "enabled": N_("The agent may log in again."),
    "ended": N_("The agent is logged out everywhere."),
    "added": N_("The agent is added and may log in with the company account."),
}
RIGHTS = {
    "agent": N_("answers customers, reads articles and tries messages"),
    "lead": N_("also edits articles, sees insights and saves views for all"),
    "admin": N_("also changes settings, agents and keys"),
}
REFUSED = {
    "login": N_("A login has 1 to 64 characters: a-z, 0-9 and . _ @ + - only, beginning with a letter or digit."),
    "login_taken": N_("There is an agent with this login or e-mail already."),
    "last_admin": N_("This is the last admin. Make another agent an admin first."),
    "own": N_("You cannot shut yourself out. Ask another admin."),
    "busy": N_("Many people are logging in right now. Please try again in a moment."),
}


@router.get("")
def show(request: Request, seat: AdminSignedIn, done: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The list, and the form for a new agent."""
    return _list(request, seat, done=done)


@router.post("")
def add(request: Request, seat: AdminSignedIn, form: Posted) -> Response:
    """A new agent, whose initial password is shown this once."""
    company_only = "company_only" in form and request.app.state.desk.company is not None
    made = None if company_only else new_password()
    role = form.get("role", "agent")
    try:
        hashed = request.app.state.desk.passwords.hash(made) if made else None
        agent = seat.write(
            lambda w: agents.get(
                w,
                agents.add(
                    w, login=form.get("login", "")[:200], name=form.get("name", "")[:100], email=form.get("email", "")[:200],
                    role=role if role in ROLES else "agent", password_hash=hashed,
                    password_until=seat.now + INITIAL if made else None, actor=seat.actor, now=seat.now,
                ),
            )
        )  # fmt: skip
    except Conflict as error:
        return _list(request, seat, 409, refused=error.reason, form=form)
    except ValueError:
        return _list(request, seat, 422, refused="login", form=form)
    except Overloaded:
        return _list(request, seat, 503, refused="busy", form=form)
    return _shown_once(seat, agent, made) if made else RedirectResponse("/settings/agents?done=added", 303)


@router.post("/{agent_id}/role")
def change_role(request: Request, agent_id: str, seat: AdminSignedIn, form: Posted) -> Response:
    """Another role, from the agent's next request on."""
    role = form.get("role", "")
    if role not in ROLES:
        return _list(request, seat, 422)
    try:
        seat.write(lambda w: agents.change_role(w, agent_id, role, actor=seat.actor, now=seat.now))
    except Unknown:
        return missing(seat, "agent")
    except Conflict as error:
        return _list(request, seat, 409, refused=error.reason)
    # Who took their own rights may not see this list any more.
    return RedirectResponse("/" if agent_id == seat.agent.id and role != "admin" else "/settings/agents?done=role", 303)


@router.post("/{agent_id}/disable")
def disable(request: Request, agent_id: str, seat: AdminSignedIn, form: Posted) -> Response:
    """Shuts an agent out at once."""
    if agent_id == seat.agent.id:
        return _list(request, seat, 409, refused="own")
    try:
        seat.write(lambda w: agents.disable(w, agent_id, actor=seat.actor, now=seat.now))
    except Unknown:
        return missing(seat, "agent")
    except Conflict as error:
        return _list(request, seat, 409, refused=error.reason)
    return RedirectResponse("/settings/agents?done=disabled", 303)


@router.post("/{agent_id}/enable")
def enable(agent_id: str, seat: AdminSignedIn, form: Posted) -> Response:
    """Lets an agent in again, with the password that they had."""
    try:
        seat.write(lambda w: agents.enable(w, agent_id, actor=seat.actor, now=seat.now))
    except Unknown:
        return missing(seat, "agent")
    return RedirectResponse("/settings/agents?done=enabled", 303)


@router.post("/{agent_id}/password")
def reset_password(request: Request, agent_id: str, seat: AdminSignedIn, form: Posted) -> Response:
    """A new initial password, shown this once; the agent's sessions end."""
    if agent_id == seat.agent.id:
        return RedirectResponse("/account/password", 303)
    made = new_password()
    try:
        hashed = request.app.state.desk.passwords.hash(made)
        agent = seat.write(lambda w: _reset(w, seat, agent_id, hashed))
    except Unknown:
        return missing(seat, "agent")
    except Overloaded:
        return _list(request, seat, 503, refused="busy")
    return _shown_once(seat, agent, made)


@router.post("/{agent_id}/sessions/end")
def end_sessions(agent_id: str, seat: AdminSignedIn, form: Posted) -> Response:
    """Logs an agent out everywhere; an admin who means themselves keeps this session."""
    keep = seat.session.sha256 if agent_id == seat.agent.id else None
    try:
        seat.write(lambda w: _end_sessions(w, seat, agent_id, keep))
    except Unknown:
        return missing(seat, "agent")
    return RedirectResponse("/settings/agents?done=ended", 303)


def _reset(workspace: Workspace, seat: Seat, agent_id: str, hashed: str) -> Agent:
    agents.set_password(workspace, agent_id, hashed, until=seat.now + INITIAL, actor=seat.actor, now=seat.now)
    return agents.get(workspace, agent_id)


def _end_sessions(workspace: Workspace, seat: Seat, agent_id: str, keep: str | None) -> None:
    agents.get(workspace, agent_id)
    agents.end_sessions(workspace, agent_id, keep=keep, actor=seat.actor, now=seat.now)


def _list(request: Request, seat: Seat, status: int = 200, *, done: str = "", refused: str = "",
          form: dict[str, str] | None = None) -> Response:  # fmt: skip
    return page(
        "agents.html", seat, status, agents=seat.read(agents.every), done=DONE.get(done), trouble=REFUSED.get(refused),
        form=form or {}, roles=ROLES, rights=RIGHTS, now=seat.now, company=request.app.state.desk.company is not None,
        section="agents", sections=SECTIONS, may_change=True,
    )  # fmt: skip


def _shown_once(seat: Seat, agent: Agent, password: str) -> Response:
    return page(
        "agents_password.html", seat, agent=agent, password=password, until=agent.password_until, section="agents",
        sections=SECTIONS, may_change=True, done=None, trouble=None,
    )  # fmt: skip
