"""Who may see the inbox, and what lies in it."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.auth import write_private
from triage.pipeline import TriagePipeline
from triage.types import InboundMessage, TriageResult

SESSION_SECONDS = 12 * 3600
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, kw_only=True)
class Ticket:
    """A message in the inbox with what the assistant says about it."""

    id: str
    message: InboundMessage
    result: TriageResult


class PasswordFile:
    """The demo agent's password, kept as a salted scrypt hash.

    A configured password is used instead of the stored one; without either a new one is made.
    """

    def __init__(self, data: Path, configured: str | None) -> None:
        self.made: str | None = None
        path = data / "agent.json"
        if configured:
            self._salt, self._hash = _hashed(configured)
        elif path.exists():
            row = json.loads(path.read_text(encoding="utf-8"))
            self._salt, self._hash = bytes.fromhex(row["salt"]), bytes.fromhex(row["scrypt"])
        else:
            self.made = secrets.token_urlsafe(9)
            self._salt, self._hash = _hashed(self.made)
            write_private(path, json.dumps({"salt": self._salt.hex(), "scrypt": self._hash.hex()}))

    def accepts(self, password: str) -> bool:
        return hmac.compare_digest(_hashed(password, self._salt)[1], self._hash)


def _hashed(password: str, salt: bytes | None = None) -> tuple[bytes, bytes]:
    salt = salt or secrets.token_bytes(16)
    return salt, hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, **_SCRYPT)


class Desk:
    """Sessions in memory and the tickets of the demo; tickets are triaged once, at the first look."""

    def __init__(self, password: PasswordFile, messages: Callable[[], Sequence[tuple[str, InboundMessage]]]) -> None:
        self._password, self._messages = password, messages
        self._sessions: dict[str, float] = {}
        self._failures: list[float] = []
        self._tickets: dict[str, Ticket] | None = None
        self._guard = threading.Lock()

    def log_in(self, name: str, password: str) -> str | None:
        """A new session's token, or None; after five failures in a minute nobody gets in for the rest of it."""
        now = time.monotonic()
        with self._guard:
            self._failures = [moment for moment in self._failures if now - moment < 60]
            if len(self._failures) >= 5:
                return None
        if name != "agent" or not self._password.accepts(password):
            with self._guard:
                self._failures.append(now)
            return None
        token = secrets.token_urlsafe(32)
        with self._guard:
            self._sessions = {t: end for t, end in self._sessions.items() if end > now}
            self._sessions[hashlib.sha256(token.encode()).hexdigest()] = now + SESSION_SECONDS
        return token

    def knows(self, token: str | None) -> bool:
        if not token:
            return False
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        with self._guard:
            return self._sessions.get(digest, 0.0) > time.monotonic()

    def log_out(self, token: str | None) -> None:
        if token:
            with self._guard:
                self._sessions.pop(hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest(), None)

    def tickets(self, pipeline: TriagePipeline) -> dict[str, Ticket]:
        """Every ticket by id, most urgent clock first; those that need no reply come last."""
        with self._guard:
            if self._tickets is None:
                rows = list(self._messages())
                results = pipeline.triage_many([message for _, message in rows])
                found = [
                    Ticket(id=key, message=message, result=result)
                    for (key, message), result in zip(rows, results, strict=True)
                    if isinstance(result, TriageResult)
                ]
                self._tickets = {ticket.id: ticket for ticket in sorted(found, key=_order)}
            return self._tickets


def _order(ticket: Ticket) -> tuple[bool, bool, float, str]:
    due = ticket.result.sla.due_at
    critical = ticket.result.prediction.urgency.level == "critical"
    return (due is None, not critical, due.timestamp() if due else 0.0, ticket.id)
