"""How often a log-in failed, over all processes: after five failures each further one makes the next wait longer.

A failure counts against the login, and against the login from its address. An address from which somebody has logged in with
a login before counts for itself alone: a stranger who guesses elsewhere cannot keep its owner out. What was tried is counted
before the password is verified, so that a hundred tries at once are a hundred tries.
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from triage.storage.agents import normal_login
from triage.storage.schema import log_in_attempts as table

FREE = 5
"""Failures before the first wait."""
WAITS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15))
KNOWN = timedelta(days=30)
FORGOTTEN = timedelta(days=1)


def wait(failures: int) -> timedelta:
    """How long nothing may be tried after this many failures."""
    return timedelta(0) if failures < FREE else WAITS[min(failures - FREE, len(WAITS) - 1)]


def begin(connection: Connection, login: str, address: str, *, now: datetime) -> timedelta:
    """Counts a try as failed, until ``succeeded`` says otherwise; zero, or how long to wait where it may not be made now."""
    connection.execute(
        delete(table).where(
            table.c.last_at < now - FORGOTTEN, or_(table.c.known_until.is_(None), table.c.known_until < now)
        )
    )
    pair, alone = _digests(login, address)
    rows = _held(connection, pair, alone, now)
    counted = [pair] if _is_known(rows[pair], now) else [pair, alone]
    until: datetime = max((rows[digest]["blocked_until"] or now for digest in counted), default=now)
    if until > now:
        return until - now
    for digest in counted:
        row = rows[digest]
        failures = row["failures"] + 1 if row["last_at"] > now - FORGOTTEN else 1
        pause = wait(failures)
        _set(connection, digest, failures=failures, last_at=now, blocked_until=now + pause if pause else None)
    return timedelta(0)


def succeeded(connection: Connection, login: str, address: str, *, now: datetime) -> None:
    """The try was no failure; from now on the address is known for this login."""
    pair, alone = _digests(login, address)
    rows = _held(connection, pair, alone, now)
    if not _is_known(rows[pair], now):
        _set(connection, alone, failures=max(0, rows[alone]["failures"] - 1), blocked_until=None)
    _set(connection, pair, failures=0, last_at=now, blocked_until=None, known_until=now + KNOWN)


def _held(connection: Connection, pair: str, alone: str, now: datetime) -> dict[str, Any]:
    """Both rows, made where they are missing, held until the transaction ends; always in one order."""
    build = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    for digest in sorted((pair, alone)):
        connection.execute(build(table).values(digest=digest, failures=0, last_at=now).on_conflict_do_nothing())
    statement = select(table).where(table.c.digest.in_((pair, alone))).order_by(table.c.digest).with_for_update()
    return {row["digest"]: row for row in connection.execute(statement).mappings()}


def _set(connection: Connection, digest: str, **values: Any) -> None:
    connection.execute(update(table).where(table.c.digest == digest).values(**values))


def _is_known(row: Any, now: datetime) -> bool:
    return row["known_until"] is not None and row["known_until"] > now


def _digests(login: str, address: str) -> tuple[str, str]:
    # People type their password where the login belongs, so what they typed is not kept.
    name = hashlib.sha256(normal_login(login).encode()).hexdigest()
    return hashlib.sha256(f"{name} {network(address)}".encode()).hexdigest(), name


def network(address: str) -> str:
    """Whose address it is: a household or a server has a whole /64 of IPv6 to itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
