"""From a provider's JSON to arrivals: which field stands where, as an admin says it, or as ``POST /v1/messages`` takes it.

Errors name the field, never its value.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from triage.channels.payload import value_at
from triage.errors import ConfigurationError, UnreadableDelivery
from triage.types import Arrival, Author, Customer, InboundMessage, Sender, ThreadMessage

log = logging.getLogger(__name__)

DEFAULT: Mapping[str, str] = {
    "text": "text", "external_id": "external_id", "subject": "subject", "conversation_ref": "conversation_ref",
    "received_at": "received_at", "channel": "channel", "language_hint": "language_hint", "order_id": "order.id",
    "attachments": "attachments", "locale": "customer.locale",
    "sender.name": "sender.name", "sender.email": "sender.email", "sender.phone": "sender.phone",
    "sender.handle": "sender.handle", "sender.buyer_id": "sender.buyer_id", "sender.helpdesk_id": "sender.helpdesk_id",
    "customer.name": "customer.name",
}  # fmt: skip
"""Our own body; its keys are the fields that a mapping may name."""

_OWN: Mapping[str, frozenset[str]] = {
    "": frozenset(
        {"text", "external_id", "subject", "conversation_ref", "received_at", "channel", "language_hint", "order", "thread",
         "attachments", "sender", "customer", "options"}
    ),
    "sender": frozenset({"name", "email", "phone", "handle", "buyer_id", "helpdesk_id"}),
    "customer": frozenset({"name", "locale"}),
}  # fmt: skip
"""What our own body may hold; unknown fields are refused there, so that a typo never goes unnoticed."""

_LONGEST = {
    "subject": 2000, "external_id": 500, "conversation_ref": 500, "order_id": 80, "channel": 50, "language_hint": 35,
    "locale": 35, "sender.email": 320, "sender.phone": 320, "sender.handle": 320, "sender.name": 200,
    "sender.buyer_id": 320, "sender.helpdesk_id": 320, "customer.name": 500,
}  # fmt: skip
"""Characters; what stands in a unique index must fit into a page of it."""

_FORMS = {
    "channel": re.compile(r"[a-z][a-z0-9_]{0,49}"),
    "language_hint": re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*"),
    "locale": re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*"),
}
_IDS = frozenset(
    {
        "external_id",
        "conversation_ref",
        "order_id",
        "sender.phone",
        "sender.handle",
        "sender.buyer_id",
        "sender.helpdesk_id",
    }
)
"""Providers write these as numbers too."""

MOST_THREAD = 200


@dataclass(frozen=True, kw_only=True)
class FieldMapping:
    """Where the fields of one message stand.

    Attributes:
        paths: field to path: a JSON pointer, or keys joined by dots.
        items: path of the list of messages; None: the body is one message, a list of them, or holds them as ``messages``.
        own: the body is as ``POST /v1/messages`` takes it.
    """

    paths: Mapping[str, str] = field(default_factory=lambda: dict(DEFAULT))
    items: str | None = None
    own: bool = True

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> FieldMapping:
        """As the settings ``mapping`` and ``items`` say.

        Raises:
            ConfigurationError: an unknown field or a path that is none, named.
        """
        paths, items = settings.get("mapping"), settings.get("items")
        if items is not None and not isinstance(items, str):
            raise ConfigurationError("items must be a path")
        if paths is None:
            return cls(items=items)
        if not isinstance(paths, Mapping) or "text" not in paths:
            raise ConfigurationError("mapping must say where text stands")
        for name, path in paths.items():
            if name not in DEFAULT:
                raise ConfigurationError(f"mapping knows no field {str(name)[:60]!r}")
            if not isinstance(path, str) or not path or len(path) > 300:
                raise ConfigurationError(f"mapping.{name} must be a path")
        return cls(paths=dict(paths), items=items, own=False)

    def arrival(self, item: Any, *, where: str, fallback_id: str | None, channel: str) -> Arrival:
        """The message that ``item`` holds.

        Args:
            where: what an error names first.
            fallback_id: its id where it has none of its own.
            channel: the one it belongs to where it does not say.

        Raises:
            UnreadableDelivery: a field is missing, of the wrong type, or unknown.
        """
        return _Item(self, item, where).arrival(fallback_id, channel)


class _Item:
    """One message's JSON, read field by field."""

    def __init__(self, mapping: FieldMapping, item: Any, where: str) -> None:
        self._mapping, self._item, self._where = mapping, item, where
        if not isinstance(item, dict):
            raise UnreadableDelivery(f"{where or 'the body'} must be an object")
        if mapping.own:
            for part, known in _OWN.items():
                self._refuse_unknown(part, known)

    def arrival(self, fallback_id: str | None, channel: str) -> Arrival:
        text = self._text("text", required=True)
        external_id = self._text("external_id") or fallback_id
        if not external_id:
            raise self._wrong("external_id", "is missing")
        name = self._text("customer.name")
        sender = Sender(
            name=self._text("sender.name") or name, email=self._text("sender.email"), phone=self._text("sender.phone"),
            handle=self._text("sender.handle"), buyer_id=self._text("sender.buyer_id"),
            helpdesk_id=self._text("sender.helpdesk_id"),
        )  # fmt: skip
        hint = self._text("language_hint")
        message = InboundMessage(
            text=text or "", subject=self._text("subject"), channel=self._text("channel") or channel,
            received_at=self._moment(self._find("received_at"), "received_at"),
            language_hint=hint.replace("_", "-").split("-")[0].lower() if hint else None,
            customer=Customer(name=name, locale=self._text("locale")), thread=self._thread(),
        )  # fmt: skip
        self._count_attachments()
        return Arrival(
            external_id=external_id, message=message, sender=sender, conversation_ref=self._text("conversation_ref"),
            order_id=self._text("order_id"),
        )  # fmt: skip

    def _find(self, name: str) -> Any:
        path = self._mapping.paths.get(name)
        if path is None:
            return None
        try:
            return value_at(self._item, path)
        except LookupError:
            raise self._wrong(name, "stands in something that is no object") from None

    def _text(self, name: str, *, required: bool = False) -> str | None:
        value = self._find(name)
        if value is None:
            if required:
                raise self._wrong(name, "is missing")
            return None
        if name in _IDS and isinstance(value, int | float) and not isinstance(value, bool):
            value = _number(value)
        if not isinstance(value, str):
            raise self._wrong(name, "must be a string")
        if name != "text":
            value = value.strip()
        if len(value) > _LONGEST.get(name, len(value)):
            raise self._wrong(name, f"is longer than {_LONGEST[name]} characters")
        form = _FORMS.get(name)
        if value and form is not None and not form.fullmatch(value):
            raise self._wrong(name, "is malformed")
        return value if value or required else None

    def _moment(self, value: Any, name: str) -> datetime | None:
        try:
            if value is None or value == "":
                return None
            if isinstance(value, str):
                moment = datetime.fromisoformat(value.strip())
                return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
            if isinstance(value, int | float) and not isinstance(value, bool) and not self._mapping.own:
                # Providers count seconds or milliseconds; as seconds, the latter would be beyond the year 5000.
                return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
        except (ValueError, OverflowError, OSError):
            pass
        raise self._wrong(name, "must be an ISO 8601 time")

    def _thread(self) -> tuple[ThreadMessage, ...]:
        parts = self._item.get("thread") if self._mapping.own else None
        if parts is None:
            return ()
        if not isinstance(parts, list) or len(parts) > MOST_THREAD:
            raise self._wrong("thread", f"must be a list of {MOST_THREAD} at most")
        found = []
        for number, part in enumerate(parts):
            name = f"thread.{number}"
            if not isinstance(part, dict) or part.keys() - {"author", "text", "at"}:
                raise self._wrong(name, "must be an object of author, text and at")
            if part.get("author") not in ("customer", "agent"):
                raise self._wrong(f"{name}.author", "must be customer or agent")
            if not isinstance(part.get("text"), str):
                raise self._wrong(f"{name}.text", "must be a string")
            at = self._moment(part.get("at"), f"{name}.at")
            found.append(ThreadMessage(author=Author(part["author"]), text=part["text"], at=at))
        return tuple(found)

    def _count_attachments(self) -> None:
        value = self._find("attachments")
        if value is None:
            return
        if not isinstance(value, list):
            raise self._wrong("attachments", "must be a list")
        if value:
            log.info("%d attachments of a message by webhook were not fetched", len(value))

    def _refuse_unknown(self, part: str, known: frozenset[str]) -> None:
        value = self._item.get(part) if part else self._item
        if value is None:
            return
        if not isinstance(value, dict):
            raise self._wrong(part, "must be an object")
        unknown = sorted(value.keys() - known)
        if unknown:
            # A key is the sender's text as well, so only one that looks like a name is repeated.
            name = unknown[0] if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", unknown[0]) else "a field"
            raise self._wrong(f"{part}.{name}" if part else name, "is unknown")

    def _wrong(self, name: str, what: str) -> UnreadableDelivery:
        return UnreadableDelivery(f"{self._where}.{name} {what}" if self._where else f"{name} {what}")


def _number(value: int | float) -> Any:
    """The digits, as they would stand in a string; what is no finite number stays wrong."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value) if abs(value) < 10**80 else None
