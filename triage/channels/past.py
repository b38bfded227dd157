"""Past messages out of a file that another system exported: CSV, JSON or NDJSON, one record a message.

Which field stands where is told by the names that help desks and shops give them, on the record itself or one level below.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parseaddr, parsedate_to_datetime
from typing import Any

from triage.channels.mapping import DEFAULT, FieldMapping
from triage.channels.payload import load_json, storable, value_at
from triage.errors import UnreadableDelivery
from triage.types import Arrival

MOST_BYTES = 8 * 1024 * 1024
MOST_RECORDS = 2000
MOST_TEXT = 64_000
PREFIX = "past:"
"""Begins the ids of past messages: a live channel that counts its messages from 1 must not find them taken."""

_NAMES: Mapping[str, tuple[str, ...]] = {
    "text": ("text", "body", "message", "description", "content", "comment", "question", "body_text", "plain_body",
             "message_text", "message.text", "comment.body", "comment.plain_body"),
    "external_id": ("external_id", "message_id", "id"),
    "conversation_ref": ("conversation_ref", "conversation_id", "ticket_id", "thread_id"),
    "subject": ("subject", "title", "raw_subject"),
    "received_at": ("received_at", "created_at", "sent_at", "created", "date", "timestamp", "time"),
    "sender.name": ("sender.name", "customer_name", "requester_name", "name", "customer.name", "requester.name", "contact.name",
                    "from.name", "from_name"),
    "sender.email": ("sender.email", "customer_email", "requester_email", "email", "customer.email", "requester.email",
                     "contact.email", "from.email", "from_email", "from", "sender"),
    "sender.phone": ("sender.phone", "phone", "customer_phone", "customer.phone", "requester.phone", "contact.phone"),
    "sender.handle": ("sender.handle", "handle", "username", "customer.handle", "from.handle"),
    "order_id": ("order.id", "order_id", "order_number", "order"),
    "language_hint": ("language_hint", "language", "lang", "locale"),
    "channel": ("channel", "via.channel", "source", "via"),
}  # fmt: skip
_DIRECTION = ("direction", "author_type", "author_role", "author", "sender_type", "role")
_OURS = frozenset({"agent", "admin", "operator", "staff", "out", "outgoing", "outbound", "bot", "system"})
_CHANNELS = {
    "mail": "email", "e_mail": "email", "facebook": "social", "instagram": "social", "messenger": "social",
    "twitter": "social", "voice": "phone", "call": "phone", "native_messaging": "chat", "livechat": "chat",
    "live_chat": "chat", "messaging": "chat", "text": "sms",
}  # fmt: skip
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_MAPPING = FieldMapping(paths={name: f"/{name}" for name in DEFAULT}, own=False)


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A message; ``dated`` is false where the record gives no time that can be read."""

    number: int
    arrival: Arrival
    dated: bool


@dataclass(frozen=True, kw_only=True)
class Left:
    """A record that gave no message. ``reason``: ``no_record``, ``no_text``, ``not_a_customer``, ``too_many``, or what is
    wrong with a field; never its value."""

    number: int
    reason: str


def read_past(content: bytes, *, channel: str, channels: Collection[str]) -> Iterator[Taken | Left]:
    """Every record of the file in turn, counted from 1.

    Args:
        channel: of records that name none, or none of ``channels``.

    Raises:
        UnreadableDelivery: the file is too large, no text, or nothing that is known.
    """
    if len(content) > MOST_BYTES:
        raise UnreadableDelivery(f"more than {MOST_BYTES // 1024**2} MB")
    for number, record in enumerate(_records(_decoded(content)), start=1):
        if number > MOST_RECORDS:
            yield Left(number=number, reason="too_many")
            return
        try:
            yield _read(number, record, channel, channels)
        except UnreadableDelivery as error:
            yield Left(number=number, reason=str(error))


def _decoded(content: bytes) -> str:
    encoding = "utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        return str(storable(content.decode(encoding)))
    except UnicodeDecodeError as error:
        raise UnreadableDelivery(f"the file is not text in UTF-8 (byte {error.start})") from None


