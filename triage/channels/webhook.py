"""The generic webhook: any system that can sign a JSON body may bring messages in, and take approved replies.

Settings of an inbound, all optional:
    mapping, items: where the fields stand in the JSON; see ``mapping``. Without them the body is that of ``POST /v1/messages``.
    signature: ``{"header": "x-signature", "prefix": "sha256="}`` for a plain HMAC-SHA256 of the body in hexadecimal digits,
        without a signed time. Without it, Standard Webhooks.
    reply_url: where approved replies are posted, signed as Standard Webhooks; https, or http to this machine.
    idempotent: the receiver keeps replies apart by ``webhook-id``, so one that may have arrived may be sent again.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from triage.channels import outgoing, standard_webhooks
from triage.channels.mapping import FieldMapping
from triage.channels.payload import load_json, value_at
from triage.errors import ConfigurationError, SendFailed, SignatureRefused, UnreadableDelivery
from triage.types import Arrival, Delivery, Reply, Sent

MOST_MESSAGES = 256
MOST_ANSWER = 64 * 1024
LEAST_SECRET = 16

_HEADER = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_PROVIDER_ID = re.compile(r"[^\x00-\x1f\x7f]{1,200}")


class PartlyUnreadable(UnreadableDelivery):
    """Some messages of a delivery cannot be read; ``arrivals`` are the others, which must not wait for them."""

    def __init__(self, detail: str, arrivals: Sequence[Arrival]) -> None:
        super().__init__(detail)
        self.arrivals = tuple(arrivals)


class WebhookChannel:
    """The adapter ``webhook``.

    Args:
        rule: which addresses replies may go to; an operator who lets strangers be admins will want ``outgoing.public``.
        now, step: the time, and seconds for one wait; tests have their own.
    """

    name = "webhook"

    def __init__(
        self, *, rule: outgoing.Rule = outgoing.local_too, now: Callable[[], datetime] = lambda: datetime.now(UTC),
        step: float = outgoing.STEP_SECONDS,
    ) -> None:  # fmt: skip
        self._rule, self._now, self._step = rule, now, step

    def check(self, settings: Mapping[str, Any], secret: str | None) -> None:
        """What an admin set.

        Raises:
            ConfigurationError: a setting that would refuse or lose every message; named.
        """
        unknown = settings.keys() - {"mapping", "items", "signature", "reply_url", "idempotent"}
        if unknown:
            raise ConfigurationError(f"there is no setting {min(unknown)[:60]!r}")
        FieldMapping.of(settings)
        if not isinstance(settings.get("idempotent", False), bool):
            raise ConfigurationError("idempotent must be true or false")
        header, _ = _plain_signature(settings)
        if secret is not None:
            _check_secret(secret, standard=header is None)
        if settings.get("reply_url") is not None:
            _reply_url(settings)

    def verify(self, delivery: Delivery, *, secrets: Sequence[str], settings: Mapping[str, Any], now: datetime) -> None:
        """As the protocol says; ``settings`` name the header of a plain signature.

        Raises:
            SignatureRefused: missing, wrong or stale, or there is no secret.
        """
        try:
            header, prefix = _plain_signature(settings)
        except ConfigurationError as error:
            raise SignatureRefused(str(error)) from None
        if header is None:
            standard_webhooks.verify(delivery.headers, delivery.body, secrets=secrets, now=now)
            return
        keys = [secret.encode("utf-8", "surrogatepass") for secret in secrets if secret]
        if not keys:
            raise SignatureRefused("no secret is set, so nothing can be verified")
        offered = delivery.headers.get(header, "")
        if not offered.startswith(prefix):
            raise SignatureRefused(f"{header} is missing or malformed")
        digits = offered.removeprefix(prefix).lower().encode("utf-8", "surrogatepass")
        fits = [hmac.compare_digest(_hex(key, delivery.body), digits) for key in keys]
        if not any(fits):
            raise SignatureRefused(f"{header} does not fit")

    def parse(self, delivery: Delivery, *, settings: Mapping[str, Any]) -> Sequence[Arrival]:
        """The messages of one body: one, a list, or a list within an object; none in ``{"type": "ping"}``.

        Raises:
            UnreadableDelivery: the body is not as the mapping says; PartlyUnreadable where some messages are.
        """
        try:
            mapping = FieldMapping.of(settings)
            header, _ = _plain_signature(settings)
        except ConfigurationError as error:
            raise UnreadableDelivery(f"the settings of this inbound are wrong: {error}") from None
        document = load_json(delivery.body)
        # Only a signed id may stand for the message's own: whoever repeats the body could choose another otherwise.
        delivery_id = delivery.headers.get("webhook-id") if header is None else None
        channel = str(settings.get("channel") or self.name)
        items, single = _items(document, mapping)
        if len(items) > MOST_MESSAGES:
            raise UnreadableDelivery(f"more than {MOST_MESSAGES} messages in one delivery")
        arrivals, wrong = [], []
        for number, item in enumerate(items):
            fallback = f"delivery:{delivery_id}:{number}" if delivery_id else None
            where = "" if single else f"messages.{number}"
            try:
                arrivals.append(mapping.arrival(item, where=where, fallback_id=fallback, channel=channel))
            except UnreadableDelivery as error:
                wrong.append(str(error))
        if wrong:
            detail = wrong[0] if len(wrong) == 1 else f"{wrong[0]}; {len(wrong) - 1} further messages"
            raise PartlyUnreadable(detail, arrivals)
        return arrivals

    def send(self, reply: Reply, *, settings: Mapping[str, Any]) -> Sent:
        """Posts ``reply`` to ``settings["reply_url"]``, signed with ``settings["secret"]``.

        Raises:
            SendFailed: as the protocol says. 5xx other than 503 count as uncertain: the receiver may have passed it on.
        """
        try:
            url, rule = _reply_url(settings)
            key = _reply_key(settings)
        except ConfigurationError as error:
            raise SendFailed(str(error)) from error
        body = json.dumps(_reply_json(reply), ensure_ascii=False).encode("utf-8", "replace")
        headers = {
            "content-type": "application/json", "idempotency-key": reply.id,
            **standard_webhooks.sign([key], id=reply.id, now=self._now(), body=body),
        }  # fmt: skip
        repeatable = settings.get("idempotent") is True
        try:
            answer = outgoing.post(url, body, headers, rule=rule or self._rule, read=MOST_ANSWER, step=self._step)
        except SendFailed as error:
            if error.uncertain and repeatable:
                raise SendFailed(str(error), retryable=True) from error
            raise
        if 200 <= answer.status < 300:
            return Sent(provider_id=_provider_id(answer.body) or reply.id)
        raise self._refused(answer, repeatable)

    def _refused(self, answer: outgoing.Answer, repeatable: bool) -> SendFailed:
        detail = f"the receiver answered {answer.status}"
        if answer.status in (408, 429, 503):
            return SendFailed(detail, retryable=True, retry_after=outgoing.retry_after(answer, self._now()))
        if answer.status >= 500:
            return SendFailed(detail, retryable=repeatable, uncertain=not repeatable)
        return SendFailed(detail)


def _plain_signature(settings: Mapping[str, Any]) -> tuple[str | None, str]:
    """Header and prefix of a plain signature; no header: Standard Webhooks."""
    setting = settings.get("signature")
    if setting is None:
        return None, ""
    header = setting.get("header") if isinstance(setting, Mapping) else None
    prefix = setting.get("prefix", "") if isinstance(setting, Mapping) else None
    if not isinstance(header, str) or not _HEADER.fullmatch(header.lower()) or not isinstance(prefix, str):
        raise ConfigurationError("signature must name a header, and may give a prefix")
    return header.lower(), prefix


def _check_secret(secret: str, *, standard: bool) -> None:
    if standard:
        if len(standard_webhooks.key_of(secret)) not in standard_webhooks.KEY_BYTES:
            raise ConfigurationError("the secret's key must have 24 to 64 bytes")
    elif len(secret) < LEAST_SECRET:
        raise ConfigurationError(f"the secret must have {LEAST_SECRET} characters at least")


def _hex(key: bytes, body: bytes) -> bytes:
    return hmac.new(key, body, hashlib.sha256).hexdigest().encode("ascii")


def _items(document: Any, mapping: FieldMapping) -> tuple[list[Any], bool]:
    """The messages' JSON, and whether the body is one message by itself."""
    if isinstance(document, dict) and document.get("type") == "ping" and _absent(document, mapping):
        return [], False
    found = document
    if mapping.items is not None:
        try:
            found = value_at(document, mapping.items)
        except LookupError:
            found = None
        if not isinstance(found, list):
            raise UnreadableDelivery("items must lead to a list")
    elif isinstance(document, dict) and isinstance(document.get("messages"), list) and _absent(document, mapping):
        found = document["messages"]
    return (found, False) if isinstance(found, list) else ([found], True)


