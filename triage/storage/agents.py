"""Agents: who may log in to a workspace, and as what. A person of several workspaces has a row in each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, or_, select

from triage.errors import Conflict, Unknown
from triage.storage import schema
from triage.storage.columns import clean, new_id
from triage.storage.events import record
from triage.storage.workspace import Workspace
from triage.storage.workspaces import read_settings

ROLES = ("agent", "lead", "admin")
"""From least to most: an agent answers, a lead also edits articles and sees insights, an admin also sets and admits."""

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
_table = schema.agents


@dataclass(frozen=True, kw_only=True)
class Agent:
    """One agent of one workspace; see the table for what the fields mean."""

    workspace_id: str
    id: str
    login: str
    name: str
    role: str
    created_at: datetime
    password_hash: str | None = None
    disabled_at: datetime | None = None
    ui_language: str | None = None
    email: str | None = None
    oidc_issuer: str | None = None
    oidc_subject: str | None = None
    password_until: datetime | None = None
    last_seen_at: datetime | None = None
    changed_at: datetime | None = None


def normal_login(text: str) -> str:
    """A login as it is compared: neither capitals nor spaces around it count."""
    return clean(text).strip().lower()


def is_login(text: str) -> bool:
    """Whether a new agent may have this login: 1 to 64 of a-z, 0-9 and ``._@+-``."""
    return _LOGIN.fullmatch(text) is not None


def of_row(row: RowMapping) -> Agent:
    """The agent that a row of the table is."""
    return Agent(**row)


def of_login(connection: Connection, login: str) -> tuple[Agent, ...]:
    """Everybody with this login, in whichever workspace, disabled ones too: who logs in names no workspace."""
    statement = select(_table).where(_table.c.login == normal_login(login)).order_by(_table.c.id)
    return tuple(of_row(row) for row in connection.execute(statement).mappings())


def of_subject(connection: Connection, issuer: str, subject: str, known_as: str) -> tuple[Agent, ...]:
    """Whom a company account is, in whichever workspace: who logged in with it before, else who has its login or e-mail."""
    alike = normal_login(known_as)
    statement = select(_table).where(
        or_(
            (_table.c.oidc_issuer == issuer) & (_table.c.oidc_subject == subject),
            _table.c.oidc_subject.is_(None) & or_(_table.c.login == alike, _table.c.email == alike),
        )
    )
    found: dict[str, Agent] = {}
    for row in connection.execute(statement.order_by(_table.c.oidc_subject.is_(None), _table.c.id)).mappings():
        found.setdefault(row["workspace_id"], of_row(row))
    return tuple(found.values())


def most_of_one_login(connection: Connection) -> int:
    """In how many workspaces the login is that is in most; 0 without agents."""
    counts = select(func.count().label("count")).select_from(_table).group_by(_table.c.login).subquery()
    return connection.execute(select(func.max(counts.c.count))).scalar() or 0


def every(workspace: Workspace) -> tuple[Agent, ...]:
    """All agents of the workspace by login, disabled ones too."""
    return tuple(of_row(row) for row in workspace.rows(workspace.select(_table).order_by(_table.c.login)))


def get(workspace: Workspace, agent_id: str, *, lock: bool = False) -> Agent:
    """One agent; with ``lock`` nobody else changes it until the transaction ends.

    Raises:
        Unknown: no such agent here.
    """
    statement = workspace.select(_table).where(_table.c.id == agent_id)
    row = workspace.first(statement.with_for_update(key_share=True) if lock else statement)
    if row is None:
        raise Unknown("agent", agent_id)
    return of_row(row)


def add(
    workspace: Workspace, *, login: str, role: str, actor: str, now: datetime, name: str = "", email: str | None = None,
    password_hash: str | None = None, password_until: datetime | None = None,
) -> str:  # fmt: skip
    """A new agent; its id.

    Raises:
        Conflict: the login or the e-mail is taken in this workspace.
        ValueError: a login that is none.
    """
    login = normal_login(login)
    if not is_login(login):
        raise ValueError("a login has 1 to 64 of a-z, 0-9, and . _ @ + -")
    agent = new_id("agt")
    new = workspace.insert_new(
        _table, id=agent, login=login, name=name.strip() or login, role=role, email=normal_login(email or "") or None,
        password_hash=password_hash, password_until=password_until, created_at=now, changed_at=now,
    )  # fmt: skip
    if not new:
        raise Conflict("there is an agent with this login or e-mail already", reason="login_taken")
    record(workspace, "agent.added", agent, actor=actor, now=now, details={"role": role})
    return agent


def change_role(workspace: Workspace, agent_id: str, role: str, *, actor: str, now: datetime) -> None:
    """Raises:
    Unknown: no such agent here.
    Conflict: no admin would be left.
    """
    before = _held(workspace, agent_id)
    if before.role == role:
        return
    _change(workspace, agent_id, now, role=role)
    _admins_remain(workspace)
    record(workspace, "agent.role_changed", agent_id, actor=actor, now=now, details={"from": before.role, "to": role})


def disable(workspace: Workspace, agent_id: str, *, actor: str, now: datetime) -> None:
    """Shuts an agent out at once; what they wrote stays theirs.

    Raises:
        Unknown: no such agent here.
        Conflict: no admin would be left.
    """
    if _held(workspace, agent_id).disabled_at is not None:
        return
    _change(workspace, agent_id, now, disabled_at=now)
    _admins_remain(workspace)
    _end_sessions(workspace, agent_id)
    record(workspace, "agent.disabled", agent_id, actor=actor, now=now)


def enable(workspace: Workspace, agent_id: str, *, actor: str, now: datetime) -> None:
    """Raises:
    Unknown: no such agent here.
    """
    if _held(workspace, agent_id).disabled_at is None:
        return
    _change(workspace, agent_id, now, disabled_at=None)
    record(workspace, "agent.enabled", agent_id, actor=actor, now=now)


def set_password(
    workspace: Workspace, agent_id: str, password_hash: str, *, actor: str, now: datetime,
    until: datetime | None = None, keep: str | None = None,
) -> None:  # fmt: skip
    """A new password, which ends the agent's sessions.

    Args:
        until: when an initial password ends; None for one that its owner chose.
        keep: the hash of the token that stays: the one with which the owner changes it.

    Raises:
        Unknown: no such agent here.
    """
    get(workspace, agent_id, lock=True)
    _change(workspace, agent_id, now, password_hash=password_hash, password_until=until)
    _end_sessions(workspace, agent_id, keep=keep)
    action = "agent.password_changed" if until is None else "agent.password_reset"
    record(workspace, action, agent_id, actor=actor, now=now)


def rehash(workspace: Workspace, agent_id: str, old: str, new: str) -> None:
    """The same password, hashed as it is done now, unless it was changed meanwhile."""
    workspace.run(
        workspace.update(_table).where(_table.c.id == agent_id, _table.c.password_hash == old).values(password_hash=new)
    )


def change_profile(workspace: Workspace, agent_id: str, *, name: str, ui_language: str | None, now: datetime) -> None:
    """What an agent says of themselves.

    Raises:
        Unknown: no such agent here.
    """
    before = get(workspace, agent_id, lock=True)
    _change(workspace, agent_id, now, name=clean(name).strip()[:100] or before.login, ui_language=ui_language)


def bind(workspace: Workspace, agent_id: str, issuer: str, subject: str, *, now: datetime) -> bool:
    """Keeps which company account this agent is; False where it is another's."""
    changed = workspace.run(
        workspace.update(_table)
        .where(
            _table.c.id == agent_id,
            or_(_table.c.oidc_subject.is_(None), (_table.c.oidc_issuer == issuer) & (_table.c.oidc_subject == subject)),
        )
        .values(oidc_issuer=issuer, oidc_subject=subject, changed_at=now)
    )
    return changed == 1


