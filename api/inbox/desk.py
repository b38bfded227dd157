"""Who may see the inbox: the agent's password and the sessions."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from api.auth import write_private

SESSION_SECONDS = 12 * 3600
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, kw_only=True)
class Session:
    """An agent who is logged in, and in which workspace; ``ends`` on the monotonic clock."""

    login: str
    workspace: str
    ends: float


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
    """Sessions in memory.

    Args:
        workspace: the one whose messages the agents see.
    """

    def __init__(self, password: PasswordFile, *, workspace: str) -> None:
        self._password, self._workspace = password, workspace
        self._sessions: dict[str, Session] = {}
        self._failures: list[float] = []
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
        session = Session(login=name, workspace=self._workspace, ends=now + SESSION_SECONDS)
        with self._guard:
            self._sessions = {key: known for key, known in self._sessions.items() if known.ends > now}
            self._sessions[_digest(token)] = session
        return token

    def session(self, token: str | None) -> Session | None:
        """Whose token this is; None where it is nobody's, or not any more."""
        if not token:
            return None
        with self._guard:
            found = self._sessions.get(_digest(token))
        return found if found is not None and found.ends > time.monotonic() else None

    def log_out(self, token: str | None) -> None:
        if token:
            with self._guard:
                self._sessions.pop(_digest(token), None)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
