"""The first agent, and ``triage agents``: agents added, listed and given passwords beside the inbox."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, select

from triage.bootstrap import WORKSPACE, open_database
from triage.errors import ConfigurationError, Conflict
from triage.settings import Settings
from triage.storage import agents, schema
from triage.storage.agents import Agent
from triage.storage.database import Database
from triage.storage.passwords import SHORTEST, Passwords, from_scrypt, new_password, weakness
from triage.storage.workspace import Workspace

T = TypeVar("T")

FIRST = "agent"
"""The login of the agent whom a first start makes, an admin."""
INITIAL = timedelta(days=3)
"""How long a password lasts that somebody got and has to change."""
_ACTOR = "command line"


def first_agent(
    database: Database, passwords: Passwords, *, data: Path | None = None, configured: str | None = None
) -> str | None:
    """Makes the first agent, unless the workspace has an admin; the password that was made up for it, to be shown once.

    Args:
        data: the folder in which an earlier version kept the password; its file is taken over and removed.
        configured: the password that ``agent`` has from now on.
    """
    file = data / "agent.json" if data else None
    found = database.read(lambda c: agents.every(Workspace(c, WORKSPACE)))
    made = None
    if not any(agent.role == "admin" for agent in found):
        kept = _kept(file)
        made = None if configured or kept else new_password()
        hashed = passwords.hash(configured or made or "") if configured or made else kept
        if not database.write(lambda c: _add_first(c, hashed)):
            made = None  # another process was faster
    elif configured:
        _set_configured(database, passwords, found, configured)
    if file is not None:
        with suppress(FileNotFoundError):
            file.unlink()
    return made


def _kept(file: Path | None) -> str | None:
    if file is None or not file.exists():
        return None
    row = json.loads(file.read_text(encoding="utf-8"))
    return from_scrypt(bytes.fromhex(row["salt"]), bytes.fromhex(row["scrypt"]))


def _add_first(connection: Connection, hashed: str | None) -> bool:
    try:
        agents.add(
            Workspace(connection, WORKSPACE), login=FIRST, role="admin", password_hash=hashed, actor="first start", now=_now()
        )  # fmt: skip
    except Conflict:
        return False
    return True


def _set_configured(database: Database, passwords: Passwords, found: tuple[Agent, ...], configured: str) -> None:
    first = next((agent for agent in found if agent.login == FIRST), None)
    if first is None or passwords.accepts(first.password_hash, configured):
        return
    hashed = passwords.hash(configured)
    database.write(
        lambda c: agents.set_password(
            Workspace(c, WORKSPACE), first.id, hashed, actor="TRIAGE_AGENT_PASSWORD", now=_now()
        )
    )


def add_agent(
    settings: Settings, login: str, *, role: str, workspace: str, name: str = "", email: str | None = None,
    password: str | None = None,
) -> str | None:  # fmt: skip
    """A new agent; the initial password that was made up for them where ``password`` is None.

    Raises:
        ConfigurationError: login, role, workspace or password cannot be used, or the login is taken.
    """
    if role not in agents.ROLES:
        raise ConfigurationError(f"role {role!r} is none of {', '.join(agents.ROLES)}")
    _check(password, login)
    made = None if password else new_password()
    hashed = Passwords().hash(password or made or "")

    def work(connection: Connection) -> None:
        now = _now()
        agents.add(
            _existing(connection, workspace), login=login, role=role, name=name, email=email, password_hash=hashed,
            password_until=now + INITIAL if made else None, actor=_ACTOR, now=now,
        )  # fmt: skip

    try:
        _run(settings, work)
    except (ValueError, Conflict) as error:
        raise ConfigurationError(str(error)) from error
    return made


def set_agent_password(settings: Settings, login: str, *, workspace: str, password: str | None = None) -> str | None:
    """A new password, which ends the agent's sessions; the one that was made up where ``password`` is None.

    Raises:
        ConfigurationError: no such agent, or a password that cannot be used.
    """
    _check(password, login)
    made = None if password else new_password()
    hashed = Passwords().hash(password or made or "")

    def work(connection: Connection) -> None:
        scope, now = _existing(connection, workspace), _now()
        found = next((a for a in agents.every(scope) if a.login == agents.normal_login(login)), None)
        if found is None:
            raise ConfigurationError(f"there is no agent {login!r} in the workspace {workspace!r}")
        until = now + INITIAL if made else None
        agents.set_password(scope, found.id, hashed, until=until, actor=_ACTOR, now=now)

    _run(settings, work)
    return made


def list_agents(settings: Settings, workspace: str) -> tuple[Agent, ...]:
    """All agents of a workspace by login.

    Raises:
        ConfigurationError: no such workspace.
    """
    return _run(settings, lambda connection: agents.every(_existing(connection, workspace)))


def _check(password: str | None, login: str) -> None:
    if password is not None and weakness(password, agents.normal_login(login)) is not None:
        raise ConfigurationError(
            f"a password has at least {SHORTEST} characters, more than three kinds, and not the login"
        )


def _existing(connection: Connection, workspace: str) -> Workspace:
    table = schema.workspaces
    if connection.execute(select(table.c.id).where(table.c.id == workspace)).first() is None:
        raise ConfigurationError(f"there is no workspace {workspace!r}")
    return Workspace(connection, workspace)


def _run(settings: Settings, work: Callable[[Connection], T]) -> T:
    database = open_database(settings)
    try:
        return database.write(work)
    finally:
        database.close()


def _now() -> datetime:
    return datetime.now(UTC)
