"""Sessions: a browser's token, and which agents it is. Only the token's SHA-256 is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, select

from triage.storage import agents, schema
from triage.storage.agents import Agent
from triage.storage.columns import clean, new_id
from triage.storage.workspace import Workspace

IDLE = timedelta(hours=12)
"""Without a request a session ends after this."""
LONGEST = timedelta(days=7)
"""And after this in any case."""
TOUCHED = timedelta(minutes=1)
"""How exactly the last request is known: a write for every page would cost more than it tells."""

_table = schema.sessions


@dataclass(frozen=True, kw_only=True)
class Place:
    """One workspace that a token may enter, and as whom; ``chosen`` is the one that its pages show."""

    brand: str
    session_id: str
    agent: Agent
    via: str
    chosen: bool
    seen_at: datetime


@dataclass(frozen=True, kw_only=True)
class OwnSession:
    """One of an agent's own sessions, as the account page lists it."""

    id: str
    device: str
    address: str
    started_at: datetime
    seen_at: datetime
    here: bool


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def find(connection: Connection, token_sha256: str, *, now: datetime) -> tuple[Place, ...]:
    """Where this token is valid, the chosen workspace first: neither ended nor idle, nor of an agent who was disabled."""
    who, where = schema.agents, schema.workspaces
    statement = (
        select(_table.c.id.label("session_id"), _table.c.via, _table.c.chosen, _table.c.seen_at, where.c.brand, who)
        .join(who, and_(who.c.workspace_id == _table.c.workspace_id, who.c.id == _table.c.agent_id))
        .join(where, where.c.id == _table.c.workspace_id)
        .where(
            _table.c.token_sha256 == token_sha256, _table.c.ends_at > now, _table.c.seen_at > now - IDLE,
            who.c.disabled_at.is_(None),
        )
        .order_by(_table.c.chosen.desc(), where.c.brand)
    )  # fmt: skip
    places = []
    for row in connection.execute(statement).mappings():
        values = dict(row)
        own = {name: values.pop(name) for name in ("session_id", "via", "chosen", "seen_at", "brand")}
        places.append(Place(agent=Agent(**values), **own))
    return tuple(places)


def start(
    workspace: Workspace, agent: Agent, *, token_sha256: str, via: str, chosen: bool, device: str, address: str, now: datetime
) -> bool:  # fmt: skip
    """A new session; False where the agent was disabled or got another password since ``agent`` was read."""
    current = agents.get(workspace, agent.id, lock=True)
    if current.disabled_at is not None or (via == "password" and current.password_hash != agent.password_hash):
        return False
    workspace.run(
        workspace.delete(_table).where(
            _table.c.agent_id == agent.id, (_table.c.ends_at <= now) | (_table.c.seen_at <= now - IDLE)
        )
    )
    workspace.insert(
        _table, id=new_id("ses"), agent_id=agent.id, token_sha256=token_sha256, chosen=chosen, via=via,
        device=clean(device)[:100], address=address[:45], started_at=now, seen_at=now, ends_at=now + LONGEST,
    )  # fmt: skip
    _seen(workspace, agent.id, now)
    return True


def touch(workspace: Workspace, token_sha256: str, agent_id: str | None, *, now: datetime) -> None:
    """Keeps that this token was used now, and in this workspace by the agent ``agent_id``, None where in another."""
    workspace.run(workspace.update(_table).where(_table.c.token_sha256 == token_sha256).values(seen_at=now))
    if agent_id is not None:
        _seen(workspace, agent_id, now)


def choose(workspace: Workspace, token_sha256: str, *, chosen: bool) -> None:
    """Whether this workspace is the one that the token's pages show."""
    workspace.run(workspace.update(_table).where(_table.c.token_sha256 == token_sha256).values(chosen=chosen))


def end(workspace: Workspace, token_sha256: str) -> None:
    """Ends a token in this workspace."""
    workspace.run(workspace.delete(_table).where(_table.c.token_sha256 == token_sha256))


def end_one(workspace: Workspace, agent_id: str, session_id: str) -> bool:
    """Ends one of an agent's own sessions; False where it is not theirs, or has ended."""
    return workspace.run(workspace.delete(_table).where(_table.c.id == session_id, _table.c.agent_id == agent_id)) == 1


def of_agent(workspace: Workspace, agent_id: str, *, token_sha256: str, now: datetime) -> tuple[OwnSession, ...]:
    """An agent's valid sessions, last used first."""
    statement = workspace.select(_table).where(
        _table.c.agent_id == agent_id, _table.c.ends_at > now, _table.c.seen_at > now - IDLE
    )
    return tuple(
        OwnSession(
            id=row["id"], device=row["device"], address=row["address"], started_at=row["started_at"], seen_at=row["seen_at"],
            here=row["token_sha256"] == token_sha256,
        )
        for row in workspace.rows(statement.order_by(_table.c.seen_at.desc(), _table.c.id))
    )  # fmt: skip


def _seen(workspace: Workspace, agent_id: str, now: datetime) -> None:
    table = schema.agents
    workspace.run(workspace.update(table).where(table.c.id == agent_id).values(last_seen_at=now))
