"""Tokens that tie an answer to its conversation, in our Message-IDs and plus-addresses.

Threading headers can be written by anybody, so an id joins a conversation only where its HMAC-SHA256 says that we made it.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Iterable, Sequence

_MESSAGE_ID = re.compile(r"<([a-z0-9_-]{1,80})\.([a-z0-9_-]{1,80})\.([a-z2-7]{26})@[^<>@\s]{1,255}>")
_PLUS = re.compile(r"[^<>@\s]{1,64}?\+([a-z0-9_-]{1,80})\.([a-z2-7]{16})@[^<>@\s]{1,255}")
_ID = re.compile(r"[a-z0-9_-]{1,80}")
_LONGEST_LOCAL_PART = 64
MOST_CHECKED = 50
"""Ids of one mail that are looked at."""


class Tokens:
    """Makes tokens with the first of ``secrets`` and knows those of each (the current one, the one before).

    Args:
        domain: right part of the Message-IDs made.
    """

    def __init__(self, secrets: Sequence[str], domain: str) -> None:
        self._secrets = tuple(secret.encode("utf-8", "surrogatepass") for secret in secrets if secret)
        self._domain = domain

    def message_id(self, reply_id: str, conversation_id: str) -> str:
        """``<reply id.conversation id.mac@domain>``: the same at every call.

        Raises:
            ValueError: an id with characters that ids do not have, or there is no secret.
        """
        mac = self._make("message-id", 26, reply_id, conversation_id)
        return f"<{reply_id}.{conversation_id}.{mac}@{self._domain}>"

    def plus_address(self, address: str, conversation_id: str) -> str | None:
        """``local+conversation id.mac@domain``; None where that is longer than a mailbox may be (RFC 5321, 4.5.3.1.1)."""
        local, _, domain = address.rpartition("@")
        # 80 bits: nobody can try a forged one but by sending it to us.
        local = f"{local}+{conversation_id}.{self._make('plus-address', 16, conversation_id)}"
        return f"{local}@{domain}" if len(local) <= _LONGEST_LOCAL_PART else None

    def conversation(self, message_ids: Iterable[str], addresses: Iterable[str] = ()) -> str | None:
        """The conversation of the first id or address that we made; None where none is ours."""
        for number, message_id in enumerate(message_ids):
            if number == MOST_CHECKED:
                break
            found = _MESSAGE_ID.fullmatch(message_id.lower())
            if found and self._made("message-id", found[3], found[1], found[2]):
                return found[2]
        for number, address in enumerate(addresses):
            if number == MOST_CHECKED:
                break
            found = _PLUS.fullmatch(address.lower())
            if found and self._made("plus-address", found[2], found[1]):
                return found[1]
        return None

    def made(self, message_id: str) -> bool:
        """Whether ``message_id`` is one of ours: the mail that bears it is an answer of our own, come back."""
        return self.conversation((message_id,)) is not None

    def _make(self, purpose: str, length: int, *ids: str) -> str:
        if not self._secrets:
            raise ValueError("no secret to make a token with")
        if not all(_ID.fullmatch(id) for id in ids):
            raise ValueError("an id that cannot stand in a token")
        return _mac(self._secrets[0], purpose, length, ids)

    def _made(self, purpose: str, mac: str, *ids: str) -> bool:
        ours = False
        for secret in self._secrets:
            ours |= hmac.compare_digest(_mac(secret, purpose, len(mac), ids), mac)
        return ours


def _mac(secret: bytes, purpose: str, length: int, ids: Sequence[str]) -> str:
    digest = hmac.digest(secret, "\0".join(("triage-mail", purpose, *ids)).encode(), "sha256")
    return base64.b32encode(digest).decode().lower()[:length]