def end_sessions(workspace: Workspace, agent_id: str, *, actor: str, now: datetime, keep: str | None = None) -> int:
    """Ends an agent's sessions but for the token's with the hash ``keep``; how many."""
    ended = _end_sessions(workspace, agent_id, keep=keep)
    if ended:
        record(workspace, "agent.sessions_ended", agent_id, actor=actor, now=now)
    return ended


def names(workspace: Workspace, logins: Sequence[str]) -> dict[str, str]:
    """How agents are called, by login; those that are unknown are left out."""
    rows = workspace.rows(workspace.select(_table, _table.c.login, _table.c.name).where(_table.c.login.in_(logins)))
    return {row["login"]: row["name"] for row in rows}


def _end_sessions(workspace: Workspace, agent_id: str, *, keep: str | None = None) -> int:
    table = schema.sessions
    statement = workspace.delete(table).where(table.c.agent_id == agent_id)
    return workspace.run(statement.where(table.c.token_sha256 != keep) if keep else statement)


def _change(workspace: Workspace, agent_id: str, now: datetime, **values: Any) -> None:
    workspace.run(workspace.update(_table).where(_table.c.id == agent_id).values(changed_at=now, **values))


def _held(workspace: Workspace, agent_id: str) -> Agent:
    """The agent, with the workspace held: of two who each take the other's rights, the second sees what the first did."""
    read_settings(workspace, lock=True)
    return get(workspace, agent_id, lock=True)


def _admins_remain(workspace: Workspace) -> None:
    left = workspace.value(
        workspace.select(_table, func.count()).where(
            _table.c.role == "admin", _table.c.disabled_at.is_(None),
            or_(_table.c.password_hash.is_not(None), _table.c.oidc_subject.is_not(None)),
        )
    )  # fmt: skip
    if not left:
        raise Conflict("one admin who can log in must remain", reason="last_admin")