def _records(text: str) -> Iterator[Any]:
    begin = text.lstrip()[:1]
    if not begin:
        raise UnreadableDelivery("the file is empty")
    if begin not in "{[":
        yield from _table(text)
        return
    try:
        whole = load_json(text.encode("utf-8"))
    except UnreadableDelivery:
        if begin == "[":
            raise
        yield from _lines(text)
        return
    listed = whole if isinstance(whole, list) else next((v for v in whole.values() if _is_list(v)), None)
    yield from [whole] if listed is None else listed


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _lines(text: str) -> Iterator[Any]:
    """NDJSON; a line that is none takes no other with it."""
    for line in text.split("\n"):
        if line.strip():
            try:
                yield load_json(line.encode("utf-8"))
            except UnreadableDelivery:
                yield None


def _table(text: str) -> Iterator[Any]:
    head = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t|", key=head.count)
    reader = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter)
    try:
        names = [_canonical(name) for name in next(reader)]
        if not set(names) & set(_NAMES["text"]):
            raise UnreadableDelivery("no column is called text, body, message, description or content")
        for row in reader:
            if any(cell.strip() for cell in row):
                yield dict(zip(names, row, strict=False))
    except csv.Error as error:
        raise UnreadableDelivery(f"the table cannot be read: {error}") from None


def _read(number: int, record: Any, channel: str, channels: Collection[str]) -> Taken | Left:
    if not isinstance(record, dict):
        return Left(number=number, reason="no_record")
    record = {_canonical(str(key)): value for key, value in record.items()}
    if any(_canonical(str(record.get(name))) in _OURS for name in _DIRECTION):
        return Left(number=number, reason="not_a_customer")
    found = {name: value for name, names in _NAMES.items() if (value := _first(record, names)) is not None}
    text = found.get("text", "")
    if not isinstance(text, str) or not text.strip():
        return Left(number=number, reason="no_text")
    found["text"] = text[:MOST_TEXT]
    _mend(found, channel, channels)
    dated = _date(found)
    whole = json.dumps(found, sort_keys=True, default=str).encode("utf-8", "replace")
    own = found.get("external_id")
    found["external_id"] = f"{PREFIX}{own}" if own is not None else f"{PREFIX}{hashlib.sha256(whole).hexdigest()[:32]}"
    arrival = _MAPPING.arrival(found, where="", fallback_id=None, channel=channel)
    return Taken(number=number, arrival=arrival, dated=dated and arrival.message.received_at is not None)


def _first(record: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        try:
            value = value_at(record, name)
        except LookupError:
            continue
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value).strip():
            return value
    return None


def _mend(found: dict[str, Any], channel: str, channels: Collection[str]) -> None:
    """What other systems write otherwise, as we do; what helps little and is malformed goes, and the message stays."""
    named = _canonical(str(found.get("channel", "")))
    named = _CHANNELS.get(named, named)
    found["channel"] = named if named in channels else channel
    name, address = parseaddr(str(found.get("sender.email", ""))[:500])
    if "@" in address:
        found["sender.email"] = address[:320]
        if name:
            found.setdefault("sender.name", name)
    else:
        found.pop("sender.email", None)
    if "sender.name" in found:
        found["sender.name"] = str(found["sender.name"])[:200]
    if not _LANGUAGE.fullmatch(str(found.get("language_hint", ""))):
        found.pop("language_hint", None)
    for key, most in (("subject", 2000), ("order_id", 80)):
        if key in found:
            found[key] = str(found[key])[:most]


def _date(found: dict[str, Any]) -> bool:
    """Whether there is a time; one that cannot be read is left out."""
    value = found.get("received_at")
    if isinstance(value, str):
        if re.fullmatch(r"\d{9,13}", value.strip()):
            found["received_at"] = int(value)
        elif not re.match(r"\d{4}-\d\d-\d\d", value.strip()):
            try:
                found["received_at"] = parsedate_to_datetime(value[:100]).isoformat()
            except (ValueError, TypeError, IndexError):
                found.pop("received_at")
        else:
            found["received_at"] = value.strip().removesuffix(" UTC")
    if "received_at" in found:
        try:
            _MAPPING.arrival(
                {"text": "x", "external_id": "x", "received_at": found["received_at"]},
                where="",
                fallback_id=None,
                channel="x",
            )
        except UnreadableDelivery:
            found.pop("received_at")
    return "received_at" in found


def _canonical(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().lower())
