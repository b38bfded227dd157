"""API keys: each belongs to one workspace and has scopes. Only a key's SHA-256 is kept.

Keys are 256 random bits, so a plain hash is enough; slow hashes are for what people choose.
"""

from __future__ import annotations

import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request

from api.problems import Problem
from triage.storage.keys import SCOPES, hash_key, new_key


@dataclass(frozen=True, kw_only=True)
class Key:
    """Who calls: the workspace, and what the key may do."""

    id: str
    workspace: str
    scopes: frozenset[str]


KNOWN_SECONDS = 5.0
"""How long a stored key counts as valid without another look; a key revoked in another process lives so long."""
_MOST_KNOWN = 1000


class KeyRing:
    """The known keys by hash, and behind them those that are stored."""

    def __init__(self, keys: dict[str, Key]) -> None:
        self._keys = keys
        self._look_up: Callable[[str], Key | None] | None = None
        self._known: dict[str, tuple[float, Key]] = {}

    def look_up_in(self, stored: Callable[[str], Key | None]) -> None:
        """Where a key's hash that is not known here is looked up."""
        self._look_up = stored

    def forget(self) -> None:
        """Looks every stored key up again."""
        self._known.clear()

    def find(self, presented: str) -> Key | None:
        """The key; None where there is no such.

        Raises:
            StorageUnavailable: it cannot be looked up now.
        """
        digest = hash_key(presented)
        # Looked up by hash: how long that takes tells nothing about the key itself.
        for known, key in self._keys.items():
            if hmac.compare_digest(known, digest):
                return key
        if self._look_up is None:
            return None
        until, remembered = self._known.get(digest, (0.0, None))
        if remembered is not None and time.monotonic() < until:
            return remembered
        found = self._look_up(digest)
        if found is not None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[digest] = (time.monotonic() + KNOWN_SECONDS, found)
        return found


def load_keys(data: Path, configured: str | None) -> tuple[KeyRing, str | None]:
    """The keys of the data folder, or the configured one alone; a first start makes one.

    Returns:
        the ring, and the new key in clear where one was made now: it is shown once and never stored.
    """
    everything = frozenset(SCOPES)
    if configured:
        return KeyRing({hash_key(configured): Key(id="env", workspace="demo", scopes=everything)}), None
    path = data / "keys.json"
    if path.exists():
        rows = json.loads(path.read_text(encoding="utf-8"))
        return KeyRing(
            {r["sha256"]: Key(id=r["id"], workspace=r["workspace"], scopes=frozenset(r["scopes"])) for r in rows}
        ), None
    key = new_key()
    row = {"id": "first", "workspace": "demo", "scopes": sorted(everything), "sha256": hash_key(key)}
    write_private(path, json.dumps([row], indent=1))
    return KeyRing({row["sha256"]: Key(id="first", workspace="demo", scopes=everything)}), key  # type: ignore[dict-item]


def write_private(path: Path, content: str) -> None:
    """Writes a file that only its owner can read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(content)
        handle.flush()
        os.fsync(handle.fileno())
    os.replace(temporary, path)


class RateLimit:
    """A token bucket a key: ``per_minute`` calls, all of which may come at once."""

    def __init__(self, per_minute: int) -> None:
        self._rate, self._most = per_minute / 60, float(per_minute)
        self._buckets: dict[str, tuple[float, float]] = {}
        self._guard = threading.Lock()

    def take(self, key: str, cost: int = 1) -> float:
        """Takes ``cost`` calls; 0.0, or the seconds after which they will be free."""
        now = time.monotonic()
        with self._guard:
            tokens, last = self._buckets.get(key, (self._most, now))
            tokens = min(self._most, tokens + (now - last) * self._rate)
            if tokens >= cost:
                self._buckets[key] = (tokens - cost, now)
                return 0.0
            self._buckets[key] = (tokens, now)
            return (cost - tokens) / self._rate


def authenticate(request: Request, scope: str) -> Key:
    """The caller's key.

    Raises:
        Problem: 401 without a valid key, 403 without the scope, 429 beyond the key's rate.
    """
    kind, _, presented = request.headers.get("authorization", "").partition(" ")
    key = request.app.state.keys.find(presented.strip()) if kind.lower() == "bearer" and presented.strip() else None
    if key is None:
        raise Problem(401, "unauthorized", "a valid API key is needed: Authorization: Bearer <key>",
                      headers={"WWW-Authenticate": "Bearer"})  # fmt: skip
    if scope not in key.scopes:
        raise Problem(403, "forbidden", f"this key lacks the scope {scope!r}")
    wait = request.app.state.rate.take(key.id)
    if wait:
        raise Problem(429, "rate_limited", "too many calls with this key", headers={"Retry-After": str(int(wait) + 1)})
    return key  # type: ignore[no-any-return]