def _absent(document: Any, mapping: FieldMapping) -> bool:
    """Whether the body itself holds no text."""
    try:
        return value_at(document, mapping.paths["text"]) is None
    except LookupError:
        return True


def _reply_url(settings: Mapping[str, Any]) -> tuple[Any, outgoing.Rule | None]:
    """Where replies go; without TLS only this machine is allowed."""
    setting = settings.get("reply_url")
    if not isinstance(setting, str):
        raise ConfigurationError("no reply_url is set, so nothing can be sent")
    url = outgoing.checked_url(setting, plain=True)
    if url.scheme == "https":
        return url, None
    if url.host not in ("localhost", "::1") and not re.fullmatch(r"127(\.\d{1,3}){3}", url.host):
        raise ConfigurationError("reply_url must begin with https://")
    return url, outgoing.loopback


def _reply_key(settings: Mapping[str, Any]) -> bytes:
    secret = settings.get("secret")
    if not isinstance(secret, str) or not secret:
        raise ConfigurationError("no secret is set, so nothing can be signed")
    if _plain_signature(settings)[0] is not None:
        return secret.encode("utf-8", "surrogatepass")
    return standard_webhooks.key_of(secret)


def _reply_json(reply: Reply) -> dict[str, Any]:
    return {
        "id": reply.id, "conversation_id": reply.conversation_id, "conversation_ref": reply.conversation_ref,
        "channel": reply.channel, "recipients": reply.recipients, "subject": reply.subject, "text": reply.text,
    }  # fmt: skip


def _provider_id(body: bytes) -> str | None:
    try:
        document = load_json(body)
    except UnreadableDelivery:
        return None
    found = document.get("id") if isinstance(document, dict) else None
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) < 10**80:
        found = str(found)
    return found if isinstance(found, str) and _PROVIDER_ID.fullmatch(found) else None
