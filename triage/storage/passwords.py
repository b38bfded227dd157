"""Agents' passwords, kept as argon2id (RFC 9106, the profile for less memory: 64 MiB, three passes)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from argon2 import Parameters, PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from triage.errors import Overloaded

SHORTEST, LONGEST = 10, 200
"""Characters of a password that somebody chooses."""
_SCRYPT = "scrypt$"


def new_password() -> str:
    """Of 96 random bits, to be shown once."""
    return secrets.token_urlsafe(12)


def weakness(password: str, login: str) -> str | None:
    """Why a person cannot choose this password: short, long, login or same; None where they can."""
    if len(password) < SHORTEST:
        return "short"
    if len(password) > LONGEST:
        return "long"
    name = login.split("@")[0]
    if len(name) > 3 and name in password.lower() and len(password) - len(name) < SHORTEST // 2:
        return "login"
    return "same" if len(set(password)) < 4 else None


def from_scrypt(salt: bytes, digest: bytes) -> str:
    """How a hash of scrypt (n 2**14, r 8, p 1) stands in the table until its owner logs in."""
    return f"{_SCRYPT}{salt.hex()}${digest.hex()}"


class Passwords:
    """Hashes and verifies; at most ``together`` at once, since each takes 64 MiB, and ``waiting`` more wait.

    Every method raises Overloaded where more than that come.
    """

    def __init__(self, profile: Parameters = RFC_9106_LOW_MEMORY, *, together: int = 2, waiting: int = 16) -> None:
        self._hasher = PasswordHasher.from_parameters(profile)
        self._turns, self._most = threading.BoundedSemaphore(together), together + waiting
        self._present, self._guard = 0, threading.Lock()
        self._nobodys: str | None = None

    def hash(self, password: str) -> str:
        with self._turn():
            return self._hasher.hash(_bytes(password))

    def accepts(self, stored: str | None, password: str) -> bool:
        """Whether ``password`` is the one of ``stored``; None costs as much time as a wrong one and is never right."""
        with self._turn():
            if stored is not None and stored.startswith(_SCRYPT):
                return _scrypt_accepts(stored, password)
            if stored is None and self._nobodys is None:
                self._nobodys = self._hasher.hash(secrets.token_bytes(16))
            try:
                self._hasher.verify(stored or self._nobodys or "", _bytes(password))
            except (VerificationError, InvalidHashError):
                return False
            return stored is not None

    def is_outdated(self, stored: str) -> bool:
        """Whether it was made in another way than now, so that its owner's next log-in makes it anew."""
        return stored.startswith(_SCRYPT) or self._hasher.check_needs_rehash(stored)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        with self._guard:
            if self._present >= self._most:
                raise Overloaded("too many people log in at once")
            self._present += 1
        try:
            with self._turns:
                yield
        finally:
            with self._guard:
                self._present -= 1


def _bytes(password: str) -> bytes:
    # Keyboards differ in how they compose the same letter (RFC 8265 asks for NFC).
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _scrypt_accepts(stored: str, password: str) -> bool:
    salt, digest = (bytes.fromhex(part) for part in stored.removeprefix(_SCRYPT).split("$"))
    made = hashlib.scrypt(password.encode("utf-8", "surrogatepass"), salt=salt, n=2**14, r=8, p=1)
    return hmac.compare_digest(made, digest)
