"""Standard Webhooks (standardwebhooks.com, specification 1.0.0): signatures of events that go out and of messages that come in.

Signed is ``id.timestamp.body`` with HMAC-SHA256; the key is the base64 after ``whsec_``. A header may carry several signatures,
so that a secret can be replaced without a gap.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets as randomness
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from triage.errors import ConfigurationError, SignatureRefused

PREFIX = "whsec_"
TOLERANCE = timedelta(seconds=300)
KEY_BYTES = range(24, 65)
"""What the specification asks of a key; a shorter one that somebody brings along is refused when it is set."""

_ID = re.compile(r"[!-~]{1,255}")
_SECONDS = re.compile(r"[0-9]{1,12}")


def new_secret() -> str:
    """``whsec_`` and 32 random bytes."""
    return PREFIX + base64.b64encode(randomness.token_bytes(32)).decode("ascii")


def key_of(secret: str) -> bytes:
    """The key that ``secret`` holds.

    Raises:
        ConfigurationError: it holds none.
    """
    encoded = secret.removeprefix(PREFIX)
    try:
        if encoded == secret:
            raise ValueError("no prefix")
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (ValueError, binascii.Error):
        raise ConfigurationError(f"a secret must be {PREFIX!r} and base64") from None
    if not key:
        raise ConfigurationError("a secret must not be empty")
    return key


def sign(keys: Sequence[bytes], *, id: str, now: datetime, body: bytes) -> dict[str, str]:
    """The three headers; one signature a key, so that receivers which know either the new or the old one are served."""
    seconds = str(int(now.timestamp()))
    signatures = [_signature(key, id, seconds, body).decode("ascii") for key in keys]
    return {"webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": " ".join(signatures)}


def verify(headers: Mapping[str, str], body: bytes, *, secrets: Sequence[str], now: datetime) -> str:
    """Checks a delivery; its id, which stays the same when it is sent again.

    Args:
        headers: with lower-case names.
        secrets: any of them may have signed.

    Raises:
        SignatureRefused: whatever is wrong, be it ours (no usable secret) or theirs.
    """
    keys = _usable(secrets)
    if not keys:
        raise SignatureRefused("no secret is set, so nothing can be verified")
    id, seconds, signatures = (headers.get(f"webhook-{part}", "") for part in ("id", "timestamp", "signature"))
    if not (id and seconds and signatures):
        raise SignatureRefused("webhook-id, webhook-timestamp and webhook-signature are needed")
    if not _ID.fullmatch(id) or not _SECONDS.fullmatch(seconds):
        raise SignatureRefused("webhook-id or webhook-timestamp is malformed")
    if abs(now.timestamp() - int(seconds)) > TOLERANCE.total_seconds():
        raise SignatureRefused("webhook-timestamp is too far from now")
    # As bytes, because comparing a str that is not ASCII raises.
    offered = [part.encode("utf-8", "surrogatepass") for part in signatures.split(" ")]
    matches = [hmac.compare_digest(_signature(key, id, seconds, body), one) for key in keys for one in offered]
    if not any(matches):
        raise SignatureRefused("no signature fits")
    return id


def _signature(key: bytes, id: str, seconds: str, body: bytes) -> bytes:
    digest = hmac.new(key, f"{id}.{seconds}.".encode() + body, hashlib.sha256).digest()
    return b"v1," + base64.b64encode(digest)


def _usable(secrets: Sequence[str]) -> list[bytes]:
    keys = []
    for secret in secrets:
        try:
            keys.append(key_of(secret))
        except ConfigurationError:
            continue  # one that cannot verify anything must not keep the other from doing so
    return keys
