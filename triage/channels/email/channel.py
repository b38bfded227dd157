"""E-mail as a channel: mail that a provider posts to a hook is verified and parsed, replies go out over SMTP."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from triage.channels.email.headers import parameters
from triage.channels.email.mime import read_parts
from triage.channels.email.parse import parse_mail
from triage.channels.email.send import send_mail
from triage.channels.email.settings import EmailSettings
from triage.errors import ConfigurationError, SendFailed, SignatureRefused, UnreadableDelivery
from triage.types import Arrival, Delivery, Reply, Sent

_RAW_FIELDS = ("body-mime", "email", "message", "RawEmail")
"""Form fields and JSON members in which providers put the whole mail (Mailgun, SendGrid, Postmark)."""
_TOKEN_NAMES = ("token", "key")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class EmailChannel:
    """Implements ``triage.protocols.Channel`` for mailboxes; settings as ``EmailSettings`` names them."""

    name = "email"

    def __init__(self, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._now = now

    def check(self, settings: Mapping[str, Any], secret: str | None) -> None:
        """Whether a mailbox can be opened with these settings.

        Raises:
            ConfigurationError: which of them is wrong.
        """
        EmailSettings.of(settings)

    def verify(
        self, delivery: Delivery, *, secrets: Sequence[str], settings: Mapping[str, Any], now: datetime
    ) -> None:  # fmt: skip
        """Compares what the caller shows (Basic auth, a bearer token, ``?token=`` of the URL) with each secret.

        A secret ``user:password`` is compared as a whole, one without colon with the password alone. Providers of mail sign
        nothing, so nothing here is bound to a time.

        Raises:
            SignatureRefused: nothing shown, nothing right, or there is no secret.
        """
        accepted = False
        for secret in secrets:
            for shown in _shown(delivery, whole=":" in secret):
                # Both sides as bytes: comparing text beyond ASCII raises.
                same = hmac.compare_digest(shown, secret.encode("utf-8", "surrogatepass"))
                accepted |= same and bool(secret)
        if not accepted:
            raise SignatureRefused("no valid password or token")

    def parse(self, delivery: Delivery, *, settings: Mapping[str, Any]) -> Sequence[Arrival]:
        """The one mail in a delivery: raw, or in a form or JSON document around it.

        Raises:
            UnreadableDelivery: there is none, or it is beyond the limits.
            ConfigurationError: the inbound's settings are wrong.
        """
        raw = _raw_mail(delivery)
        return (parse_mail(raw, settings=EmailSettings.of(settings), now=delivery.received_at),)

    def send(self, reply: Reply, *, settings: Mapping[str, Any]) -> Sent:
        """Sends over the mailbox's SMTP server; see ``send_mail`` for what is raised."""
        try:
            mailbox = EmailSettings.of(settings)
        except ConfigurationError as error:
            raise SendFailed(str(error)) from None
        return send_mail(reply, settings=mailbox, now=self._now())


def _shown(delivery: Delivery, *, whole: bool) -> list[bytes]:
    shown: list[bytes] = []
    scheme, _, value = delivery.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            pair = base64.b64decode(value.strip().encode("ascii", "replace"), validate=True)
        except binascii.Error:
            pair = b""
        shown.append(pair if whole else pair.partition(b":")[2])
    elif scheme.lower() == "bearer":
        shown.append(value.strip().encode("utf-8", "surrogatepass"))
    try:
        query = parse_qs(urlsplit(delivery.url).query, max_num_fields=20, errors="surrogateescape")
    except ValueError:
        query = {}
    for name in _TOKEN_NAMES:
        shown += [value.encode("utf-8", "surrogateescape") for value in query.get(name, ())[:2]]
    return shown


def _raw_mail(delivery: Delivery) -> bytes:
    declared = delivery.headers.get("content-type", "")
    kind = declared.partition(";")[0].strip().lower()
    if kind == "application/json":
        return _from_json(delivery.body)
    if kind == "multipart/form-data":
        head = " ".join(declared.split()).encode("utf-8", "surrogatepass")
        root = read_parts(b"content-type: " + head + b"\r\n\r\n" + delivery.body)
        for part in root.children:
            if parameters(part.headers.get("content-disposition"))[1].get("name") in _RAW_FIELDS:
                return part.content
        raise UnreadableDelivery(
            "a form without the raw mail; turn on 'post the raw, full MIME message' at the provider"
        )
    return delivery.body


def _from_json(body: bytes) -> bytes:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableDelivery("no JSON document") from error
    raw = document.get("RawEmail") if isinstance(document, dict) else None
    if not isinstance(raw, str):
        raise UnreadableDelivery("a document without RawEmail; turn on 'include raw email content' at the provider")
    return raw.encode("utf-8", "surrogatepass")
